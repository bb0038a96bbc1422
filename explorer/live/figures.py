"""Figures of the last ten minutes and blocks of the last hour, kept as blocks and epochs come and go.

Pure: fed by ``explorer.live.feed``, which brings what the database tells and the time.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TypeVar

from chain.core.difficulty import expand, work
from chain.selectors.live import Bucket, DrawnBlock, DrawnEpoch, MergedBlock
from explorer.live.payloads import HourStep, Now, Point, Pool

SERIES_STEP_MS = 5_000
SERIES_STEPS = 120
HOUR_STEP_MS = 15_000
HOUR_STEPS = 240
SERIES_MS = SERIES_STEP_MS * SERIES_STEPS
HOUR_MS = HOUR_STEP_MS * HOUR_STEPS
_SHORT_MS = 10_000
_MINUTE_MS = 60_000
T = TypeVar("T")


@lru_cache(maxsize=4096)
def expected_hashes(target: int) -> int:
    """Hashes that a block with this compact target takes in the mean."""
    return work(expand(target), 1)


@dataclass(slots=True)
class _Step:
    """Sums of one step of the lines."""

    blocks: list[int] = field(default_factory=lambda: [0, 0, 0])
    work: list[int] = field(default_factory=lambda: [0, 0])
    txs: int = 0
    gas: int = 0
    reds: int = 0
    reorgs: int = 0
    pending: int | None = None


@dataclass(slots=True)
class _Hour:
    """One step of the minimap."""

    blocks: list[int] = field(default_factory=lambda: [0, 0, 0])
    reds: int = 0
    low: int = 0
    high: int = 0

    def span(self, low: int, high: int) -> None:
        """Let the step cover these blue scores too."""
        self.low = min(self.low, low) if self.high else low
        self.high = max(self.high, high)


@dataclass(slots=True)
class _Epoch:
    epoch: DrawnEpoch
    crossing: list[int]
    reds: int


class Figures:
    """Rolling figures of one node.

    Parameters
    ----------
    shard_count : int
    """

    def __init__(self, shard_count: int) -> None:
        self._shards = shard_count
        self._steps: dict[int, _Step] = {}
        self._hours: dict[int, _Hour] = {}
        self._epochs: dict[int, _Epoch] = {}
        self._fees: dict[int, int] = {}
        self._difficulty = [0.0, 0.0]
        self._difficulties: dict[int, tuple[float, float]] = {}
        self._pool: Pool | None = None
        # apart from what was seen: rates count from the first step with blocks
        self._pasts: dict[int, int] = {}

    def add_history(self, since_ms: int, buckets: Iterable[Bucket], step_ms: int) -> None:
        """Begin with what was counted in the database, in steps of the minimap or of the lines."""
        for bucket in buckets:
            at = since_ms + bucket.step * step_ms
            if step_ms == HOUR_STEP_MS:
                hour = self._hour(at)
                hour.blocks[bucket.stream - 1] += bucket.blocks
                hour.reds += bucket.reds
                hour.span(bucket.lowest_score, bucket.highest_score)
                continue
            step = self._step(at)
            step.blocks[bucket.stream - 1] += bucket.blocks
            if bucket.stream <= 2:
                hashes = expected_hashes(bucket.target)
                step.work[bucket.stream - 1] += hashes * bucket.blocks
                self._see_difficulty(at, bucket.stream, hashes)

    def add_block(self, block: DrawnBlock) -> None:
        """A block joined the DAG."""
        if not block.stream:
            return
        step, hour = self._step(block.timestamp_ms), self._hour(block.timestamp_ms)
        step.blocks[block.stream - 1] += 1
        hour.blocks[block.stream - 1] += 1
        hour.span(block.blue_score, block.blue_score)
        if block.stream <= 2:
            hashes = expected_hashes(block.target)
            step.work[block.stream - 1] += hashes
            self._see_difficulty(block.timestamp_ms, block.stream, hashes)

    def add_epoch(
        self, epoch: DrawnEpoch, crossing: Sequence[tuple[int, int]], reds: int, *, known: bool = False
    ) -> None:
        """An epoch joined the selected chain.

        Parameters
        ----------
        crossing : sequence of (source shard, transactions)
            Those that left phase 1.
        reds : int
            Red blocks that it merged.
        known : bool
            Whether the minimap has its reds already.
        """
        shares = [0] * self._shards
        for shard, count in crossing:
            shares[shard] = count
        self._epochs[epoch.number] = _Epoch(epoch, shares, reds)
        self._count(epoch, reds, 1, 0 if known else 1)
        self._fees[epoch.timestamp_ms // SERIES_STEP_MS] = epoch.next_base_fee

    def remove_above(self, number: int) -> None:
        """Epochs above a number left the selected chain."""
        for above in [key for key in self._epochs if key > number]:
            gone = self._epochs.pop(above)
            self._count(gone.epoch, gone.reds, -1, -1)

    def add_reorg(self, now_ms: int) -> None:
        """The selected chain moved sideways."""
        self._step(now_ms).reorgs += 1

    def see_pool(self, pool: Pool | None, now_ms: int) -> None:
        """What the pool holds now."""
        self._pool = pool
        if pool is not None:
            self._step(now_ms).pending = pool.pending

    def add_pool_history(self, waited: Mapping[int, int], now_ms: int) -> None:
        """What waited in the steps of the lines before anybody looked, by step."""
        here = now_ms // SERIES_STEP_MS
        for at, pending in waited.items():
            if here - SERIES_STEPS < at <= here:
                self._pasts[at] = pending

    def forget(self, now_ms: int) -> None:
        """Drop what is older than the lines and the minimap."""
        oldest = now_ms // SERIES_STEP_MS - SERIES_STEPS
        for kept in (self._steps, self._fees, self._difficulties, self._pasts):
            for key in [key for key in kept if key < oldest]:
                del kept[key]  # type: ignore[attr-defined]
        for key in [key for key in self._hours if key < now_ms // HOUR_STEP_MS - HOUR_STEPS]:
            del self._hours[key]
        # by number: those that are too old come first
        for number in list(self._epochs):
            if self._epochs[number].epoch.timestamp_ms >= now_ms - SERIES_MS:
                break
            del self._epochs[number]

    def now(self, now_ms: int) -> Now:
        """The figures of this moment."""
        txs, gas = 0, 0
        shards, crossing = [0] * self._shards, [0] * self._shards
        for number in reversed(self._epochs):
            kept = self._epochs[number]
            age = now_ms - kept.epoch.timestamp_ms
            if age > _MINUTE_MS:
                break
            if age <= _SHORT_MS:
                txs, gas = txs + kept.epoch.tx_count, gas + kept.epoch.gas_used
            if kept.epoch.tx_count:
                shards = [a + b for a, b in zip(shards, kept.epoch.lane_txs, strict=False)]
                crossing = [a + b for a, b in zip(crossing, kept.crossing, strict=True)]
        here = now_ms // SERIES_STEP_MS
        minute = [self._steps[step] for step in range(here - 12, here) if step in self._steps]
        hashes = [sum(step.work[of] for step in self._steps.values()) for of in (0, 1)]
        first = min(self._steps, default=here)
        seconds = max(SERIES_STEP_MS, now_ms - first * SERIES_STEP_MS) / 1000
        return Now(
            tps=txs * 1000 / _SHORT_MS,
            blocks=tuple(round(sum(step.blocks[of] for step in minute) / 60, 3) for of in range(3)),
            reds=sum(step.reds for step in minute),
            hashrate=(round(hashes[0] / seconds, 1), round(hashes[1] / seconds, 1)),
            difficulty=(self._difficulty[0], self._difficulty[1]),
            gas=gas * 1000 / _SHORT_MS,
            pool=self._pool,
            shards=tuple(shards),
            crossing=tuple(crossing),
            reorgs=sum(step.reorgs for step in self._steps.values()),
        )

    def series(self, now_ms: int) -> list[Point]:
        """The lines, oldest first, one point for each step whether something happened or not."""
        here = now_ms // SERIES_STEP_MS
        return [self.point(step) for step in range(here - SERIES_STEPS + 1, here + 1)]

    def point(self, at: int) -> Point:
        """One step of the lines; base fee and difficulty hold until they change."""
        step = self._steps.get(at) or _Step()
        seconds = SERIES_STEP_MS / 1000
        # a stream that was not seen yet has no difficulty that anybody knew
        difficulty = [value or None for value in _last(self._difficulties, at) or (None, None)]
        fee = _last(self._fees, at)
        return Point(
            step=at,
            tps=step.txs / seconds,
            a=step.blocks[0] / seconds,
            b=step.blocks[1] / seconds,
            c=step.blocks[2] / seconds,
            reds=step.reds,
            hash_a=step.work[0] / seconds,
            hash_b=step.work[1] / seconds,
            diff_a=difficulty[0],
            diff_b=difficulty[1],
            gas=step.gas / seconds,
            fee=None if fee is None else fee / 1e9,
            pending=self._pasts.get(at) if step.pending is None else step.pending,
            reorgs=step.reorgs,
        )

    def hour(self, now_ms: int) -> list[HourStep]:
        """The minimap, oldest first, only steps with blocks."""
        oldest = now_ms // HOUR_STEP_MS - HOUR_STEPS
        return [self.hour_step(step) for step in sorted(self._hours) if step >= oldest]

    def hour_step(self, at: int) -> HourStep:
        """One step of the minimap."""
        hour = self._hours.get(at) or _Hour()
        return HourStep(at, (hour.blocks[0], hour.blocks[1], hour.blocks[2]), hour.reds, hour.low, hour.high)

    def _count(self, epoch: DrawnEpoch, reds: int, sign: int, hour_sign: int) -> None:
        step = self._step(epoch.timestamp_ms)
        step.txs += sign * epoch.tx_count
        step.gas += sign * epoch.gas_used
        step.reds += sign * reds
        if reds:
            self._hour(epoch.timestamp_ms).reds += hour_sign * reds

    def _step(self, at_ms: int) -> _Step:
        return self._steps.setdefault(at_ms // SERIES_STEP_MS, _Step())

    def _hour(self, at_ms: int) -> _Hour:
        return self._hours.setdefault(at_ms // HOUR_STEP_MS, _Hour())

    def _see_difficulty(self, at_ms: int, stream: int, hashes: int) -> None:
        self._difficulty[stream - 1] = float(hashes)
        self._difficulties[at_ms // SERIES_STEP_MS] = (self._difficulty[0], self._difficulty[1])


def reds_of(merged: Iterable[MergedBlock]) -> dict[int, int]:
    """Red blocks by the number that merged them."""
    found: dict[int, int] = {}
    for block in merged:
        if not block.is_blue:
            found[block.number] = found.get(block.number, 0) + 1
    return found


def _last(values: dict[int, T], at: int) -> T | None:
    found = [key for key in values if key <= at]
    return values[max(found)] if found else None
