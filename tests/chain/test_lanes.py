"""Lanes in other processes: whoever runs them, and whatever goes wrong, the epoch's result is the same to the bit."""

from __future__ import annotations

from dataclasses import replace

import msgpack
import redis
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from chain.core.types import StateDiff
from chain.services.lanes import LaneDispatch, wire, work_off
from chain.services.lanes.dispatch import FRUITLESS_OFFERS
from chain.services.redis_client import redis_client
from tests.chain import lane_world
from tests.chain.lane_world import ALL, BASE, BUSY, at_once, dispatcher, no_keys_left, nobody
from tests.core.execution.build import (
    SHARDS,
    run_epoch,
)
from tests.core.execution.world import epochs, write_epoch
from tests.factories.lanes import base_hash

world = lane_world.world
worker = lane_world.worker


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
