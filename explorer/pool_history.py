"""How many transactions waited: a bounded past in Redis, kept by the index process whether anybody looks or not.

Three hashes, one for each width of step: 5 s for an hour, a minute for a day, an hour for a year.  A field is a step
(counted since 1970), its value the most that waited within it.  Redis lost is this past lost, and nothing else.
"""

from __future__ import annotations

import time
from functools import cache

import structlog
from redis import Redis
from redis.exceptions import RedisError

from chain.core.errors import BlockchainError
from chain.services.network import current_spec, now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client

log = structlog.get_logger(__name__)

# width of a step in s, and how many steps are kept
STEPS = {5: 720, 60: 1_440, 3_600: 8_784}
_KEY = "mds:waited:"
# KEYS one hash a width; ARGV now in s, how many wait, then width and steps kept by hash.  A step that is new takes
# the oldest out; after a long rest all that is too old goes
_NOTE = """
local now, waiting = tonumber(ARGV[1]), tonumber(ARGV[2])
for place, key in ipairs(KEYS) do
  local width, kept = tonumber(ARGV[2 * place + 1]), tonumber(ARGV[2 * place + 2])
  local step = math.floor(now / width)
  local known = redis.call('HGET', key, step)
  if not known or tonumber(known) < waiting then
    redis.call('HSET', key, step, waiting)
  end
  if not known and redis.call('HLEN', key) > kept then
    for _, field in ipairs(redis.call('HKEYS', key)) do
      if tonumber(field) <= step - kept then redis.call('HDEL', key, field) end
    end
  end
end
"""


def key_of(width: int) -> str:
    """The hash of a width."""
    return f"{_KEY}{width}"


def note(redis: Redis, waiting: int, at_ms: int) -> None:
    """Keep how many wait now."""
    script = redis.register_script(_NOTE)
    widths = [part for pair in STEPS.items() for part in pair]
    script(keys=[key_of(width) for width in STEPS], args=[at_ms // 1000, waiting, *widths])


def waited(redis: Redis, width: int) -> dict[int, int]:
    """Step → the most that waited, of one width; nothing while Redis is away."""
    try:
        found: dict[bytes, bytes] = redis.hgetall(key_of(width))
    except RedisError:
        return {}
    return parsed(found)


def parsed(found: dict[bytes, bytes]) -> dict[int, int]:
    """A hash as numbers."""
    return {int(step): int(count) for step, count in found.items()}


@cache
def _pool() -> Pool:
    return Pool(redis_client(), pool_policy(current_spec()))


_noted = [-1.0]


def sample(interval_s: float = 1.0) -> bool:
    """Look at the pool, once a second at most; whether it was looked at."""
    if time.monotonic() < _noted[0] + interval_s and _noted[0] >= 0:
        return False
    _noted[0] = time.monotonic()
    try:
        note(redis_client(), _pool().sums().pending, now_ms())
    except (RedisError, BlockchainError, OSError) as error:
        log.debug("what waits is not noted", error=str(error)[:100])
        return False
    return True
