"""The word that ends long work reaches the children of a pool, and the writer listens to it between commits."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from chain import stopping
from chain.core.errors import StoreError
from chain.kick import TaskName
from chain.pipeline.writer import Round, Writer
from chain.services import writer as service
from chain.services.network import current_spec
from mondoshawan.settings.parts.celery import WORKERS


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    stopping.forget()
    yield
    stopping.forget()


def test_a_child_hears_what_its_parent_was_told_after_the_fork() -> None:
    here, there = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(here, 1)
        os._exit(7 if stopping.requested() else 8)
    assert not stopping.requested()
    stopping.request()
    os.write(there, b"x")
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7


def test_the_writer_stops_between_two_commits(monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(current_spec(), lambda: None, None, lambda: 0, "test")  # type: ignore[arg-type, return-value]
    rounds: list[int] = []

    def one_round() -> Round | None:
        rounds.append(1)
        assert len(rounds) < 100
        return Round(blocks=3)

    monkeypatch.setattr(writer, "open", lambda: None)
    monkeypatch.setattr(writer, "_round", one_round)
    assert writer.drain(lambda: len(rounds) >= 4) == 12
    assert writer.drain(lambda: True) == 0


@pytest.mark.parametrize("asked", [False, True])
def test_who_is_asked_to_end_wakes_the_next_and_gives_the_lock_back(
    monkeypatch: pytest.MonkeyPatch, asked: bool
) -> None:
    done: list[object] = []

    class Fake:
        def drain(self, is_over: object) -> int:
            assert is_over is stopping.requested
            return 5

        def close(self) -> None:
            done.append("closed")

    monkeypatch.setattr(service, "process_writer", Fake)
    monkeypatch.setattr(service, "kick", done.append)
    if asked:
        stopping.request()
    assert service.drain() == 5
    assert done == ([TaskName.VIRTUAL, "closed"] if asked else [])


def test_a_lost_database_is_no_failure_of_the_task(monkeypatch: pytest.MonkeyPatch) -> None:
    class Fake:
        def drain(self, is_over: object) -> int:
            raise StoreError("database_unavailable", "gone")

    monkeypatch.setattr(service, "process_writer", Fake)
    assert service.drain() == 0


def test_every_worker_is_known() -> None:
    """The processes that the signals' table of the documentation names."""
    assert set(WORKERS) == {"virtual", "validate", "shards", "mine", "index"}
