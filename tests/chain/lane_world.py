"""Epochs over a database whose lanes run elsewhere, or nowhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import psycopg
import pytest
from django.db import connection as django_connection

from chain.core.consensus.hot_state import HotState
from chain.core.consensus.ports import LaneBase
from chain.core.execution.epoch import execute_epoch
from chain.core.types import EpochBlock, EpochResult, StateDiff
from chain.services.lanes import LaneDispatch, LanePolicy, work_off
from chain.services.redis_client import redis_client
from chain.services.writer import dedicated_connection
from chain.stores import genesis
from chain.stores.state import PostgresState
from tests.core.consensus.mini import Mini, easy_spec
from tests.core.execution.build import (
    PARAMS,
    SHARDS,
    block_hashes,
    lattices_of,
    make_env,
    run_epoch,
)
from tests.core.execution.world import make_world, write_epoch
from tests.factories.lanes import base_hash, truncate, write_state

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
