"""Blocks: one in full, its neighbours in the DAG, and its epoch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.consensus.model import BlockRecord
from chain.core.types import BlockStatus
from chain.selectors.query import Query
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


_JOINS = (
    " FROM chain_block b LEFT JOIN chain_selected_chain c ON c.hash = b.hash"
    " LEFT JOIN chain_consensus_order o ON o.hash = b.hash "
)
_VIEW = (
    f"SELECT {columns(HEADER_COLUMNS, 'b.')}, {columns(PLACE_COLUMNS, 'b.')}, b.status, b.source, b.received_ms,"
    f" b.size, b.tx_count, c.number, o.number, o.position, o.is_blue{_JOINS}"
)
_RECORD_WIDTH = len(HEADER_COLUMNS) + len(PLACE_COLUMNS)


def _view(row: Any) -> BlockView:
    rest = row[_RECORD_WIDTH:]
    return BlockView(record_of(row), status_of(rest[0]), *rest[1:])


# (hash)
BLOCK_BY_HASH = Query(f"{_VIEW}WHERE b.hash = %s", _view)
# (number): the selected chain's
BLOCK_BY_NUMBER = Query(f"{_VIEW}WHERE c.number = %s", _view)
# (hash, limit): blocks that name it as a parent, each with how many there are in all
CHILDREN: Query[tuple[bytes, int]] = Query(
    "SELECT block, count(*) OVER () FROM chain_block_parent WHERE parent = %s ORDER BY block LIMIT %s",
    lambda row: (row[0], row[1]),
)
# (number)
EPOCH_BY_NUMBER: Query[StoredEpoch] = Query(
    f"SELECT {columns(EPOCH_COLUMNS, 'e.')} FROM chain_selected_chain c"  # noqa: S608 - our own names
    " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number = %s",
    epoch_of,
)
