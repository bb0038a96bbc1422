"""The names of all tasks, and the one way to start one.

A service never imports a task: it kicks a name.  Messages are wake-ups and carry hex and integers
only; the work list is in PostgreSQL, so one that is lost or repeated changes nothing.  That is why a
kick neither fails nor waits for long while Redis is away: the sweep finds the work when it is back.
"""

from __future__ import annotations

import os
import threading
import time
from enum import StrEnum
from functools import cache, partial
from typing import Any

import redis
import structlog
from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import OperationalError
from kombu.pools import ProducerPool

log = structlog.get_logger(__name__)

# longer by far than a healthy Redis takes
SOCKET_TIMEOUT_S = 0.5
# after a failure nobody tries for so many times what it took: a flood of blocks must not wait for a hanging Redis
# once a block; one that refuses at once is tried each time
PAUSE_FACTOR = 4
_PRODUCERS = 8
_AWAY = (OperationalError, redis.RedisError, OSError)


class Queue(StrEnum):
    """The kinds of work; a worker process consumes one or more of them."""

    DEFAULT = "default"
    VALIDATE = "validate"
    VIRTUAL = "virtual"
    SHARDS = "shards"
    MINE_A = "mine.a"
    MINE_B = "mine.b"
    MINE_C = "mine.c"
    INDEX = "index"


class TaskName(StrEnum):
    """Every task of the node; each name is registered by a module in ``chain.tasks`` (tested)."""

    VALIDATE = "chain.tasks.validate.candidate"
    VIRTUAL = "chain.tasks.virtual.drain"
    SHARD = "chain.tasks.shards.lanes"
    MINE_A = "chain.tasks.mine.a"
    MINE_B = "chain.tasks.mine.b"
    MINE_C = "chain.tasks.mine.c"
    SWEEP = "chain.tasks.sweep.sweep"
    PRUNE = "chain.tasks.prune.prune"


QUEUE_OF = {
    TaskName.VALIDATE: Queue.VALIDATE,
    TaskName.VIRTUAL: Queue.VIRTUAL,
    TaskName.SHARD: Queue.SHARDS,
    TaskName.MINE_A: Queue.MINE_A,
    TaskName.MINE_B: Queue.MINE_B,
    TaskName.MINE_C: Queue.MINE_C,
    TaskName.SWEEP: Queue.DEFAULT,
    TaskName.PRUNE: Queue.INDEX,
}


def kick(
    name: TaskName | str, *args: Any, queue: str | None = None, countdown: float = 0, expires: float | None = None
) -> None:
    """Send a task by name, after the current database transaction has committed (at once outside of one).

    Parameters
    ----------
    name : TaskName
        Which task; another app names its own, with its queue.
    *args
        JSON values: hashes as hex, integers, None.
    queue : str, optional
        Another queue than the task's own.
    countdown : float
        Seconds to wait before it may start.
    expires : float, optional
        Seconds after which a worker drops it unseen.

    Notes
    -----
    While Redis is away the message is dropped with one warning for the whole outage; nothing is raised.
    """
    send = partial(
        _send,
        str(name),
        args=list(args),
        queue=str(queue or QUEUE_OF[TaskName(name)]),
        countdown=countdown or None,
        expires=expires,
    )
    # asked of the wrapper first: on_commit would open a connection in processes that use none
    if connection.in_atomic_block:
        transaction.on_commit(send)
    else:
        send()


class _Outage:
    """Whether Redis was away at this process's last try, and until when nobody tries again."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._since: float | None = None
        self._until = 0.0
        self._dropped = 0

    def holds(self) -> bool:
        """Whether to drop a message untried."""
        with self._lock:
            held = self._since is not None and time.monotonic() < self._until
            self._dropped += held
            return held

    def begins(self, name: str, error: Exception, seconds: float) -> None:
        """A try failed after so many seconds."""
        with self._lock:
            now = time.monotonic()
            first = self._since is None
            if first:
                self._since, self._dropped = now, 0
            self._until = now + PAUSE_FACTOR * seconds
            self._dropped += 1
        if first:
            log.warning("wake-ups are dropped while Redis is away", task=name, error=str(error)[:200])

    def ends(self) -> None:
        """A message was sent."""
        if self._since is None:
            return
        with self._lock:
            since, self._since, dropped = self._since, None, self._dropped
        if since is not None:
            log.info("wake-ups are sent again", dropped=dropped, seconds=round(time.monotonic() - since, 1))


_outage = _Outage()


@cache
def _producers(_pid: int) -> ProducerPool:
    """Connections of this process's own with short time-outs; a worker's consumer must wait for longer."""
    broker = current_app.connection_for_write()
    options = {
        **broker.transport_options,
        "socket_timeout": SOCKET_TIMEOUT_S,
        "socket_connect_timeout": SOCKET_TIMEOUT_S,
    }
    return ProducerPool(broker.clone(transport_options=options).Pool(limit=_PRODUCERS), limit=_PRODUCERS)


def _send(name: str, **message: Any) -> None:
    if _outage.holds():
        return
    began = time.monotonic()
    try:
        with _producers(os.getpid()).acquire(block=True, timeout=SOCKET_TIMEOUT_S) as producer:
            current_app.send_task(name, **message, producer=producer, retry=False)
    except _AWAY as error:
        _outage.begins(name, error, time.monotonic() - began)
    else:
        _outage.ends()
