"""Token buckets in Redis, shared by every process and every door: what an address, or an API key, may spend."""

from __future__ import annotations

import time
from ipaddress import IPv6Address, ip_address
from typing import NamedTuple

import structlog
from redis import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)

PREFIX = "mds:rate:"
# a lot is what a process draws at once: a part of a second's points
LOT = 20
_LOT_S = 1.0
_MAX_KNOWN = 20_000

# KEYS bucket; ARGV rate, burst, least, wanted.  Answer: points granted, ms until the least would be there
DRAW = """
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local rate, burst, least, wanted = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3]), tonumber(ARGV[4])
local state = redis.call('HMGET', KEYS[1], 'points', 'at')
local points = tonumber(state[1]) or burst
local at = tonumber(state[2]) or now
points = math.min(burst, points + math.max(0, now - at) * rate / 1000)
local granted, wait = 0, 0
if points >= least then
  granted = math.min(math.floor(points), wanted)
else
  wait = math.ceil((least - points) * 1000 / rate)
end
redis.call('HSET', KEYS[1], 'points', tostring(points - granted), 'at', now)
redis.call('PEXPIRE', KEYS[1], math.ceil(burst * 1000 / rate) + 1000)
return {granted, wait}
"""


class Limit(NamedTuple):
    """Points a second, and points that may be spent at once after a rest."""

    rate: int
    burst: int


class Buckets:
    """The buckets for code that waits, as one process sees them; where Redis is away nobody is refused."""

    def __init__(self, redis: Redis) -> None:
        self._draw = redis.register_script(DRAW)
        self._lots: dict[str, tuple[float, float]] = {}

    def charge(self, bucket: str, cost: int, limit: Limit) -> int:
        """Take points; 0 where they were there, else the ms until they would be."""
        points, until = self._lots.get(bucket, (0.0, 0.0))
        if points >= cost and time.monotonic() < until:
            self._lots[bucket] = (points - cost, until)
            return 0
        burst = max(limit.burst, limit.rate // LOT, 1)
        # what costs more than a full bucket takes a full bucket
        least = min(cost, burst)
        try:
            granted, wait = self._draw(keys=[bucket], args=[limit.rate, burst, least, max(least, limit.rate // LOT)])
        except (RedisError, OSError) as error:
            log.warning("rates.without_redis", error=str(error))
            return 0
        if not granted:
            return max(1, int(wait))
        if len(self._lots) >= _MAX_KNOWN:
            self._lots.clear()
        self._lots[bucket] = (granted - least, time.monotonic() + _LOT_S)
        return 0


def bucket_of(address: str) -> str:
    """The bucket of an address; of IPv6, of the network that one customer has."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return PREFIX + "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return f"{PREFIX}ip:{parsed.packed[:8].hex()}"
    return f"{PREFIX}ip:{parsed}"
