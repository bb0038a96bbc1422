"""Filters that callers poll, kept in Redis: any process answers, and who stops polling is forgotten.

A filter remembers the last block that it told of.  The next poll walks from there to the newest block, so
a reorganisation between two polls shows as what it took back and what came instead, once.
"""

from __future__ import annotations

from typing import Any

import msgpack
from redis.asyncio import Redis

from chain.core.errors import RequestCode, RequestError
from chain.rpc.formats import new_identity
from chain.rpc.params import BlockRef, LogFilter
from chain.services.network import now_ms

PREFIX = "mds:filter:"
LIFE_MS = 300_000
MAX_FILTERS = 20_000
MAX_OF_CALLER = 200

# make room for one more: KEYS all, caller's; ARGV now, until, most, most of a caller, id, record, key, life
_CREATE = """
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', ARGV[1])
redis.call('ZREMRANGEBYSCORE', KEYS[2], '-inf', ARGV[1])
if redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[3]) then return 1 end
if redis.call('ZCARD', KEYS[2]) >= tonumber(ARGV[4]) then return 2 end
redis.call('ZADD', KEYS[1], ARGV[2], ARGV[5])
redis.call('ZADD', KEYS[2], ARGV[2], ARGV[5])
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('SET', KEYS[3], ARGV[6], 'PX', ARGV[7])
return 0
"""
# move on only from where the poll began; KEYS record, all, caller's; ARGV old, new, life, id, until
_ADVANCE = """
if redis.call('GET', KEYS[1]) ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
redis.call('ZADD', KEYS[2], ARGV[5], ARGV[4])
redis.call('ZADD', KEYS[3], ARGV[5], ARGV[4])
redis.call('PEXPIRE', KEYS[3], ARGV[3])
return 1
"""


class Stored:
    """A filter as it was read: its kind, criteria and cursor, and the bytes that it was read from."""

    __slots__ = ("criteria", "cursor", "identity", "kind", "owner", "raw")

    def __init__(self, identity: str, raw: bytes) -> None:
        self.identity, self.raw = identity, raw
        self.kind, packed, self.cursor, self.owner = msgpack.unpackb(raw)
        self.criteria = None if packed is None else _filter(packed)

    def moved(self, cursor: Any) -> bytes:
        """The record with another cursor."""
        criteria = None if self.criteria is None else _packed(self.criteria)
        return msgpack.packb([self.kind, criteria, cursor, self.owner])


class Filters:
    """The filters of all processes.

    Parameters
    ----------
    redis : redis.asyncio.Redis
    """

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self._create = redis.register_script(_CREATE)
        self._advance = redis.register_script(_ADVANCE)

    async def create(self, kind: str, cursor: Any, owner: str, criteria: LogFilter | None = None) -> str:
        """Keep a filter; its id.

        Parameters
        ----------
        kind : {"logs", "blocks", "pending"}
        cursor : [number, hash] or the id of an entry of the pool's stream
        owner : str
            Whose share of filters it takes.

        Raises
        ------
        RequestError
            limit_exceeded.
        """
        identity = new_identity()
        raw = msgpack.packb([kind, None if criteria is None else _packed(criteria), cursor, owner])
        now = now_ms()
        refused = await self._create(
            keys=[PREFIX + "all", f"{PREFIX}of:{owner}", PREFIX + identity],
            args=[now, now + LIFE_MS, MAX_FILTERS, MAX_OF_CALLER, identity, raw, LIFE_MS],
        )
        if refused:
            raise RequestError(
                RequestCode.LIMIT_EXCEEDED, "too many filters", limit=(MAX_FILTERS, MAX_OF_CALLER)[refused - 1]
            )
        return "0x" + identity

    async def get(self, identity: str) -> Stored:
        """A filter by its id.

        Raises
        ------
        RequestError
            not_found: never made, removed, or expired.
        """
        raw = await self._redis.get(PREFIX + identity[2:])
        if raw is None:
            raise RequestError("filter_not_found", "filter not found")
        return Stored(identity[2:], raw)

    async def advance(self, stored: Stored, cursor: Any) -> bool:
        """Move a filter's cursor and renew its life; False where another poll was faster."""
        until = now_ms() + LIFE_MS
        moved = await self._advance(
            keys=[PREFIX + stored.identity, PREFIX + "all", f"{PREFIX}of:{stored.owner}"],
            args=[stored.raw, stored.moved(cursor), LIFE_MS, stored.identity, until],
        )
        return bool(moved)

    async def remove(self, identity: str) -> bool:
        """Forget a filter; whether there was one."""
        raw = await self._redis.get(PREFIX + identity[2:])
        if raw is None:
            return False
        stored = Stored(identity[2:], raw)
        async with self._redis.pipeline(transaction=True) as pipe:
            pipe.delete(PREFIX + stored.identity)
            pipe.zrem(PREFIX + "all", stored.identity)
            pipe.zrem(f"{PREFIX}of:{stored.owner}", stored.identity)
            removed, *_ = await pipe.execute()
        return bool(removed)


def _packed(criteria: LogFilter) -> list[Any]:
    return [
        criteria.block_hash,
        _place(criteria.from_block),
        _place(criteria.to_block),
        list(criteria.addresses),
        [list(choice) for choice in criteria.topics],
    ]


def _place(ref: BlockRef) -> Any:
    return ref.tag if ref.tag is not None else ref.number


def _ref(place: Any) -> BlockRef:
    return BlockRef(tag=place) if isinstance(place, str) else BlockRef(number=place)


def _filter(packed: list[Any]) -> LogFilter:
    block_hash, first, last, addresses, topics = packed
    return LogFilter(block_hash, _ref(first), _ref(last), tuple(addresses), tuple([tuple(part) for part in topics]))
