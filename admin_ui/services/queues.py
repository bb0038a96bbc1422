"""Celery's queues as Redis holds them: what waits, what is in hand, who consumes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import orjson
from django.conf import settings
from redis import Redis

from chain.services.redis_client import redis_client

# messages that were taken and not acknowledged: at most so many are looked into
MOST_IN_HAND = 500
_IN_HAND = "unacked"


@dataclass(frozen=True, slots=True)
class QueueLine:
    """One queue: the process that consumes it, messages waiting and in hand, seconds since a consumer's sign of life.

    ``age_s`` is None where nobody gives one; ``expected`` says whether this node should consume it.
    """

    name: str
    process: str
    waiting: int
    in_hand: int
    age_s: int | None
    expected: bool

    @property
    def served(self) -> bool:
        """Whether somebody consumes it."""
        return self.age_s is not None and self.age_s <= 15


@dataclass(frozen=True, slots=True)
class TaskLine:
    """A task that workers have in hand, and how many of its kind."""

    name: str
    queue: str
    count: int


def queue_lines(
    consumers: Mapping[str, tuple[str, ...]], ages: Mapping[str, int | None], redis: Redis | None = None
) -> tuple[list[QueueLine], list[TaskLine]]:
    """Every queue, and the tasks in hand; one round trip."""
    redis = redis or redis_client()
    names = list(settings.CELERY_TASK_QUEUES)
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.llen(name)
        pipe.hvals(_IN_HAND)
        *depths, taken = pipe.execute()
    held: Counter[tuple[str, str]] = Counter()
    for raw in taken[:MOST_IN_HAND]:
        held[_read(raw)] += 1
    by_queue: Counter[str] = Counter()
    for (_, queue), count in held.items():
        by_queue[queue] += count
    process_of = {queue: process for process, queues in consumers.items() for queue in queues}
    lines = [
        QueueLine(name, process_of.get(name, "–"), depth, by_queue[name], ages.get(name), name in ages)
        for name, depth in zip(names, depths, strict=True)
    ]
    tasks = [TaskLine(task, queue, count) for (task, queue), count in sorted(held.items())]
    return lines, tasks


def _read(raw: bytes) -> tuple[str, str]:
    """Task and queue of a message in hand: kombu keeps [message, exchange, routing key]."""
    try:
        message, _, queue = orjson.loads(raw)
        return str(message["headers"]["task"]), str(queue)
    except (orjson.JSONDecodeError, ValueError, KeyError, TypeError):
        return "unreadable", "–"
