"""After a commit: pool, miners and readers are told.  Nothing here can change the chain."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from chain.services.network import now_ms
from chain.services.snapshot import publish_virtual

if TYPE_CHECKING:
    from redis import Redis

    from chain.core.consensus.engine import Engine
    from chain.core.consensus.model import ChainUpdate
    from chain.services.pool import Pool

SAFE_DEPTH = 60  # work_score under the sink (protocol §9)


class RedisPublisher:
    """Publishes through Redis: first the pool follows, then miners get the virtual block that fits it."""

    def __init__(self, redis: Redis, pool: Pool) -> None:
        self._redis = redis
        self._pool = pool

    def opened(self, engine: Engine) -> None:
        """Take every pooled sender anew and show the head; Redis may have been away or wiped."""
        snapshot = engine.virtual()

        def read(addresses: Any) -> dict[bytes, Any]:
            engine.state.hot.prefetch(addresses, ())
            return {address: engine.state.hot.get_account(address) for address in addresses}

        self._pool.resync(engine.sequence, read, snapshot.in_flight, now_ms())
        publish_virtual(self._redis, snapshot, head_of(engine))

    def committed(self, update: ChainUpdate, engine: Engine) -> None:
        """Follow one commit."""
        self._pool.on_update(update, now_ms())
        publish_virtual(self._redis, update.virtual, head_of(engine))


def head_of(engine: Engine) -> dict[str, Any]:
    """What readers keep in memory of the head: numbers, hashes and fees."""
    sink = engine.sink
    summary = engine.state.summaries[sink.hash]
    chain_number = _number_under(engine)
    return {
        "sequence": engine.sequence,
        "hash": sink.hash,
        "number": sink.header.number,
        "timestamp_ms": sink.header.timestamp_ms,
        "blue_score": sink.header.blue_score,
        "work_score": sink.work_score,
        "stream": sink.header.stream,
        "base_fee": str(sink.header.base_fee),
        "next_base_fee": str(summary.next_base_fee),
        "latest": chain_number(engine.spec.latest_depth),
        "safe": chain_number(SAFE_DEPTH),
        "finalized": engine.records[engine.finality_point].header.number,
        "tips": len(engine.dag.tips),
        "published_ms": now_ms(),
    }


def _number_under(engine: Engine) -> Any:
    """Number of the newest chain block at least so much work_score under the sink, else genesis."""

    def number(depth: int) -> int:
        if depth == 0:
            return engine.sink.header.number
        score = engine.sink.work_score - depth
        if score < 0:
            return 0
        return engine.dag.view(engine.dag.block_at_or_below_work_score(engine.sink.hash, score)).number

    return number
