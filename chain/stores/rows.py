"""Rows of the block and epoch tables, and the frozen records that they become."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chain.core import codec
from chain.core.consensus.model import BlockRecord
from chain.core.types import (
    EMPTY_CODE_HASH,
    Account,
    BlockStatus,
    EpochSummary,
    Header,
    SkipReason,
    SupplyChange,
)

# the database keeps the place in this list: append only
SKIP_REASONS = (
    SkipReason.NONCE,
    SkipReason.FUNDS,
    SkipReason.BASE_FEE,
    SkipReason.SENDER_CODE,
    SkipReason.DELEGATED,
    SkipReason.ROOM,
    SkipReason.UNRUNNABLE,
)

HEADER_COLUMNS: tuple[tuple[str, str], ...] = (
    ("hash", "bytea"),
    ("version", "int4"),
    ("chain_id", "numeric"),
    ("stream", "int2"),
    ("parents", "bytea[]"),
    ("timestamp_ms", "int8"),
    ("target", "int8"),
    ("count_a", "int8"),
    ("count_b", "int8"),
    ("count_c", "int8"),
    ("blue_score", "int8"),
    ("blue_work", "numeric"),
    ("number", "int8"),
    ("coinbase", "bytea"),
    ("vrf_key", "bytea"),
    ("tx_root", "bytea"),
    ("state_root", "bytea"),
    ("receipts_root", "bytea"),
    ("gas_used", "numeric"),
    ("base_fee", "numeric"),
    ("extra", "bytea"),
    ("seal", "bytea[]"),
)
PLACE_COLUMNS: tuple[tuple[str, str], ...] = (
    ("selected_parent", "bytea"),
    ("blues", "bytea[]"),
    ("reds", "bytea[]"),
    ("work_score", "int8"),
    ("weight", "numeric"),
    ("line", "bytea"),
    ("lot", "bytea"),
    ("drift_a", "int8"),
    ("gap_a", "int8"),
    ("drift_b", "int8"),
    ("gap_b", "int8"),
)
ARRIVAL_COLUMNS: tuple[tuple[str, str], ...] = (
    ("status", "varchar"),
    ("source", "varchar"),
    ("received_ms", "int8"),
    ("size", "int4"),
    ("tx_count", "int4"),
)
BLOCK_COLUMNS = (("seq", "int8"), *HEADER_COLUMNS, *PLACE_COLUMNS, *ARRIVAL_COLUMNS)

EPOCH_COLUMNS: tuple[tuple[str, str], ...] = (
    ("hash", "bytea"),
    ("number", "int8"),
    ("parent", "bytea"),
    ("timestamp_ms", "int8"),
    ("base_fee", "numeric"),
    ("state_root", "bytea"),
    ("receipts_root", "bytea"),
    ("gas_used", "int8"),
    ("minted", "numeric"),
    ("gas_left", "int8"),
    ("tx_left", "int8"),
    ("admitted_gas", "int8"),
    ("admitted_count", "int8"),
    ("next_base_fee", "numeric"),
    ("reserved_gas", "int8"),
    ("supply", "numeric"),
    ("rewards", "numeric"),
    ("base_fees_burned", "numeric"),
    ("tips_burned", "numeric"),
    ("destroyed", "numeric"),
    ("tx_count", "int4"),
    ("skipped_count", "int4"),
    ("log_count", "int4"),
    ("lane_txs", "int4[]"),
    ("phase_txs", "int4[]"),
    ("logs_bloom", "bytea"),
    ("lattice_digests", "bytea"),
    ("reward_to", "bytea[]"),
    ("reward_wei", "numeric[]"),
)


@dataclass(frozen=True, slots=True)
class StoredEpoch:
    """An executed epoch of the selected chain as the database keeps it.

    ``supply`` is the wei in existence after it; ``rewards`` (coinbase, wei) in consensus order;
    ``lattice_digests`` one hash a shard; ``lane_txs`` accepted transactions by source shard,
    ``phase_txs`` by phase.
    """

    hash: bytes
    number: int
    parent: bytes | None
    timestamp_ms: int
    base_fee: int
    summary: EpochSummary
    reserved_gas: int
    supply: int
    change: SupplyChange
    tx_count: int
    skipped_count: int
    log_count: int
    lane_txs: tuple[int, ...]
    phase_txs: tuple[int, ...]
    logs_bloom: bytes
    lattice_digests: tuple[bytes, ...]
    rewards: tuple[tuple[bytes, int], ...]


def columns(pairs: Sequence[tuple[str, str]], prefix: str = "") -> str:
    """Names of columns for a SELECT."""
    return ", ".join([f'{prefix}"{name}"' for name, _ in pairs])


def header_values(block_hash: bytes, header: Header) -> tuple[Any, ...]:
    """A header in the order of ``HEADER_COLUMNS``."""
    return (
        block_hash,
        header.version,
        header.chain_id,
        header.stream,
        list(header.parents),
        header.timestamp_ms,
        header.target,
        *header.stream_counts,
        header.blue_score,
        header.blue_work,
        header.number,
        header.coinbase,
        header.vrf_key,
        header.tx_root,
        header.state_root,
        header.receipts_root,
        header.gas_used,
        header.base_fee,
        header.extra,
        list(header.seal),
    )


def place_values(record: BlockRecord) -> tuple[Any, ...]:
    """A record's place in the DAG in the order of ``PLACE_COLUMNS``."""
    return (
        record.selected_parent,
        list(record.blues),
        list(record.reds),
        record.work_score,
        record.weight,
        record.line,
        record.lot,
        record.drift_a,
        record.gap_a,
        record.drift_b,
        record.gap_b,
    )


def header_of(row: Sequence[Any]) -> Header:
    """A header from values in the order of ``HEADER_COLUMNS``."""
    header = Header(
        version=row[1],
        chain_id=int(row[2]),
        stream=row[3],
        parents=tuple(row[4]),
        timestamp_ms=row[5],
        target=row[6],
        stream_counts=(row[7], row[8], row[9]),
        blue_score=row[10],
        blue_work=int(row[11]),
        number=row[12],
        coinbase=row[13],
        vrf_key=row[14],
        tx_root=row[15],
        state_root=row[16],
        receipts_root=row[17],
        gas_used=int(row[18]),
        base_fee=int(row[19]),
        extra=row[20],
        seal=tuple(row[21]),
    )
    # the row's key is the hash of these bytes: spare every reader the hashing
    object.__setattr__(header, "_hash", row[0])
    return header


def record_of(row: Sequence[Any]) -> BlockRecord:
    """A record from values in the order of ``HEADER_COLUMNS`` and ``PLACE_COLUMNS``."""
    place = row[len(HEADER_COLUMNS) :]
    return BlockRecord(
        hash=row[0],
        header=header_of(row),
        selected_parent=place[0],
        blues=tuple(place[1]),
        reds=tuple(place[2]),
        work_score=place[3],
        weight=int(place[4]),
        line=place[5],
        lot=place[6],
        drift_a=place[7],
        gap_a=place[8],
        drift_b=place[9],
        gap_b=place[10],
    )


def status_of(text: str) -> BlockStatus:
    """A status from its column."""
    return BlockStatus(text)


def epoch_of(row: Sequence[Any]) -> StoredEpoch:
    """An epoch from values in the order of ``EPOCH_COLUMNS``."""
    digests = row[26]
    return StoredEpoch(
        hash=row[0],
        number=row[1],
        parent=row[2],
        timestamp_ms=row[3],
        base_fee=int(row[4]),
        summary=EpochSummary(
            state_root=row[5],
            receipts_root=row[6],
            gas_used=row[7],
            minted=int(row[8]),
            gas_left=row[9],
            tx_left=row[10],
            admitted_gas=row[11],
            admitted_count=row[12],
            next_base_fee=int(row[13]),
        ),
        reserved_gas=row[14],
        supply=int(row[15]),
        change=SupplyChange(int(row[16]), int(row[17]), int(row[18]), int(row[19])),
        tx_count=row[20],
        skipped_count=row[21],
        log_count=row[22],
        lane_txs=tuple(row[23]),
        phase_txs=tuple(row[24]),
        logs_bloom=row[25],
        lattice_digests=tuple([digests[at : at + 32] for at in range(0, len(digests), 32)]),
        rewards=tuple([(to, int(wei)) for to, wei in zip(row[27], row[28], strict=True)]),
    )


def epoch_values(epoch: StoredEpoch) -> tuple[Any, ...]:
    """An epoch in the order of ``EPOCH_COLUMNS``."""
    summary, change = epoch.summary, epoch.change
    return (
        epoch.hash,
        epoch.number,
        epoch.parent,
        epoch.timestamp_ms,
        epoch.base_fee,
        summary.state_root,
        summary.receipts_root,
        summary.gas_used,
        summary.minted,
        summary.gas_left,
        summary.tx_left,
        summary.admitted_gas,
        summary.admitted_count,
        summary.next_base_fee,
        epoch.reserved_gas,
        epoch.supply,
        change.rewards,
        change.base_fees_burned,
        change.tips_burned,
        change.destroyed,
        epoch.tx_count,
        epoch.skipped_count,
        epoch.log_count,
        list(epoch.lane_txs),
        list(epoch.phase_txs),
        epoch.logs_bloom,
        b"".join(epoch.lattice_digests),
        [to for to, _ in epoch.rewards],
        [wei for _, wei in epoch.rewards],
    )


def account_values(account: Account | None) -> tuple[int | None, int | None, bytes | None]:
    """(nonce, balance, code_hash) as the state tables keep them; an absent account is three nulls."""
    if account is None:
        return None, None, None
    return account.nonce, account.balance, None if account.code_hash == EMPTY_CODE_HASH else account.code_hash


def account_of(nonce: int | None, balance: Any, code_hash: bytes | None) -> Account | None:
    """The reverse of ``account_values``."""
    if nonce is None:
        return None
    return Account(nonce, int(balance), code_hash or EMPTY_CODE_HASH)


def slot_value(value: int) -> bytes | None:
    """A slot's value as the state tables keep it: zero is null."""
    return value.to_bytes(32, "big") if value else None


def slot_of(value: bytes | None) -> int:
    """The reverse of ``slot_value``."""
    return int.from_bytes(value, "big") if value else 0


def block_size(header: Header, envelopes: tuple[bytes, ...]) -> int:
    """Length in bytes of the encoded block, without building it."""
    payload = sum([_item_length(envelope) for envelope in envelopes])
    inner = len(codec.encode_header(header)) + payload + _prefix_length(payload)
    return inner + _prefix_length(inner)


def _prefix_length(payload: int) -> int:
    return 1 if payload < 56 else 1 + (payload.bit_length() + 7) // 8


def _item_length(item: bytes) -> int:
    size = len(item)
    return 1 if size == 1 and item[0] < 0x80 else size + _prefix_length(size)
