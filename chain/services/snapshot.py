"""The virtual block and the head as the writer shows them to miners, pool and RPC: their place in Redis."""

from __future__ import annotations

import time
from typing import Any

import orjson
from redis import Redis
from redis.asyncio import Redis as AsyncRedis

from chain.core.consensus.model import VirtualSnapshot
from chain.stores.virtual import pack_virtual as dump_virtual
from chain.stores.virtual import unpack_virtual as load_virtual

__all__ = [
    "dump_virtual",
    "load_virtual",
    "publish_virtual",
    "read_fast_virtual",
    "read_sequence",
    "read_sequence_and",
    "read_virtual",
    "wait_for_move",
]

VIRTUAL_KEY = "mds:virtual"
# what C templates stand on, where that is something else
FAST_KEY = "mds:virtual:fast"
SEQUENCE_KEY = "mds:virtual:seq"
HEAD_KEY = "mds:head"
# a list with one token from each move of virtual until somebody has taken it
MOVED_KEY = "mds:virtual:moved"


def events_channel(client: Redis | AsyncRedis) -> str:
    """The channel of each new head.  Channels know no database numbers, so the name says which one it is."""
    return f"mds:events:{client.connection_pool.connection_kwargs.get('db') or 0}"


def read_virtual(redis: Redis) -> VirtualSnapshot | None:
    """The newest published virtual block, or None before the writer has published one.

    Raises
    ------
    StoreError
        ``virtual_layout``: another version of the node wrote it.
    """
    data = redis.get(VIRTUAL_KEY)
    return None if data is None else load_virtual(data)


def read_fast_virtual(redis: Redis, now_ms: int, slot_ms: int) -> VirtualSnapshot | None:
    """What a C template stands on now: virtual, or what the writer's policy chose beside it.

    What was chosen because virtual's slot had not ended is passed over once it has.

    Raises
    ------
    StoreError
        As ``read_virtual``.
    """
    data, chosen = redis.mget(VIRTUAL_KEY, FAST_KEY)
    if data is None:
        return None
    virtual = load_virtual(data)
    if chosen is None:
        return virtual
    fast = load_virtual(chosen)
    steps_back = fast.sink != virtual.sink
    if steps_back and virtual.latest_parent_slot < now_ms // slot_ms:
        return virtual
    return fast


def read_sequence(redis: Redis) -> int:
    """The sequence of the newest virtual block, -1 before there is one; one small read."""
    raw = redis.get(SEQUENCE_KEY)
    return -1 if raw is None else int(raw)


def read_sequence_and(redis: Redis, key: str, field: str) -> tuple[int, int]:
    """``read_sequence`` and a counter in a hash, 0 where it is not there; one round trip."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.get(SEQUENCE_KEY)
        pipe.hget(key, field)
        sequence, count = pipe.execute()
    return -1 if sequence is None else int(sequence), int(count or 0)


def wait_for_move(redis: Redis, sequence: int, seconds: float) -> bool:
    """Block until the newest virtual block has another sequence, at most about so long; whether it has.

    For one waiter at a time: a second one would be woken by its time-out only.
    """
    end = time.monotonic() + seconds
    while read_sequence(redis) == sequence:
        left = end - time.monotonic()
        if left <= 0:
            return False
        # a token may be left from an earlier move: then this asks once more.  To Redis 0 means for ever
        redis.blpop([MOVED_KEY], timeout=max(left, 0.001))
    return True


def publish_virtual(
    redis: Redis, snapshot: VirtualSnapshot, head: dict[str, Any], fast: VirtualSnapshot | None = None
) -> None:
    """Show a commit to every other process: all keys at once, then the event.

    Parameters
    ----------
    snapshot : VirtualSnapshot
        After the commit.
    head : dict
        What RPC and web know of the head; JSON values, or bytes, which become 0x hex.
    fast : VirtualSnapshot, optional
        What C templates stand on, where that is not ``snapshot``.
    """
    with redis.pipeline(transaction=True) as pipe:
        pipe.set(VIRTUAL_KEY, dump_virtual(snapshot))
        if fast is None:
            pipe.delete(FAST_KEY)
        else:
            pipe.set(FAST_KEY, dump_virtual(fast))
        pipe.set(HEAD_KEY, orjson.dumps(head, default=_hex))
        pipe.set(SEQUENCE_KEY, snapshot.sequence)
        pipe.delete(MOVED_KEY)
        pipe.rpush(MOVED_KEY, 1)
        pipe.publish(events_channel(redis), orjson.dumps({**head, "kind": "head"}, default=_hex))
        pipe.execute()


def _hex(value: Any) -> str:
    if isinstance(value, bytes):
        return "0x" + value.hex()
    raise TypeError(type(value).__name__)
