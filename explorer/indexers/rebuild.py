"""Projections made anew, step by step: what ``manage.py reindex`` does."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from chain.core.errors import ConfigError, StoreError
from chain.stores.connection import Connection
from chain.stores.prune import read_horizon
from explorer.indexers import internal
from explorer.indexers.projections import NAMES
from explorer.indexers.sync import Done, places, reset, sole_indexer, step

_LOCK_SECONDS = 60.0
# internal calls too, which a running node traces again by itself, behind the projections
ALL_NAMES = (*NAMES, internal.NAME)


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """Names of projections; none: all.

    Raises
    ------
    ConfigError
        ``unknown_projection``.
    """
    for name in names:
        if name not in ALL_NAMES:
            hint = f"the projections are {', '.join(ALL_NAMES)}"
            raise ConfigError("unknown_projection", f"there is no projection {name!r}", hint=hint)
    return tuple(names) or ALL_NAMES


def rebuild(
    conn: Connection,
    names: Sequence[str],
    *,
    resume: bool = False,
    force: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> int:
    """Empty projections and read the chain again, beside a running node or without one.

    Each step is a transaction with its cursors, and the lock is free between steps: a rebuild that was killed goes
    on with ``resume``, or by the running node's index worker.

    Parameters
    ----------
    names : sequence of str
        As ``check_names`` gives them.
    resume : bool
        Go on where they are.
    force : bool
        Also on a node that has pruned history, of which the projections then know nothing any more.
    progress : callable
        (epochs done, of so many), for the projection that is farthest behind.

    Returns
    -------
    int
        The number that the projections have reached; internal calls are only forgotten here.

    Raises
    ------
    StoreError
        ``index_busy`` where another process keeps the lock; ``index_needs_history`` where the chain's is pruned.
    """
    projections = tuple([name for name in names if name != internal.NAME])
    if not resume:
        horizon = None if force else read_horizon(conn)
        if horizon is not None:
            raise StoreError(
                "index_needs_history",
                f"history up to #{horizon.number} is pruned: the projections would forget it",
                hint="--force accepts that",
                number=horizon.number,
            )
        with _lock(conn):
            if projections:
                reset(conn, projections)
            if internal.NAME in names:
                internal.reset(conn)
    while True:
        with _lock(conn):
            done: Done | None = step(conn, only=projections) if projections else None
        if done is None:
            return min([place.number for name, place in places(conn).items() if name in projections], default=-1)
        progress(done.number + 1, done.head + 1)


@contextmanager
def _lock(conn: Connection) -> Iterator[None]:
    """The indexers' lock; a running index worker gives it back after two seconds at most, but for a long step."""
    until = time.monotonic() + _LOCK_SECONDS
    while True:
        with sole_indexer(conn) as held:
            if held:
                yield
                return
        if time.monotonic() > until:
            raise StoreError("index_busy", "another process is indexing", hint="try again later")
        time.sleep(0.05)
