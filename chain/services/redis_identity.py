"""Whose facts Redis holds: those of one database.

The pool, the head and the copies of settings belong to the chain that a database holds.  When the node is given another
database, what Redis kept of the former one would be wrong in silence: nonces, a head of higher number, settings.
"""

from __future__ import annotations

import structlog
from redis import Redis
from redis.exceptions import RedisError

from chain.models import ChainIdentity
from chain.services.redis_client import redis_client

KEY = "mds:database"
_OURS = "mds:*"
_BATCH = 1_000
log = structlog.get_logger(__name__)


def tie() -> str | None:
    """What Redis keeps under ``KEY`` when it is tied to this database; None where there is no chain yet."""
    identity = ChainIdentity.objects.first()
    return None if identity is None else f"{identity.network} {identity.created_ms}"


def claim_redis(redis: Redis | None = None) -> bool:
    """Tie Redis to the database, and drop what it kept of another one; whether there was such.

    Called before the node's processes start.  A Redis that is away, or that nobody has tied yet, is left as it is.
    """
    told = tie()
    if told is None:
        return False
    ours = told.encode()
    redis = redis or redis_client()
    try:
        known = redis.get(KEY)
        is_strange = known is not None and known != ours
        if is_strange:
            log.warning("Redis kept facts of another database; they are dropped, pending transactions too")
            batch: list[bytes] = []
            for name in redis.scan_iter(_OURS, count=_BATCH):
                batch.append(name)
                if len(batch) == _BATCH:
                    redis.unlink(*batch)
                    batch.clear()
            if batch:
                redis.unlink(*batch)
        redis.set(KEY, ours)
    except RedisError as error:
        log.warning("Redis cannot be tied to the database yet", error=type(error).__name__)
        return False
    return is_strange
