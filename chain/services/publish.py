"""After a commit: pool, miners and readers are told.  Nothing here can change the chain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import structlog

from chain.core.pool import CodeKind, SenderState
from chain.services.network import now_ms
from chain.services.pool.wire import code_kind
from chain.services.snapshot import publish_virtual, read_sequence
from chain.signals import committed

if TYPE_CHECKING:
    from redis import Redis

    from chain.core.consensus.engine import Engine
    from chain.core.consensus.model import ChainUpdate
    from chain.core.types import Transaction
    from chain.services.observe import CommitObserver
    from chain.services.pool import Pool

log = structlog.get_logger(__name__)

SAFE_DEPTH = 60  # work_score under the sink (protocol §9)


class RedisPublisher:
    """Publishes through Redis: first the pool follows, then miners get the virtual block that fits it.

    Parameters
    ----------
    returned_since : callable
        Transactions that commits after a sequence took back, as ``load_returned`` reads them.
    observer : CommitObserver, optional
        Counts commits for metrics.
    """

    def __init__(
        self,
        redis: Redis,
        pool: Pool,
        returned_since: Callable[[int], Sequence[Transaction]],
        observer: CommitObserver | None = None,
    ) -> None:
        self._redis = redis
        self._pool = pool
        self._returned_since = returned_since
        self._observer = observer

    def is_current(self, engine: Engine) -> bool:
        """Whether pool and readers have seen the last commit; not so where Redis was away, wiped or set back."""
        return read_sequence(self._redis) == engine.sequence == self._pool.sequence()

    def opened(self, engine: Engine) -> None:
        """Take every pooled sender anew and show the head; Redis may have been away, wiped or set back."""
        snapshot = engine.virtual()
        seen = self._pool.sequence()

        def read(addresses: Any) -> dict[bytes, Any]:
            engine.state.hot.prefetch(addresses, ())
            return {address: engine.state.hot.get_account(address) for address in addresses}

        if 0 <= seen < engine.sequence:
            # before the pool is told that it is up to date, so that an end between the two loses nothing
            self._readmit(engine, self._returned_since(seen), snapshot.base_fee)
        self._pool.resync(engine.sequence, read, snapshot.in_flight, now_ms())
        publish_virtual(self._redis, snapshot, head_of(engine), engine.fast_virtual(snapshot, now_ms()))
        if seen != engine.sequence and engine.sequence:
            log.warning("pool and readers had missed commits", seen=seen, sequence=engine.sequence)

    def committed(self, update: ChainUpdate, engine: Engine) -> None:
        """Follow one commit."""
        if self._observer is not None:
            self._observer.committed(update, engine.records.get)
        if self._pool.on_update(update, now_ms(), gapless=True):
            fast = engine.fast_virtual(update.virtual, now_ms())
            publish_virtual(self._redis, update.virtual, head_of(engine), fast)
        else:
            self.opened(engine)
        committed.send_robust(RedisPublisher, sequence=update.sequence)

    def _readmit(self, engine: Engine, back: Sequence[Transaction], base_fee: int) -> None:
        hot = engine.state.hot
        senders = sorted({tx.sender for tx in back})
        hot.prefetch(senders, ())
        states = {}
        for sender in senders:
            account = hot.get_account(sender)
            if account is None:
                states[sender] = SenderState(0, 0, CodeKind.NONE, engine.sequence)
            else:
                kind = code_kind(hot.get_code(account.code_hash))
                states[sender] = SenderState(account.nonce, account.balance, kind, engine.sequence)
        self._pool.readmit(back, states, base_fee, now_ms())


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
