"""The DAG as such, and the node's figures, on an asynchronous connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from chain.core.types import Header
from chain.stores.rows import HEADER_COLUMNS, PLACE_COLUMNS, columns, header_of

AsyncConnection = psycopg.AsyncConnection[Any]

_PLACE_AT = len(HEADER_COLUMNS)
_REST_AT = _PLACE_AT + len(PLACE_COLUMNS)
_DAG_BLOCK = (
    f"SELECT {columns(HEADER_COLUMNS, 'b.')}, {columns(PLACE_COLUMNS, 'b.')},"  # noqa: S608 - our own names
    " b.status, b.source, b.received_ms, b.size, b.tx_count, c.number, o.number, o.position, o.is_blue,"
    " ARRAY(SELECT p.block FROM chain_block_parent p WHERE p.parent = b.hash ORDER BY p.block)"
    " FROM chain_block b LEFT JOIN chain_selected_chain c ON c.hash = b.hash"
    " LEFT JOIN chain_consensus_order o ON o.hash = b.hash WHERE b.hash = %s"
)


@dataclass(frozen=True, slots=True)
class DagBlock:
    """A block of the DAG, on the selected chain or not.

    ``chain_number`` is set on the selected chain; ``merged_by`` is the number under which the selected
    chain merged it, ``is_blue`` its colour there.
    """

    hash: bytes
    header: Header
    selected_parent: bytes | None
    blues: tuple[bytes, ...]
    reds: tuple[bytes, ...]
    work_score: int
    weight: int
    line: bytes
    lot: bytes
    status: str
    source: str
    received_ms: int
    size: int
    tx_count: int
    chain_number: int | None
    merged_by: int | None
    position: int | None
    is_blue: bool | None
    children: tuple[bytes, ...]


async def dag_block(conn: AsyncConnection, block_hash: bytes) -> DagBlock | None:
    """A block by hash."""
    row: Any = await (await conn.execute(_DAG_BLOCK, (block_hash,), binary=True)).fetchone()
    if row is None:
        return None
    place, rest = row[_PLACE_AT:_REST_AT], row[_REST_AT:]
    return DagBlock(
        hash=row[0],
        header=header_of(row),
        selected_parent=place[0],
        blues=tuple(place[1]),
        reds=tuple(place[2]),
        work_score=place[3],
        weight=int(place[4]),
        line=place[5],
        lot=place[6],
        status=rest[0],
        source=rest[1],
        received_ms=rest[2],
        size=rest[3],
        tx_count=rest[4],
        chain_number=rest[5],
        merged_by=rest[6],
        position=rest[7],
        is_blue=rest[8],
        children=tuple(rest[9]),
    )


async def body_hashes(conn: AsyncConnection, block_hash: bytes) -> list[bytes]:
    """Hashes of a block's own transactions in body order."""
    rows = await conn.execute(
        "SELECT tx FROM chain_block_transaction WHERE block = %s ORDER BY position", (block_hash,), binary=True
    )
    return [row[0] for row in await rows.fetchall()]


async def tips(conn: AsyncConnection) -> list[tuple[bytes, int, int, int, int, str, int]]:
    """(hash, stream, blue_score, work_score, number, status, timestamp_ms) of the DAG's tips, heaviest first."""
    rows = await conn.execute(
        "SELECT b.hash, b.stream, b.blue_score, b.work_score, b.number, b.status, b.timestamp_ms"
        " FROM chain_node_state n CROSS JOIN unnest(n.tips) t(hash) JOIN chain_block b ON b.hash = t.hash"
        " ORDER BY b.weight DESC, b.hash",
        binary=True,
    )
    return await rows.fetchall()


async def last_inserted(conn: AsyncConnection) -> int:
    """The insertion number of the newest block of the DAG."""
    rows = await conn.execute("SELECT coalesce(max(seq), 0) FROM chain_block", binary=True)
    row: Any = await rows.fetchone()
    return int(row[0])


async def inserted_after(conn: AsyncConnection, seq: int, limit: int) -> list[tuple[Any, ...]]:
    """Blocks by insertion: seq, hash, stream, parents, selected_parent, blue_score, number, timestamp_ms, tx_count."""
    rows = await conn.execute(
        "SELECT seq, hash, stream, parents, selected_parent, blue_score, number, timestamp_ms, tx_count"
        " FROM chain_block WHERE seq > %s ORDER BY seq LIMIT %s",
        (seq, limit),
        binary=True,
    )
    return await rows.fetchall()


async def node_row(conn: AsyncConnection) -> Any:
    """(sequence, sink, number, finality point, tips, blocks by stream, accepted, reorgs, deepest, updated_ms,
    finality conflicts)."""
    rows = await conn.execute(
        "SELECT sequence, sink, sink_number, finality_point, cardinality(tips), blocks_by_stream, accepted, reorgs,"
        " deepest_reorg, updated_ms, finality_conflicts FROM chain_node_state",
        binary=True,
    )
    return await rows.fetchone()


async def window(conn: AsyncConnection, since_ms: int) -> Any:
    """Blocks by stream (A, B, C), red blocks and distinct miners among blocks stamped since a time."""
    rows = await conn.execute(
        "SELECT count(*) FILTER (WHERE b.stream = 1), count(*) FILTER (WHERE b.stream = 2),"
        " count(*) FILTER (WHERE b.stream = 3), count(*) FILTER (WHERE NOT o.is_blue), count(DISTINCT b.coinbase)"
        " FROM chain_block b LEFT JOIN chain_consensus_order o ON o.hash = b.hash WHERE b.timestamp_ms >= %s",
        (since_ms,),
        binary=True,
    )
    return await rows.fetchone()


async def load(conn: AsyncConnection, from_number: int, since_ms: int) -> list[tuple[int, list[int], list[int], int]]:
    """(accepted, by source shard, by phase, gas used) of epochs from a number on that are stamped since a time."""
    rows = await conn.execute(
        "SELECT e.tx_count, e.lane_txs, e.phase_txs, e.gas_used FROM chain_selected_chain c"
        " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number >= %s AND e.timestamp_ms >= %s",
        (from_number, since_ms),
        binary=True,
    )
    return await rows.fetchall()


async def accounts_by_shard(conn: AsyncConnection) -> dict[int, int]:
    """Accounts of each shard as the server's statistics count them: recent, not exact."""
    rows = await conn.execute(
        "SELECT substring(relname FROM '[0-9]+$')::int, n_live_tup FROM pg_stat_user_tables"
        " WHERE relname ~ '^chain_account_current_s[0-9]+$'",
        binary=True,
    )
    return {row[0]: row[1] for row in await rows.fetchall()}
