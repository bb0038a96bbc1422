"""Nodes that hear of blocks late, and the network that makes them do so."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from random import Random

from chain.core.consensus.fast import fast_parents
from chain.core.errors import NotYet, RuleViolation
from chain.core.rules.header_in_isolation import check_header_arrival
from tests.simulation.events import Simulation
from tests.simulation.ledger import Ledger

# (chance, sender, receiver) → milliseconds under way
Latency = Callable[[Random, "Node", "Node"], float]


def uniform_latency(low_ms: int, high_ms: int) -> Latency:
    """Each message takes its own time between the two."""
    return lambda random, _sender, _receiver: random.uniform(low_ms, high_ms)


class Network:
    """Carries blocks between nodes; a partition stops what is sent across it until it heals."""

    def __init__(self, simulation: Simulation, latency: Latency) -> None:
        self.simulation = simulation
        self.latency = latency
        self.nodes: list[Node] = []
        self._side: dict[Node, int] = {}

    def publish(self, sender: Node, block: bytes) -> None:
        """Send a block to every node that the sender can reach."""
        for receiver in self.nodes:
            if receiver is not sender and self.reach(sender, receiver):
                self.send(sender, receiver, block)

    def send(self, sender: Node, receiver: Node, block: bytes) -> None:
        """Send a block to one node."""
        self.simulation.after(self.latency(self.simulation.random, sender, receiver), receiver.receive, block)

    def fetch(self, receiver: Node, block: bytes) -> None:
        """Ask for a block that another one names; whoever named it has it."""
        there_and_back = sum(self.latency(self.simulation.random, receiver, receiver) for _ in range(2))
        self.simulation.after(there_and_back, receiver.receive, block)

    def reach(self, sender: Node, receiver: Node) -> bool:
        """Whether no partition lies between them."""
        return self._side.get(sender, 0) == self._side.get(receiver, 0)

    def part(self, sides: Sequence[Iterable[Node]]) -> None:
        """From now on nothing passes between the sides."""
        self._side = {node: number for number, side in enumerate(sides) for node in side}

    def heal(self) -> None:
        """Join all sides; nodes send each other all that the other lacks, oldest first."""
        self._side = {}
        for sender in self.nodes:
            for receiver in self.nodes:
                if receiver is not sender:
                    self.simulation.after(
                        self.latency(self.simulation.random, sender, receiver),
                        receiver.synchronise,
                        [block for block in sender.known if block not in receiver.known],
                    )


class Node:
    """What one participant knows: blocks with all their ancestors, the sink, and virtual's parents."""

    def __init__(self, name: str, ledger: Ledger, network: Network) -> None:
        self.name = name
        self.ledger = ledger
        self.network = network
        self.simulation = network.simulation
        self.known: dict[bytes, None] = {ledger.genesis: None}
        self.tips: dict[bytes, None] = {ledger.genesis: None}
        self.sink = ledger.genesis
        self.final = ledger.genesis
        self.reorganisations: list[int] = []  # depth of each, in chain blocks undone
        self.on_sink: list[Callable[[], None]] = []
        self.on_block: list[Callable[[bytes], None]] = []
        self._waiting: dict[bytes, list[bytes]] = {}
        self._virtual: list[bytes] | None = None
        network.nodes.append(self)

    def receive(self, block: bytes) -> None:
        """Take a block, or keep it until its parents are here and its time has come."""
        if block in self.known:
            return
        record = self.ledger.records[block]
        for parent in record.header.parents:
            if parent not in self.known:
                if parent not in self._waiting:
                    self._waiting[parent] = []
                    self.network.fetch(self, parent)
                self._waiting[parent].append(block)
                return
        try:
            check_header_arrival(record.header, self.ledger.spec, self.simulation.now_ms)
        except NotYet as early:
            self.simulation.at(early.until or self.simulation.now_ms, self.receive, block)
            return
        self._take(block)
        for child in self._waiting.pop(block, ()):
            self.receive(child)

    def synchronise(self, blocks: Sequence[bytes]) -> None:
        """Take many blocks at once, parents before children."""
        for block in blocks:
            self.receive(block)

    def publish(self, block: bytes) -> None:
        """Take an own block and tell the others."""
        self.receive(block)
        self.network.publish(self, block)

    def virtual(self) -> list[bytes]:
        """Virtual's parents, the sink first (protocol §6)."""
        if self._virtual is None:
            self._virtual = self._virtual_parents()
        return self._virtual

    def fast_virtual(self) -> list[bytes]:
        """What a node's own C templates name: the policy of ``chain.core.consensus.fast``."""
        ledger = self.ledger
        return fast_parents(
            ledger.dag, ledger.records, ledger.spec, self.sink, self._beside_sink(), self.simulation.now_ms
        )

    def _take(self, block: bytes) -> None:
        self.known[block] = None
        for parent in self.ledger.records[block].header.parents:
            self.tips.pop(parent, None)
        self.tips[block] = None
        self._virtual = None
        dag = self.ledger.dag
        # the order increases along edges, so the greatest tip that is allowed is the old sink or the new block
        is_greater = dag.view(block).order_key > dag.view(self.sink).order_key
        for listener in self.on_block:
            listener(block)
        if is_greater and dag.on_selected_chain(self.final, block):
            removed, _ = dag.chain_path(self.sink, block)
            if removed:
                self.reorganisations.append(len(removed))
            self.sink = block
            self.final = dag.finality_point(block, self.ledger.spec.finality_depth, self.final)
            for changed in self.on_sink:
                changed()

    def _virtual_parents(self) -> list[bytes]:
        dag, spec = self.ledger.dag, self.ledger.spec
        rest = self._beside_sink()
        if self.ledger.rules.bridges:
            return dag.virtual_parents(self.sink, rest, spec.max_parents, spec.mergeset_limit, spec.merge_depth)
        return self._greedy_parents(rest)

    def _beside_sink(self) -> list[bytes]:
        """The tips that the sink does not merge."""
        return [tip for tip in self.tips if tip != self.sink and not self.ledger.dag.in_past(tip, self.sink)]

    def _greedy_parents(self, rest: list[bytes]) -> list[bytes]:
        """The same choice under the ledger's own bounds; what breaks them gives way to its parents."""
        dag = self.ledger.dag
        chosen = [self.sink]
        pool = dict.fromkeys(rest)
        while pool and len(chosen) < self.ledger.spec.max_parents:
            best = max(pool, key=lambda block: dag.view(block).order_key)
            del pool[best]
            try:
                self.ledger.check_bounds(dag.evaluate([*chosen, best]))
            except RuleViolation:
                others = [*chosen, *pool]
                for parent in self.ledger.records[best].header.parents:
                    if not any(parent == other or dag.in_past(parent, other) for other in others):
                        pool[parent] = None
            else:
                chosen.append(best)
        return chosen
