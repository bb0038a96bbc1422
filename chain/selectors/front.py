"""The node in one glance, for the front page: two statements whatever the chain's size."""

from __future__ import annotations

from dataclasses import dataclass

from chain.stores.connection import Connection, cursor, database_errors


@dataclass(frozen=True, slots=True)
class RecentBlock:
    """A block of the selected chain with its epoch; ``age_ms`` by the database's clock."""

    number: int
    hash: bytes
    stream: int
    blue_score: int
    transactions: int
    gas_used: int
    merged: int
    age_ms: int


@dataclass(frozen=True, slots=True)
class Front:
    """Where the chain stands as of the last commit."""

    number: int
    sink: bytes
    blocks_by_stream: tuple[int, ...]  # A, B, C
    accepted: int
    reorgs: int
    deepest_reorg: int
    tips: int
    recent: tuple[RecentBlock, ...]


_NODE = (
    "SELECT sink_number, sink, blocks_by_stream, accepted, reorgs, deepest_reorg, cardinality(tips)"
    "  FROM chain_node_state"
)
_RECENT = (
    "SELECT c.number, c.hash, b.stream, b.blue_score, e.tx_count, e.gas_used,"
    " cardinality(b.blues) + cardinality(b.reds) - 1,"
    " (extract(epoch FROM clock_timestamp()) * 1000)::bigint - b.timestamp_ms"
    " FROM chain_selected_chain c JOIN chain_block b ON b.hash = c.hash JOIN chain_epoch e ON e.hash = c.hash"
    " ORDER BY c.number DESC LIMIT %s"
)


def front(conn: Connection, blocks: int = 15) -> Front | None:
    """The front page's facts; None before the chain is initialised."""
    with database_errors():
        node = cursor(conn).execute(_NODE, binary=True).fetchone()
        if node is None:
            return None
        rows = cursor(conn).execute(_RECENT, (blocks,), binary=True).fetchall()
    recent = [RecentBlock(*row[:5], int(row[5]), max(0, row[6]), max(0, row[7])) for row in rows]
    return Front(node[0], node[1], tuple(node[2][1:]), *node[3:], tuple(recent))
