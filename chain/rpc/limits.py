"""Token buckets in Redis: what one address, or one API key, may spend; shared by all processes.

A process draws points in lots, so that most requests cost no round trip.  Where Redis is away nobody is refused.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable
from typing import Any

import structlog
from django.conf import settings
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chain.core.errors import RequestCode, RequestError
from chain.rpc.caller import Caller, current_caller
from chain.selectors.mds import ApiKeyFacts, api_key
from chain.services import node_settings
from chain.services.api_keys import digest, note_use
from chain.services.network import now_ms
from chain.services.rates import DRAW, LOT, PREFIX, Limit, bucket_of

log = structlog.get_logger(__name__)

# drawn points that are not used go stale, and so does the knowledge that a key is valid
_LOT_S = 1.0
_KEY_S = 30.0
_MAX_KNOWN = 20_000


class Limits:
    """The buckets as one process sees them.

    Parameters
    ----------
    node : Node
    redis : redis.asyncio.Redis
    """

    def __init__(self, node: Any, redis: Redis) -> None:
        self._node = node
        self._redis = redis
        self._draw = redis.register_script(DRAW)
        self._lots: dict[str, tuple[float, float]] = {}
        # until when a key's facts hold, and under which version of the settings: a changed key raises that
        self._keys: dict[str, tuple[ApiKeyFacts | None, float, int]] = {}

    def charge(self, cost: int) -> Awaitable[None] | None:
        """Charge the current caller; None where it is paid already, else what to await.

        Raises
        ------
        RequestError
            limit_exceeded, from the awaitable.
        """
        caller = current_caller()
        if caller.key is not None:
            return self._charge_key(caller, caller.key, cost)
        if is_uncounted(caller):
            return None
        return self._charge(address_bucket(caller), cost, _node_limit())

    def _charge(self, bucket: str, cost: int, limit: Limit) -> Awaitable[None] | None:
        points, until = self._lots.get(bucket, (0.0, 0.0))
        if points >= cost and time.monotonic() < until:
            self._lots[bucket] = (points - cost, until)
            return None
        return self._refill(bucket, cost, limit)

    async def _charge_key(self, caller: Caller, key: str, cost: int) -> None:
        known, until, version = self._keys.get(key, (None, 0.0, 0))
        if time.monotonic() >= until or version != node_settings.followed():
            # asked before the key is, so that a change between the two is not missed
            version = node_settings.followed()
            known = await self._node.read(api_key, digest(key), now_ms())
            if len(self._keys) >= _MAX_KNOWN:
                self._keys.clear()
            self._keys[key] = (known, time.monotonic() + _KEY_S, version)
            if known is not None:
                await note_use(self._redis, known.name)
        # limits of its own hold wherever the caller is, and where the node has none
        if is_uncounted(caller) and (known is None or known.rate is None):
            return
        # a key that nobody made gives nobody a bucket of its own
        bucket = address_bucket(caller) if known is None else f"{PREFIX}key:{known.name}"
        wait = self._charge(bucket, cost, _node_limit() if known is None else _limit_of(known))
        if wait is not None:
            await wait

    async def _refill(self, bucket: str, cost: int, limit: Limit) -> None:
        rate = limit.rate
        burst = max(limit.burst, rate // LOT, 1)
        # what costs more than a full bucket takes a full bucket
        least = min(cost, burst)
        try:
            granted, wait = await self._draw(keys=[bucket], args=[rate, burst, least, max(least, rate // LOT)])
        except (RedisError, OSError) as error:
            log.warning("rpc.limits_without_redis", error=str(error))
            return
        if not granted:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "too many requests", retryAfterMs=int(wait))
        if len(self._lots) >= _MAX_KNOWN:
            self._lots.clear()
        self._lots[bucket] = (granted - least, time.monotonic() + _LOT_S)


def is_uncounted(caller: Caller) -> bool:
    """Whether the node's own limits do not hold: there are none, or a program on this machine asks for itself."""
    return not settings.MDS_RPC_RATE or (caller.is_loopback and not caller.is_forwarded)


def _node_limit() -> Limit:
    return Limit(settings.MDS_RPC_RATE, settings.MDS_RPC_BURST)


def _limit_of(key: ApiKeyFacts) -> Limit:
    """The key's own limits, the node's where it has none; a rate without a burst allows a second's worth at once."""
    rate = settings.MDS_RPC_RATE if key.rate is None else key.rate
    burst = key.burst if key.burst is not None else settings.MDS_RPC_BURST if key.rate is None else rate
    return Limit(rate, burst)


def address_bucket(caller: Caller) -> str:
    """The bucket of whom a caller speaks for."""
    return bucket_of(caller.address)
