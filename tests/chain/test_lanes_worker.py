"""A real Celery worker: it shows that it lives, and runs lanes of epochs that the writer here executes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from django.db import connection

from chain.core.shards import shard_of
from chain.kick import TaskName, kick
from chain.services.lanes import LanePolicy
from mondoshawan import liveness
from tests.chain.lane_world import World, dispatcher, world
from tests.core.execution.build import SHARDS, make_block, make_tx, run_epoch
from tests.core.execution.world import DEPLOYED, USERS, write_epoch
from tests.tools import children

__all__ = ["world"]
ROOT = Path(__file__).resolve().parents[2]


def until(what: Callable[[], bool], description: str, seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, description
        time.sleep(0.05)


@pytest.fixture
def start(world: World, tmp_path: Path) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts a worker of the ``shards`` queue on the test's database."""
    params = connection.get_connection_params()
    url = "postgres://{}:{}@{}:{}/{}".format(
        *(quote(str(params[name]), safe="") for name in ("user", "password", "host", "port", "dbname"))
    )
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        with (tmp_path / "worker.log").open("ab") as log:
            command = [sys.executable, "-m", "celery", "--quiet", "-A", "mondoshawan", "worker", "-n", "t@t"]
            command += ["-Q", "shards", "-P", "prefork", "-c", "2", "-l", "WARNING"]
            command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
            environ = {**os.environ, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.test", "MDS_DATABASE_URL": url}
            started.append(children.start(command, cwd=ROOT, env=environ, stdout=log, stderr=log))
        return started[-1]

    try:
        yield start
    finally:
        for process in started:
            process.kill()
            process.wait()
        print((tmp_path / "worker.log").read_text()[-4000:])


def heavy(loops: int = 12) -> list:
    """An epoch with so many calls in every lane that workers wake up in time."""
    txs = []
    for user in USERS:
        target = DEPLOYED[shard_of(user, SHARDS), "count"]
        txs += [make_tx(user, nonce, target, 0, b"", gas_limit=100_000) for nonce in range(loops)]
    return [make_block("x", txs)]


def test_a_worker_process_lives_works_and_dies(world: World, start: Callable, settings) -> None:
    settings.MDS_EXPECTED_QUEUES = ("shards",)
    assert not liveness.check_workers()["ok"]
    first = start()
    until(lambda: liveness.check_workers()["ok"], "the worker shows that it lives")

    policy = LanePolicy(workers=2, min_gas=1, min_txs=0, deadline_s=30, pause_s=0.2)
    dispatch = dispatcher(lambda request, life_s: kick(TaskName.SHARD, request, expires=life_s), policy)
    blocks = heavy()
    expected = run_epoch(world.state, blocks)

    def shared() -> bool:
        assert world.run(blocks, dispatch) == expected
        return dispatch.counts.remote >= 4

    until(shared, "the worker runs lanes")
    for seed in range(6):
        blocks = write_epoch(seed)
        assert world.run(blocks, dispatch) == run_epoch(world.state, blocks)
    assert dispatch.counts.declined == 0

    # an orderly end shows at once, and epochs go on without it
    first.send_signal(signal.SIGTERM)
    assert first.wait(120) == 0
    assert not liveness.check_workers()["ok"]
    blocks = heavy()
    assert world.run(blocks, dispatch) == expected

    start()
    until(lambda: liveness.check_workers()["ok"], "the next worker shows that it lives")
