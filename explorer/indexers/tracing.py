"""The thread of the index process in which internal calls are traced, a share of one core at most."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import closing

import structlog
from django.conf import settings

from chain.services.call import CallWorkers
from chain.stores.connection import Connection
from explorer.indexers import internal
from explorer.indexers.sync import open_connection, sole_indexer

log = structlog.get_logger(__name__)

ROUND_SECONDS = 2.0
# with nothing to trace the worker is kept for so long: starting it costs about a second of a core
LINGER_SECONDS = 60.0
NICENESS = 15
# with nothing to trace the cursor moves no oftener: each move is a commit beside the writer's
_IDLE_SECONDS = 2.0
_LOCK_SECONDS = 20.0
_MOST_REST_SECONDS = 60.0


async def trace_round(conn: Connection, workers: CallWorkers, seconds: float = ROUND_SECONDS) -> int | None:
    """Trace what comes next and keep it; how many epochs were run again, None at the head.

    Raises
    ------
    StoreError
        ``database_*``, call_worker_lost.
    """
    found = internal.plan(conn)
    if found is None:
        return None
    traced, end = await internal.trace_plan(workers, found, seconds)
    until = time.monotonic() + _LOCK_SECONDS
    while time.monotonic() < until:
        with sole_indexer(conn) as held:
            if held:
                internal.write(conn, found, traced, end)
                return len(traced)
        await asyncio.sleep(0.05)
    return 0


class Tracing:
    """Rounds in a thread of their own, begun when the index has come to the head and ended when nothing comes."""

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._more = threading.Event()

    def look(self) -> bool:
        """The chain may have grown; whether a thread was begun for it."""
        if not settings.MDS_INDEX_TRACE_SHARE:
            return False
        self._more.set()
        if self._thread is not None and self._thread.is_alive():
            return False
        self._thread = threading.Thread(target=self._run, name="trace", daemon=True)
        self._thread.start()
        return True

    def _run(self) -> None:
        try:
            with closing(open_connection()) as conn:
                asyncio.run(self._follow(conn))
        except Exception as error:  # noqa: BLE001 - the next look begins again
            log.warning("internal calls were not traced", error=str(error)[:200])
            time.sleep(1)

    async def _follow(self, conn: Connection) -> None:
        workers = CallWorkers(limit=1, niceness=NICENESS)
        try:
            while self._more.wait(LINGER_SECONDS):
                self._more.clear()
                share = settings.MDS_INDEX_TRACE_SHARE / 100
                while share:
                    began = time.monotonic()
                    traced = await trace_round(conn, workers)
                    if traced is None:
                        await asyncio.sleep(_IDLE_SECONDS)
                        break
                    spent = time.monotonic() - began
                    # what only moved the cursor on costs next to nothing
                    await asyncio.sleep(min(_MOST_REST_SECONDS, spent * (1 / share - 1)) if traced else 0)
        finally:
            await workers.stop()
