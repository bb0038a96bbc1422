"""A chain in the test database that is really committed, and an indexer beside it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from chain.core.consensus.model import ChainUpdate
from chain.stores.connection import Connection, raw_connection
from tests.factories.chain import ChainFactory, Effects, SignedTransaction
from tests.factories.database import StoredChain, fetch


class Growing:
    """A chain that grows by blocks and reorganisations, each of them one commit."""

    def __init__(self, conn: Connection, factory: ChainFactory | None = None) -> None:
        self.stored = StoredChain(conn, factory, joined=False)
        self.factory = self.stored.factory
        self.path = [self.factory.genesis.hash]

    @property
    def sink(self) -> bytes:
        """The newest block."""
        return self.path[-1]

    def apply(self, update: ChainUpdate) -> None:
        """Commit an update."""
        self.stored.apply(update)

    def grow(self, body: list[SignedTransaction] | None = None, effects: Effects | None = None, **extra: Any) -> bytes:
        """One block on the sink."""
        block = self.factory.extend(self.sink, body or [], effects, **extra)
        self.apply(self.factory.update([self.factory.blocks[block]], sink=block, added=[block]))
        self.path.append(block)
        return block

    def reorganise(self, depth: int, blocks: list[bytes]) -> None:
        """Leave the last ``depth`` blocks for others that were built on the one before them."""
        removed = self.path[: -depth - 1 : -1]
        self.path = [*self.path[:-depth], *blocks]
        self.apply(
            self.factory.update(
                [self.factory.blocks[b] for b in blocks], sink=blocks[-1], removed=removed, added=blocks
            )
        )


@pytest.fixture
def growing(db: None) -> Iterator[Growing]:
    """An initialised devnet without blocks, in tables that are emptied before and after; no others are touched.

    The chain grows on a connection of its own, so every commit is a real one and other connections see it.
    """
    from explorer.indexers.sync import open_connection

    conn = open_connection()
    conn.isolation_level = None
    wipe(conn)
    yield Growing(conn)
    # what the test has read through Django would keep the tables from being emptied
    raw_connection().rollback()
    wipe(conn)
    conn.close()


@pytest.fixture
def index_conn(growing: Growing) -> Iterator[Connection]:
    """The indexer's connection."""
    from explorer.indexers.sync import open_connection

    conn = open_connection()
    yield conn
    conn.close()


def wipe(conn: Connection) -> None:
    """Empty every table of the chain and the explorer."""
    rows = conn.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
        " AND (c.relname LIKE 'chain\\_%' OR c.relname LIKE 'explorer\\_%') AND c.relkind IN ('r', 'p')"
        " AND NOT c.relispartition"
    ).fetchall()
    conn.execute(f"TRUNCATE {', '.join(row[0] for row in rows)} CASCADE")


def index_dump(conn: Connection) -> dict[str, list[tuple[Any, ...]]]:
    """Every row that projections made, sorted; cursors without sequence and time."""
    from explorer.indexers.projections import PROJECTIONS

    tables = [table for projection in PROJECTIONS for table in projection.tables]
    rows = {table: fetch(conn, f'SELECT t::text FROM "{table}" t ORDER BY 1') for table in tables}
    rows["explorer_cursor"] = fetch(conn, "SELECT projection, number, hash FROM explorer_cursor ORDER BY 1")
    return rows
