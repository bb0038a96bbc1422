"""A world for miners in which time passes only when somebody works or sleeps."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from chain.core.codec import encode_block, header_hash
from chain.core.consensus.model import VirtualSnapshot
from chain.core.difficulty import compact
from chain.core.errors import NotYet, WaitCode
from chain.core.genesis import network_spec
from chain.core.pool import BlockLimits
from chain.core.seals import vrf
from chain.core.seals.eligibility import Lottery
from chain.core.spec import ChainSpec
from chain.core.template import Template, seal_template
from chain.core.transactions import keccak
from chain.services.mining.ground import Clock
from chain.services.mining.memory import MiningMemory

SECRET = bytes(range(32))
KEY = vrf.public_key(SECRET)
START_MS = 1_793_491_260_050
HARD = compact(2**200)
EASY = compact(2**249)


class Pooled(NamedTuple):
    raw: bytes
    hash: bytes
    sender: bytes
    gas_limit: int = 21_000
    is_simple: bool = True


def pooled(number: int) -> Pooled:
    raw = number.to_bytes(4, "big") + bytes(106)
    return Pooled(raw, keccak(raw), number.to_bytes(20, "big"))


def virtual(**changes: object) -> VirtualSnapshot:
    base = VirtualSnapshot(
        sequence=1,
        sink=bytes([1]) * 32,
        parents=(bytes([1]) * 32,),
        stream_counts=(3, 40, 5),
        blue_score=49,
        blue_work=2**40,
        number=48,
        latest_parent_timestamp=START_MS - 1000,
        latest_parent_slot=(START_MS - 1000) // 100,
        sink_timestamp_ms=START_MS - 1000,
        version=1,
        target_a=HARD,
        target_b=HARD,
        state_root=bytes(32),
        receipts_root=bytes(32),
        gas_used=0,
        base_fee=10**9,
        gas_left=30_000_000,
        tx_left=50_000,
        lottery=Lottery(seed=bytes(32), weights={KEY: 4}, total=4),
        in_flight=(),
        mergeset_blue=1,
        mergeset_red=0,
    )
    return replace(base, **changes)  # type: ignore[arg-type]


@dataclass
class World:
    """Time in seconds since the start; ``events`` (time, action) run when time passes them."""

    time: float = 0.0
    cpu_time: float = 0.0
    naps: list[float] = field(default_factory=list)
    events: list[tuple[float, Callable[[], None]]] = field(default_factory=list)

    def clock(self) -> Clock:
        return Clock(now_ms=self.now_ms, monotonic=lambda: self.time, cpu=lambda: self.cpu_time, sleep=self.sleep)

    def now_ms(self) -> int:
        return START_MS + int(self.time * 1000)

    def pass_time(self, seconds: float) -> None:
        end = self.time + seconds
        while self.events and self.events[0][0] <= end:
            when, action = self.events.pop(0)
            self.time = max(self.time, when)
            action()
        self.time = end

    def sleep(self, seconds: float) -> None:
        assert seconds >= 0
        assert len(self.naps) < 100_000, "the miner spins"
        self.naps.append(seconds)
        self.pass_time(seconds)

    def work(self, seconds: float) -> None:
        self.cpu_time += seconds
        self.pass_time(seconds)

    def at(self, when: float, action: Callable[[], None]) -> None:
        self.events.append((when, action))
        self.events.sort(key=lambda event: event[0])


class FakeGround:
    """Counts what a slice asks for; virtual and pool change by events of the world."""

    def __init__(self, world: World, snapshot: VirtualSnapshot | None, share: float = 0.25) -> None:
        self.world = world
        self.spec: ChainSpec = network_spec("devnet")
        self.secret = SECRET
        self.key = KEY
        self.coinbase = bytes([9]) * 20
        self.share = share
        self.clock = world.clock()
        self.memory = MiningMemory()
        self.current = snapshot
        self.pool: list[Pooled] = []
        self.woken = False
        self.selects: list[float] = []
        self.looks: list[float] = []
        self.waits: list[float] = []
        self.submitted: list[tuple[float, bytes, Template]] = []
        self.accept = True
        self.taken = 0  # transactions that the pool ever took
        self.has_turn = False
        self.stale = 0  # templates that will be found stale

    def snapshot(self) -> VirtualSnapshot:
        if self.current is None:
            raise NotYet(WaitCode.NOT_READY)
        return self.current

    def sequence(self) -> int:
        self.looks.append(self.world.time)
        return -1 if self.current is None else self.current.sequence

    def wait_for_move(self, sequence: int, seconds: float) -> bool:
        end = self.world.time + seconds
        while self.current is not None and self.current.sequence == sequence and self.world.time < end:
            upcoming = [when for when, _ in self.world.events if when <= end]
            self.world.pass_time(max(1e-6, (min(upcoming) if upcoming else end) - self.world.time))
        return self.current is not None and self.current.sequence != sequence

    def look(self) -> tuple[int, int]:
        return self.sequence(), self.taken

    def select(self, limits: BlockLimits, snapshot: VirtualSnapshot) -> Sequence[Pooled]:
        self.selects.append(self.world.time)
        return self.pool[: limits.txs]

    def wait_for_arrival(self, seconds: float) -> bool:
        self.waits.append(self.world.time)
        end = self.world.time + seconds
        while not self.woken and self.world.time < end:
            upcoming = [when for when, _ in self.world.events if when <= end]
            self.world.pass_time(max(1e-6, (min(upcoming) if upcoming else end) - self.world.time))
        woken, self.woken = self.woken, False
        return woken

    def start_nonce(self) -> int:
        return 2**64 - 5_000

    @contextmanager
    def turn(self) -> Iterator[None]:
        self.has_turn = True
        yield
        self.has_turn = False

    def is_stale(self, template: Template) -> bool:
        assert self.has_turn, "others may move the sink meanwhile"
        self.stale -= 1
        return self.stale >= 0

    def submit(self, template: Template, seal: tuple[bytes, ...]) -> bytes | None:
        assert self.has_turn, "others may have moved the sink meanwhile"
        block = seal_template(template, seal)
        self.submitted.append((self.world.time, encode_block(block), template))
        slot = template.draw.slot if template.draw is not None else -1
        self.memory = replace(
            self.memory, last_sequence=template.sequence, last_slot=slot, last_found_ms=self.clock.now_ms()
        )
        return header_hash(block.header) if self.accept else None

    # what the rest of the node does

    def arrive(self, *numbers: int) -> None:
        self.pool.extend(pooled(number) for number in numbers)
        self.taken += len(numbers)
        self.woken = True

    def move(self, **changes: object) -> None:
        assert self.current is not None
        self.current = replace(self.current, sequence=self.current.sequence + 1, **changes)  # type: ignore[arg-type]
