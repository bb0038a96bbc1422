"""The node survives: kill -9 of anything, servers that stop, data of Redis that is gone, a second writer."""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from collections.abc import Iterator

import pytest
import requests

from tests.e2e.node import ROOT, Node, running_node, wait_for
from tests.e2e.survival import (
    Load,
    alive,
    all_run,
    client,
    data_folder,
    family,
    grows,
    kill_one,
    number,
    second_writer,
    states,
    stop_program,
    supervisor_of,
    verify,
)
from tests.tools import children

pytestmark = pytest.mark.e2e

# Redis writes before it answers, but may hold back a write for two seconds while the disk is busy (AOF everysec)
LOSSY_S = 2.5


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as running:
        grows(running)
        yield running


def test_a_wiped_redis_costs_pending_transactions_only(node):
    with Load(node, range(2)) as load:
        wait_for(lambda: len(load.sent) > 20, "the load runs")
    load.settle([])
    height = number(node)
    stop_program(node, "redis")
    told = node.rpc("eth_sendRawTransaction", load.sent[-1].raw)
    assert told["message"] == "the node waits for Redis, try again"
    for path in data_folder(node).redis.iterdir():
        path.unlink()
    client(node).start("redis")
    wait_for(lambda: all_run(node), "everything runs")
    grows(node)
    assert number(node) > height
    assert load.unknown() == []
    with Load(node, range(2)) as more:
        wait_for(lambda: len(more.sent) > 10, "transactions are taken again")
    assert more.settle([]) == 0
    # an old hash is answered for a repeat, though the pool has forgotten it
    assert node.rpc("eth_sendRawTransaction", load.sent[0].raw) == load.sent[0].hash
    verify(node)


@pytest.mark.long
def test_a_second_writer_says_why_it_does_not_work(node):
    log = node.folder.parent / "second.out"
    other = second_writer(node, log)
    try:
        wait_for(lambda: "not the writer" in log.read_text(), "the second one is asked to write")
        said = next(line for line in log.read_text().splitlines() if "not the writer" in line)
        assert "another process is this chain's writer" in said
        grows(node)
        # the first one ends: whoever is left writes
        worker = next(process for process in family(node) if "virtual@mondoshawan" in process.cmdline())
        worker.kill()
        grows(node)
    finally:
        other.send_signal(signal.SIGKILL)
        other.wait()
    wait_for(lambda: all_run(node), "everything runs")
    grows(node)
    verify(node)


@pytest.mark.long
@pytest.mark.parametrize(("program", "server"), [("postgres", "PostgreSQL"), ("redis", "Redis")])
def test_a_server_stopped_for_half_a_minute(node, program, server):
    with Load(node, range(3)) as load:
        wait_for(lambda: len(load.sent) > 20, "the load runs")
        stop_program(node, program)
        stopped = time.monotonic()
        assert requests.get(f"{node.web_url}/health", timeout=30).status_code == 200
        ready = requests.get(f"{node.web_url}/ready", timeout=60)
        assert ready.status_code == 503
        assert ready.json()["checks"]["database" if program == "postgres" else "redis"]["status"] == "failed"
        if program == "postgres":
            told = node.rpc("mds_getBlock", "0x" + "00" * 32)
        else:
            told = node.rpc("eth_sendRawTransaction", load.sent[0].raw)
            # what is in PostgreSQL can be read all the time
            assert int(node.rpc("eth_getBalance", "0x" + "e0" * 20, "latest"), 16) > 0
        assert told["message"] == f"the node waits for {server}, try again"
        time.sleep(max(0.0, 30 - (time.monotonic() - stopped)))
        # nobody gave up or fell into a loop of deaths
        assert {name for name, state in states(node).items() if state != "RUNNING"} == {program}
        client(node).start(program)
        wait_for(lambda: requests.get(f"{node.web_url}/ready", timeout=60).status_code == 200, "ready again")
        grows(node)
    assert load.settle([]) == 0
    said = node.output.read_text()
    assert f"WARNING: {program} does not run now" in said
    assert f"{program} was restarted" in said
    verify(node)


@pytest.mark.long
def test_nothing_outlives_the_supervisor_and_the_next_start_clears_up(node):
    for victim in ("supervisord", "up"):
        # a worker for calls is another process below them
        assert node.rpc("eth_call", {"to": "0x" + "04".rjust(40, "0"), "data": "0x1234"}, "latest") == "0x1234"
        children = family(node)
        assert node.process is not None
        begun = time.monotonic()
        if victim == "up":
            node.process.kill()
            node.process.wait()
        else:
            supervisor_of(node).kill()
            assert node.process.wait(30) == 1
        while left := alive(children):
            # an orderly end takes its time, where the supervisor is left to see to it
            assert time.monotonic() < begun + (10 if victim == "supervisord" else 40), left
            time.sleep(0.1)
        print(f"{victim} dead: its {len(children)} children were gone after {time.monotonic() - begun:.1f} s")
        node.start()
        wait_for(lambda: all_run(node), "everything runs")
        grows(node)
    verify(node)


@pytest.mark.long
def test_a_first_start_killed_again_and_again_still_becomes_a_node():
    with children.temporary_folder("node") as base:
        young = Node(base / "data")
        try:
            for patience in (0.4, 1.0, 1.6, 2.2, 3.0, 4.0, 5.5, 7.0, 9.0):
                with young.output.open("a") as out:
                    up = children.start(
                        [sys.executable, "manage.py", "up"], cwd=ROOT, env=young.environment, stdout=out, stderr=out
                    )
                    time.sleep(patience)
                    assert up.poll() is None, young.output.read_text()[-2000:]
                    up.kill()
                    up.wait()
            young.start()
            wait_for(lambda: all_run(young), "everything runs")
            grows(young)
            verify(young)
        finally:
            young.kill()


@pytest.mark.long
def test_fifty_random_kills_under_load(node):
    rng = random.Random(os.environ.get("SURVIVAL_SEED", "2026"))
    kills: list[str] = []
    lossy = []
    with Load(node, range(6)) as load:
        wait_for(lambda: len(load.sent) > 30, "the load runs")
        while len(kills) < 50:
            killed = kill_one(node, rng)
            if killed is not None:
                name, _ = killed
                now = time.time()
                kills.append(name)
                if name == "redis":
                    lossy.append((now - LOSSY_S, now + 0.5))
            time.sleep(rng.uniform(0.05, 2.5))
    wait_for(lambda: all_run(node), "everything runs", 180)
    grows(node)
    lost = load.settle(lossy)
    print(
        f"{len(kills)} kills ({', '.join(sorted(set(kills)))}), {len(load.sent)} transactions, {lost} lost with Redis"
    )
    wait_for(lambda: requests.get(f"{node.web_url}/ready", timeout=60).status_code == 200, "ready")
    print(verify(node))
