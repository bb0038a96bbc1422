"""What a slice of mining stands on: virtual, pool, the block door and a clock, each replaceable in a test."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Protocol

import structlog
from django.conf import settings
from redis import Redis

from chain import metrics
from chain.core.codec import encode_block, header_hash
from chain.core.consensus.model import VirtualSnapshot
from chain.core.errors import BadDelivery, ConfigError, NotYet, RuleViolation, WaitCode
from chain.core.pool import BlockLimits, Ordering
from chain.core.seals import vrf
from chain.core.spec import ChainSpec
from chain.core.template import BodyTx, Template, seal_template
from chain.core.types import Stream
from chain.services.mining import memory as record
from chain.services.mining.memory import MiningMemory
from chain.services.network import now_ms
from chain.services.pool import Pool
from chain.services.snapshot import read_fast_virtual, read_sequence, read_sequence_and, read_virtual, wait_for_move
from chain.stores import candidates
from chain.stores.connection import raw_connection

# how long a find waits for the writer to settle what came before it
SETTLE_POLLS, SETTLE_POLL_S = 60, 0.005

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Clock:
    """Time as a slice sees it: wall ms, monotonic seconds, CPU seconds of this process, and sleep."""

    now_ms: Callable[[], int] = now_ms
    monotonic: Callable[[], float] = time.monotonic
    cpu: Callable[[], float] = time.process_time
    sleep: Callable[[float], None] = time.sleep


@dataclass(frozen=True, slots=True)
class SliceReport:
    """What a slice did; ``seconds`` are of the monotonic clock, ``gave_way`` is what ``Courtesy`` has spent."""

    hashes: int
    seconds: float
    found: tuple[bytes, ...]
    gave_way: float = 0.0


class Ground(Protocol):
    """See ``NodeGround``, the real one."""

    spec: ChainSpec
    secret: bytes
    key: bytes
    coinbase: bytes
    share: float
    clock: Clock
    memory: MiningMemory

    def snapshot(self) -> VirtualSnapshot: ...
    def sequence(self) -> int: ...
    def wait_for_move(self, sequence: int, seconds: float) -> bool: ...
    def look(self) -> tuple[int, int]: ...
    def select(self, limits: BlockLimits, snapshot: VirtualSnapshot) -> Sequence[BodyTx]: ...
    def wait_for_arrival(self, seconds: float) -> bool: ...
    def start_nonce(self) -> int: ...
    def turn(self) -> AbstractContextManager[None]: ...
    def is_stale(self, template: Template) -> bool: ...
    def submit(self, template: Template, seal: tuple[bytes, ...]) -> bytes | None: ...


@dataclass
class NodeGround:
    """A stream of this node.

    Parameters
    ----------
    submit_raw : callable
        ``submit_block``: (raw, source, senders) → a result with ``hash``.
    """

    stream: Stream
    spec: ChainSpec
    secret: bytes
    coinbase: bytes
    share: float
    redis: Redis
    pool: Pool
    submit_raw: Callable[..., object]
    ordering: Ordering = Ordering.FEE
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.key = vrf.public_key(self.secret)
        self.memory = record.read_memory(self.redis, self.stream.name)

    def snapshot(self) -> VirtualSnapshot:
        """The newest virtual block; for C, what the node's policy has C blocks stand on.

        Raises
        ------
        NotYet
            NOT_READY before the writer has published one.
        """
        if self.stream == Stream.C:
            snapshot = read_fast_virtual(self.redis, self.clock.now_ms(), self.spec.slot_ms)
        else:
            snapshot = read_virtual(self.redis)
        if snapshot is None:
            raise NotYet(WaitCode.NOT_READY, "the writer has not published a virtual block")
        return snapshot

    def sequence(self) -> int:
        """Whether ``snapshot`` would be newer, for the price of one small read."""
        return read_sequence(self.redis)

    def wait_for_move(self, sequence: int, seconds: float) -> bool:
        """Block until virtual is another one than that of ``sequence``, at most so long."""
        return wait_for_move(self.redis, sequence, seconds)

    def look(self) -> tuple[int, int]:
        """``sequence``, and how many transactions the pool ever took; one round trip."""
        return read_sequence_and(self.redis, *self.pool.taken_field)

    def select(self, limits: BlockLimits, snapshot: VirtualSnapshot) -> Sequence[BodyTx]:
        """The pool's choice for one block on this virtual block; the sink's hash seeds a random order."""
        return self.pool.select(limits, snapshot.base_fee, self.ordering, snapshot.sink)

    def wait_for_arrival(self, seconds: float) -> bool:
        """Block until the pool may have something new, at most so long."""
        return self.pool.wait_for_arrival(seconds)

    def start_nonce(self) -> int:
        """Random, so that restarted or repeated slices try other nonces."""
        return secrets.randbits(64)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Hold off this node's other streams while one looks at the sink and submits its find.

        Two that looked at the same time would both find the sink unmoved, and one of them take back the other's
        receipts.
        """
        if self.spec.latest_depth:
            yield
            return
        with candidates.one_find_at_a_time(raw_connection()):
            yield

    def is_stale(self, template: Template) -> bool:
        """Whether a block on this template would stand beside the sink instead of on it.

        Policy, where readers follow the sink itself (``latest_depth`` 0): a work block outweighs every C
        block outside its past, so a stale one would take back receipts that users have read; a stale C
        block would wait for the next work block to be merged.  Blocks that are on their way through the
        writer, and what it has committed and not shown yet, are waited for.  Only inside ``turn`` does the
        answer hold until the block is submitted.
        """
        if self.spec.latest_depth:
            return False
        for _ in range(SETTLE_POLLS):
            has_work, committed = candidates.work_and_sequence(raw_connection())
            # what is committed and not published yet is not in the snapshot
            is_shown = self.sequence() >= committed
            if is_shown and not has_work:
                break
            self.clock.sleep(SETTLE_POLL_S)
        return not is_shown or self.snapshot().sink not in template.header.parents

    def submit(self, template: Template, seal: tuple[bytes, ...]) -> bytes | None:
        """Take the finished block to the door that strangers' blocks use too; its hash, or None if refused."""
        block = seal_template(template, seal)
        slot = template.draw.slot if template.draw is not None else -1
        record.remember_attempt(self.redis, self.stream.name, template.sequence, slot, self.clock.now_ms())
        block_hash: bytes | None = header_hash(block.header)
        try:
            self.submit_raw(encode_block(block), "mined", template.senders)
        except (RuleViolation, BadDelivery) as error:
            log.error("own block refused", stream=self.stream.name, code=error.code, error=str(error))
            block_hash = None
        if block_hash is not None:
            metrics.BLOCKS_MINED.labels(self.stream.name).inc()
        record.remember_outcome(self.redis, self.stream.name, block_hash)
        self.memory = record.read_memory(self.redis, self.stream.name)
        return block_hash


@cache
def vrf_secret() -> bytes:
    """The node's VRF seed, from ``keys/vrf.key`` in the data folder.

    Raises
    ------
    ConfigError
        ``key_missing`` or ``key_malformed``.
    """
    path = Path(settings.MDS_KEYS_FOLDER) / "vrf.key"
    try:
        seed = bytes.fromhex(path.read_text().strip())
    except FileNotFoundError as error:
        raise ConfigError("key_missing", f"{path} does not exist", hint="`manage.py up` makes it") from error
    except ValueError as error:
        raise ConfigError("key_malformed", f"{path} does not hold hex", hint="restore a backup") from error
    if len(seed) != 32:
        raise ConfigError("key_malformed", f"{path} does not hold 32 bytes", hint="restore a backup")
    return seed
