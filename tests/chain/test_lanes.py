"""Lanes in other processes: whoever runs them, and whatever goes wrong, the epoch's result is the same to the bit."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import msgpack
import psycopg
import pytest
import redis
from django.db import connection as django_connection
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chain.core.consensus.hot_state import HotState
from chain.core.consensus.ports import LaneBase
from chain.core.errors import NotYet, StoreError
from chain.core.execution.epoch import execute_epoch
from chain.core.shards import shard_of
from chain.core.types import EpochBlock, EpochResult, StateDiff
from chain.kick import Queue
from chain.services.lanes import LaneDispatch, LanePolicy, lane_policy, wire, work_off
from chain.services.lanes.dispatch import FRUITLESS_OFFERS
from chain.services.redis_client import redis_client
from chain.services.writer import dedicated_connection
from chain.stores import genesis
from chain.stores.connection import raw_connection
from chain.stores.lane_base import CommittedState
from chain.stores.state import PostgresState
from tests.core.consensus.mini import Mini, easy_spec
from tests.core.execution.build import (
    PARAMS,
    SHARDS,
    address_in,
    block_hashes,
    lattices_of,
    make_block,
    make_env,
    make_tx,
    run_epoch,
)
from tests.core.execution.world import USERS, epochs, make_world, write_epoch
from tests.factories.lanes import base_hash, truncate, undo_state, write_state

ALL = LanePolicy(workers=2, min_gas=1, min_txs=0, deadline_s=20.0)
BASE = 7
BUSY = 17  # seed of an epoch with calls in all four lanes


class World:
    """The world of random epochs in a database, and a writer's hot state over it."""

    def __init__(self, conn: psycopg.Connection) -> None:
        self.conn = conn
        self.state = make_world()
        self.hash = base_hash(BASE)
        write_state(conn, BASE, self.hash, self.state.as_diff(), SHARDS)
        # the EVM sets the recursion limit when it is first used: before Hypothesis looks at it
        run_epoch(self.state, write_epoch(BUSY))

    def run(
        self, blocks: list[EpochBlock], dispatch: LaneDispatch, before: StateDiff | None = None, base: bytes = b""
    ) -> EpochResult:
        """An epoch over the database, after an uncommitted diff."""
        hot = HotState(PostgresState(self.conn, shard_count=SHARDS))
        state = self.state
        if before is not None:
            hot.apply(before)
            state = state.copy()
            state.apply(before)
        runner = partial(dispatch, LaneBase(BASE, base or self.hash, hot))
        return execute_epoch(make_env(), blocks, hot, lattices_of(state), PARAMS, block_hashes, lane_runner=runner)


@pytest.fixture
def world(transactional_db: None, redis_url: str) -> Iterator[World]:
    connection = dedicated_connection()
    truncate(connection)
    spec = easy_spec(shard_count=SHARDS)
    genesis.initialise(connection, spec, Mini(spec).genesis)
    try:
        yield World(connection)
    finally:
        truncate(connection)
        connection.close()


def dispatcher(wake: Callable[[str, float], None], policy: LanePolicy = ALL) -> LaneDispatch:
    return LaneDispatch(redis_client(), policy, wake)


def at_once(request: str, life_s: float) -> None:
    """A worker that is faster than the writer: it takes every unit."""
    work_off(request)


def nobody(request: str, life_s: float) -> None:
    """The message is lost, or no worker runs."""


def no_keys_left() -> bool:
    return not list(redis_client().scan_iter("mds:lanes:*"))


@pytest.fixture
def worker() -> Iterator[Callable[[str, float], None]]:
    """A worker beside the writer; a thread here, with a connection of its own."""
    with ThreadPoolExecutor(1) as pool:
        yield lambda request, life_s: pool.submit(work_off, request)
        pool.submit(lambda: django_connection.close()).result()  # noqa: PLW0108 - looked up in that thread


@examples(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(first=epochs(), blocks=epochs(), committed=st.booleans())
def test_elsewhere_is_the_same_to_the_bit(world, first, blocks, committed):
    """Every lane with a call runs over the committed state and what came since, BLOCKHASH and codes included."""
    before = None if committed else run_epoch(world.state, first).diff
    state = world.state.copy()
    if before is not None:
        state.apply(before)
    dispatch = dispatcher(at_once)
    assert world.run(blocks, dispatch, before) == run_epoch(state, blocks)
    assert dispatch.counts.remote == dispatch.counts.offered
    assert dispatch.counts.taken_back == 0
    assert no_keys_left()


def test_random_epochs_do_go_elsewhere(world):
    dispatch = dispatcher(at_once)
    for seed in range(10):
        world.run(write_epoch(seed), dispatch)
    assert dispatch.counts.epochs >= 8
    assert dispatch.counts.remote >= 20


def test_a_worker_and_the_writer_share_the_lanes(world, worker):
    dispatch = dispatcher(worker)
    for seed in range(25):
        blocks = write_epoch(seed)
        assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    counts = dispatch.counts
    # a unit may be run here although a worker has it, when that is as fast as waiting
    assert counts.remote + counts.taken_back + counts.late == counts.offered
    assert counts.declined == 0


def test_lost_messages_cost_no_waiting(world):
    dispatch = dispatcher(nobody, replace(ALL, deadline_s=3600))
    for seed in range(4):
        blocks = write_epoch(seed)
        assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.taken_back == dispatch.counts.offered > 0
    assert no_keys_left()


def test_units_that_died_with_their_worker_are_run_here(world):
    """Taken, never answered: the writer runs them, and after some such epochs it asks nobody for a while."""
    taken = []

    def dies(request: str, life_s: float) -> None:
        taken.append(redis_client().lpop(wire.Keys.of(request).todo))

    now = [0.0]
    policy = replace(ALL, deadline_s=0.01, pause_s=60)
    dispatch = LaneDispatch(redis_client(), policy, dies, lambda: now.__setitem__(0, now[0] + 0.004) or now[0])
    blocks = write_epoch(BUSY)
    expected = run_epoch(world.state, blocks)
    for _ in range(FRUITLESS_OFFERS):
        assert world.run(blocks, dispatch) == expected
    counts = dispatch.counts
    assert counts.late == len(taken) == 2 * FRUITLESS_OFFERS
    assert counts.taken_back == counts.offered - counts.late
    offered = counts.offered
    assert world.run(blocks, dispatch) == expected
    assert counts.offered == offered
    now[0] += 61
    assert world.run(blocks, dispatch) == expected
    assert counts.offered > offered


def test_a_dead_worker_is_not_waited_for_longer_than_the_lane_takes(world):
    """The deadline is an hour; the writer's own pace is the measure."""

    def takes_all(request: str, life_s: float) -> None:
        redis_client().delete(wire.Keys.of(request).todo)

    dispatch = dispatcher(takes_all, replace(ALL, deadline_s=3600))
    blocks = write_epoch(BUSY)
    assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.late == dispatch.counts.offered > 0


def test_a_slow_worker_answers_into_the_void(world):
    late: list[wire.Keys] = []
    parts: list[dict[bytes, bytes]] = []

    def slow(request: str, life_s: float) -> None:
        keys = wire.Keys.of(request)
        late.append(keys)
        parts.append(redis_client().hgetall(keys.parts))
        redis_client().delete(keys.todo)

    dispatch = dispatcher(slow, replace(ALL, deadline_s=0.02, workers=1, pause_s=0))
    blocks = write_epoch(BUSY)
    assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.late == dispatch.counts.offered > 0
    # now it gets to work: its answer waits for nobody and is gone soon
    keys = late[0]
    redis_client().hset(keys.parts, mapping=parts[0])
    redis_client().rpush(keys.todo, 0)
    assert work_off(keys.todo.split(":")[2]) == 1
    assert 0 < redis_client().pttl(keys.answers) <= 30_000
    again = dispatcher(at_once)
    assert world.run(blocks, again) == run_epoch(world.state, blocks)


def test_duplicates_and_strangers_change_nothing(world):
    def twice(request: str, life_s: float) -> None:
        keys, client = wire.Keys.of(request), redis_client()
        todo = client.lrange(keys.todo, 0, -1)
        work_off(request)
        client.rpush(keys.todo, *todo[:1])
        work_off(request)
        answers = [wire.unpack_answer(data) for data in client.lrange(keys.answers, 0, -1)]
        one = answers[0]
        strange = [
            wire.pack_answer(replace(one, request="00" * 16)),
            wire.pack_answer(replace(one, base=bytes(32))),
            wire.pack_answer(replace(one, unit=999)),
            wire.pack_answer(replace(one, outcome=replace(one.outcome, shard=(one.outcome.shard + 1) % SHARDS))),
            b"\xc1 nonsense",
            msgpack.packb([1, 2, 3]),
            msgpack.packb([request, world.hash, one.unit, [[]], None]),
        ]
        client.lpush(keys.answers, *strange)

    dispatch = dispatcher(twice, replace(ALL, workers=1))
    blocks = write_epoch(BUSY)
    assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.remote == dispatch.counts.offered > 1
    assert dispatch.counts.late == 0


def test_without_the_base_a_lane_is_declined(world):
    dispatch = dispatcher(at_once)
    blocks = write_epoch(BUSY)
    elsewhere = base_hash(BASE, "another branch")
    assert world.run(blocks, dispatch, base=elsewhere) == run_epoch(world.state, blocks)
    # each call of the worker declines one unit; the rest is taken back
    assert dispatch.counts.declined == 2
    assert dispatch.counts.remote == 0


def test_unreadable_requests_are_declined(world):
    client, keys = redis_client(), wire.Keys.of("ab" * 16)
    for head, unit in (
        (b"\xc1", b""),
        (wire.pack_head(wire.Head(BASE, world.hash, StateDiff({}, {}, {}), {})), b"\x90"),
    ):
        client.delete(keys.answers)
        client.hset(keys.parts, mapping={wire.HEAD: head, "0": unit})
        client.rpush(keys.todo, 0)
        assert work_off("ab" * 16) == 0
        answer = wire.unpack_answer(client.lpop(keys.answers))
        assert (answer.unit, answer.outcome, answer.code) == (0, None, "malformed_lane")
    assert work_off("cd" * 16) == 0


def test_without_redis_the_writer_goes_on(world):
    gone = redis.Redis(unix_socket_path="/tmp/surely/absent.sock")
    dispatch = LaneDispatch(gone, ALL, at_once)
    blocks = write_epoch(BUSY)
    assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.epochs == 0


def test_redis_may_go_away_in_between(world):
    """Whatever command fails, nothing is lost."""

    class Failing:
        def __init__(self, allowed: int) -> None:
            self.left = allowed

        def __getattr__(self, name: str):
            self.left -= 1
            if self.left < 0:
                raise redis.ConnectionError("gone")
            return getattr(redis_client(), name)

    blocks = write_epoch(BUSY)
    expected = run_epoch(world.state, blocks)
    remote = set()
    for allowed in range(12):
        dispatch = LaneDispatch(Failing(allowed), ALL, at_once)  # type: ignore[arg-type]
        assert world.run(blocks, dispatch) == expected
        remote.add(dispatch.counts.remote)
        redis_client().flushall()
    assert len(remote) > 2


def test_a_queue_that_nobody_reads_does_not_grow(world):
    client = redis_client()
    dispatch = dispatcher(lambda request, life_s: client.rpush(Queue.SHARDS, request), replace(ALL, pause_s=0))
    blocks = write_epoch(BUSY)
    for _ in range(8):
        assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert client.llen(Queue.SHARDS) == 4


class Untouchable:
    """A Redis that must not be asked."""

    def __getattr__(self, name: str) -> None:
        raise AssertionError(name)


@pytest.mark.parametrize(
    "policy",
    [replace(ALL, min_gas=30_000_000), replace(ALL, workers=0)],
    ids=["too little to save", "no workers"],
)
def test_small_epochs_stay_in_the_writer(world, policy):
    dispatch = LaneDispatch(Untouchable(), policy, nobody)  # type: ignore[arg-type]
    for seed in range(4):
        blocks = write_epoch(seed)
        assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)


def test_one_heavy_lane_saves_nothing(world):
    """Workers can only take lanes: an epoch whose calls are all in one has nothing to share."""
    dispatch = LaneDispatch(Untouchable(), replace(ALL, min_gas=300_000), nobody)  # type: ignore[arg-type]
    blocks = write_epoch(BUSY)
    heavy = [tx for block in blocks for tx in block.transactions if not tx.is_simple]
    senders = {heavy[0].sender}
    alone = [
        replace(b, transactions=tuple(t for t in b.transactions if t.is_simple or t.sender in senders)) for b in blocks
    ]
    assert world.run(alone, dispatch) == run_epoch(world.state, alone)


@pytest.mark.parametrize(("tick", "offers"), [(1e-6, False), (3.0, True)])
def test_the_pace_of_the_writer_decides(world, tick, offers):
    """The same gas limits: offered where the writer is slow, kept where it is fast."""
    blocks = write_epoch(BUSY)
    expected = run_epoch(world.state, blocks)
    ticks = itertools.count()
    dispatch = LaneDispatch(redis_client(), replace(ALL, min_saved_s=0.02), at_once, lambda: tick * next(ticks))
    for _ in range(6):
        before = dispatch.counts.epochs
        assert world.run(blocks, dispatch) == expected
    assert (dispatch.counts.epochs > before) == offers


def test_much_that_is_uncommitted_stays_here(world, monkeypatch):
    monkeypatch.setattr("chain.services.lanes.dispatch.MAX_UNCOMMITTED", 3)
    dispatch = LaneDispatch(Untouchable(), ALL, nobody)  # type: ignore[arg-type]
    before = run_epoch(world.state, write_epoch(1)).diff
    state = world.state.copy()
    state.apply(before)
    blocks = write_epoch(BUSY)
    assert world.run(blocks, dispatch, before) == run_epoch(state, blocks)


# ---- the committed state that workers remember ----


def slot_diff(address: bytes, values: dict[int, int]) -> StateDiff:
    return StateDiff({}, {(address, slot): value for slot, value in values.items()}, {})


def test_remembered_slots_follow_the_chain(world):
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()

    def read(number: int, branch: str = "") -> tuple[int, int]:
        block = world.hash if number == BASE else base_hash(number, branch)
        with committed.at(conn, number, block):
            return committed.get_slot(owner, 0), committed.get_slot(owner, 9)

    assert read(BASE) == (1, 0)
    write_state(world.conn, 8, base_hash(8), slot_diff(owner, {0: 5}), SHARDS)
    assert read(BASE) == (1, 0)
    assert read(8) == (5, 0)
    write_state(world.conn, 9, base_hash(9), slot_diff(owner, {9: 4}), SHARDS)
    write_state(world.conn, 10, base_hash(10), slot_diff(owner, {0: 6}), SHARDS)
    assert read(10) == (6, 4)
    assert read(9) == (5, 4)
    # a reorganisation: number 10 belongs to another block
    undo_state(world.conn, 10, slot_diff(owner, {0: 5}), SHARDS)
    write_state(world.conn, 10, base_hash(10, "b"), slot_diff(owner, {9: 8}), SHARDS)
    with pytest.raises(NotYet):
        read(10)
    assert read(10, "b") == (5, 8)


def test_slots_that_did_not_change_are_read_once(world):
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()
    with committed.at(conn, BASE, world.hash):
        assert committed.get_slot(owner, 0) == 1
    write_state(world.conn, 8, base_hash(8), slot_diff(owner, {5: 5}), SHARDS)
    with committed.at(conn, 8, base_hash(8)):
        committed._reader = None  # reading now would fail
        assert committed.get_slot(owner, 0) == 1


def test_a_snapshot_outlives_a_commit(world):
    """What is read after the writer went on is still the base's."""
    owner = address_in(3, "count")
    committed, conn = CommittedState(), raw_connection()
    with committed.at(conn, BASE, world.hash):
        undo_state(world.conn, BASE, slot_diff(owner, {0: 77}), SHARDS)
        write_state(world.conn, BASE, base_hash(BASE, "b"), slot_diff(owner, {0: 78}), SHARDS)
        assert committed.get_slot(owner, 0) == 1
        assert PostgresState(world.conn, BASE, shard_count=SHARDS).get_slot(owner, 0) == 78
    with committed.at(conn, BASE, base_hash(BASE, "b")):
        assert committed.get_slot(owner, 0) == 78


def test_a_lost_connection_forgets(world):
    committed, conn = CommittedState(), raw_connection()
    owner = address_in(3, "count")

    def lose() -> None:
        with committed.at(conn, BASE, world.hash):
            committed.get_slot(owner, 0)
            conn.close()
            committed.get_slot(owner, 1)

    with pytest.raises(StoreError):
        lose()
    django_connection.close()
    with committed.at(raw_connection(), BASE, world.hash):
        assert committed.get_slot(owner, 0) == 1


def test_settings_make_the_policy(settings):
    settings.MDS_SHARD_WORKERS = 3
    settings.MDS_LANES_MIN_GAS = 5
    settings.MDS_LANES_MIN_TXS = 7
    settings.MDS_LANES_DEADLINE_MS = 1500
    settings.MDS_LANES_MIN_MS = 40
    assert lane_policy() == LanePolicy(workers=3, min_gas=5, min_txs=7, deadline_s=1.5, min_saved_s=0.04)
    settings.MDS_LANES_MIN_GAS = 0
    assert lane_policy().workers == 0


def test_plain_transfers_are_offered_where_asked_for(world):
    senders = {shard: next(user for user in USERS if shard_of(user, SHARDS) == shard) for shard in range(SHARDS)}
    txs = [make_tx(user, nonce, address_in(shard, "new"), 1) for shard, user in senders.items() for nonce in range(3)]
    blocks = [make_block("x", txs)]
    never = LaneDispatch(Untouchable(), ALL, nobody)  # type: ignore[arg-type]
    assert world.run(blocks, never) == run_epoch(world.state, blocks)
    dispatch = dispatcher(at_once, replace(ALL, min_txs=3))
    assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.remote == SHARDS
