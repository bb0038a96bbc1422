"""Counts and times Celery's tasks by Celery's own signals, in the process that runs them."""

from __future__ import annotations

import time
from typing import Any

from celery.signals import task_postrun, task_prerun

from chain import metrics

OUTCOMES = ("success", "failure", "retry")
_started: dict[str, float] = {}
_seen: set[str] = set()


@task_prerun.connect
def _begin(task_id: str, task: Any, **_: Any) -> None:
    _started[task_id] = time.perf_counter()
    if task.name not in _seen:
        _seen.add(task.name)
        # a counter that begins at one shows no increase, so the first failure would stay unseen
        for outcome in OUTCOMES:
            metrics.CELERY_TASKS.labels(task.name, outcome)


@task_postrun.connect
def _end(task_id: str, task: Any, state: str | None = None, **_: Any) -> None:
    started = _started.pop(task_id, None)
    if started is not None:
        metrics.CELERY_SECONDS.labels(task.name).observe(time.perf_counter() - started)
    metrics.CELERY_TASKS.labels(task.name, metrics.bounded((state or "").lower(), OUTCOMES)).inc()
