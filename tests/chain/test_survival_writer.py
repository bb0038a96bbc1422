"""The chain survives its writer's death, a failed publication, a second writer and a lost database."""

from __future__ import annotations

import pytest
import redis
from django.db import connection
from structlog.testing import capture_logs

from chain.core.codec import header_hash
from chain.core.transactions import decode_transaction
from chain.core.types import Stream
from chain.services import writer as service
from chain.services.pool import Pool
from chain.stores import load
from tests.chain import shown, test_writer
from tests.chain.shown import Shown
from tests.chain.test_writer import BOB
from tests.core.consensus.mini import Mini, transfer

client = shown.client
bench = test_writer.bench


class Died(BaseException):
    """The process is gone at this place."""


@pytest.mark.parametrize("place", ["before the pool hears of it", "between two steps of catching up"])
def test_what_a_reorganisation_took_back_survives_the_writers_death(bench, client, monkeypatch, place):
    """Killed after the commit and before the pool heard of it: the next writer tells the pool."""
    spec = bench.spec
    loser, winner = Mini(spec), Mini(spec)
    envelopes = [transfer(spec, 1, nonce, BOB) for nonce in range(3)]
    node = Shown(bench, client)
    node.send(*envelopes)
    for raw in envelopes:
        block = loser.make(Stream.B, [raw])
        loser.take(block)
        node.take(block)
    assert node.content() == {}
    heavy = []
    for _ in range(5):
        block = winner.make(Stream.B, coinbase=b"\x0b" * 20)
        winner.take(block)
        heavy.append(block)

    def die(*_, **__) -> None:
        raise Died

    with monkeypatch.context() as death:
        death.setattr(Pool, "on_update", die)
        with pytest.raises(Died):
            node.take(*heavy)
    assert load.load_node_state(bench.connection).sink == winner.engine.sink.hash
    assert node.content() == {}
    node.writer = node.another()
    if place == "between two steps of catching up":
        with monkeypatch.context() as death:
            death.setattr(Pool, "resync", die)
            with pytest.raises(Died):
                node.writer.drain()
        node.writer = node.another()
    assert node.writer.drain() == 0
    assert sorted(node.content()) == sorted(decode_transaction(raw).hash for raw in envelopes)
    assert node.is_shown()


def test_a_failed_publication_is_made_good_at_the_next_wake_up(bench, client, monkeypatch):
    mini = Mini(bench.spec)
    node = Shown(bench, client)
    blocks = test_writer.grow(mini, 6)
    node.take(*blocks[:3])

    def away(*_, **__) -> None:
        raise redis.ConnectionError("away")

    with monkeypatch.context() as broken:
        broken.setattr(Pool, "on_update", away)
        with capture_logs() as logs:
            node.take(*blocks[3:])
    assert any(entry["event"] == "publishing failed" for entry in logs)
    assert not node.is_shown()
    assert node.writer.drain() == 0
    assert node.is_shown()
    assert node.writer.engine.sink.hash == mini.engine.sink.hash


def test_of_two_writers_one_works_and_the_other_says_why_not(bench, monkeypatch):
    first, _ = bench.writer()
    second, _ = bench.writer()
    mini = Mini(bench.spec)
    blocks = test_writer.grow(mini, 3)
    for block in blocks[:2]:
        bench.offer(block)
    assert first.drain() == 2
    bench.offer(blocks[2])
    monkeypatch.setattr(service, "process_writer", lambda: second)
    with capture_logs() as logs:
        assert service.drain() == 0
    (said,) = logs
    assert said["log_level"] == "warning"
    assert said["code"] == "writer_locked"
    assert "another process" in said["reason"]
    assert said["holder"] == "test"
    assert load.load_node_state(bench.connection).sink == header_hash(blocks[1].header)
    first.close()
    assert service.drain() == 1
    assert load.load_node_state(bench.connection).sink == mini.engine.sink.hash


def test_a_writer_without_its_database_says_so_and_goes_on_later(bench, monkeypatch):
    writer, _ = bench.writer()
    mini = Mini(bench.spec)
    blocks = test_writer.grow(mini, 2)
    bench.offer(blocks[0])
    monkeypatch.setattr(service, "process_writer", lambda: writer)
    assert service.drain() == 1
    bench.connection.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'mds-writer'"
        " AND pid <> pg_backend_pid()"
    )
    bench.offer(blocks[1])
    with monkeypatch.context() as away:
        away.setattr(connection, "get_connection_params", lambda: {"host": "/nonexistent", "dbname": "none"})
        for _ in range(2):
            with capture_logs() as logs:
                assert service.drain() == 0
            assert [entry["event"] for entry in logs] == ["the writer waits for PostgreSQL"]
    assert service.drain() == 1
    assert load.load_node_state(bench.connection).sink == mini.engine.sink.hash
