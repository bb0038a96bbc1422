"""Networks of whole engines: real headers, bodies, execution, commitments and stream C seals.

Proof of work is the one thing that is not done: a work block is found when chance says so, and its nonce is
drawn.  (Engines take work seals as checked before a block reaches them.)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from chain.core.codec import header_hash
from chain.core.consensus.model import ChainUpdate, VirtualSnapshot
from chain.core.difficulty import expand
from chain.core.errors import NotYet, WaitCode
from chain.core.seals import mining, vrf
from chain.core.spec import ChainSpec
from chain.core.template import next_draw
from chain.core.types import Block, Header, Stream
from tests.core.consensus.mini import Mini
from tests.simulation.events import Simulation
from tests.simulation.miners import HashRate, mean_interval_ms

START_AFTER_GENESIS_MS = 1_000


class EngineNode(Mini):
    """A node with an engine on a simulation's clock, and a miner at it."""

    def __init__(self, spec: ChainSpec, simulation: Simulation, name: str) -> None:
        self.simulation = simulation
        super().__init__(spec)
        self.name = name
        self.secret = name.encode().ljust(32, b"\0")
        self.key = vrf.public_key(self.secret)
        self.coinbase = name.encode().rjust(20, b"\0")
        self.blocks: dict[bytes, Block] = {}
        self.updates: list[ChainUpdate] = []

    @property
    def clock(self) -> int:  # type: ignore[override]
        """Simulated time; setting it, as ``Mini`` does to pass time, changes nothing."""
        return self.simulation.now_ms

    @clock.setter
    def clock(self, value: int) -> None:
        pass

    def seal(self, header: Header, seed: bytes, snapshot: VirtualSnapshot) -> tuple[bytes, ...]:
        """A drawn nonce for work, the real proof and signature for C."""
        if header.stream == Stream.C:
            return super().seal(header, seed, snapshot)
        return (self.simulation.random.randbytes(8),)

    def draft(
        self, stream: Stream, envelopes: Sequence[bytes] = (), *, snapshot: VirtualSnapshot | None = None
    ) -> Block:
        """A sealed block of this miner on its virtual, or on an older one; C: the slot must be won."""
        return self.make(stream, envelopes, after_ms=0, coinbase=self.coinbase, seed=self.secret, snapshot=snapshot)

    def wins(self, snapshot: VirtualSnapshot) -> bool:
        """Whether this miner may make a C block now."""
        try:
            drawn = next_draw(self.spec, snapshot, self.key, self.simulation.now_ms)
        except NotYet:
            return False
        return (
            mining.try_slot(
                self.secret,
                drawn.seed,
                drawn.slot,
                weight=drawn.weight,
                total=drawn.total,
                c_num=drawn.c_num,
                c_den=drawn.c_den,
            )
            is not None
        )

    def receive(self, blocks: Sequence[Block]) -> None:
        """Take blocks in any order (those whose parents never come are left), then find the sink once."""
        waiting = list(blocks)
        while waiting:
            later = []
            for block in waiting:
                name = header_hash(block.header)
                if self.engine.knows(name):
                    continue
                try:
                    self.deliver(block)
                except NotYet as wait:
                    if wait.code != WaitCode.UNKNOWN_PARENTS:
                        raise
                    later.append(block)
                else:
                    self.blocks[name] = block
            if len(later) == len(waiting):
                break
            waiting = later
        self.updates.append(self.settle())


class EngineNetwork:
    """Nodes that mine by chance and tell each other at once, except across a partition."""

    def __init__(self, spec: ChainSpec, seed: int, names: Sequence[str], rate: HashRate) -> None:
        self.spec = spec
        self.simulation = Simulation(seed, spec.timestamp_ms + START_AFTER_GENESIS_MS)
        self.nodes = [EngineNode(spec, self.simulation, name) for name in names]
        self.rate = rate.times(1 / len(names))
        self.parted = False
        # what a miner puts into a block that it finds now
        self.bodies: Callable[[EngineNode], Sequence[bytes]] = lambda _node: ()
        self._attempt: dict[tuple[str, Stream], int] = {}
        for node in self.nodes:
            self._retarget(node)

    def run_s(self, seconds: float) -> None:
        """Let simulated time pass."""
        self.simulation.run_for(int(seconds * 1000))

    def heal(self) -> None:
        """Every node gets what the others have, in one delivery."""
        self.parted = False
        all_blocks = [list(node.blocks.values()) for node in self.nodes]
        for node in self.nodes:
            node.receive([block for blocks in all_blocks for block in blocks])
            self._retarget(node)

    def publish(self, finder: EngineNode, block: Block) -> None:
        """Deliver a block to its finder and to everybody in reach."""
        for node in self.nodes:
            if node is finder or not self.parted:
                node.receive([block])
                self._retarget(node)

    def _retarget(self, node: EngineNode) -> None:
        snapshot = node.engine.virtual()
        for stream, target in ((Stream.A, snapshot.target_a), (Stream.B, snapshot.target_b)):
            attempt = self._attempt[node.name, stream] = self._attempt.get((node.name, stream), 0) + 1
            share = self.rate.of(stream)
            if share:
                mean = mean_interval_ms(self.spec, stream, share, expand(target))
                delay = self.simulation.random.expovariate(1 / mean)
                self.simulation.after(delay, self._find, node, stream, attempt)

    def _find(self, node: EngineNode, stream: Stream, attempt: int) -> None:
        if attempt != self._attempt[node.name, stream]:
            return
        self.publish(node, node.draft(stream, self.bodies(node)))
