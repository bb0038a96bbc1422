"""Blocks: one in full, pages of them, their order and their neighbours in the DAG."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.consensus.model import BlockRecord
from chain.core.types import BlockStatus
from chain.selectors.query import Query, columns_as
from chain.stores.rows import (
    EPOCH_COLUMNS,
    HEADER_COLUMNS,
    PLACE_COLUMNS,
    StoredEpoch,
    columns,
    epoch_of,
    record_of,
    status_of,
)


@dataclass(frozen=True, slots=True)
class BlockView:
    """A block of the DAG in full.

    ``chain_number`` is set on the selected chain.  ``merged_by`` is the number under which the selected
    chain merged it, ``position`` its place there, ``is_blue`` its colour there; None where it is unmerged.
    """

    record: BlockRecord
    status: BlockStatus
    source: str
    received_ms: int
    size: int
    tx_count: int
    chain_number: int | None
    merged_by: int | None
    position: int | None
    is_blue: bool | None


@dataclass(frozen=True, slots=True)
class BlockLine:
    """A block as lists and drawings show it; times in ms."""

    hash: bytes
    stream: int
    number: int
    blue_score: int
    timestamp_ms: int
    received_ms: int
    coinbase: bytes
    status: str
    tx_count: int
    size: int
    selected_parent: bytes | None
    parents: tuple[bytes, ...]
    chain_number: int | None
    merged_by: int | None
    is_blue: bool | None


@dataclass(frozen=True, slots=True)
class OrderedBlock:
    """A place in the consensus order; the chain block comes last in its number."""

    number: int
    position: int
    hash: bytes
    stream: int
    is_blue: bool


_JOINS = (
    " FROM chain_block b LEFT JOIN chain_selected_chain c ON c.hash = b.hash"
    " LEFT JOIN chain_consensus_order o ON o.hash = b.hash "
)
_VIEW = (
    f"SELECT {columns(HEADER_COLUMNS, 'b.')}, {columns(PLACE_COLUMNS, 'b.')}, b.status, b.source, b.received_ms,"
    f" b.size, b.tx_count, c.number, o.number, o.position, o.is_blue{_JOINS}"
)
_LINE = (
    "SELECT b.hash, b.stream, b.number, b.blue_score, b.timestamp_ms, b.received_ms, b.coinbase, b.status,"
    f" b.tx_count, b.size, b.selected_parent, b.parents, c.number, o.number, o.is_blue{_JOINS}"
)
_RECORD_WIDTH = len(HEADER_COLUMNS) + len(PLACE_COLUMNS)


def _view(row: Any) -> BlockView:
    rest = row[_RECORD_WIDTH:]
    return BlockView(record_of(row), status_of(rest[0]), *rest[1:])


def _line(row: Any) -> BlockLine:
    return BlockLine(*row[:11], tuple(row[11]), *row[12:])


# (hash)
BLOCK_BY_HASH = Query(f"{_VIEW}WHERE b.hash = %s", _view)
# (number): the selected chain's
BLOCK_BY_NUMBER = Query(f"{_VIEW}WHERE c.number = %s", _view)
# (hash, limit): blocks that name it as a parent, each with how many there are in all
CHILDREN: Query[tuple[bytes, int]] = Query(
    "SELECT block, count(*) OVER () FROM chain_block_parent WHERE parent = %s ORDER BY block LIMIT %s",
    lambda row: (row[0], row[1]),
)
# (blue score and hash below which to go on, limit): newest first
BLOCKS_BELOW = Query(
    f"{_LINE}WHERE (b.blue_score, b.hash) < (%s, %s) ORDER BY b.blue_score DESC, b.hash DESC LIMIT %s", _line
)
# (first timestamp_ms, last timestamp_ms, limit): for drawing, oldest first
BLOCKS_BETWEEN = Query(f"{_LINE}WHERE b.timestamp_ms BETWEEN %s AND %s ORDER BY b.timestamp_ms, b.hash LIMIT %s", _line)
# (hashes)
BLOCK_LINES = Query(f"{_LINE}WHERE b.hash = ANY(%s)", _line)
# (first number, last number): the consensus order over a stretch of the selected chain
ORDER_BETWEEN = Query(
    "SELECT o.number, o.position, o.hash, b.stream, o.is_blue FROM chain_consensus_order o"
    " JOIN chain_block b ON b.hash = o.hash WHERE o.number BETWEEN %s AND %s ORDER BY o.number, o.position",
    columns_as(OrderedBlock),
)
# (number)
EPOCH_BY_NUMBER: Query[StoredEpoch] = Query(
    f"SELECT {columns(EPOCH_COLUMNS, 'e.')} FROM chain_selected_chain c"  # noqa: S608 - our own names
    " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number = %s",
    epoch_of,
)
# (first number, last number)
EPOCHS_BETWEEN: Query[StoredEpoch] = Query(
    f"SELECT {columns(EPOCH_COLUMNS, 'e.')} FROM chain_selected_chain c"  # noqa: S608 - our own names
    " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number BETWEEN %s AND %s ORDER BY c.number",
    epoch_of,
)
