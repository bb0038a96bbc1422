"""Which Celery queues somebody consumes: each worker says so every two seconds, and ``/ready`` looks.

Asking the workers themselves would wait for each of them; this is one look into Redis.  The sign of life
comes from the worker's own event loop, so one that hangs, or has lost the broker, falls silent too.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Sequence
from typing import Any

import redis
from celery import bootsteps
from django.conf import settings

EVERY_S = 2.0
SILENT_S = 15.0
_PREFIX = "mds:alive:"
_KEPT_S = 60
logger = logging.getLogger(__name__)


def say(client: redis.Redis, queues: Sequence[str], member: str) -> None:
    """Note that ``member`` consumes these queues now, by the clock of Redis."""
    seconds, _ = client.time()
    with client.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.zadd(_PREFIX + queue, {member: seconds})
            pipe.zremrangebyscore(_PREFIX + queue, 0, seconds - _KEPT_S)
            pipe.expire(_PREFIX + queue, _KEPT_S)
        pipe.execute()


def leave(client: redis.Redis, queues: Sequence[str], member: str) -> None:
    """Take the sign back: an orderly end shows at once."""
    with client.pipeline(transaction=False) as pipe:
        for queue in queues:
            pipe.zrem(_PREFIX + queue, member)
        pipe.execute()


def ages(client: redis.Redis, queues: Sequence[str]) -> dict[str, int | None]:
    """Seconds since the last sign of life of each queue's workers; None where there is none."""
    with client.pipeline(transaction=False) as pipe:
        pipe.time()
        for queue in queues:
            pipe.zrange(_PREFIX + queue, -1, -1, withscores=True)
        (now, _), *newest = pipe.execute()
    return {queue: max(0, now - int(found[0][1])) if found else None for queue, found in zip(queues, newest)}


def check_workers() -> dict[str, Any]:
    """Every queue that this node's processes should consume is consumed; the value is seconds by queue."""
    queues = settings.MDS_EXPECTED_QUEUES
    found = ages(_client(), queues) if queues else {}
    alive = all(age is not None and age <= SILENT_S for age in found.values())
    return {"ok": alive, "value": found, "threshold": SILENT_S}


class SignOfLife(bootsteps.StartStopStep):
    """The worker's part, on the timer of its event loop."""

    requires = {"celery.worker.components:Timer"}

    def __init__(self, parent: Any, **options: Any) -> None:
        super().__init__(parent, **options)
        self._member = f"{socket.gethostname()}:{os.getpid()}"
        self._entry: Any = None
        self._redis: redis.Redis | None = None

    def start(self, parent: Any) -> None:
        """Say it now, and from now on."""
        self._redis = _client()
        self._say(parent)
        self._entry = parent.timer.call_repeatedly(EVERY_S, self._say, (parent,))

    def stop(self, parent: Any) -> None:
        """Fall silent."""
        if self._entry is not None:
            self._entry.cancel()
            self._entry = None
        try:
            if self._redis is not None:
                leave(self._redis, self._queues(parent), self._member)
        except redis.RedisError as error:
            logger.warning("the sign of life stays: %s", error)

    def _say(self, parent: Any) -> None:
        try:
            assert self._redis is not None
            say(self._redis, self._queues(parent), self._member)
        except redis.RedisError as error:
            logger.warning("no sign of life: %s", error)

    @staticmethod
    def _queues(parent: Any) -> list[str]:
        return sorted(parent.app.amqp.queues.consume_from)


def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=2, socket_connect_timeout=2)
