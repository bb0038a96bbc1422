"""Scenarios about stream C: blocks without work beside, instead of, and ahead of others."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.errors import RuleCode, RuleViolation
from chain.core.types import Stream
from tests.simulation.difficulty import ClockLiar
from tests.simulation.miners import FastMiner, HashRate, Miner
from tests.simulation.nodes import uniform_latency
from tests.simulation.rules import Rules
from tests.simulation.worlds import World, make_world

ATTACKER = "attacker"


class TicketFlood(Miner):
    """Beside every honest work block, ``count`` C blocks of one ticket; honest blocks come to merge them.

    The copies have the honest block's own parents, so they lie in its anticone.  Two further C blocks of
    later slots gather them, since honest nodes leave copies of one ticket aside.
    """

    def __init__(self, world: World, rate: HashRate, count: int = 20) -> None:
        self.count = count
        self.targets: dict[bytes, int] = {}  # honest block → copies beside it
        super().__init__(ATTACKER, world.add_node(ATTACKER), rate)
        self.node.on_block.append(self._beside)

    def _beside(self, block: bytes) -> None:
        record = self.ledger.records[block]
        if record.header.stream == Stream.C or self.ledger.maker[block] == self.name:
            return
        parents = list(record.header.parents)
        slot = self._next_slot(parents)
        if slot is None:
            return
        copies = [self.mint(Stream.C, parents, slot) for _ in range(self.count)]
        carriers: list[bytes] = []
        size = self.ledger.spec.max_parents
        for at in range(0, self.count, size):
            # tickets of the carriers differ, so that honest nodes name both
            later = self._next_slot(copies[at : at + size], slot + self.ledger.spec.slot_ms)
            if later is not None:
                slot = later
                carriers.append(self.mint(Stream.C, copies[at : at + size], later))
        self.targets[block] = len(copies)
        for made in (*copies, *carriers):
            self.node.network.publish(self.node, made)
            self.simulation.after(0, self.node.receive, made)

    def _next_slot(self, parents: list[bytes], earliest_ms: int = 0) -> int | None:
        """The first time in ms at which the key wins a slot over these parents, if nodes take it by now."""
        slot_ms = self.ledger.spec.slot_ms
        selected = max(parents, key=lambda block: self.ledger.dag.view(block).order_key)
        lottery = self.ledger.lottery(self.ledger.records[selected])
        first = max(max(map(self.ledger.time_of, parents)) // slot_ms + 1, earliest_ms // slot_ms)
        last = (self.simulation.now_ms + self.ledger.spec.future_drift_ms) // slot_ms
        if lottery is None:
            return None
        return next(
            (slot * slot_ms for slot in range(first, last + 1) if self.ledger.wins(self.key, lottery, slot)), None
        )


@dataclass(frozen=True)
class FloodOutcome:
    """Honest work by colour, and the C blocks that the attacker got in."""

    blue: int
    red: int
    fast_merged: int
    attacked: int

    @property
    def red_share(self) -> float:
        """The share of honest work blocks that turned red."""
        return self.red / (self.blue + self.red)


def ticket_flood(rules: Rules, seed: int, *, attack: bool = True, span_s: int = 150) -> FloodOutcome:
    """An attacker with a third of the hash rate, so of the tickets, against miners 2 to 3 s apart."""
    world = make_world(rules, seed, miners=5, rate=HashRate(0.67, 0.67), latency=uniform_latency(2_000, 3_000))
    world.run_s(30)
    attacker = TicketFlood(world, HashRate(0.33, 0.33), count=20 if attack else 0)
    if not attack:
        attacker.node.on_block.clear()
    world.run_s(span_s)
    blue, red = world.work_colours(world.sink)
    fast = sum(world.ledger.records[b].header.stream == Stream.C for b, _ in world.ledger.colours(world.sink))
    return FloodOutcome(blue, red, fast, len(attacker.targets))


def tickets_in_pasts(world: World) -> int:
    """The most blue C blocks of one ticket that any block's view holds."""
    most = 0
    fast = {b for b, record in world.ledger.records.items() if record.header.stream == Stream.C}
    heads = list(world.ledger.records)[-40:]
    for head in heads:
        seen: dict[tuple[bytes, int], int] = {}
        for block, is_blue in world.ledger.colours(head):
            if is_blue and block in fast:
                header = world.ledger.records[block].header
                ticket = header.vrf_key, header.timestamp_ms // world.ledger.spec.slot_ms
                seen[ticket] = seen.get(ticket, 0) + 1
        most = max(most, *seen.values(), 0)
    return most


def equivocations(rules: Rules, seed: int, span_s: int = 60) -> tuple[int, int]:
    """(copies made, most blue ones of a ticket in any view) when a ticket's holder makes many blocks of it."""
    world = make_world(rules, seed, miners=4, rate=HashRate(0.67, 0.67))
    world.run_s(20)
    attacker = TicketFlood(world, HashRate(0.33, 0.33))
    world.run_s(span_s)
    return sum(attacker.targets.values()), tickets_in_pasts(world)


def chain_of_one_slot(rules: Rules, seed: int, length: int = 20) -> int:
    """How many C blocks of one won slot, each on the one before, the network takes (one is fair)."""
    world = make_world(rules, seed, miners=1, rate=HashRate(1, 1))
    world.run_s(60)
    world.miners[0].set_rate(HashRate(0, 0))
    miner, ledger = world.miners[0], world.ledger
    slot_ms = ledger.spec.slot_ms
    lottery = ledger.lottery(ledger.records[world.sink])
    assert lottery is not None
    first = max(map(ledger.time_of, miner.parents())) // slot_ms + 1
    slot = next(number for number in range(first, first + 100) if ledger.wins(miner.key, lottery, number))
    taken = 0
    for place in range(length):
        try:
            miner.found(miner.mint(Stream.C, miner.parents(), slot * slot_ms + place))
        except RuleViolation as refused:
            if refused.code != RuleCode.SLOT_NOT_AFTER_PARENTS:
                raise
            break
        taken += 1
    assert world.sink == miner.found_blocks[-1]
    counts = ledger.dag.view(world.sink).stream_counts
    assert counts[2] + 1 == taken  # all blue: each is the selected parent of the next
    return taken


@dataclass(frozen=True)
class Grinding:
    """Contests of two C blocks on one sink, and how many the grinder's block won."""

    contests: int
    won: int


def lot_grinding(rules: Rules, seed: int, contests: int = 120, tries: int = 30) -> Grinding:
    """Two keys win a slot over the same parents; one of them tries many blocks and keeps the greatest."""
    world = make_world(rules, seed, miners=2, rate=HashRate(1, 1))
    ledger, won, held = world.ledger, 0, 0
    grinder, honest = world.miners
    while held < contests:
        world.run_s(2)
        dag, parents = ledger.dag, grinder.node.virtual()
        lottery = ledger.lottery(ledger.records[parents[0]])
        if lottery is None:
            continue
        slot_ms = ledger.spec.slot_ms
        first = max(map(ledger.time_of, parents)) // slot_ms + 1
        slot = next(
            (n for n in range(first, first + 40) if all(ledger.wins(m.key, lottery, n) for m in (grinder, honest))),
            None,
        )
        if slot is None:
            continue
        fair = honest.mint(Stream.C, parents, slot * slot_ms)
        ground = max(
            (grinder.mint(Stream.C, parents, slot * slot_ms) for _ in range(tries)),
            key=lambda block: dag.view(block).order_key,
        )
        won += dag.view(ground).order_key > dag.view(fair).order_key
        held += 1
    return Grinding(held, won)


def slots_ahead(rules: Rules, seed: int, *, share: float, lies: bool = True, policy: bool = False) -> float:
    """Honest C blocks a second while ``share`` of the hash rate stamps its work blocks two seconds ahead."""
    world = make_world(rules, seed, miners=4, rate=HashRate(1, 1).times(1 - share))
    for miner in world.miners:
        FastMiner(miner, policy=policy)
    rate = HashRate(1, 1).times(share)
    if lies:
        ClockLiar(world, "liar", rate, late=True)
    else:
        Miner("sleepy", world.add_node("sleepy"), rate)
    world.run_s(180)
    return world.blocks_between(Stream.C, 60_000, 180_000) / 120
