"""The pool for people: who has how much in it, one sender's transactions, and taking some out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

from redis import Redis

from chain.core.errors import RequestError
from chain.core.pool import PoolEntry
from chain.services import audit
from chain.services.network import current_spec, now_ms
from chain.services.pool.client import PREFIX, Pool
from chain.services.pool.settings import pool_policy
from chain.services.pool.wire import Sums, unpack_record, unpack_sender
from chain.services.redis_client import redis_client

CHUNK = 1_000
# beyond so many senders the list is of a part of them, and says so
MOST_SENDERS = 20_000


@dataclass(frozen=True, slots=True)
class SenderLine:
    """One sender: the chain's next nonce for it, and its executable and waiting transactions."""

    address: bytes
    nonce: int
    pending: int
    queued: int

    @property
    def count(self) -> int:
        """All of them."""
        return self.pending + self.queued


@dataclass(frozen=True, slots=True)
class SenderContent:
    """One sender's transactions by nonce; those below ``next_nonce`` can run."""

    line: SenderLine
    next_nonce: int
    entries: tuple[PoolEntry, ...]


def pool_sums(redis: Redis | None = None) -> Sums:
    """Counts and sizes."""
    return _pool(redis).sums()


def senders(limit: int, redis: Redis | None = None) -> tuple[list[SenderLine], int]:
    """The senders with most transactions, and how many senders there are."""
    redis = redis or redis_client()
    total = int(redis.scard(f"{PREFIX}senders"))
    if total > MOST_SENDERS:
        addresses = cast("list[bytes]", redis.srandmember(f"{PREFIX}senders", MOST_SENDERS))
    else:
        addresses = list(cast("set[bytes]", redis.smembers(f"{PREFIX}senders")))
    lines = []
    for start in range(0, len(addresses), CHUNK):
        chunk = addresses[start : start + CHUNK]
        states = redis.hmget(f"{PREFIX}states", chunk)
        lines += [_line(address, raw) for address, raw in zip(chunk, states, strict=True) if raw is not None]
    lines.sort(key=lambda line: (-line.count, line.address))
    return lines[:limit], total


def sender_content(address: bytes, limit: int, redis: Redis | None = None) -> SenderContent | None:
    """One sender's first transactions, None where the pool has none of it."""
    redis = redis or redis_client()
    with redis.pipeline(transaction=True) as pipe:
        pipe.hget(f"{PREFIX}states", address)
        pipe.hgetall(f"{PREFIX}s:".encode() + address)
        raw, records = pipe.execute()
    if raw is None or not records:
        return None
    entries = sorted(map(unpack_record, records.values()), key=lambda entry: entry.nonce)
    return SenderContent(_line(address, raw), unpack_sender(raw).next_nonce, tuple(entries[:limit]))


def missing_nonce(entry: PoolEntry, redis: Redis | None = None) -> int | None:
    """The nonce of its sender that a pooled transaction waits for; None where it can run."""
    raw = cast("bytes | None", (redis or redis_client()).hget(f"{PREFIX}states", cast("str", entry.sender)))
    if raw is None:
        return None
    following = unpack_sender(raw).next_nonce
    return following if entry.nonce >= following else None


def drop_transaction(tx_hash: bytes, redis: Redis | None = None) -> PoolEntry:
    """Take one out; what it was.

    Raises
    ------
    RequestError
        ``not_found``: it is not in the pool, any more or at all.
    """
    with audit.operation("pool.drop_transaction", "0x" + tx_hash.hex()) as trail:
        pool = _pool(redis)
        entry = pool.get(tx_hash)
        if entry is None or not pool.drop(now_ms(), hashes=[tx_hash]):
            raise RequestError("not_found", "this transaction is not in the pool", got=tx_hash)
        trail.before = {"sender": "0x" + entry.sender.hex(), "nonce": entry.nonce}
        return entry


def drop_sender(address: bytes, redis: Redis | None = None) -> int:
    """Take all of one sender's transactions out; how many they were.

    Raises
    ------
    RequestError
        ``not_found``: it has none.
    """
    with audit.operation("pool.drop_sender", "0x" + address.hex()) as trail:
        count = _pool(redis).drop(now_ms(), senders=[address])
        if not count:
            raise RequestError("not_found", "this sender has nothing in the pool", got=address)
        trail.before = {"transactions": count}
        return count


def _pool(redis: Redis | None) -> Pool:
    return Pool(redis or redis_client(), pool_policy(current_spec()))


def _line(address: bytes, raw: bytes) -> SenderLine:
    state = unpack_sender(raw)
    pending = max(0, state.next_nonce - state.nonce)
    return SenderLine(address, state.nonce, pending, max(0, state.count - pending))
