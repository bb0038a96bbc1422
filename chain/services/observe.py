"""From a commit of the writer to the counters of metrics."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import structlog
from redis.exceptions import RedisError

from chain import metrics
from chain.core.consensus.chain_state import order_key
from chain.core.spec import WEI, stream_name
from chain.services.control import mining_settings
from chain.services.redis_client import redis_client

if TYPE_CHECKING:
    from chain.core.consensus.model import BlockRecord, ChainUpdate, ExecutedEpoch

log = structlog.get_logger(__name__)

_COINBASE_S = 5.0

RecordOf = Callable[[bytes], "BlockRecord | None"]


class CommitObserver:
    """Counts what commits do.

    Parameters
    ----------
    coinbase : callable
        This node's own coinbase, None where it has none.
    """

    def __init__(self, coinbase: Callable[[], bytes | None]) -> None:
        self._coinbase = coinbase

    def committed(self, update: ChainUpdate, record_of: RecordOf) -> None:
        """Count one commit; ``record_of`` finds blocks of the DAG window."""
        if update.removed:
            metrics.REORGS.inc()
            metrics.REORG_DEPTH.observe(len(update.removed))
            metrics.TRANSACTIONS.labels("undone").inc(len(update.returned))
        if not update.added:
            return
        coinbase = self._coinbase()
        outcomes = dict.fromkeys(metrics.OUTCOMES, 0)
        reds = 0
        phases = dict.fromkeys(metrics.PHASES, 0)
        shards = [[0, 0] for _ in update.lattices]
        for epoch in update.added:
            receipts = epoch.result.receipts
            counts = dict.fromkeys(metrics.PHASES, 0)
            good = 0
            for receipt in receipts:
                counts[metrics.PHASES[receipt.phase - 1]] += 1
                good += receipt.status
                shard = shards[receipt.lane]
                shard[0] += receipt.gas_used
                shard[1] += 1
            for phase, count in counts.items():
                metrics.EPOCH_TRANSACTIONS.labels(phase).observe(count)
                phases[phase] += count
            metrics.EPOCH_GAS.observe(epoch.result.gas_used)
            outcomes["succeeded"] += good
            outcomes["reverted"] += len(receipts) - good
            outcomes["skipped"] += len(epoch.result.skipped)
            record = record_of(epoch.hash)
            if record is not None:
                reds += len(record.reds)
                for stream, wei in own_rewards(epoch, record, record_of, coinbase):
                    metrics.MINING_REWARDS.labels(stream).inc(wei / WEI)
        metrics.RED_BLOCKS.inc(reds)
        for lane, (gas, count) in enumerate(shards):
            metrics.observe_total(metrics.SHARD_TRANSACTIONS.labels(str(lane)), gas, count)
        for outcome, count in outcomes.items():
            metrics.TRANSACTIONS.labels(outcome).inc(count)
        for phase in metrics.PHASES[1:]:
            metrics.CROSS_SHARD.labels(phase).inc(phases[phase])


def own_rewards(
    epoch: ExecutedEpoch, record: BlockRecord, record_of: RecordOf, coinbase: bytes | None
) -> Iterator[tuple[str, int]]:
    """(stream, wei) of each reward that an epoch pays to ``coinbase``.

    Rewards stand in consensus order, and blocks that earn nothing are left out, so each is the next blue block's
    with its coinbase.
    """
    merged = [record_of(block) for block in record.blues[1:]]
    blues = sorted([block for block in merged if block is not None], key=order_key)
    place = 0
    rewards = epoch.result.rewards
    for block in (*blues, record):
        if place < len(rewards) and rewards[place][0] == block.header.coinbase:
            if block.header.coinbase == coinbase:
                yield stream_name(block.header.stream), rewards[place][1]
            place += 1


class OwnCoinbase:
    """The coinbase of the mining settings, read at most every few seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until = 0.0
        self._known: bytes | None = None

    def __call__(self) -> bytes | None:
        """The coinbase, or the last one that could be read."""
        now = self._clock()
        if now >= self._until:
            self._until = now + _COINBASE_S
            try:
                self._known = mining_settings(redis_client()).coinbase
            except RedisError as error:
                log.info("coinbase not read", reason=str(error))
        return self._known
