"""What the miners report of themselves, in one word for each stream, and waiting until they have reported."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from redis import Redis

from chain.core.types import Stream
from chain.services.control import STREAMS, mining_settings
from chain.services.mining.lease import is_leased
from chain.services.mining.memory import read_memory
from chain.services.network import now_ms
from chain.services.redis_client import redis_client

PATIENCE_S = 6.0
_LOOK_S = 0.1


@dataclass(frozen=True, slots=True)
class StreamState:
    """One stream as the miners report it.

    ``state`` is mining, waiting (C without transactions), starting, stopping, stopped or unpaid (no coinbase);
    ``hashrate`` is hashes a second, for C slots tried a second.
    """

    name: str
    wanted: bool
    state: str
    share: float
    hashrate: int
    found: int
    refused: int
    last_found_ms: int | None

    @property
    def works(self) -> bool:
        """Whether a chain of slices is alive."""
        return self.state in ("mining", "waiting")


def stream_states(redis: Redis | None = None) -> list[StreamState]:
    """All three."""
    redis = redis or redis_client()
    settings = mining_settings(redis)
    now = now_ms()
    states = []
    for stream in STREAMS:
        memory = read_memory(redis, stream.name)
        wanted, leased, rate = settings.is_on(stream), is_leased(redis, stream.name), memory.rate_at(now)
        states.append(
            StreamState(
                stream.name,
                wanted,
                _word(stream, wanted, leased, rate, settings.coinbase is not None),
                settings.share(stream),
                rate if wanted and leased else 0,
                memory.found,
                memory.refused,
                memory.last_found_ms or None,
            )
        )
    return states


def wait_for(stream: Stream, wanted: Callable[[StreamState], bool], redis: Redis | None = None) -> StreamState:
    """Look until the stream's miner reports what is wanted, or patience ends; its state then."""
    end = time.monotonic() + PATIENCE_S
    while True:
        state = stream_states(redis)[stream - 1]
        if wanted(state) or time.monotonic() > end:
            return state
        time.sleep(_LOOK_S)


def _word(stream: Stream, wanted: bool, leased: bool, rate: int, paid: bool) -> str:
    if not paid:
        return "unpaid" if wanted else "stopped"
    if not wanted:
        return "stopping" if leased else "stopped"
    if not leased:
        return "starting"
    return "waiting" if stream is Stream.C and not rate else "mining"
