"""What a picture of the DAG is drawn from: blocks with their edges as insertion numbers, and their epochs.

A block is named by ``seq``, its insertion number: short, and greater than each parent's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query, columns_as


@dataclass(frozen=True, slots=True)
class DrawnBlock:
    """A block with its edges.

    ``target`` is compact; ``chain_number`` is set on the selected chain; ``merged_by`` is the number under
    which the selected chain merged it and ``is_blue`` its colour there, None while it has not.
    """

    seq: int
    hash: bytes
    stream: int
    blue_score: int
    timestamp_ms: int
    tx_count: int
    coinbase: bytes
    target: int
    chain_number: int | None
    merged_by: int | None
    is_blue: bool | None
    selected_parent: int | None
    parents: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class MergedBlock:
    """A block's place in the consensus order."""

    seq: int
    number: int
    is_blue: bool
    is_chain: bool


@dataclass(frozen=True, slots=True)
class DrawnEpoch:
    """What an epoch of the selected chain carried; ``lane_txs`` by source shard, fees in wei per gas."""

    number: int
    timestamp_ms: int
    tx_count: int
    gas_used: int
    next_base_fee: int
    lane_txs: tuple[int, ...]
    phase_txs: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bucket:
    """Blocks of one stream that are stamped within one step of time."""

    step: int
    stream: int
    blocks: int
    reds: int
    lowest_score: int
    highest_score: int
    target: int


@dataclass(frozen=True, slots=True)
class Standing:
    """Where the node stands as of the last commit."""

    sequence: int
    sink: bytes
    number: int
    blue_score: int
    last_seq: int
    tips: int
    blocks: tuple[int, ...]  # A, B, C since genesis
    accepted: int
    reorgs: int
    deepest_reorg: int
    supply: int


_COLUMNS = (
    "b.seq, b.hash, b.stream, b.blue_score, b.timestamp_ms, b.tx_count, b.coinbase, b.target, c.number, o.number,"
    " o.is_blue, e.selected, e.parents"
)
_PLACES = " LEFT JOIN chain_selected_chain c ON c.hash = b.hash LEFT JOIN chain_consensus_order o ON o.hash = b.hash"
# OFFSET 0: each block is looked up by its key, where the planner would read whole tables for a thousand of them
_LOOKED_UP = (
    " LEFT JOIN LATERAL (SELECT number FROM chain_selected_chain WHERE hash = b.hash OFFSET 0) c ON true"
    " LEFT JOIN LATERAL (SELECT number, is_blue FROM chain_consensus_order WHERE hash = b.hash OFFSET 0) o ON true"
    " CROSS JOIN LATERAL (SELECT coalesce(array_agg(p.seq ORDER BY p.seq), '{}') AS parents,"
    " max(p.seq) FILTER (WHERE p.hash = b.selected_parent) AS selected"
    " FROM chain_block p WHERE p.hash = ANY(b.parents)) e"
)


def _block(row: Any) -> DrawnBlock:
    return DrawnBlock(*row[:12], tuple(row[12]))


def _epoch(row: Any) -> DrawnEpoch:
    return DrawnEpoch(*row[:4], int(row[4]), tuple(row[5]), tuple(row[6]))


def _standing(row: Any) -> Standing:
    return Standing(*row[:6], tuple(row[6][1:]), *row[7:10], int(row[10]))


# the cut comes before the joins, so that they meet at most as many rows as are shown
# (lowest blue score, highest, limit): newest first
BLOCKS_BETWEEN: Query[DrawnBlock] = Query(
    f"SELECT {_COLUMNS} FROM (SELECT * FROM chain_block WHERE blue_score BETWEEN %s AND %s"  # noqa: S608 - our own text
    f" ORDER BY blue_score DESC, seq DESC LIMIT %s) b{_LOOKED_UP} ORDER BY b.blue_score DESC, b.seq DESC",
    _block,
)
# (seq, limit): by insertion
BLOCKS_AFTER: Query[DrawnBlock] = Query(
    f"SELECT {_COLUMNS} FROM (SELECT * FROM chain_block WHERE seq > %s ORDER BY seq LIMIT %s) b{_LOOKED_UP}"  # noqa: S608
    " ORDER BY b.seq",
    _block,
)
# (first number, last number)
MERGED_BETWEEN: Query[MergedBlock] = Query(
    "SELECT b.seq, o.number, o.is_blue, c.hash IS NOT NULL FROM chain_consensus_order o JOIN chain_block b USING (hash)"
    " LEFT JOIN chain_selected_chain c ON c.hash = o.hash WHERE o.number BETWEEN %s AND %s"
    " ORDER BY o.number, o.position",
    columns_as(MergedBlock),
)
# (first number, last number)
EPOCHS_BETWEEN: Query[DrawnEpoch] = Query(
    "SELECT c.number, e.timestamp_ms, e.tx_count, e.gas_used, e.next_base_fee, e.lane_txs, e.phase_txs"
    " FROM chain_selected_chain c JOIN chain_epoch e ON e.hash = c.hash WHERE c.number BETWEEN %s AND %s"
    " ORDER BY c.number",
    _epoch,
)
# (since ms, limit): epochs of the selected chain by their blocks' time, oldest first
EPOCHS_SINCE: Query[DrawnEpoch] = Query(
    "SELECT c.number, e.timestamp_ms, e.tx_count, e.gas_used, e.next_base_fee, e.lane_txs, e.phase_txs"
    " FROM (SELECT c.number, c.hash FROM chain_block b JOIN chain_selected_chain c ON c.hash = b.hash"
    "  WHERE b.timestamp_ms >= %s ORDER BY c.number DESC LIMIT %s) c JOIN chain_epoch e ON e.hash = c.hash"
    " ORDER BY c.number",
    _epoch,
)
# (first number, last number): accepted transactions that left phase 1, as (number, source shard, how many)
CROSSINGS_BETWEEN: Query[tuple[int, int, int]] = Query(
    "SELECT number, lane, count(*) FROM chain_acceptance WHERE number BETWEEN %s AND %s AND phase > 1"
    " GROUP BY number, lane",
    tuple,
)
# (since ms, ms of a step, since ms)
BUCKETS_SINCE: Query[Bucket] = Query(
    "SELECT ((b.timestamp_ms - %s) / %s)::int, b.stream, count(*), count(*) FILTER (WHERE NOT o.is_blue),"
    " min(b.blue_score), max(b.blue_score), max(b.target)"
    " FROM chain_block b LEFT JOIN chain_consensus_order o ON o.hash = b.hash"
    " WHERE b.timestamp_ms >= %s AND b.stream > 0 GROUP BY 1, 2 ORDER BY 1, 2",
    columns_as(Bucket),
)
STANDING: Query[Standing] = Query(
    "SELECT n.sequence, n.sink, n.sink_number, b.blue_score, (SELECT coalesce(max(seq), 0) FROM chain_block),"
    " cardinality(n.tips), n.blocks_by_stream, n.accepted, n.reorgs, n.deepest_reorg, e.supply"
    " FROM chain_node_state n JOIN chain_block b ON b.hash = n.sink JOIN chain_epoch e ON e.hash = n.sink",
    _standing,
)


@dataclass(frozen=True, slots=True)
class Inspected:
    """What a panel tells of one block; ``mergeset_*`` are without its selected parent, children at most 64.

    ``number`` is the header's, ``chain_number`` set on the selected chain only, as are the four of its epoch.
    """

    seq: int
    hash: bytes
    stream: int
    blue_score: int
    work_score: int
    timestamp_ms: int
    received_ms: int
    own_transactions: int
    size: int
    coinbase: bytes
    target: int
    number: int
    status: str
    source: str
    chain_number: int | None
    merged_by: int | None
    position: int | None
    is_blue: bool | None
    epoch_transactions: int | None
    gas_used: int | None
    base_fee: int | None
    skipped: int | None
    selected_parent: int | None
    mergeset_blue: tuple[int, ...]
    mergeset_red: tuple[int, ...]
    parents: tuple[int, ...]
    children: tuple[int, ...]


def _inspected(row: Any) -> Inspected:
    fee = None if row[20] is None else int(row[20])
    return Inspected(*row[:20], fee, *row[21:23], *[tuple(ids) for ids in row[23:]])


_IDS = "ARRAY(SELECT p.seq FROM chain_block p WHERE {} ORDER BY p.seq)"
# (seq)
INSPECTED: Query[Inspected] = Query(
    "SELECT b.seq, b.hash, b.stream, b.blue_score, b.work_score, b.timestamp_ms, b.received_ms, b.tx_count, b.size,"  # noqa: S608
    " b.coinbase, b.target, b.number, b.status, b.source, c.number, o.number, o.position, o.is_blue,"
    " e.tx_count, e.gas_used, e.base_fee, e.skipped_count,"
    " (SELECT s.seq FROM chain_block s WHERE s.hash = b.selected_parent),"
    f" {_IDS.format('p.hash = ANY(b.blues) AND p.hash <> b.selected_parent')},"
    f" {_IDS.format('p.hash = ANY(b.reds)')}, {_IDS.format('p.hash = ANY(b.parents)')},"
    " ARRAY(SELECT k.seq FROM chain_block_parent l JOIN chain_block k ON k.hash = l.block WHERE l.parent = b.hash"
    f" ORDER BY k.seq LIMIT 64) FROM chain_block b{_PLACES}"
    " LEFT JOIN chain_epoch e ON e.hash = b.hash AND c.hash IS NOT NULL WHERE b.seq = %s",
    _inspected,
)
