"""Figures of the node and the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the chain stands as of the last commit; counts since genesis, wei for amounts."""

    sequence: int
    sink: bytes
    number: int
    timestamp_ms: int
    blue_score: int
    work_score: int
    stream: int
    base_fee: int
    next_base_fee: int
    minted: int
    supply: int
    finality_point: bytes
    finality_number: int
    tips: int
    genesis_blocks: int
    blocks_a: int
    blocks_b: int
    blocks_c: int
    accepted: int
    reorgs: int
    deepest_reorg: int
    updated_ms: int


@dataclass(frozen=True, slots=True)
class EpochLoad:
    """What one epoch carried: accepted transactions in all, by source shard and by phase."""

    number: int
    timestamp_ms: int
    tx_count: int
    gas_used: int
    lane_txs: tuple[int, ...]
    phase_txs: tuple[int, ...]


def _standing(row: Any) -> Standing:
    return Standing(*row[:7], *[int(value) for value in row[7:11]], *row[11:])


def _load(row: Any) -> EpochLoad:
    return EpochLoad(*row[:4], tuple(row[4]), tuple(row[5]))


STANDING: Query[Standing] = Query(
    "SELECT n.sequence, n.sink, n.sink_number, b.timestamp_ms, b.blue_score, b.work_score, b.stream, e.base_fee,"
    " e.next_base_fee, e.minted, e.supply, n.finality_point, f.number, cardinality(n.tips), n.blocks_by_stream[1],"
    " n.blocks_by_stream[2], n.blocks_by_stream[3], n.blocks_by_stream[4], n.accepted, n.reorgs, n.deepest_reorg,"
    " n.updated_ms FROM chain_node_state n JOIN chain_block b ON b.hash = n.sink"
    " JOIN chain_epoch e ON e.hash = n.sink JOIN chain_block f ON f.hash = n.finality_point",
    _standing,
)
# (since ms, limit): epochs of the selected chain that are stamped since a time, newest first
EPOCH_LOADS: Query[EpochLoad] = Query(
    "SELECT c.number, e.timestamp_ms, e.tx_count, e.gas_used, e.lane_txs, e.phase_txs"
    " FROM chain_block b JOIN chain_selected_chain c ON c.hash = b.hash JOIN chain_epoch e ON e.hash = c.hash"
    " WHERE b.timestamp_ms >= %s ORDER BY c.number DESC LIMIT %s",
    _load,
)
