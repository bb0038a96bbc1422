"""How a worker outlasts a broker that is away."""

from __future__ import annotations

import os
import threading
from typing import Any

import structlog
from celery.worker.consumer import Consumer as CeleryConsumer

log = structlog.get_logger(__name__)

# shorter than every task's time limit: while Celery waits for its broker it handles no results, so that tasks
# which ended long ago count as too slow afterwards, and their processes are interrupted in the middle of a message
LONGEST_OUTAGE_S = 8.0


class Consumer(CeleryConsumer):
    """Reconnects after a short outage; after a longer one the process ends.

    The supervisor starts it again, with nothing in hand, and it waits for the broker as long as it takes.
    """

    _deadline: threading.Timer | None = None

    def on_connection_error_after_connected(self, exc: Exception) -> None:
        """The broker has gone."""
        super().on_connection_error_after_connected(exc)
        if self._deadline is None:
            self._deadline = threading.Timer(LONGEST_OUTAGE_S, _end)
            self._deadline.daemon = True
            self._deadline.start()

    def connect(self) -> Any:
        """Connect, however long that takes."""
        connection = super().connect()
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None
        return connection


def _end() -> None:
    log.error("the worker starts anew, since Redis is away", seconds=LONGEST_OUTAGE_S)
    # at once: an orderly end would wait for tasks that wait for Redis
    os._exit(1)
