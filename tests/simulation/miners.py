"""Miners: work blocks as a Poisson process under the current target, fast blocks as slots are won."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.consensus.headers import work_params
from chain.core.difficulty import expand, work
from chain.core.spec import ChainSpec
from chain.core.types import Stream
from tests.simulation.nodes import Node

WORK_STREAMS = (Stream.A, Stream.B)


@dataclass(frozen=True)
class HashRate:
    """Shares of the hash rate that finds each stream's blocks at its interval and initial target."""

    a: float
    b: float

    def of(self, stream: Stream) -> float:
        """The share in one stream."""
        return self.a if stream is Stream.A else self.b

    def times(self, factor: float) -> HashRate:
        """Both multiplied."""
        return HashRate(self.a * factor, self.b * factor)


def hashes_per_ms(spec: ChainSpec, stream: Stream, share: float) -> float:
    """Hashes a millisecond of a share."""
    params = work_params(spec.stream(stream))
    return share * work(params.initial_target, 1) / params.interval_ms


def mean_interval_ms(spec: ChainSpec, stream: Stream, share: float, target: int) -> float:
    """Expected time to meet an (expanded) target."""
    return work(target, 1) / hashes_per_ms(spec, stream, share)


class Miner:
    """Works on its node's virtual and publishes what it finds.

    Subclasses change ``parents`` (what to build on), ``time_for`` (what time to claim) and ``found``
    (what to do with a block).
    """

    def __init__(self, name: str, node: Node, rate: HashRate) -> None:
        self.name = name
        self.node = node
        self.ledger = node.ledger
        self.simulation = node.simulation
        self.rate = rate
        self.key = name.encode().ljust(32, b"\0")
        self.found_blocks: list[bytes] = []
        self._nonce = 0
        self._attempt = dict.fromkeys(WORK_STREAMS, 0)
        self._target: dict[Stream, int | None] = dict.fromkeys(WORK_STREAMS)
        node.on_sink.append(self.retarget)
        self.retarget()

    def set_rate(self, rate: HashRate) -> None:
        """Change the hash rate from now on."""
        self.rate = rate
        self._target = dict.fromkeys(WORK_STREAMS)
        self.retarget()

    def retarget(self) -> None:
        """Draw the time of the next block anew where the target has changed; the process has no memory."""
        sink = self.selected()
        for stream in WORK_STREAMS:
            target = self.ledger.target(sink, stream)
            if target != self._target[stream]:
                self._target[stream] = target
                self._schedule(stream)

    def selected(self) -> bytes:
        """The block that sets this miner's targets: the greatest of ``parents``."""
        return self.node.sink

    def parents(self) -> list[bytes]:
        """What the next block builds on."""
        return self.node.virtual()

    def time_for(self, parents: list[bytes]) -> int:
        """The timestamp of a block found now."""
        return max(self.simulation.now_ms, max(map(self.ledger.time_of, parents)) + 1)

    def found(self, block: bytes) -> None:
        """Publish it."""
        self.node.publish(block)

    def mint(self, stream: Stream, parents: list[bytes], timestamp_ms: int) -> bytes:
        """Make a block without regard to chance."""
        self._nonce += 1
        block = self.ledger.mint(
            stream,
            parents,
            timestamp_ms,
            maker=self.name,
            key=self.key,
            nonce=self._nonce,
            now_ms=self.simulation.now_ms,
        )
        self.found_blocks.append(block)
        return block

    def _schedule(self, stream: Stream) -> None:
        self._attempt[stream] += 1
        share = self.rate.of(stream)
        target = self._target[stream]
        if share > 0 and target is not None:
            mean = mean_interval_ms(self.ledger.spec, stream, share, expand(target))
            delay = self.simulation.random.expovariate(1 / mean)
            self.simulation.after(delay, self._find, stream, self._attempt[stream])

    def _find(self, stream: Stream, attempt: int) -> None:
        if attempt != self._attempt[stream]:
            return
        parents = self.parents()
        block = self.mint(stream, parents, self.time_for(parents))
        self._schedule(stream)
        self.found(block)


class FastMiner:
    """Publishes a C block in each slot that its miner's key wins, as a node with pending transactions does.

    ``policy``: it chooses parents as this project's node does; else it names virtual's, whatever they are.
    """

    def __init__(self, miner: Miner, *, policy: bool = False) -> None:
        self.miner = miner
        self.policy = policy
        self.slot_ms = miner.ledger.spec.slot_ms
        self._wait()

    def _wait(self) -> None:
        now = self.miner.simulation.now_ms
        self.miner.simulation.at((now // self.slot_ms + 1) * self.slot_ms, self._slot)

    def _slot(self) -> None:
        self._wait()
        miner = self.miner
        slot = miner.simulation.now_ms // self.slot_ms
        parents = miner.node.fast_virtual() if self.policy else miner.node.virtual()
        lottery = miner.ledger.lottery(miner.ledger.records[parents[0]])
        if lottery is None or not miner.ledger.wins(miner.key, lottery, slot):
            return
        latest = max(map(miner.ledger.time_of, parents))
        # policy: no slot beyond the clock's
        if latest // self.slot_ms < slot:
            miner.node.publish(miner.mint(Stream.C, parents, max(miner.simulation.now_ms, latest + 1)))
