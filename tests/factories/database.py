"""A chain database for tests: initialised, and written through the store that the node uses."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import psycopg
from django.db import connection

from chain.core.consensus.model import ChainUpdate
from chain.locks import new_term
from chain.stores.commit import apply_update
from chain.stores.connection import Connection, cursor
from chain.stores.genesis import initialise
from tests.factories.chain import ChainFactory


class StoredChain:
    """A ``ChainFactory`` whose updates go to a database.

    ``joined``: in a transaction that the test holds open and rolls back; else each update is committed.
    """

    def __init__(self, conn: Connection, factory: ChainFactory | None = None, *, joined: bool = True) -> None:
        self.conn = conn
        self.joined = joined
        self.factory = factory or ChainFactory()
        initialise(conn, self.factory.spec, self.factory.genesis)
        self.term = new_term(conn, "test")

    def apply(self, *updates: ChainUpdate) -> None:
        """Commit updates in order."""
        for update in updates:
            assert apply_update(self.conn, update, self.term, joined=self.joined)


def another_session() -> Connection:
    """A connection of its own to the test's database, with transactions that its user must commit."""
    settings = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        settings.pop(name, None)
    return psycopg.connect(**settings)


def fetch(conn: Connection, sql: str, *args: object) -> list[tuple[Any, ...]]:
    """Rows of a query, in binary."""
    return cursor(conn).execute(sql, args, binary=True).fetchall()


def dump(conn: Connection, leave_out: Iterable[str] = ()) -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every chain table, sorted: two databases are equal iff their dumps are."""
    left_out = set(leave_out)
    tables = fetch(
        conn,
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " WHERE n.nspname = 'public' AND c.relname LIKE 'chain\\_%%' AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition ORDER BY 1",
    )
    rows: dict[str, list[tuple[Any, ...]]] = {}
    for (table,) in tables:
        if table not in left_out:
            rows[table] = fetch(conn, f'SELECT t::text FROM "{table}" t ORDER BY 1')
    return rows
