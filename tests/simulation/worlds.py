"""Ready-made networks: honest miners, their nodes, and what can be read off when time has passed."""

from __future__ import annotations

from dataclasses import dataclass, field

from chain.core.types import Stream
from tests.simulation.events import Simulation
from tests.simulation.ledger import Ledger
from tests.simulation.miners import FastMiner, HashRate, Miner
from tests.simulation.nodes import Latency, Network, Node, uniform_latency
from tests.simulation.rules import Rules

HONEST = "honest"
USUAL_RATE = HashRate(1, 1)
USUAL_LATENCY = uniform_latency(100, 500)


@dataclass
class World:
    """One simulated network."""

    simulation: Simulation
    ledger: Ledger
    network: Network
    miners: list[Miner] = field(default_factory=list)

    def add_node(self, name: str) -> Node:
        """A node that knows what any other knows."""
        node = Node(name, self.ledger, self.network)
        others = self.network.nodes
        node.synchronise([block for block in self.ledger.records if any(block in other.known for other in others)])
        return node

    def add_miner(self, name: str, rate: HashRate, *, fast: bool = False, policy: bool = False) -> Miner:
        """An honest miner with a node of its own; ``fast``: it makes C blocks too, ``policy``: as our node does."""
        miner = Miner(name, self.add_node(name), rate)
        self.miners.append(miner)
        if fast:
            FastMiner(miner, policy=policy)
        return miner

    @property
    def sink(self) -> bytes:
        """The first honest miner's sink."""
        return self.miners[0].node.sink

    def run_s(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.simulation.run_for(int(seconds * 1000))

    def quiet_down(self, seconds: float = 30) -> None:
        """Stop all mining and let what is under way arrive, then mine one honest block on top."""
        for miner in self.miners:
            miner.set_rate(HashRate(0, 0))
        self.run_s(seconds)
        last = self.miners[0]
        for _ in range(2 + len(last.node.tips) // (self.ledger.spec.max_parents - 1)):
            parents = last.node.virtual()
            last.found(last.mint(Stream.B, parents, last.time_for(parents)))
            self.run_s(seconds)

    def blocks_between(self, stream: Stream, start_ms: int, end_ms: int, maker: str = HONEST) -> int:
        """How many blocks of a stream were made by makers with this prefix within elapsed times."""
        begin, end = self.simulation.start_ms + start_ms, self.simulation.start_ms + end_ms
        return sum(
            begin <= self.ledger.born_ms[block] < end
            and record.header.stream == stream
            and self.ledger.maker[block].startswith(maker)
            for block, record in self.ledger.records.items()
        )

    def work_colours(self, head: bytes, maker: str = HONEST) -> tuple[int, int]:
        """(blue, red) work blocks of makers with this prefix in the head's past."""
        counts = [0, 0]
        for block, is_blue in self.ledger.colours(head):
            if self.ledger.records[block].header.stream in (Stream.A, Stream.B):
                counts[not is_blue] += self.ledger.maker[block].startswith(maker)
        return counts[0], counts[1]


def make_world(
    rules: Rules,
    seed: int,
    *,
    miners: int = 6,
    rate: HashRate = USUAL_RATE,
    latency: Latency = USUAL_LATENCY,
    fast: bool = False,
    policy: bool = False,
    k: int | None = None,
) -> World:
    """A network of equal honest miners that share a hash rate."""
    ledger = Ledger(rules, k=k)
    simulation = Simulation(seed, ledger.time_of(ledger.genesis) + 1)
    world = World(simulation, ledger, Network(simulation, latency))
    for number in range(miners):
        world.add_miner(f"{HONEST}-{number}", rate.times(1 / miners), fast=fast, policy=policy)
    return world
