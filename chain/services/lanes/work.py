"""A shard worker's part: take units of a request as long as there are some, run them, answer."""

from __future__ import annotations

import structlog
from django.db import Error as DjangoDatabaseError
from redis import Redis

from chain import metrics
from chain.core.errors import BlockchainError
from chain.core.execution.lanes import run_lane
from chain.core.ports import StateReader
from chain.core.types import Account, StateDiff
from chain.services.lanes import wire
from chain.services.redis_client import redis_client
from chain.stores.connection import raw_connection
from chain.stores.lane_base import CommittedState

log = structlog.get_logger(__name__)

# an answer that nobody fetches vanishes after this time (ms)
ANSWER_LIFE_MS = 30_000

_committed = CommittedState()


class LaneState:
    """A ``StateReader`` at the state before an epoch: what a request brings, over the committed base."""

    def __init__(self, base: StateReader, uncommitted: StateDiff, rows: StateDiff) -> None:
        self._base = base
        self._accounts = {**uncommitted.accounts, **rows.accounts}
        self._slots = {**uncommitted.slots, **rows.slots}
        self._codes = uncommitted.codes
        # as the writer judges it (HotState.has_storage): what was undone is still in the store below
        self._storage: dict[bytes, bool] = {}
        for (address, _), value in uncommitted.slots.items():
            self._storage[address] = self._storage.get(address, False) or value != 0

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        try:
            return self._accounts[address]
        except KeyError:
            return self._base.get_account(address)

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        try:
            return self._slots[address, slot]
        except KeyError:
            return self._base.get_slot(address, slot)

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        try:
            return self._codes[code_hash]
        except KeyError:
            return self._base.get_code(code_hash)

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        known = self._storage.get(address)
        return self._base.has_storage(address) if known is None else known

    def prefetch(self, addresses: object, slots: object) -> None:
        """See ``StateReader``; the request has brought what it knew of."""


def work_off(request: str) -> int:
    """Run what is left of a request; how many units this call ran.

    It may be called late, twice, or by several workers at once: a unit that somebody has taken is not seen
    again.  A unit that cannot be run here is declined, and the writer runs it.
    """
    redis, keys = redis_client(), wire.Keys.of(request)
    with redis.pipeline(transaction=False) as pipe:
        pipe.lpop(keys.todo)
        pipe.hget(keys.parts, wire.HEAD)
        first, packed = pipe.execute()
    if first is None or packed is None:
        return 0
    done, unit = 0, int(first)
    head: wire.Head | None = None
    try:
        head = wire.unpack_head(packed)
        with _committed.at(raw_connection(), head.number, head.hash):
            while True:
                _run(redis, keys, request, head, unit)
                done += 1
                found = redis.lpop(keys.todo)
                if found is None:
                    return done
                unit = int(found)
    except (BlockchainError, DjangoDatabaseError) as error:
        code = error.code if isinstance(error, BlockchainError) else "database_unavailable"
        log.warning("lane declined", request=request, unit=unit, code=code)
        base = b"" if head is None else head.hash
        _answer(redis, keys, wire.Answer(request, base, unit, None, code))
        return done


def _run(redis: Redis, keys: wire.Keys, request: str, head: wire.Head, unit: int) -> None:
    packed = redis.hget(keys.parts, str(unit))
    if packed is None:
        return
    lane = wire.unpack_unit(packed)
    state = LaneState(_committed, head.uncommitted, lane.rows)
    with metrics.LANE_SECONDS.time():
        outcome = run_lane(lane.task, state, head.block_hashes.get)
    _answer(redis, keys, wire.Answer(request, head.hash, unit, outcome))


def _answer(redis: Redis, keys: wire.Keys, answer: wire.Answer) -> None:
    with redis.pipeline(transaction=True) as pipe:
        pipe.rpush(keys.answers, wire.pack_answer(answer))
        pipe.pexpire(keys.answers, ANSWER_LIFE_MS)
        pipe.execute()
