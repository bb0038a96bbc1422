"""Deleting history below a number, a bounded part in each database transaction; what the state needs stays."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import psycopg

from chain.core import lthash
from chain.core.types import StateDiff
from chain.stores.connection import NOW_MS, Connection, cursor, database_errors
from chain.stores.rows import account_of

# elements of a lattice that are summed up at a time
_SUMMED = 5_000

_BLOCKS = "SELECT hash FROM chain_consensus_order WHERE number BETWEEN %s AND %s"
# a carried transaction goes with the last block that carries it, unless a later epoch made it take effect
_TRANSACTIONS = (
    "WITH gone AS (DELETE FROM chain_block_transaction p USING chain_consensus_order o"
    " WHERE o.number BETWEEN %s AND %s AND p.block = o.hash RETURNING p.tx, p.block)"
    " SELECT DISTINCT tx FROM gone"
)
_UNCARRIED = (
    "DELETE FROM chain_transaction t USING unnest(%s::bytea[]) w(hash) WHERE t.hash = w.hash"
    " AND NOT EXISTS (SELECT 1 FROM chain_block_transaction p WHERE p.tx = w.hash)"
    " AND NOT EXISTS (SELECT 1 FROM chain_acceptance a WHERE a.tx = w.hash)"
)
# a value goes when a newer one up to the same number stands in its place
_ACCOUNTS = (
    "DELETE FROM chain_account_version o USING (SELECT DISTINCT ON (shard, address) shard, address, number"
    " FROM chain_account_version WHERE number BETWEEN %s AND %s ORDER BY shard, address, number DESC) n"
    " WHERE o.shard = n.shard AND o.address = n.address AND o.number < n.number"
)
_SLOTS = (
    "DELETE FROM chain_slot_version o USING (SELECT DISTINCT ON (shard, address, slot) shard, address, slot, number"
    " FROM chain_slot_version WHERE number BETWEEN %s AND %s ORDER BY shard, address, slot, number DESC) n"
    " WHERE o.shard = n.shard AND o.address = n.address AND o.slot = n.slot AND o.number < n.number"
)
# and nothing need stand for what is gone
_GONE_ACCOUNTS = "DELETE FROM chain_account_version WHERE number BETWEEN %s AND %s AND nonce IS NULL"
_GONE_SLOTS = "DELETE FROM chain_slot_version WHERE number BETWEEN %s AND %s AND value IS NULL"
_BY_NUMBER = ("chain_acceptance", "chain_log", "chain_skipped")
_NEWEST_ACCOUNTS = (
    "SELECT * FROM (SELECT DISTINCT ON (shard, address) shard, address, nonce, balance, code_hash"
    " FROM chain_account_version WHERE number <= {number} ORDER BY shard, address, number DESC) n"
    " WHERE nonce IS NOT NULL"
)
_NEWEST_SLOTS = (
    "SELECT * FROM (SELECT DISTINCT ON (shard, address, slot) shard, address, slot, value"
    " FROM chain_slot_version WHERE number <= {number} ORDER BY shard, address, slot, number DESC) n"
    " WHERE value IS NOT NULL"
)


@dataclass(frozen=True, slots=True)
class Horizon:
    """Up to ``number`` (chain block ``hash``) history is gone; the state after it is there and has ``state_root``."""

    number: int
    hash: bytes
    state_root: bytes


def read_horizon(conn: Connection) -> Horizon | None:
    """Where history begins, None for an archive."""
    with database_errors():
        row = cursor(conn).execute("SELECT number, hash, state_root FROM chain_pruned", binary=True).fetchone()
    return None if row is None else Horizon(*row)


def prune_part(conn: Connection, first: int, horizon: Horizon) -> int:
    """Delete the epochs from ``first`` to the horizon's number and note it, all of it or nothing; rows deleted.

    ``conn`` is in autocommit, with the advisory lock of pruning.
    """
    bounds = (first, horizon.number)
    with database_errors(), conn.transaction():
        for name in ("statement_timeout", "idle_in_transaction_session_timeout"):
            conn.execute(f"SET LOCAL {name} = 0")
        cur = cursor(conn)
        carried = [row[0] for row in cur.execute(_TRANSACTIONS, bounds, binary=True)]
        rows = len(carried)
        for table in _BY_NUMBER:
            cur.execute(f"DELETE FROM {table} WHERE number BETWEEN %s AND %s", bounds)  # noqa: S608 - our own names
            rows += cur.rowcount
        cur.execute(_UNCARRIED, (carried,))
        rows += cur.rowcount
        for statement in (_ACCOUNTS, _SLOTS, _GONE_ACCOUNTS, _GONE_SLOTS):
            cur.execute(statement, bounds)
            rows += cur.rowcount
        cur.execute(
            "INSERT INTO chain_pruned (id, number, hash, state_root, pruned_ms)"  # noqa: S608 - our own clock
            f" VALUES (1, %s, %s, %s, {NOW_MS}) ON CONFLICT (id) DO UPDATE SET number = excluded.number,"
            " hash = excluded.hash, state_root = excluded.state_root, pruned_ms = excluded.pruned_ms",
            (horizon.number, horizon.hash, horizon.state_root),
        )
    return rows


def horizon_at(conn: Connection, number: int) -> Horizon | None:
    """What the horizon would be at a number of the selected chain."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT c.number, c.hash, e.state_root FROM chain_selected_chain c"
                " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number = %s",
                (number,),
                binary=True,
            )
            .fetchone()
        )
    return None if row is None else Horizon(*row)


def finality_number(conn: Connection) -> int:
    """Number of the chain block that reorganisations stop at."""
    with database_errors():
        row = (
            cursor(conn)
            .execute("SELECT b.number FROM chain_node_state n JOIN chain_block b ON b.hash = n.finality_point")
            .fetchone()
        )
    return 0 if row is None else int(row[0])


def blocks_between(conn: Connection, first: int, last: int) -> int:
    """Blocks that the epochs between two numbers merged."""
    with database_errors():
        row = cursor(conn).execute(f"SELECT count(*) FROM ({_BLOCKS}) b", (first, last)).fetchone()  # noqa: S608
    return 0 if row is None else int(row[0])


def lattices_at(conn: Connection, number: int, shard_count: int) -> tuple[bytes, ...]:
    """Every shard's lattice over the state after the epoch of a number, summed up from the versions.

    ``conn`` is within a transaction; a bounded part of the state is in memory at a time.
    """
    lattices = [lthash.EMPTY_LATTICE] * shard_count
    for elements in (_account_elements(conn, number), _slot_elements(conn, number)):
        while part := list(islice(elements, _SUMMED)):
            for shard in sorted({shard for shard, _ in part}):
                lattices[shard] = lthash.update(lattices[shard], [], [item for place, item in part if place == shard])
    return tuple(lattices)


def state_at(conn: Connection, number: int) -> StateDiff:
    """The whole state after the epoch of a number, with its codes; ``conn`` is within a transaction."""
    accounts = {
        address: account_of(nonce, balance, code_hash)
        for _, address, nonce, balance, code_hash in _stream(conn, _NEWEST_ACCOUNTS.format(number=int(number)))
    }
    slots = {
        (address, int.from_bytes(slot, "big")): int.from_bytes(value, "big")
        for _, address, slot, value in _stream(conn, _NEWEST_SLOTS.format(number=int(number)))
    }
    wanted = sorted({account.code_hash for account in accounts.values() if account is not None})
    with database_errors():
        codes = cursor(conn).execute("SELECT hash, code FROM chain_code WHERE hash = ANY(%s)", (wanted,), binary=True)
        return StateDiff(accounts, slots, dict(codes.fetchall()))


def _account_elements(conn: Connection, number: int) -> Iterator[tuple[int, bytes]]:
    for shard, address, nonce, balance, code_hash in _stream(conn, _NEWEST_ACCOUNTS.format(number=int(number))):
        account = account_of(nonce, balance, code_hash)
        if account is not None and not account.is_empty:
            yield shard, lthash.account_element(address, account)


def _slot_elements(conn: Connection, number: int) -> Iterator[tuple[int, bytes]]:
    for shard, address, slot, value in _stream(conn, _NEWEST_SLOTS.format(number=int(number))):
        yield shard, lthash.slot_element(address, int.from_bytes(slot, "big"), int.from_bytes(value, "big"))


def _stream(conn: Connection, query: str) -> Iterator[Any]:
    with database_errors(), psycopg.ServerCursor(conn, "prune") as rows:
        rows.itersize = 5_000
        rows.execute(query, binary=True)
        yield from rows
