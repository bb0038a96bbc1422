"""Which epochs' lanes are offered to workers, and which stay in the writer."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from chain.core.shards import shard_of
from chain.kick import Queue
from chain.services.lanes import LaneDispatch, LanePolicy, lane_policy
from chain.services.redis_client import redis_client
from tests.chain import lane_world
from tests.chain.lane_world import ALL, BUSY, at_once, dispatcher, nobody
from tests.core.execution.build import (
    SHARDS,
    address_in,
    make_block,
    make_tx,
    run_epoch,
)
from tests.core.execution.world import USERS, write_epoch

world = lane_world.world


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
