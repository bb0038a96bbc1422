"""Pages of blocks and transactions as lists show them; keyset in both directions, newest first."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query, columns_as, first


@dataclass(frozen=True, slots=True)
class ChainLine:
    """A block of the selected chain with its epoch; ``merged`` counts the mergeset without the selected parent."""

    number: int
    hash: bytes
    stream: int
    coinbase: bytes
    timestamp_ms: int
    tx_count: int
    gas_used: int
    base_fee: int
    merged: int
    size: int


def _line(row: Any) -> ChainLine:
    return ChainLine(*row[:7], int(row[7]), max(0, row[8]), row[9])


_LINE = (
    "SELECT c.number, c.hash, b.stream, b.coinbase, b.timestamp_ms, e.tx_count, e.gas_used, e.base_fee,"
    " cardinality(b.blues) + cardinality(b.reds) - 1, b.size FROM chain_selected_chain c"
    " JOIN chain_block b ON b.hash = c.hash JOIN chain_epoch e ON e.hash = c.hash WHERE c.number "
)
# (newest number, limit)
CHAIN_FROM: Query[ChainLine] = Query(f"{_LINE}<= %s ORDER BY c.number DESC LIMIT %s", _line)

# (number above which to go on, limit): oldest first
CHAIN_ABOVE: Query[ChainLine] = Query(f"{_LINE}> %s ORDER BY c.number LIMIT %s", _line)

_DAG = (
    "SELECT b.seq, b.hash, b.stream, b.number, b.blue_score, b.timestamp_ms, b.coinbase, b.status, b.tx_count, b.size,"
    " cardinality(b.parents), c.number, o.number, o.is_blue FROM chain_block b"
    " LEFT JOIN chain_selected_chain c ON c.hash = b.hash LEFT JOIN chain_consensus_order o ON o.hash = b.hash "
)


@dataclass(frozen=True, slots=True)
class DagLine:
    """A block of the DAG; ``merged_by`` and ``is_blue`` are None where the selected chain has not merged it."""

    seq: int
    hash: bytes
    stream: int
    number: int
    blue_score: int
    timestamp_ms: int
    coinbase: bytes
    status: str
    tx_count: int
    size: int
    parents: int
    chain_number: int | None
    merged_by: int | None
    is_blue: bool | None


# (blue score and hash below which to go on, limit): newest first
DAG_BELOW: Query[DagLine] = Query(
    f"{_DAG}WHERE (b.blue_score, b.hash) < (%s, %s) ORDER BY b.blue_score DESC, b.hash DESC LIMIT %s",
    columns_as(DagLine),
)
# (blue score and hash above which to go on, limit): oldest first
DAG_ABOVE: Query[DagLine] = Query(
    f"{_DAG}WHERE (b.blue_score, b.hash) > (%s, %s) ORDER BY b.blue_score, b.hash LIMIT %s",
    columns_as(DagLine),
)
# (hashes)
DAG_LINES: Query[DagLine] = Query(f"{_DAG}WHERE b.hash = ANY(%s)", columns_as(DagLine))

# (hash): whether there is one
IS_BLOCK: Query[int] = Query("SELECT 1 FROM chain_block WHERE hash = %s", first)
IS_TRANSACTION: Query[int] = Query("SELECT 1 FROM chain_transaction WHERE hash = %s", first)
# (block): its own body, in body order, at most so many
BODY: Query[bytes] = Query("SELECT tx FROM chain_block_transaction WHERE block = %s ORDER BY position LIMIT %s", first)
