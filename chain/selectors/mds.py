"""Order, window and shards of the DAG, and what fairness figures are made of, on an asynchronous connection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import psycopg

from chain.selectors.query import Query

AsyncConnection = psycopg.AsyncConnection[Any]


@dataclass(frozen=True, slots=True)
class WindowBlock:
    """A block for drawing; ``is_blue`` and ``merged_by`` are None where the selected chain has not merged it."""

    hash: bytes
    stream: int
    parents: tuple[bytes, ...]
    selected_parent: bytes | None
    blue_score: int
    timestamp_ms: int
    status: str
    chain_number: int | None
    merged_by: int | None
    is_blue: bool | None


@dataclass(frozen=True, slots=True)
class PlacedTransaction:
    """An accepted transaction with its place; ``lane`` is its source shard, ``coinbase`` its block's."""

    number: int
    index: int
    tx: bytes
    phase: int
    lane: int
    status: int
    gas_used: int
    tip: int
    block: bytes
    position: int
    coinbase: bytes
    raw: bytes
    sender: bytes


_PLACED = (
    'SELECT a.number, a."index", a.tx, a.phase, a.lane, a.status, a.gas_used, a.effective_gas_price - e.base_fee,'
    " a.block, a.position, b.coinbase, t.raw, t.sender FROM chain_acceptance a"
    " JOIN chain_selected_chain c ON c.number = a.number JOIN chain_epoch e ON e.hash = c.hash"
    " JOIN chain_block b ON b.hash = a.block JOIN chain_transaction t ON t.hash = a.tx WHERE "
)


async def _all(conn: AsyncConnection, sql: str, args: tuple[Any, ...]) -> list[Any]:
    return await (await conn.execute(sql, args, binary=True)).fetchall()


async def block_order(conn: AsyncConnection, first: int, limit: int) -> list[tuple[int, int, bytes, bool]]:
    """(number, position, hash, is blue) of the consensus order from a number on."""
    return await _all(
        conn,
        "SELECT number, position, hash, is_blue FROM chain_consensus_order WHERE number >= %s"
        " ORDER BY number, position LIMIT %s",
        (first, limit),
    )


async def window(conn: AsyncConnection, blue_score: int, limit: int) -> list[WindowBlock]:
    """The newest blocks from a blue score on, at most ``limit``, highest first."""
    rows = await _all(
        conn,
        "SELECT b.hash, b.stream, b.parents, b.selected_parent, b.blue_score, b.timestamp_ms, b.status, c.number,"
        " o.number, o.is_blue FROM chain_block b LEFT JOIN chain_selected_chain c ON c.hash = b.hash"
        " LEFT JOIN chain_consensus_order o ON o.hash = b.hash WHERE b.blue_score >= %s"
        " ORDER BY b.blue_score DESC, b.hash LIMIT %s",
        (blue_score, limit),
    )
    return [WindowBlock(row[0], row[1], tuple(row[2]), *row[3:]) for row in rows]


async def placed(
    conn: AsyncConnection, first: int, last: int, limit: int, *, lane: int | None = None, crossing: bool = False
) -> list[PlacedTransaction]:
    """Accepted transactions of a range of numbers in canonical order, the newest ``limit`` of them.

    ``lane``: of one source shard only; ``crossing``: only those that left phase 1.
    """
    where, args = "a.number BETWEEN %s AND %s", [first, last]
    if lane is not None:
        where += " AND a.lane = %s"
        args.append(lane)
    if crossing:
        where += " AND a.phase > 1"
    rows = await _all(conn, f'{_PLACED}{where} ORDER BY a.number DESC, a."index" DESC LIMIT %s', (*args, limit))
    return [_placed(row) for row in reversed(rows)]


async def placed_transaction(conn: AsyncConnection, tx_hash: bytes) -> PlacedTransaction | None:
    """One accepted transaction."""
    rows = await _all(conn, _PLACED + "a.tx = %s", (tx_hash,))
    return _placed(rows[0]) if rows else None


async def skipped_count(conn: AsyncConnection, first: int, last: int) -> int:
    """How many transactions the epochs of a range left out."""
    rows = await _all(conn, "SELECT count(*) FROM chain_skipped WHERE number BETWEEN %s AND %s", (first, last))
    return int(rows[0][0])


class ApiKeyFacts(NamedTuple):
    """A key that is valid: whose it is, what it may do, its own limits where it has any."""

    name: str
    scopes: list[str]
    rate: int | None
    burst: int | None


# (digest of the secret, now in ms): a key that is valid
API_KEY: Query[ApiKeyFacts] = Query(
    "SELECT name, scopes, rate, burst FROM chain_api_key WHERE digest = %s AND revoked_ms IS NULL"
    " AND (expires_ms IS NULL OR expires_ms > %s)",
    lambda row: ApiKeyFacts(row[0], list(row[1]), *row[2:]),
)


async def api_key(conn: AsyncConnection, digest: bytes, now_ms: int) -> ApiKeyFacts | None:
    """A key that is valid now, by its secret's digest."""
    return await API_KEY.aone(conn, digest, now_ms)


def _placed(row: Any) -> PlacedTransaction:
    return PlacedTransaction(*row[:7], int(row[7]), *row[8:])
