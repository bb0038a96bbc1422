"""How a process ends: what it has in hand is finished or handed back, within seconds.

SIGTERM and SIGINT ask a worker for Celery's warm shutdown: no new messages, tasks in hand run to their end.  Long tasks
listen to ``chain.stopping`` and stop between two steps.  What has not ended after ``PATIENCE_S`` is killed: a commit
is all or nothing, and messages are wake-ups, so nothing is lost by it.  A second signal does not wait at all.
"""

from __future__ import annotations

import contextlib
import logging
import os
import sys
import threading
from typing import Any

import psutil
import structlog
from celery.signals import worker_shutdown, worker_shutting_down

from chain import stopping

log = structlog.get_logger(__name__)

# with what the servers need afterwards, a whole node ends within ten seconds
PATIENCE_S = 4.0
_asked = False


@worker_shutting_down.connect
def _on_signal(**_: Any) -> None:
    """Called in the signal's handler: the first one asks, the second one ends it."""
    global _asked
    if _asked:
        end_now()
    _asked = True
    stopping.request()
    timer = threading.Timer(PATIENCE_S, end_now)
    timer.daemon = True
    timer.start()


@worker_shutdown.connect
def _on_end(**_: Any) -> None:
    """Everything is closed."""
    if _asked:
        leave()


def leave() -> None:
    """Exit with 0 after an orderly end, without taking the interpreter apart: on a busy machine that takes seconds."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


def end_now() -> None:
    """Kill the pool and exit with 0: whoever asked for the end has got it."""
    for child in psutil.Process().children(recursive=True):
        # one that has ended by itself is no error
        with contextlib.suppress(psutil.Error):
            child.kill()
    os._exit(0)
