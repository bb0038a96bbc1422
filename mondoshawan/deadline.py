"""Work that may hang because a server hangs, on a thread of its own and with a deadline for those who wait.

A client that waits for PostgreSQL or Redis cannot be interrupted from Python, so it is left behind: whoever asks
meanwhile joins the same work and learns at once that it is overdue.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from django.db import connection, connections


class Lane:
    """One thread, one piece of work after the other; the same piece is never in it twice.

    Parameters
    ----------
    name : str
        What the work depends on.
    """

    def __init__(self, name: str) -> None:
        self._executor = ThreadPoolExecutor(1, f"lane-{name}")
        self._lock = threading.Lock()
        self._jobs: dict[str, tuple[Future[Any], float]] = {}

    def begin(self, key: str, work: Callable[[], Any], seconds: float) -> Callable[[], Any]:
        """Begin ``work``, or join one under the same key that has not ended; returns what waits for the result.

        That raises TimeoutError when the work has not ended within so many seconds since it began to wait for its
        turn, and otherwise what ``work`` raised.
        """
        if connection.in_atomic_block:
            # the caller asks about what its own transaction sees
            return work
        with self._lock:
            future, since = self._jobs.get(key, (None, 0.0))
            if future is None or future.done():
                since = time.monotonic()
                future = self._executor.submit(_closing, work)
                self._jobs[key] = (future, since)
        begun = future
        return lambda: begun.result(max(0.0, since + seconds - time.monotonic()))


def _closing(work: Callable[[], Any]) -> Any:
    try:
        return work()
    finally:
        # a connection of a pool goes back to it; one that the server has ended is not kept
        connections.close_all()
