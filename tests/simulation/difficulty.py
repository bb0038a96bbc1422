"""Scenarios about difficulty: steps of hash rate, silences, and merged blocks that cost their maker little."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.difficulty import expand, work
from chain.core.types import Stream
from tests.simulation.measure import windows
from tests.simulation.miners import HashRate, Miner, mean_interval_ms
from tests.simulation.rules import Rules
from tests.simulation.worlds import USUAL_RATE, World, make_world

OFF = HashRate(0, 0)
HOUR_S = 3_600
MINERS = 4


@dataclass(frozen=True)
class Step:
    """After a step of the hash rate: blocks of B a second, minute by minute, and each stream's mean interval.

    ``interval_ms`` maps (stream, minutes after the step) to the time that the network expects to need for
    a block at the sink's target.
    """

    per_s: tuple[float, ...]
    interval_ms: dict[tuple[Stream, int], float]


def hash_rate_step(rules: Rules, seed: int, factor: float, minutes: int = 15, settle_s: int = 600) -> Step:
    """Multiply everybody's hash rate, after a time at the rate that the initial targets are made for."""
    world = make_world(rules, seed, miners=MINERS)
    world.run_s(settle_s)
    start = world.simulation.elapsed_ms
    for miner in world.miners:
        miner.set_rate(miner.rate.times(factor))
    intervals: dict[tuple[Stream, int], float] = {}
    for minute in range(1, minutes + 1):
        world.run_s(60)
        for stream, share in ((Stream.A, USUAL_RATE.a), (Stream.B, USUAL_RATE.b)):
            target = expand(world.ledger.target(world.sink, stream))
            intervals[stream, minute] = mean_interval_ms(rules.spec, stream, share * factor, target)
    counts = windows(world, Stream.B, start, 60_000)
    return Step(tuple(count / 60 for count in counts), intervals)


@dataclass(frozen=True)
class Silence:
    """After an hour without blocks of B: those of the first 10 s and minute, and of ten minutes."""

    first_10_s: int
    first_minute: int
    ten_minutes: int | None


def silence(rules: Rules, seed: int, *, everything: bool, miners: int = MINERS, watch_s: int = 600) -> Silence:
    """B, or everything, stops for an hour and comes back with the hash rate that it had."""
    world = make_world(rules, seed, miners=miners)
    world.run_s(600)
    usual = world.miners[0].rate
    for miner in world.miners:
        miner.set_rate(OFF if everything else HashRate(usual.a, 0))
    world.run_s(HOUR_S)
    start = world.simulation.elapsed_ms
    for miner in world.miners:
        miner.set_rate(usual)
    world.run_s(watch_s)

    def count(duration_ms: int) -> int:
        return world.blocks_between(Stream.B, start, start + duration_ms)

    return Silence(count(10_000), count(60_000), count(600_000) if watch_s >= 600 else None)


class CheapReds(Miner):
    """Forks far below the sink, claims the time since then with few blocks, and showers what became easy.

    A branch's clock may run from its fork to now at one block each 80 intervals, each credited in full, so
    its target of B is soon many times easier than the chain's.  All later blocks stand beside each other
    on its end: red, valid, and merged by honest blocks, nine at a time.
    """

    def __init__(self, world: World, name: str, rate: HashRate, *, depth: int, patience_ms: int) -> None:
        self.depth = depth
        self.patience_ms = patience_ms
        self._tip: bytes | None = None
        self._forked_ms = 0
        super().__init__(name, world.add_node(name), rate)
        world.miners.append(self)

    def selected(self) -> bytes:
        return self._branch()

    def parents(self) -> list[bytes]:
        return [self._branch()]

    def time_for(self, parents: list[bytes]) -> int:
        latest = self.ledger.time_of(parents[0])
        step = 80 * self.ledger.spec.stream_b.interval_ms
        return max(min(latest + step, self.simulation.now_ms), latest + 1)

    def found(self, block: bytes) -> None:
        record = self.ledger.records[block]
        if self.simulation.now_ms - record.header.timestamp_ms > self.ledger.spec.stream_b.interval_ms:
            self._tip = block  # still claiming time
            self.retarget()
        self.node.publish(block)

    def _branch(self) -> bytes:
        dag, sink = self.ledger.dag, self.node.sink
        if self._tip is None or self.simulation.now_ms - self._forked_ms > self.patience_ms:
            score = self.ledger.records[sink].work_score - self.depth
            self._tip = dag.block_at_or_below_work_score(sink, max(score, 0))
            self._forked_ms = self.simulation.now_ms
        return self._tip


@dataclass(frozen=True)
class CheapRedsOutcome:
    """What the attack did over its time: honest B blocks a second, and what the attacker paid and placed.

    ``reds``: the attacker's blocks merged red; ``cost``: their work in blocks at the honest target.
    """

    honest_per_s: float
    merged: int
    reds: int
    cost: float
    interval_ms: float


def cheap_reds(rules: Rules, seed: int, *, share: float, attack_s: int = 400) -> CheapRedsOutcome:
    """An attacker who has ``share`` of the honest hash rate of B attacks a chain of ten minutes."""
    world = make_world(rules, seed, miners=MINERS)
    world.run_s(700)
    start = world.simulation.elapsed_ms
    honest_work = world.ledger.records[world.sink].weight
    if share:
        CheapReds(world, "attacker", HashRate(0, share), depth=450, patience_ms=140_000)
    world.run_s(attack_s)
    sink = world.sink
    blue, red = world.work_colours(sink, "attacker")
    target = expand(world.ledger.target(sink, Stream.B))
    end = world.simulation.elapsed_ms
    assert honest_work < world.ledger.records[sink].weight
    return CheapRedsOutcome(
        honest_per_s=world.blocks_between(Stream.B, start, end) / attack_s,
        merged=blue + red,
        reds=red,
        cost=share * attack_s * 1000 / rules.spec.stream_b.interval_ms,
        interval_ms=mean_interval_ms(rules.spec, Stream.B, USUAL_RATE.b, target),
    )


class ClockLiar(Miner):
    """Claims the latest time that nodes take, or the earliest that parents allow."""

    def __init__(self, world: World, name: str, rate: HashRate, *, late: bool) -> None:
        self.late = late
        super().__init__(name, world.add_node(name), rate)
        world.miners.append(self)

    def time_for(self, parents: list[bytes]) -> int:
        earliest = max(map(self.ledger.time_of, parents)) + 1
        return max(earliest, self.simulation.now_ms + self.ledger.spec.future_drift_ms) if self.late else earliest


def clock_liars(rules: Rules, seed: int, *, late: bool, span_s: int = 1_500) -> float:
    """Blocks of B a second while half of the hash rate lies about the time."""
    world = make_world(rules, seed, rate=USUAL_RATE.times(0.5), miners=MINERS)
    ClockLiar(world, "liar", USUAL_RATE.times(0.5), late=late)
    world.run_s(span_s)
    return len([b for b in world.ledger.records if world.ledger.records[b].header.stream == Stream.B]) / span_s


@dataclass(frozen=True)
class StalePrice:
    """What a shower of stale blocks costs: a first outlay, then each, both in honest B blocks; and hashes."""

    outlay: float
    each: float
    hashes: int


def cost_of_stale_blocks(rules: Rules, seed: int, depth: int) -> StalePrice:
    """The price of valid blocks on a branch ``depth`` work_score below the sink whose clock runs as it may."""
    world = make_world(rules, seed, miners=2)
    world.run_s(HOUR_S)
    ledger, miner = world.ledger, world.miners[0]
    step_ms = 80 * rules.spec.stream_b.interval_ms

    def hashes(tip: bytes) -> float:
        return work(expand(ledger.target(tip, Stream.B)), 1)

    honest = hashes(world.sink)
    tip = ledger.dag.block_at_or_below_work_score(world.sink, ledger.records[world.sink].work_score - depth)
    outlay = 0.0
    while ledger.time_of(tip) + step_ms < world.simulation.now_ms:
        outlay += hashes(tip) / honest
        tip = miner.mint(Stream.B, [tip], ledger.time_of(tip) + step_ms)
    return StalePrice(round(outlay, 2), hashes(tip) / honest, round(hashes(tip)))
