"""Periodic care: what a lost message or the passing of time has left undone."""

from __future__ import annotations

from chain.kick import QUEUE_OF, TaskName, kick
from chain.services.mining.run import revive_mining
from chain.services.network import current_spec, now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client


def sweep_all() -> dict[str, int]:
    """Wake the writer for what waits, revive lost chains of mining slices, drop old transactions.

    The writer finds its work list itself, and an empty one costs it one query.  No second wake-up is
    sent while one is waiting.

    Returns
    -------
    dict
        ``woken`` (0 or 1), ``revived`` streams, ``expired`` transactions.
    """
    redis = redis_client()
    woken = int(redis.llen(QUEUE_OF[TaskName.VIRTUAL]) == 0)
    if woken:
        kick(TaskName.VIRTUAL)
    revived = revive_mining()
    expired = Pool(redis, pool_policy(current_spec())).expire(now_ms())
    return {"woken": woken, "revived": len(revived), "expired": expired}
