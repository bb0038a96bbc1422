"""What makes ``/ready`` red, and green again."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
import redis

from chain.services import readiness
from chain.services.network import current_genesis, current_spec, now_ms
from chain.services.snapshot import HEAD_KEY
from chain.stores import candidates
from chain.stores.connection import Connection, raw_connection
from chain.stores.genesis import initialise
from mondoshawan import env as environment
from mondoshawan import liveness
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import table
from mondoshawan.settings.parts.celery import QUEUES, WORKERS, expected_queues

HASH = bytes(31) + b"\x01"


@pytest.fixture
def conn(db: None, redis_url: str) -> Connection:
    """An initialised devnet in a transaction that is rolled back."""
    connection = raw_connection()
    connection.execute("SELECT 1")
    initialise(connection, current_spec(), current_genesis())
    return connection


def offer(conn: Connection, age_ms: int, senders: bytes | None = b"") -> None:
    assert candidates.add_candidate(
        conn, HASH, b"raw", senders=senders, source="test", received_ms=now_ms() - age_ms, until_ms=None
    )


def test_a_fresh_node_lags_behind_nothing(conn: Connection) -> None:
    reading = readiness.writer_lag()
    assert (reading["ok"], reading["value"]) == (True, 0)


@pytest.mark.parametrize(("senders", "part"), [(b"", "waiting_ms"), (None, "validating_ms")])
def test_a_block_that_waits_for_long(conn: Connection, senders: bytes | None, part: str) -> None:
    offer(conn, 1_000, senders)
    assert readiness.writer_lag()["ok"]
    candidates.forget(conn, HASH)
    offer(conn, readiness.MAX_LAG_MS + 5_000, senders)
    reading = readiness.writer_lag()
    assert not reading["ok"]
    assert reading["value"] == reading[part] > readiness.MAX_LAG_MS
    # the writer takes it
    candidates.forget(conn, HASH)
    assert readiness.writer_lag()["ok"]


def test_parked_and_refused_blocks_are_no_lag(conn: Connection) -> None:
    offer(conn, 10 * readiness.MAX_LAG_MS)
    candidates.mark_parked(conn, HASH, [bytes(32)])
    assert readiness.writer_lag()["ok"]
    candidates.mark_refused(conn, HASH, "tx_type")
    assert readiness.writer_lag()["ok"]


def test_a_head_that_is_not_published(conn: Connection, redis_url: str) -> None:
    def head(sequence: int, age_ms: int) -> None:
        with redis.Redis.from_url(redis_url) as client:
            client.set(HEAD_KEY, orjson.dumps({"sequence": sequence, "published_ms": now_ms() - age_ms}))

    def committed(age_ms: int) -> None:
        conn.execute(f"UPDATE chain_node_state SET sequence = 100, updated_ms = {now_ms() - age_ms}")

    long = readiness.MAX_LAG_MS + 5_000
    committed(0)
    head(100, long)
    assert readiness.writer_lag()["ok"], "nothing new since"
    head(99, long)
    assert readiness.writer_lag()["ok"], "the commit is just being published"
    head(50, long)
    assert not readiness.writer_lag()["ok"], "commits go on, and none is seen"
    committed(long)
    head(99, long)
    assert readiness.writer_lag()["unpublished_ms"] >= long
    with redis.Redis.from_url(redis_url) as client:
        client.delete(HEAD_KEY)
    assert not readiness.writer_lag()["ok"], "Redis was emptied, and nobody publishes again"
    head(100, 0)
    assert readiness.writer_lag()["ok"]


def test_the_database_of_another_network(conn: Connection) -> None:
    good = readiness.chain_identity()
    assert (good["ok"], good["value"]) == (True, good["threshold"])
    conn.execute("UPDATE chain_identity SET genesis_hash = decode(repeat('ab', 32), 'hex')")
    assert not readiness.chain_identity()["ok"]
    conn.execute("DELETE FROM chain_identity")
    assert readiness.chain_identity() == {**good, "ok": False, "value": None}


@pytest.mark.parametrize("shift", [0, 60_000, -60_000])
def test_a_clock_that_is_off(conn: Connection, monkeypatch: pytest.MonkeyPatch, shift: int) -> None:
    monkeypatch.setattr(readiness, "now_ms", lambda: now_ms() + shift)
    reading = readiness.clock()
    assert reading["ok"] == (shift == 0)
    assert abs(reading["value"] + shift) < 20_000


# ---- workers ----


def test_silent_workers(redis_url: str, settings: Any) -> None:
    settings.MDS_EXPECTED_QUEUES = ("virtual", "shards")
    assert not liveness.check_workers()["ok"]
    with redis.Redis.from_url(redis_url) as client:
        liveness.say(client, ["virtual", "shards"], "one")
        liveness.say(client, ["shards"], "two")
        reading = liveness.check_workers()
        assert reading["ok"]
        assert set(reading["value"]) == {"virtual", "shards"}
        liveness.leave(client, ["virtual", "shards"], "one")
        reading = liveness.check_workers()
        assert not reading["ok"]
        assert reading["value"]["virtual"] is None
        assert reading["value"]["shards"] is not None
        # killed, not stopped: its last word gets old
        now = client.time()[0]
        client.zadd("mds:alive:virtual", {"one": now - 20})
        reading = liveness.check_workers()
        assert (reading["ok"], reading["value"]["virtual"] >= 20) == (False, True)
        liveness.say(client, ["virtual"], "three")
        assert liveness.check_workers()["ok"]
        # the dead are forgotten
        client.zadd("mds:alive:virtual", {"one": now - 100})
        liveness.say(client, ["virtual"], "three")
        assert client.zrange("mds:alive:virtual", 0, -1) == [b"three"]


@pytest.mark.parametrize(
    ("processes", "expected"),
    [
        ((), tuple(queue for queues in WORKERS.values() for queue in queues)),
        (("web",), ()),
        (("web", "virtual", "index"), ("virtual", "index", "default")),
        (("-mine", "-shards", "-web"), ("virtual", "validate", "index", "default")),
    ],
)
def test_only_what_should_run_is_expected(processes: tuple[str, ...], expected: tuple[str, ...]) -> None:
    assert expected_queues(processes) == expected


def test_the_processes_consume_every_queue_once() -> None:
    assert sorted(expected_queues(())) == sorted(QUEUES)
    env = environment.read({})
    programs = {p.name: p for p in table(env, DataFolder.of(env), None)}
    for name, queues in WORKERS.items():
        argv = programs[name].prepare().argv
        assert argv[argv.index("-Q") + 1] == ",".join(queues)
