"""A worker outlasts a short absence of its broker, and starts anew after a long one."""

from __future__ import annotations

import threading

import pytest
from celery.utils.imports import symbol_by_name
from celery.worker.consumer import Consumer as CeleryConsumer

from mondoshawan import consumer
from mondoshawan.celery import app


@pytest.fixture
def worker(monkeypatch) -> consumer.Consumer:
    """A consumer whose connections cost nothing."""
    monkeypatch.setattr(CeleryConsumer, "on_connection_error_after_connected", lambda self, exc: None)
    monkeypatch.setattr(CeleryConsumer, "connect", lambda self: "connection")
    return consumer.Consumer.__new__(consumer.Consumer)


def test_workers_use_it() -> None:
    assert symbol_by_name(app.conf.worker_consumer) is consumer.Consumer


def test_no_task_runs_out_of_time_while_its_worker_waits() -> None:
    app.loader.import_default_modules()
    limits = {name: task.soft_time_limit for name, task in app.tasks.items() if task.soft_time_limit}
    assert limits
    assert min(limits.values()) > 2 * consumer.LONGEST_OUTAGE_S


def test_it_ends_after_a_long_outage_only(worker: consumer.Consumer, monkeypatch) -> None:
    ended = threading.Event()
    monkeypatch.setattr(consumer, "_end", ended.set)
    monkeypatch.setattr(consumer, "LONGEST_OUTAGE_S", 60.0)
    worker.on_connection_error_after_connected(ConnectionError())
    short = worker._deadline
    assert short is not None
    assert worker.connect() == "connection"
    short.join(60)
    assert not short.is_alive()
    assert not ended.is_set()

    monkeypatch.setattr(consumer, "LONGEST_OUTAGE_S", 0.01)
    worker.on_connection_error_after_connected(ConnectionError())
    assert ended.wait(60)
