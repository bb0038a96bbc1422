"""Waking, slices of indexing, making projections anew: the ways in which the index is driven."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Any

import pytest
from django.apps import apps
from django.conf import settings
from django.core.management import call_command

from chain.core.errors import ConfigError, StoreError
from chain.signals import committed
from chain.stores.connection import Connection
from explorer import wake
from explorer.indexers import rebuild, run, sync
from explorer.selectors.lag import TRUSTED, index_lag_blocks
from tests.explorer.conftest import Growing, index_dump
from tests.explorer.test_projections import Wanderer
from tests.tools import children


@pytest.fixture
def kicks(monkeypatch: pytest.MonkeyPatch, redis_url: str) -> list[tuple[Any, ...]]:
    sent: list[tuple[Any, ...]] = []
    monkeypatch.setattr(wake, "kick", lambda *args, **options: sent.append((*args, options)))
    return sent


@pytest.fixture(autouse=True)
def own_connection() -> Iterator[None]:
    yield
    run._drop()


def test_a_commit_wakes_once_until_the_message_is_taken(kicks: list[tuple[Any, ...]]) -> None:
    committed.send(None, sequence=1)
    committed.send(None, sequence=2)
    assert kicks == [("explorer.tasks.index", {"queue": "index", "expires": 60})]
    wake.taken()
    committed.send(None, sequence=3)
    assert len(kicks) == 2


def test_messages_do_not_pile_up_where_nobody_takes_them(kicks: list[tuple[Any, ...]], redis_url: str) -> None:
    import redis

    with redis.Redis.from_url(redis_url) as client:
        client.rpush("index", *["waiting"] * 5)
        assert wake.wake() is False
        wake.taken()
        client.lpop("index")
        assert wake.wake() is True
    assert len(kicks) == 1


def test_without_redis_a_commit_is_not_held_up(monkeypatch: pytest.MonkeyPatch) -> None:
    from redis.exceptions import ConnectionError as Away

    class Gone:
        def pipeline(self, *_: Any, **__: Any) -> None:
            raise Away

        delete = pipeline

    monkeypatch.setattr(wake, "redis_client", Gone)
    assert wake.wake() is False
    wake.taken()


def test_the_task_is_registered_routed_and_scheduled() -> None:
    from mondoshawan.celery import app

    app.loader.import_default_modules()
    assert wake.TASK in app.tasks
    entry = app.conf.beat_schedule["index"]
    assert entry["task"] == wake.TASK
    assert entry["options"]["queue"] == "index"
    assert entry["options"]["expires"] < entry["schedule"]
    assert "index" in settings.MDS_EXPECTED_QUEUES


def test_a_slice_catches_up_and_asks_for_another_when_time_is_up(
    growing: Growing, kicks: list[tuple[Any, ...]]
) -> None:
    wanderer = Wanderer(growing, 1)
    for _ in range(5):
        wanderer.go()
    assert index_lag_blocks() == len(growing.path)
    assert run.index_slice(0) is True
    assert len(kicks) == 1
    assert run.index_slice(60) is False
    assert len(kicks) == 1
    assert index_lag_blocks() == 0


def test_while_another_process_indexes_a_slice_does_nothing(growing: Growing, kicks: list[Any]) -> None:
    other = sync.open_connection()
    with sync.sole_indexer(other):
        assert run.index_slice() is False
    assert index_lag_blocks() == 1
    other.close()


def test_a_lost_connection_is_replaced(growing: Growing, kicks: list[Any]) -> None:
    assert run.index_slice() is False
    growing.grow([])
    # as the server ends it: this side learns of it by its next statement
    pid = run._connections[0].info.backend_pid
    growing.stored.conn.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
    assert run.index_slice() is False
    assert index_lag_blocks() == 1
    assert run.index_slice() is False
    assert index_lag_blocks() == 0


def test_rows_are_trusted_up_to_the_fork(growing: Growing, index_conn: Connection) -> None:
    assert TRUSTED.one(index_conn, "tokens") == -1
    for _ in range(4):
        growing.grow([])
    while sync.step(index_conn) is not None:
        pass
    assert TRUSTED.one(index_conn, "tokens") == 4
    two = growing.path[2]
    three = growing.factory.extend(two, [])
    growing.reorganise(2, [three, growing.factory.extend(three, [])])
    assert TRUSTED.one(index_conn, "tokens") == 2


class TestReindex:
    def test_the_command_rebuilds_what_was_there(self, growing: Growing, index_conn: Connection) -> None:
        wanderer = Wanderer(growing, 2)
        for _ in range(8):
            wanderer.go()
        while sync.step(index_conn) is not None:
            pass
        live = index_dump(index_conn)
        index_conn.execute("UPDATE explorer_miner_total SET income = 7")
        out = io.StringIO()
        call_command("reindex", projection=["miners", "series"], stdout=out)
        assert out.getvalue().startswith(f"miners, series at #{len(growing.path) - 1} after ")
        assert index_dump(index_conn) == live
        call_command("reindex", stdout=out)
        assert index_dump(index_conn) == live

    def test_unknown_names_are_named(self) -> None:
        with pytest.raises(ConfigError) as error:
            call_command("reindex", projection=["miner"])
        assert error.value.code == "unknown_projection"

    def test_pruned_history_is_not_forgotten_by_accident(self, growing: Growing, index_conn: Connection) -> None:
        for _ in range(3):
            growing.grow([])
        assert apps.get_app_config("explorer").prune_floor() == 0
        rebuild.rebuild(index_conn, sync.NAMES)
        assert apps.get_app_config("explorer").prune_floor() == 4
        index_conn.execute(
            "INSERT INTO chain_pruned (id, number, hash, state_root, pruned_ms) VALUES (1, 2, %s, %s, 0)",
            (growing.path[2], bytes(32)),
        )
        live = index_dump(index_conn)
        with pytest.raises(StoreError) as error:
            rebuild.rebuild(index_conn, sync.NAMES)
        assert error.value.code == "index_needs_history"
        assert index_dump(index_conn) == live
        rebuild.rebuild(index_conn, sync.NAMES, force=True)

    def test_a_busy_index_is_said(
        self, growing: Growing, index_conn: Connection, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(rebuild, "_LOCK_SECONDS", 0.1)
        other = sync.open_connection()
        with sync.sole_indexer(other), pytest.raises(StoreError) as error:
            rebuild.rebuild(index_conn, sync.NAMES)
        assert error.value.code == "index_busy"
        other.close()

    def test_killed_in_the_middle_it_goes_on(self, growing: Growing, index_conn: Connection) -> None:
        wanderer = Wanderer(growing, 5)
        for _ in range(25):
            wanderer.go()
        while sync.step(index_conn) is not None:
            pass
        live = index_dump(index_conn)
        script = (
            "import django, sys; django.setup()\n"
            "from django.db import connections\n"
            "connections['default'].settings_dict['NAME'] = sys.argv[1]\n"
            "from explorer.indexers import rebuild, sync\n"
            "whole = rebuild.step\n"
            "rebuild.step = lambda conn, only: whole(conn, only, 1)\n"
            "rebuild.rebuild(sync.open_connection(), sync.NAMES, progress=lambda *at: print(*at, flush=True))\n"
        )
        name = index_conn.info.dbname
        process = children.start(
            [sys.executable, "-c", script, name],
            stdout=subprocess.PIPE,
            cwd=settings.BASE_DIR,
            env={**os.environ, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.test"},
        )
        assert process.stdout is not None
        for _ in range(3):
            assert process.stdout.readline()
        process.send_signal(signal.SIGKILL)
        process.wait()
        reached = sync.places(index_conn)["addresses"].number
        assert 0 <= reached < len(growing.path) - 1
        until = time.monotonic() + 120
        while time.monotonic() < until:
            # the server needs a moment to see that its client is gone
            with sync.sole_indexer(index_conn) as held:
                if held:
                    break
        rebuild.rebuild(index_conn, sync.NAMES, resume=True)
        assert index_dump(index_conn) == live


def test_the_index_worker_does_not_load_the_evm() -> None:
    script = (
        "import sys, django; django.setup()\n"
        "import explorer.tasks, explorer.indexers.run\n"
        "print(any(name.partition('.')[0] == 'eth' for name in sys.modules))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        check=True,
        cwd=settings.BASE_DIR,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.test"},
    )
    assert done.stdout.splitlines()[-1] == "False"


def test_after_work_the_index_rests_in_proportion_unless_it_is_behind() -> None:
    rest = run.Rest()
    assert rest.left(100.0) == 0
    rest.worked(100.0, 100.02, is_behind=False)
    assert rest.left(100.02) == pytest.approx(0.02 * run.REST_FACTOR)
    assert rest.left(101.0) == 0
    rest.worked(101.0, 103.0, is_behind=False)
    assert rest.left(103.0) == run.MOST_REST_S
    rest.worked(105.0, 107.0, is_behind=True)
    assert rest.left(107.0) == 0
