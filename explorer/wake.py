"""The wake-up of the index task: sent after a commit unless one waits already.  Lost ones are found by beat."""

from __future__ import annotations

from typing import Any

from redis.exceptions import RedisError

from chain.kick import Queue, kick
from chain.services.redis_client import redis_client

TASK = "explorer.tasks.index"
# set while a message is on its way; it ends by itself, so that a lost message holds up nothing
FLAG = "mds:index:woken"
_FLAG_MS = 2000
# where nobody takes messages they must not pile up
_MAX_WAITING = 5


def wake(**_: Any) -> bool:
    """Send the message; False where one is on its way, or Redis is away."""
    try:
        with redis_client().pipeline(transaction=False) as asked:
            asked.set(FLAG, 1, nx=True, px=_FLAG_MS)
            asked.llen(Queue.INDEX)
            is_first, waiting = asked.execute()
    except RedisError:
        # beat sends one when Redis is back
        return False
    if not is_first or waiting >= _MAX_WAITING:
        return False
    kick(TASK, queue=Queue.INDEX, expires=60)
    return True


def taken() -> None:
    """The message has come: what is committed from now on needs another one."""
    try:
        redis_client().delete(FLAG)
    except RedisError:
        # it ends by itself
        return
