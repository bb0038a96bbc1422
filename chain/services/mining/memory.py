"""What mining remembers between slices, in Redis: rates and finds for readers, guards for the miner."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis

# after a find the miner waits so long for virtual to move: siblings of its own block earn nobody anything
HOLD_MS = 5_000
# a rate older than this is no rate any more
FRESH_MS = 15_000
_SMOOTHING = 0.25


@dataclass(frozen=True, slots=True)
class MiningMemory:
    """One stream's record; times in ms since 1970, 0 for never.

    ``found`` counts blocks that this node made and its own door took; ``last_sequence`` is the virtual
    block under the last one, ``last_slot`` the slot of the last C block.  ``gave_way`` is in seconds (``Courtesy``).
    """

    hashrate: float = 0.0
    hashes: int = 0
    found: int = 0
    refused: int = 0
    last_found_ms: int = 0
    last_hash: bytes = b""
    last_sequence: int = -1
    last_slot: int = -1
    updated_ms: int = 0
    gave_way: float = 0.0

    def is_held(self, sequence: int, now_ms: int) -> bool:
        """Whether a block on this virtual was found already, so recently that another would be a sibling."""
        return sequence == self.last_sequence and 0 <= now_ms - self.last_found_ms < HOLD_MS

    def gave_way_at(self, now_ms: int, regain: float) -> float:
        """Seconds of courtesy that are still spent, when ``regain`` of them come back each second."""
        return max(0.0, self.gave_way - regain * max(0, now_ms - self.updated_ms) / 1000)

    def rate_at(self, now_ms: int) -> int:
        """Hashes a second, rests included; 0 where no slice ended lately."""
        return round(self.hashrate) if now_ms - self.updated_ms < FRESH_MS else 0


def memory_key(stream_name: str) -> str:
    """Where the record of stream "A", "B" or "C" is."""
    return f"mds:mining:{stream_name}"


def read_memory(redis: Redis, stream_name: str) -> MiningMemory:
    """The record, with defaults for what was never written."""
    raw: dict[bytes, bytes] = redis.hgetall(memory_key(stream_name))

    def number(name: bytes, default: int) -> int:
        return int(raw.get(name, default))

    return MiningMemory(
        hashrate=float(raw.get(b"hashrate", 0.0)),
        hashes=number(b"hashes", 0),
        found=number(b"found", 0),
        refused=number(b"refused", 0),
        last_found_ms=number(b"last_found_ms", 0),
        last_hash=raw.get(b"last_hash", b""),
        last_sequence=number(b"last_sequence", -1),
        last_slot=number(b"last_slot", -1),
        updated_ms=number(b"updated_ms", 0),
        gave_way=float(raw.get(b"gave_way", 0.0)),
    )


def remember_attempt(redis: Redis, stream_name: str, sequence: int, slot: int, now_ms: int) -> None:
    """Before a block is submitted: the guards hold even if this process dies on the way."""
    place = {"last_sequence": sequence, "last_slot": slot, "last_found_ms": now_ms}
    redis.hset(memory_key(stream_name), mapping=place)


def remember_outcome(redis: Redis, stream_name: str, block_hash: bytes | None) -> None:
    """After a block was submitted: its hash, or None where the node's own door refused it."""
    with redis.pipeline(transaction=True) as pipe:
        if block_hash is None:
            pipe.hincrby(memory_key(stream_name), "refused", 1)
        else:
            pipe.hincrby(memory_key(stream_name), "found", 1)
            pipe.hset(memory_key(stream_name), "last_hash", block_hash)
        pipe.execute()


def remember_slice(
    redis: Redis, stream_name: str, hashes: int, seconds: float, now_ms: int, gave_way: float = 0.0
) -> None:
    """After a slice: the rate, smoothed over the last few."""
    before = read_memory(redis, stream_name)
    rate = hashes / seconds if seconds > 0 else 0.0
    if now_ms - before.updated_ms < FRESH_MS and before.updated_ms:
        rate = before.hashrate + _SMOOTHING * (rate - before.hashrate)
    with redis.pipeline(transaction=True) as pipe:
        pipe.hset(
            memory_key(stream_name), mapping={"hashrate": repr(rate), "updated_ms": now_ms, "gave_way": repr(gave_way)}
        )
        pipe.hincrby(memory_key(stream_name), "hashes", hashes)
        pipe.execute()
