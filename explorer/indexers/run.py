"""The index worker's part: catch up for a moment, then let the queue's other work have its turn."""

from __future__ import annotations

import time

import structlog

from chain.core.errors import StoreError
from chain.stores.connection import Connection
from explorer import wake
from explorer.indexers.describe import Describer
from explorer.indexers.sync import catch_up, open_connection, sole_indexer
from explorer.indexers.tracing import Tracing

log = structlog.get_logger(__name__)

SLICE_SECONDS = 2.0
# after work it rests so many times as long, and no longer than this: while transactions come fast their senders need
# the machine, and many commits in one step cost less than one by one
REST_FACTOR, MOST_REST_S = 9.0, 2.0
_connections: list[Connection] = []
_describer = Describer()
_tracing = Tracing()


class Rest:
    """Until when the index leaves the machine to others, in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._until = 0.0

    def left(self, now: float) -> float:
        """Seconds of it that are left."""
        return max(0.0, self._until - now)

    def worked(self, began: float, ended: float, *, is_behind: bool) -> None:
        """Learn from a piece of work; who is behind does not rest."""
        self._until = ended if is_behind else ended + min(MOST_REST_S, REST_FACTOR * (ended - began))


_rest = Rest()


def index_slice(seconds: float = SLICE_SECONDS) -> bool:
    """Bring the projections on; whether there is more to do, for which another message is on its way.

    While PostgreSQL is away, or another process indexes, nothing is done: beat's next message tries again.
    """
    # messages that come meanwhile are this one
    time.sleep(_rest.left(time.monotonic()))
    wake.taken()
    try:
        conn = _connection()
        began, more = time.monotonic(), False
        with sole_indexer(conn) as is_ours:
            more = is_ours and catch_up(conn, seconds)
        _rest.worked(began, time.monotonic(), is_behind=more)
        if is_ours and not more:
            _describer.look(conn)
            _tracing.look()
    except StoreError as error:
        _drop()
        if error.code not in ("database_unavailable", "not_migrated"):
            raise
        log.warning("the index waits for PostgreSQL", code=error.code, reason=error.message)
        return False
    except BaseException:
        _drop()
        raise
    if more:
        wake.wake()
    return more


def _connection() -> Connection:
    if not _connections or _connections[0].closed:
        _drop()
        _connections.append(open_connection())
    return _connections[0]


def _drop() -> None:
    while _connections:
        _connections.pop().close()
