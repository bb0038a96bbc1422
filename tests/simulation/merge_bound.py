"""Scenarios about merge depth: stale work that arrives at the very moment when it may hardly be merged."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.types import Stream
from tests.simulation.miners import HashRate, Miner
from tests.simulation.nodes import Node, uniform_latency
from tests.simulation.rules import Rules
from tests.simulation.worlds import HONEST, World, make_world

OFF = HashRate(0, 0)
ATTACKER = "attacker"


class StaleAtTheBound(Miner):
    """Makes a block beside each chain block, keeps it, and shows it to half of the nodes at the last moment.

    A block that forks at F may be merged while root(virtual) is F or below.  When the next step of the
    root would pass F, half of the network is told; the others go on without it, their root passes F, and
    what the first half built has then merged a block that is too deep for them.
    """

    def __init__(self, world: World, victims: list[Node]) -> None:
        self.victims = victims
        self.released = 0
        self._held: dict[bytes, bytes] = {}  # fork → stale block
        self._stale_of: set[bytes] = set()
        super().__init__(ATTACKER, world.add_node(ATTACKER), OFF)
        self.node.on_sink.append(self._moment)

    def _moment(self) -> None:
        ledger, sink = self.ledger, self.node.sink
        # given for nothing: the attack's price is not its subject
        if sink not in self._held and self.ledger.records[sink].header.stream != Stream.C:
            self._held[sink] = self.mint(Stream.B, [sink], ledger.time_of(sink) + 1)
        root = ledger.dag.merge_root(sink, ledger.spec.merge_depth)
        stale = self._held.get(root)
        if stale is None or stale in self._stale_of:
            return
        self._stale_of.add(stale)
        self.released += 1
        for victim in self.victims:
            self.simulation.after(0, victim.receive, stale)


@dataclass(frozen=True)
class Lost:
    """Honest blocks that no later honest block could merge, by kind, and how many there were.

    ``stale_merged``: how many of the attacker's released blocks the chain took in.
    """

    released: int
    work: int
    work_lost: int
    fast: int
    fast_lost: int
    stale_merged: int


def stale_at_the_bound(
    rules: Rules, seed: int, *, attack: bool = True, fast: bool = False, policy: bool = False, span_s: int = 240
) -> Lost:
    """Six miners half a second apart, a stale block for half of them at each step of the root.

    Genesis parameters with a small merge depth: the rule has no scale, and the run is shorter.
    """
    world = make_world(rules, seed, miners=6, latency=uniform_latency(200, 800), fast=fast, policy=policy)
    if attack:
        attacker = StaleAtTheBound(world, [miner.node for miner in world.miners[:3]])
    world.run_s(span_s)
    end = world.simulation.now_ms
    world.run_s(30)
    head, ledger = world.sink, world.ledger
    counts = {(work, lost): 0 for work in (True, False) for lost in (True, False)}
    for block, maker in ledger.maker.items():
        if maker.startswith(HONEST) and ledger.born_ms[block] < end:
            lost = block != head and not ledger.dag.in_past(block, head)
            counts[ledger.records[block].header.stream != Stream.C, lost] += 1
    return Lost(
        attacker.released if attack else 0,
        sum(counts[True, lost] for lost in (True, False)),
        counts[True, True],
        sum(counts[False, lost] for lost in (True, False)),
        counts[False, True],
        sum(ledger.maker[block] == ATTACKER for block, _ in ledger.colours(head)),
    )


@dataclass(frozen=True)
class Shower:
    """Virtual before and after ``stale`` valid blocks that nobody can merge any more."""

    stale: int
    tips: int
    same_virtual: bool
    merged_later: int


def shower(rules: Rules, seed: int, count: int = 200) -> Shower:
    """Many blocks beside each other on a block far below the merge bound."""
    world = make_world(rules, seed, miners=2)
    world.run_s(120)
    miner, ledger = world.miners[0], world.ledger
    before = miner.node.virtual()
    deep = ledger.dag.block_at_or_below_work_score(
        world.sink, ledger.records[world.sink].work_score - 2 * rules.spec.merge_depth
    )
    stale = [miner.mint(Stream.B, [deep], ledger.time_of(deep) + 1) for _ in range(count)]
    for node in world.network.nodes:
        node.synchronise(stale)
    after = miner.node.virtual()
    tips = len(miner.node.tips)
    world.run_s(30)
    dag = ledger.dag
    return Shower(count, tips, before == after, sum(dag.in_past(block, world.sink) for block in stale))
