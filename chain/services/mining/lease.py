"""One live chain of slices for each stream: a lease in Redis that is handed from slice to slice.

A slice takes the lease with the token of its message, which only one message has, and leaves it
under a new token for the next one.  So a message that was repeated or delivered twice finds another
token and ends; a chain that was lost leaves a lease that ends by itself, and the sweep starts anew.
"""

from __future__ import annotations

import secrets

from redis import Redis

# longer than a slice with its last rest and the wait for a free worker
LIFE_MS = 8_000

_TAKE = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
return 1
"""
_RELEASE = """
if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end
return 0
"""


def lease_key(stream_name: str) -> str:
    """Where the lease of stream "A", "B" or "C" is."""
    return f"mds:mining:lease:{stream_name}"


def new_token() -> str:
    """A token that no other message has."""
    return secrets.token_hex(8)


def take_lease(redis: Redis, stream_name: str, expected: str | None) -> str | None:
    """Take the lease if it is free or held under ``expected``; the new token, or None."""
    token = new_token()
    taken = redis.eval(_TAKE, 1, lease_key(stream_name), expected or "", token, LIFE_MS)
    return token if taken else None


def release_lease(redis: Redis, stream_name: str, token: str) -> bool:
    """Give the lease back, if it is still held under ``token``."""
    return bool(redis.eval(_RELEASE, 1, lease_key(stream_name), token))


def is_leased(redis: Redis, stream_name: str) -> bool:
    """Whether a chain of slices is alive."""
    return bool(redis.exists(lease_key(stream_name)))
