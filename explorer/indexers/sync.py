"""Bringing projections to the chain's head, in steps that are each one database transaction.

A step reads one snapshot of the chain.  A cursor's hash names all of its past, so a reorganisation is seen, and its
fork found, without any message having come: wake-ups may be lost, repeated or late.  What a step wrote and the
cursors that say so become visible together; a process may be killed at any moment.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import psycopg
import structlog
from django.db import connections

from chain.core.errors import StoreError
from chain.locks import Lock, try_lock, unlock
from chain.selectors import follow
from chain.stores.connection import NOW_MS, Connection, cursor, database_errors
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.projections import NAMES, PROJECTIONS

__all__ = ["NAMES", "Done", "Place", "catch_up", "open_connection", "places", "reset", "sole_indexer", "step"]

log = structlog.get_logger(__name__)

# of one step: what bounds its memory, and how long its snapshot lives
STEP_EPOCHS = 1000
STEP_ITEMS = 20_000
_STATEMENT_TIMEOUT_MS = 300_000


@dataclass(frozen=True, slots=True)
class Place:
    """How far a projection has come; number -1 and no hash: nothing yet."""

    number: int
    hash: bytes | None


@dataclass(frozen=True, slots=True)
class Done:
    """What a step did: projections, the number they have reached and the chain's, epochs undone and applied."""

    projections: tuple[str, ...]
    number: int
    head: int
    undone: int
    applied: int


def open_connection() -> Connection:
    """A connection of the indexer's own: each transaction sees one commit of the chain.

    Raises
    ------
    StoreError
        ``database_unavailable``.
    """
    arguments = dict(connections["default"].get_connection_params())
    for name in ("cursor_factory", "context", "server_side_binding", "pool"):
        arguments.pop(name, None)
    with database_errors():
        conn = psycopg.connect(**{**arguments, "application_name": "mds-index"}, autocommit=True)
        # a step over old history may take longer than what a page may
        conn.execute(f"SET statement_timeout = {_STATEMENT_TIMEOUT_MS}")
    conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
    return conn


@contextmanager
def sole_indexer(conn: Connection) -> Iterator[bool]:
    """Hold the indexers' lock; False where another process has it.

    Raises
    ------
    StoreError
        ``database_unavailable`` where the connection turns out to be lost.
    """
    with database_errors():
        held = try_lock(conn, Lock.INDEX)
    try:
        yield held
    finally:
        if held and not conn.closed:
            with database_errors():
                unlock(conn, Lock.INDEX)


def step(conn: Connection, only: Sequence[str] = (), items: int = STEP_ITEMS) -> Done | None:
    """Bring the projections that are farthest behind a step on; the caller holds the lock.

    Projections at the same place go together, so that the chain is read once for all of them.

    Parameters
    ----------
    only : sequence of str
        Names of projections; none: all.
    items : int
        How many transactions and logs make a step full; at least one epoch is taken.

    Returns
    -------
    Done or None
        None where all of them stand at the head, or there is no chain yet.
    """
    with database_errors(), conn.transaction():
        head = follow.HEAD.one(conn)
        if head is None:
            return None
        group, place = _next_group(conn, only, head)
        if not group:
            return None
        fork = fork_of(conn, place)
        if fork < place.number:
            _undo(conn, group, fork)
        epochs = _fitting(follow.EPOCHS_ABOVE.all(conn, fork, STEP_EPOCHS), items)
        if not epochs and fork == place.number:
            raise StoreError("chain_mismatch", "an epoch of the selected chain is not stored", number=fork + 1)
        if epochs:
            batch, cur = Batch(conn, epochs), cursor(conn)
            for projection in group:
                projection.apply(cur, batch)
        reached = Place(epochs[-1].number, epochs[-1].hash) if epochs else Place(fork, follow.HASH_AT.one(conn, fork))
        _move(conn, group, reached, head.sequence)
    names = tuple([projection.name for projection in group])
    return Done(names, reached.number, head.number, place.number - fork, len(epochs))


def catch_up(conn: Connection, seconds: float, clock: Callable[[], float] = time.monotonic) -> bool:
    """Step until everything is at the head or the time is used up; whether there is more to do."""
    until = clock() + seconds
    while step(conn) is not None:
        if clock() >= until:
            return True
    return False


def reset(conn: Connection, names: Sequence[str]) -> None:
    """Empty projections: they begin again at genesis.  The caller holds the lock."""
    tables = [table for projection in PROJECTIONS if projection.name in names for table in projection.tables]
    with database_errors(), conn.transaction():
        conn.execute(f"TRUNCATE {', '.join(tables)}")
        conn.execute("DELETE FROM explorer_cursor WHERE projection = ANY(%s)", (list(names),))


def places(conn: Connection) -> dict[str, Place]:
    """How far every projection has come."""
    rows = cursor(conn).execute("SELECT projection, number, hash FROM explorer_cursor", binary=True).fetchall()
    found = {row[0]: Place(row[1], row[2]) for row in rows}
    return {projection.name: found.get(projection.name, Place(-1, None)) for projection in PROJECTIONS}


def _next_group(conn: Connection, only: Sequence[str], head: follow.ChainHead) -> tuple[tuple[Projection, ...], Place]:
    """The projections at the place that is nearest to the head but not at it: the newest blocks matter most."""
    waiting: dict[Place, list[Projection]] = {}
    known = places(conn)
    for projection in PROJECTIONS:
        place = known[projection.name]
        if place.hash != head.hash and (not only or projection.name in only):
            waiting.setdefault(place, []).append(projection)
    if not waiting:
        return (), Place(-1, None)
    place = max(waiting, key=lambda key: key.number)
    return tuple(waiting[place]), place


def fork_of(conn: Connection, place: Place) -> int:
    """The newest number up to which what was indexed is still the chain."""
    if place.hash is None:
        return -1
    if follow.HASH_AT.one(conn, place.number) == place.hash:
        return place.number
    fork = follow.FORK_UNDER.one(conn, place.hash)
    if fork is None:
        log.warning("the chain is another one: the index begins again", number=place.number, hash=place.hash.hex())
        return -1
    return fork


def _undo(conn: Connection, group: Sequence[Projection], fork: int) -> None:
    cur = cursor(conn)
    for projection in group:
        if fork < 0:
            cur.execute(f"TRUNCATE {', '.join(projection.tables)}")
        else:
            projection.undo(cur, fork)


def _fitting(epochs: Sequence[follow.EpochFacts], items: int) -> list[follow.EpochFacts]:
    fitting: list[follow.EpochFacts] = []
    for epoch in epochs:
        items -= epoch.tx_count + epoch.log_count
        if fitting and items < 0:
            break
        fitting.append(epoch)
    return fitting


def _move(conn: Connection, group: Sequence[Projection], place: Place, sequence: int) -> None:
    cursor(conn).execute(
        "INSERT INTO explorer_cursor (projection, number, hash, sequence, updated_ms)"  # noqa: S608
        f" SELECT name, %s, %s, %s, {NOW_MS} FROM unnest(%s::varchar[]) name ON CONFLICT (projection) DO UPDATE"
        " SET number = excluded.number, hash = excluded.hash, sequence = excluded.sequence,"
        " updated_ms = excluded.updated_ms",
        (place.number, place.hash, sequence, [projection.name for projection in group]),
    )
