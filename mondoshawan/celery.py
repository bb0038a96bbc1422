"""The Celery app: ``celery -A mondoshawan worker``."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import warnings
from typing import Any

import structlog
from celery import Celery
from celery.signals import setup_logging, task_postrun, task_prerun, worker_init, worker_process_init

from mondoshawan import (
    cycles,
    ending,  # noqa: F401 - connects itself
)
from mondoshawan.liveness import SignOfLife

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.prod")

# whoever starts the node as root has decided so; messages are JSON, so nothing of them is executed
warnings.filterwarnings("ignore", message="You're running the worker with superuser privileges")

app = Celery("mondoshawan")
app.config_from_object("django.conf:settings", namespace="CELERY")
# Celery would close the database's connection after each task: a new one costs the server a process, and both sides
# ten milliseconds for a password.  See ``_keep_the_connection``.
app.conf["CELERY_DB_REUSE_MAX"] = sys.maxsize
app.autodiscover_tasks()
app.steps["worker"].add(SignOfLife)


@setup_logging.connect
def _keep_django_logging(**_: Any) -> None:
    """Being connected at all keeps Celery from replacing the handlers of the settings."""


@worker_init.connect
def _settle(**_: Any) -> None:
    """Before the pool forks: its children share what is loaded by then."""
    cycles.settle()


@worker_process_init.connect
def _die_with_the_worker(**_: Any) -> None:
    """A pool child must not outlive a worker that was killed; the pipe alone does not end it."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL, 0, 0, 0)


@worker_process_init.connect
def _follow_the_settings(**_: Any) -> None:
    """What an operator changes reaches each child that runs tasks."""
    from chain.services import node_settings

    node_settings.follow()


@task_prerun.connect
def _keep_the_connection(task: Any = None, **_: Any) -> None:
    """The last task's connection, if it is fit; a task that is called in place has its caller's."""
    from chain.stores.connection import drop_unfit

    if not task.request.is_eager:
        drop_unfit()


@task_prerun.connect
def _name_the_task(task_id: str = "", task: Any = None, **_: Any) -> None:
    """Each line that a task logs says which one it was."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(task=getattr(task, "name", ""), task_id=task_id[:8])


@task_postrun.connect
def _forget_the_task(**_: Any) -> None:
    structlog.contextvars.clear_contextvars()
