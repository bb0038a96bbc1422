"""Wake-ups while Redis is away: the caller neither fails nor waits, and is told of once."""

from __future__ import annotations

import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
import structlog
from structlog.testing import capture_logs

from chain import kick as module
from chain.core.codec import encode_block, header_hash
from chain.core.types import Stream
from chain.kick import TaskName, kick
from chain.services import submit_block as door
from chain.services import sweep
from chain.stores import candidates
from chain.stores.connection import raw_connection
from mondoshawan.appliance import redis_server
from mondoshawan.settings.parts.celery import broker_url
from tests.chain import test_writer
from tests.core.consensus.mini import START, Mini
from tests.tools import children

bench = test_writer.bench


@pytest.fixture(autouse=True)
def _uncached_logger(monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger that was used before Django was set up anew would keep the processors of then."""
    monkeypatch.setattr(module, "log", structlog.get_logger("chain.kick"))


class Broker:
    """A Redis of the test's own, to stop, to hang and to start again."""

    def __init__(self, folder: Path) -> None:
        self.socket = folder / "redis.sock"
        self.url = f"unix://{self.socket}?db=0"
        self._command = [str(redis_server.binary(None, folder)), "--port", "0", "--save", "", "--dir", str(folder),
                         "--unixsocket", str(self.socket)]  # fmt: skip
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = children.start(self._command, stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            redis_server.wait_ready(client, 30)

    def signal(self, number: signal.Signals) -> None:
        assert self._process is not None
        self._process.send_signal(number)

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None

    def waiting(self, queue: str) -> int:
        with redis.Redis.from_url(self.url) as client:
            return client.llen(queue)


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Broker]:
    from mondoshawan.celery import app

    with tempfile.TemporaryDirectory(prefix="mds-kick-") as folder:
        own = Broker(Path(folder))
        monkeypatch.setattr(app.conf, "broker_write_url", broker_url(own.url, ""))
        monkeypatch.setattr(module, "_outage", module._Outage())
        module._producers.cache_clear()
        own.start()
        try:
            yield own
        finally:
            own.end()
            module._producers.cache_clear()


def within(seconds: float) -> bool:
    """Whether a kick returns in time; one that does not is left behind in its thread."""
    thread = threading.Thread(target=kick, args=(TaskName.SWEEP,), daemon=True)
    thread.start()
    thread.join(seconds)
    return not thread.is_alive()


def test_a_redis_that_is_gone_costs_one_warning(broker):
    kick(TaskName.VIRTUAL)
    assert broker.waiting("virtual") == 1
    broker.end()
    with capture_logs() as logs:
        for _ in range(5):
            kick(TaskName.VIRTUAL)
    (said,) = logs
    assert (said["log_level"], said["task"]) == ("warning", TaskName.VIRTUAL)
    broker.start()

    def taken() -> bool:
        kick(TaskName.VIRTUAL)
        return broker.waiting("virtual") > 0

    with capture_logs() as logs:
        for _ in range(1_000):
            if taken():
                break
            # the pause is four times what the last try took, on a machine that may have been held up
            time.sleep(0.02)
        kick(TaskName.VIRTUAL)
    assert [entry["event"] for entry in logs] == ["wake-ups are sent again"]
    assert logs[0]["dropped"] >= 5


def test_a_redis_that_hangs_holds_nobody(broker):
    assert within(30)
    broker.signal(signal.SIGSTOP)
    try:
        with capture_logs() as logs:
            assert within(30)
            # what it cost once it does not cost again at once
            assert all(within(30) for _ in range(100))
        assert [entry["log_level"] for entry in logs] == ["warning"]
    finally:
        broker.signal(signal.SIGCONT)


def test_a_block_that_came_without_redis_is_found_by_the_sweep(bench, broker, monkeypatch):
    monkeypatch.setattr(door, "current_spec", lambda: bench.spec)
    monkeypatch.setattr(door, "now_ms", lambda: START)
    monkeypatch.setattr(module, "PAUSE_FACTOR", 0)
    block = Mini(bench.spec).make(Stream.B)
    broker.end()
    result = door.submit_block(encode_block(block), "rpc")
    assert (result.hash, result.status) == (header_hash(block.header), "queued")
    assert [waiting.hash for waiting in candidates.fetch_work(raw_connection(), START)] == [result.hash]
    broker.start()
    with redis.Redis.from_url(broker.url) as client:
        monkeypatch.setattr(sweep, "redis_client", lambda: client)
        monkeypatch.setattr(sweep, "revive_mining", lambda: ())
        monkeypatch.setattr(sweep, "current_spec", lambda: bench.spec)
        monkeypatch.setattr(sweep, "now_ms", lambda: START)
        assert sweep.sweep_all()["woken"] == 1
    assert broker.waiting("virtual") == 1
