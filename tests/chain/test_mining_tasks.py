"""Task names, queues, schedule, and when a kick is sent."""

from __future__ import annotations

import json
from typing import Any

import pytest
from celery import current_app
from django.conf import settings
from django.db import transaction

from chain.kick import QUEUE_OF, TaskName, kick


@pytest.fixture
def app() -> Any:
    from mondoshawan.celery import app

    app.loader.import_default_modules()
    return app


@pytest.fixture
def sent(app: Any, monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, dict[str, Any]]]:
    messages: list[tuple[str, dict[str, Any]]] = []

    def send_task(name: str, producer: Any, retry: bool, **options: Any) -> None:
        assert not retry
        messages.append((name, options))

    monkeypatch.setattr(app, "send_task", send_task)
    assert current_app.main == app.main
    return messages


def test_every_name_is_registered_and_has_a_queue(app: Any) -> None:
    own = {name for name in app.tasks if name.startswith("chain.")}
    assert own == {name.value for name in TaskName}
    assert set(QUEUE_OF) == set(TaskName)
    assert {queue.value for queue in QUEUE_OF.values()} <= set(settings.CELERY_TASK_QUEUES)


def test_the_schedule_names_tasks_and_expires_before_its_next_tick(app: Any) -> None:
    assert "sweep" in app.conf.beat_schedule
    for entry in app.conf.beat_schedule.values():
        assert entry["task"] in app.tasks
        assert entry["options"]["expires"] < entry["schedule"]


def test_mining_and_validation_have_time_limits_and_the_writer_none(app: Any) -> None:
    for name in TaskName:
        task = app.tasks[name.value]
        assert (task.time_limit is None) == (name == TaskName.VIRTUAL)
        assert task.acks_late


def test_outside_a_transaction_a_kick_is_sent_at_once(sent: list[Any]) -> None:
    kick(TaskName.VIRTUAL)
    kick(TaskName.VALIDATE, "ab" * 32, queue="other", countdown=1.5, expires=3)
    assert sent[0] == (
        "chain.tasks.virtual.drain",
        {"args": [], "queue": "virtual", "countdown": None, "expires": None},
    )
    assert sent[1][1] == {"args": ["ab" * 32], "queue": "other", "countdown": 1.5, "expires": 3}
    assert type(sent[0][0]) is str
    assert json.dumps(sent)


@pytest.mark.django_db
def test_a_kick_waits_for_commit(sent: list[Any], django_capture_on_commit_callbacks: Any) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        with transaction.atomic():
            kick(TaskName.MINE_A, "token")
        assert sent == []
    assert [name for name, _ in sent] == [TaskName.MINE_A]


@pytest.mark.django_db
def test_a_kick_of_a_rolled_back_transaction_is_never_sent(
    sent: list[Any], django_capture_on_commit_callbacks: Any
) -> None:
    with django_capture_on_commit_callbacks(execute=True):
        try:
            with transaction.atomic():
                kick(TaskName.MINE_A)
                raise KeyError
        except KeyError:
            pass
    assert sent == []
