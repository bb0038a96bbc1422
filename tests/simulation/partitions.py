"""Scenarios about networks that part and meet again, and about branches that are kept back."""

from __future__ import annotations

from dataclasses import dataclass

from tests.simulation.miners import HashRate, Miner
from tests.simulation.rules import Rules
from tests.simulation.worlds import HONEST, USUAL_RATE, World, make_world


@dataclass(frozen=True)
class Healed:
    """A partition and what came of it; times in ms after the healing, ``None`` if it never happened.

    ``one_sink_ms``: all nodes have one sink for the first time.  ``all_merged_ms``: the sink has every block of
    both sides in its past.  ``lost``: blocks of either side that are not in the sink's past at the end.
    """

    sides: tuple[int, int]
    one_sink_ms: int | None
    all_merged_ms: int | None
    deepest_reorganisation: int
    blue: int
    red: int
    lost: int


def partition(rules: Rules, seed: int, *, minutes: float = 10, share: float = 0.5, after_s: int = 300) -> Healed:
    """Two sides, the first with ``share`` of the hash rate, hear nothing of each other; then they meet."""
    world = make_world(rules, seed, miners=6)
    sides = world.miners[:3], world.miners[3:]
    for side, part in zip(sides, (share, 1 - share)):
        for miner in side:
            miner.set_rate(USUAL_RATE.times(part / 3))
    world.run_s(120)
    world.network.part([[miner.node for miner in side] for side in sides])
    before = world.simulation.now_ms
    world.run_s(60 * minutes)
    for miner in world.miners:
        miner.node.reorganisations.clear()
    healed = world.simulation.now_ms
    apart = [b for b in world.ledger.records if before <= world.ledger.born_ms[b] < healed]
    world.network.heal()
    one_sink = all_merged = None
    for _ in range(after_s * 10):
        world.run_s(0.1)
        if one_sink is None and len({miner.node.sink for miner in world.miners}) == 1:
            one_sink = world.simulation.now_ms - healed
        if all_merged is None and not _missing(world, apart):
            all_merged = world.simulation.now_ms - healed
            break
    world.run_s(20)
    counts = [0, 0]
    chosen = set(apart)
    for block, is_blue in world.ledger.colours(world.sink):
        counts[not is_blue] += block in chosen
    makers = [[miner.name for miner in side] for side in sides]
    return Healed(
        sides=(
            sum(world.ledger.maker[b] in makers[0] for b in apart),
            sum(world.ledger.maker[b] in makers[1] for b in apart),
        ),
        one_sink_ms=one_sink,
        all_merged_ms=all_merged,
        deepest_reorganisation=max((d for m in world.miners for d in m.node.reorganisations), default=0),
        blue=counts[0],
        red=counts[1],
        lost=len(_missing(world, apart)),
    )


def _missing(world: World, blocks: list[bytes]) -> list[bytes]:
    dag, sink = world.ledger.dag, world.sink
    return [block for block in blocks if block != sink and not dag.in_past(block, sink)]


class Withholder(Miner):
    """Mines on its own branch in secret and shows it all after ``patience_ms``, then begins again."""

    def __init__(self, world: World, rate: HashRate, patience_ms: int) -> None:
        self.patience_ms = patience_ms
        self.secret: list[bytes] = []
        self.attempts = 0
        node = world.add_node("withholder")
        self.base = node.sink
        super().__init__("withholder", node, rate)
        self.simulation.after(patience_ms, self._show)

    def selected(self) -> bytes:
        return self.secret[-1] if self.secret else self.base

    def parents(self) -> list[bytes]:
        return [self.selected()]

    def found(self, block: bytes) -> None:
        self.secret.append(block)
        self.retarget()

    def _show(self) -> None:
        for block in self.secret:
            self.node.publish(block)
        self.attempts += 1
        self.secret = []
        self.base = self.node.sink
        self.retarget()
        self.simulation.after(self.patience_ms, self._show)


@dataclass(frozen=True)
class Withheld:
    """Blue shares of work blocks: of the attacker's own, and of honest ones; the deepest reorganisation."""

    made: int
    attacker_blue: float
    honest_blue: float
    deepest_reorganisation: int


def withholding(
    rules: Rules, seed: int, *, share: float, patience_s: int = 60, span_s: int = 900, k: int | None = None
) -> Withheld:
    """An attacker with ``share`` of all hash rate mines apart and publishes late, again and again."""
    world = make_world(rules, seed, rate=USUAL_RATE.times(1 - share), k=k)
    world.run_s(30)
    attacker = Withholder(world, USUAL_RATE.times(share), patience_s * 1000)
    for miner in world.miners:
        miner.node.reorganisations.clear()
    world.run_s(span_s)
    blue, red = world.work_colours(world.sink, attacker.name)
    honest_blue, honest_red = world.work_colours(world.sink, HONEST)
    return Withheld(
        made=len(attacker.found_blocks),
        attacker_blue=blue / max(1, blue + red),
        honest_blue=honest_blue / (honest_blue + honest_red),
        deepest_reorganisation=max((d for m in world.miners for d in m.node.reorganisations), default=0),
    )


@dataclass(frozen=True)
class DoubleSpend:
    """How often a secret branch overtook the network once a payment had ``confirmations`` of work_score."""

    tries: int
    overtaken: int


def double_spend(rules: Rules, seed: int, *, share: float, confirmations: int, tries: int = 10) -> DoubleSpend:
    """A secret branch begins with the payment; it is shown when the payment is confirmed, if it is heavier."""
    overtaken = 0
    for attempt in range(tries):
        world = make_world(rules, seed * 1_000 + attempt, miners=4, rate=USUAL_RATE.times(1 - share))
        world.run_s(60)
        attacker = Withholder(world, USUAL_RATE.times(share), 10**9)
        start = world.ledger.records[world.sink].work_score
        while world.ledger.records[world.sink].work_score < start + confirmations:
            world.run_s(1)
        dag = world.ledger.dag
        if attacker.secret:
            overtaken += dag.view(attacker.secret[-1]).order_key > dag.view(world.sink).order_key
    return DoubleSpend(tries, overtaken)
