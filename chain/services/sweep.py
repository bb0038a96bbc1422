"""Periodic care: what a lost message or the passing of time has left undone."""

from __future__ import annotations

from chain.kick import QUEUE_OF, TaskName, kick
from chain.services.mining.run import revive_mining
from chain.services.network import current_spec, now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client
from chain.stores import candidates
from chain.stores.connection import raw_connection

# how long a parked block may wait for its parents, and a refused one is remembered
CANDIDATE_LIFE_MS = 3_600_000


def sweep_all() -> dict[str, int]:
    """Wake writer and validators for what waits, revive lost chains of mining slices, drop what is old.

    The writer finds its work list itself, and an empty one costs it one query.  No second wake-up is
    sent while one is waiting.

    Returns
    -------
    dict
        ``woken`` (0 or 1), ``revived`` streams, ``expired`` transactions, ``validating`` blocks.
    """
    redis = redis_client()
    woken = int(redis.llen(QUEUE_OF[TaskName.VIRTUAL]) == 0)
    if woken:
        kick(TaskName.VIRTUAL)
    unvalidated: list[bytes] = []
    if redis.llen(QUEUE_OF[TaskName.VALIDATE]) == 0:
        unvalidated = candidates.list_unvalidated(raw_connection())
        for block in unvalidated:
            kick(TaskName.VALIDATE, block.hex())
    candidates.expire(raw_connection(), now_ms() - CANDIDATE_LIFE_MS)
    revived = revive_mining()
    expired = Pool(redis, pool_policy(current_spec())).expire(now_ms())
    return {"woken": woken, "revived": len(revived), "expired": expired, "validating": len(unvalidated)}
