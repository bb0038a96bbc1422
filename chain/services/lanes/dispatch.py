"""The writer's part: offer the lanes of a large epoch to the shard workers, and run what they do not take.

The writer is a worker too: it takes units from the same list, so lanes that nobody takes cost no waiting.
What a worker has taken is waited for no longer than it would take here, and then run here as well, so a slow,
lost or dead worker at worst doubles the time of an epoch's lanes.  A lane is a pure function of its request:
who runs it, how often and when changes nothing but time.
"""

from __future__ import annotations

import os
import secrets
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import structlog
from django.conf import settings
from kombu.exceptions import KombuError
from redis import Redis
from redis.exceptions import RedisError

from chain import metrics
from chain.core.consensus.ports import LaneBase
from chain.core.errors import StoreError
from chain.core.execution.lanes import LaneOutcome, LaneTask, run_lane
from chain.core.execution.overlay import CachedReader
from chain.core.ports import BlockHashes
from chain.core.shards import shard_of
from chain.core.types import StateDiff
from chain.kick import Queue, TaskName, kick
from chain.services.lanes import wire
from chain.services.redis_client import redis_client

log = structlog.get_logger(__name__)

UNREACHABLE = (RedisError, KombuError, OSError)
BLOCKHASH_DEPTH = 256
# what one native transfer weighs in gas of calls
TRANSFER_GAS_WEIGHT = 1_500
# seconds that the EVM needs for a unit of weight before this process has measured it, and the most to believe
SECONDS_PER_WEIGHT = 1e-8
MAX_SECONDS_PER_WEIGHT = 5e-8
LEAST_WEIGHT_MEASURED = 200_000
# what a transaction costs the writer on its way to a worker and back, in seconds: measured (bench/lanes.py)
TRANSPORT_S = 8e-6
# so many offers without a single answer in time, and lanes stay here for a while
FRUITLESS_OFFERS = 3
# beyond so many uncommitted values an epoch stays here
MAX_UNCOMMITTED = 20_000


@dataclass(frozen=True, slots=True)
class LanePolicy:
    """When lanes are offered, and how long answers are waited for.

    Parameters
    ----------
    workers : int
        Shard workers to wake; 0 keeps every lane here.
    min_gas : int
        Gas of calls (by their limits) that workers would have to take off the writer at best.
    min_txs : int
        Lanes of at least so many transactions are offered although none is a call; 0 is never.
    deadline_s : float
        The most that the writer waits for a unit that a worker has taken, however heavy it is.
    min_saved_s : float
        The writer would have to be done so much earlier, by the pace at which it ran lanes before; 0: anyway.
    pause_s : float
        When workers are no help, or Redis is away, lanes stay here for so long.
    """

    workers: int
    min_gas: int
    min_txs: int
    deadline_s: float
    min_saved_s: float = 0.0
    pause_s: float = 60.0


@dataclass
class LaneCounts:
    """What became of the lanes of this process, for logs and metrics; epochs whose lanes were offered."""

    epochs: int = 0
    offered: int = 0
    remote: int = 0
    taken_back: int = 0
    declined: int = 0
    late: int = 0


@dataclass
class _Request:
    """One epoch's offer."""

    id: str
    keys: wire.Keys
    base: bytes
    units: dict[int, LaneTask] = field(default_factory=dict)
    outcomes: list[LaneOutcome] = field(default_factory=list)
    declined: list[LaneTask] = field(default_factory=list)
    taken: int = 0


class LaneDispatch:
    """A ``LaneDispatcher`` over Redis.

    Parameters
    ----------
    redis : Redis
        Holds requests and answers.
    policy : LanePolicy
        Thresholds and patience.
    wake : callable
        Sends one wake-up with a request id and its life in seconds.
    clock : callable
        Monotonic seconds.
    """

    def __init__(
        self,
        redis: Redis,
        policy: LanePolicy,
        wake: Callable[[str, float], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.counts = LaneCounts()
        self._redis = redis
        self._policy = policy
        self._wake = wake
        self._clock = clock
        self._resume_at = 0.0
        self._fruitless = 0
        self._pace = SECONDS_PER_WEIGHT

    def __call__(
        self, base: LaneBase, tasks: Sequence[LaneTask], reader: CachedReader, block_hashes: BlockHashes
    ) -> Sequence[LaneOutcome]:
        """See ``LaneDispatcher``."""

        def here(some: Sequence[LaneTask]) -> list[LaneOutcome]:
            began = self._clock()
            outcomes = []
            for task in some:
                with metrics.LANE_SECONDS.time():
                    outcomes.append(run_lane(task, reader, block_hashes))
            self._note_pace(self._clock() - began, sum([lane_weight(task) for task in some]))
            return outcomes

        units = [] if self._clock() < self._resume_at else self._worth_offering(tasks, base)
        request = self._offer(units, base, reader, block_hashes) if units else None
        if request is None:
            return here(tasks)
        offered = {task.shard for task in units}
        done = here([task for task in tasks if task.shard not in offered])
        try:
            while (unit := self._take_back(request)) is not None:
                self.counts.taken_back += 1
                done += here([request.units.pop(unit)])
            request.taken = len(request.units)
            while request.units and not self._collect(request, reader):
                # the lightest: it is the least that the wait may have been in vain
                done += here([request.units.pop(max(request.units))])
                self.counts.late += 1
            self._redis.delete(request.keys.todo, request.keys.parts, request.keys.answers)
            self._judge(request)
        except UNREACHABLE as error:
            self._pause("Redis went away", error=str(error))
        done += request.outcomes
        # workers may fall silent, but never may the chain
        return done + here([*request.declined, *request.units.values()])

    def _note_pace(self, seconds: float, weight: int) -> None:
        """Learn how long a unit of weight takes: gas limits promise nothing, and machines differ."""
        if weight >= LEAST_WEIGHT_MEASURED:
            self._pace = (self._pace + min(seconds / weight, MAX_SECONDS_PER_WEIGHT)) / 2

    def _worth_offering(self, tasks: Sequence[LaneTask], base: LaneBase) -> list[LaneTask]:
        """The lanes to offer, heaviest first; none where workers would not save enough."""
        policy = self._policy
        if not policy.workers or len(tasks) < 2 or base.hot.uncommitted > MAX_UNCOMMITTED:
            return []
        gas = {task.shard: call_gas(task) for task in tasks}
        units = [t for t in tasks if gas[t.shard] or (policy.min_txs and len(t.items) >= policy.min_txs)]
        if not units:
            return []
        weight = {task.shard: lane_weight(task) for task in tasks}
        units.sort(key=lambda task: (-weight[task.shard], task.shard))
        whole = sum(weight.values())
        here = whole - sum([weight[task.shard] for task in units])
        best = max(weight[units[0].shard], here, whole // (1 + min(policy.workers, len(units))))
        if policy.min_txs and any(not gas[t.shard] for t in units):
            return units
        sent = sum([len(task.items) for task in units]) + base.hot.uncommitted
        slow = not policy.min_saved_s or self._pace * (whole - best) - TRANSPORT_S * sent >= policy.min_saved_s
        return units if slow and whole - best >= policy.min_gas else []

    def _offer(
        self, units: list[LaneTask], base: LaneBase, reader: CachedReader, block_hashes: BlockHashes
    ) -> _Request | None:
        """Put the units into Redis and wake workers; None where that is not possible."""
        policy = self._policy
        request = _Request(name := secrets.token_hex(16), wire.Keys.of(name), base.hash, dict(enumerate(units)))
        # the writer may be busy with its own lanes for long before it looks for answers
        life_s = policy.deadline_s + 60
        try:
            if self._redis.llen(Queue.SHARDS) >= 2 * policy.workers:
                self._pause("nobody consumes the queue of shard workers")
                return None
            head = wire.Head(base.number, base.hash, base.hot.net_changes(), _hashes(units[0], block_hashes))
            parts: dict[bytes | str, bytes] = {
                str(unit): wire.pack_unit(wire.Unit(task, rows_of(task, reader)))
                for unit, task in request.units.items()
            }
            parts[wire.HEAD] = wire.pack_head(head)
            with self._redis.pipeline(transaction=True) as pipe:
                pipe.hset(request.keys.parts, mapping=parts)
                pipe.rpush(request.keys.todo, *request.units)
                pipe.pexpire(request.keys.parts, int(1000 * life_s))
                pipe.pexpire(request.keys.todo, int(1000 * life_s))
                pipe.execute()
            for _ in range(min(policy.workers, len(units))):
                self._wake(name, life_s)
        except UNREACHABLE as error:
            self._pause("lanes cannot be offered", error=str(error))
            return None
        self.counts.epochs += 1
        self.counts.offered += len(units)
        return request

    def _take_back(self, request: _Request) -> int | None:
        """The heaviest unit that no worker has taken."""
        found = self._redis.lpop(request.keys.todo)
        return None if found is None else int(found)

    def _collect(self, request: _Request, reader: CachedReader) -> bool:
        """Take in answers until none is missing, or, with False, until the lightest unit would be done here."""
        lightest = request.units[max(request.units)]
        deadline = self._clock() + min(self._policy.deadline_s, self._pace * lane_weight(lightest))
        while request.units:
            found = self._redis.lpop(request.keys.answers)
            if found is None:
                left = deadline - self._clock()
                if left <= 0:
                    return False
                # Redis 6 takes less than a millisecond for zero, which is for ever
                popped = self._redis.blpop([request.keys.answers], timeout=min(max(left, 0.002), 5.0))
                if popped is None:
                    continue
                found = popped[1]
            answer = self._read(found, request)
            if answer is None:
                continue
            if answer.outcome is None:
                self.counts.declined += 1
                request.declined.append(request.units.pop(answer.unit))
                continue
            del request.units[answer.unit]
            request.outcomes.append(answer.outcome)
            self.counts.remote += 1
            # settlement compares with the values before: one question for all, not one for each
            reader.prefetch(answer.outcome.diff.accounts, answer.outcome.diff.slots)
        return True

    def _judge(self, request: _Request) -> None:
        """Stop offering for a while when workers take lanes and never answer in time."""
        if request.outcomes:
            self._fruitless = 0
        elif request.taken:
            self._fruitless += 1
            if self._fruitless >= FRUITLESS_OFFERS:
                self._fruitless = 0
                self._pause("workers take lanes and do not answer in time")

    def _read(self, data: bytes, request: _Request) -> wire.Answer | None:
        """An answer to an open unit of this very request; None for anything else."""
        try:
            answer = wire.unpack_answer(data)
        except StoreError as error:
            log.warning("an answer about lanes cannot be read", code=error.code)
            return None
        task = request.units.get(answer.unit)
        if answer.request != request.id or task is None:
            return None
        if answer.outcome is None:
            log.warning("lane declined", request=request.id, shard=task.shard, code=answer.code)
            return answer
        if answer.base != request.base or answer.outcome.shard != task.shard:
            return None
        return answer

    def _pause(self, why: str, **data: object) -> None:
        self._resume_at = self._clock() + self._policy.pause_s
        log.warning("lanes stay in the writer for a while", why=why, seconds=self._policy.pause_s, **data)


def call_gas(task: LaneTask) -> int:
    """Gas limits of a lane's calls: the most that the EVM may have to do in it."""
    return sum([item.tx.gas_limit for item in task.items if not item.tx.is_simple])


def lane_weight(task: LaneTask) -> int:
    """How much work a lane is at most, in gas of calls."""
    return call_gas(task) + TRANSFER_GAS_WEIGHT * len(task.items)


def rows_of(task: LaneTask, reader: CachedReader) -> StateDiff:
    """What the transactions of a lane name of their own shard, as it is before the epoch."""
    addresses: dict[bytes, None] = {}
    slots: dict[tuple[bytes, int], None] = {}
    for _, tx, _ in task.items:
        addresses[tx.sender] = None
        if tx.to is not None:
            addresses[tx.to] = None
        for entry in tx.access_list:
            addresses[entry.address] = None
            for slot in entry.slots:
                slots[entry.address, slot] = None
    own = {address for address in addresses if shard_of(address, task.shard_count) == task.shard}
    return StateDiff(
        {address: reader.get_account(address) for address in addresses if address in own},
        {key: reader.get_slot(*key) for key in slots if key[0] in own},
        {},
    )


def lane_policy() -> LanePolicy:
    """The policy of the settings."""
    workers = settings.MDS_SHARD_WORKERS or max(1, (os.cpu_count() or 1) - 1)
    return LanePolicy(
        workers=0 if not settings.MDS_LANES_MIN_GAS else workers,
        min_gas=settings.MDS_LANES_MIN_GAS,
        min_txs=settings.MDS_LANES_MIN_TXS,
        deadline_s=settings.MDS_LANES_DEADLINE_MS / 1000,
        min_saved_s=settings.MDS_LANES_MIN_MS / 1000,
    )


def lane_dispatch() -> LaneDispatch:
    """The dispatcher of this node's writer."""

    def wake(request: str, life_s: float) -> None:
        kick(TaskName.SHARD, request, expires=life_s)

    return LaneDispatch(redis_client(), lane_policy(), wake)


def _hashes(task: LaneTask, block_hashes: BlockHashes) -> dict[int, bytes]:
    found = {}
    for number in range(max(0, task.env.number - BLOCKHASH_DEPTH), task.env.number):
        block_hash = block_hashes(number)
        if block_hash is not None:
            found[number] = block_hash
    return found
