"""The registry of advisory locks, and the fencing token of the writer.

A session-level advisory lock says who may write now; a term, checked inside every commit, stops a
process that lost its connection, and with it the lock, without noticing.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import psycopg
from blake3 import blake3

from chain.core.errors import StoreError


class Lock(StrEnum):
    """Every advisory lock of the node.  A database is one network, so names need no more."""

    WRITER = "writer"
    INIT = "init"
    PRUNE = "prune"
    INDEX = "index"
    ALERTS = "alerts"
    FINDS = "finds"

    @property
    def key(self) -> int:
        """The signed 64-bit key that PostgreSQL knows the lock by."""
        return int.from_bytes(blake3(b"mds/lock/" + self.value.encode()).digest(8), "big", signed=True)


def try_lock(conn: psycopg.Connection[Any], lock: Lock) -> bool:
    """Take a lock for the life of the connection, or say at once that another session holds it."""
    return bool(_value(conn, "SELECT pg_try_advisory_lock(%s)", lock.key))


def wait_lock(conn: psycopg.Connection[Any], lock: Lock) -> None:
    """Wait for a lock and hold it for the life of the connection, or until it is given back."""
    psycopg.Cursor(conn).execute("SELECT pg_advisory_lock(%s)", (lock.key,))


def unlock(conn: psycopg.Connection[Any], lock: Lock) -> bool:
    """Give a lock back; False when this session did not hold it."""
    return bool(_value(conn, "SELECT pg_advisory_unlock(%s)", lock.key))


def hold_until_commit(conn: psycopg.Connection[Any], lock: Lock) -> None:
    """Wait for a lock and hold it until the running transaction ends."""
    psycopg.Cursor(conn).execute("SELECT pg_advisory_xact_lock(%s)", (lock.key,))


def is_held(conn: psycopg.Connection[Any], lock: Lock) -> bool:
    """Whether any session of this database holds the lock."""
    return bool(
        _value(
            conn,
            "SELECT EXISTS (SELECT 1 FROM pg_locks WHERE locktype = 'advisory' AND granted AND objsubid = 1"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
            " AND (classid::bigint << 32) | objid::bigint = %s)",
            lock.key,
        )
    )


def new_term(conn: psycopg.Connection[Any], holder: str) -> int:
    """Begin a new term of writing: commits of every earlier term are refused from now on.

    Waits for a commit that is under way.

    Raises
    ------
    StoreError
        ``not_initialised`` where ``init_chain`` has not run.
    """
    term = _value(
        conn,
        "UPDATE chain_writer_term SET term = term + 1, holder = %s,"
        " since_ms = (extract(epoch FROM clock_timestamp()) * 1000)::bigint RETURNING term",
        holder[:128],
    )
    if term is None:
        raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
    return int(term)


def term_holder(conn: psycopg.Connection[Any]) -> str | None:
    """Who began the newest term: host and process id."""
    holder = _value(conn, "SELECT holder FROM chain_writer_term")
    return None if holder is None else str(holder)


def check_term(cursor: psycopg.Cursor[Any], term: int) -> None:
    """Refuse a writer of an earlier term, and hold off a new term until this transaction ends.

    Raises
    ------
    StoreError
        ``writer_fenced``, or ``not_initialised``.
    """
    row = cursor.execute("SELECT term FROM chain_writer_term FOR SHARE").fetchone()
    if row is None:
        raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
    if row[0] != term:
        raise StoreError("writer_fenced", "another process writes this chain now", got=term, expected=row[0])


def _value(conn: psycopg.Connection[Any], sql: str, *args: Any) -> Any:
    row = psycopg.Cursor(conn).execute(sql, args).fetchone()
    return None if row is None else row[0]
