"""The names of all tasks, and the one way to start one.

A service never imports a task: it kicks a name.  Messages are wake-ups and carry hex and integers
only; the work list is in PostgreSQL, so one that is lost or repeated changes nothing.
"""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from typing import Any

from celery import current_app
from django.db import connection, transaction


class Queue(StrEnum):
    """The kinds of work; a worker process consumes one or more of them."""

    DEFAULT = "default"
    VALIDATE = "validate"
    VIRTUAL = "virtual"
    SHARDS = "shards"
    MINE_A = "mine.a"
    MINE_B = "mine.b"
    MINE_C = "mine.c"
    INDEX = "index"


class TaskName(StrEnum):
    """Every task of the node; each name is registered by a module in ``chain.tasks`` (tested)."""

    VALIDATE = "chain.tasks.validate.candidate"
    VIRTUAL = "chain.tasks.virtual.drain"
    SHARD = "chain.tasks.shards.lanes"
    MINE_A = "chain.tasks.mine.a"
    MINE_B = "chain.tasks.mine.b"
    MINE_C = "chain.tasks.mine.c"
    SWEEP = "chain.tasks.sweep.sweep"


QUEUE_OF = {
    TaskName.VALIDATE: Queue.VALIDATE,
    TaskName.VIRTUAL: Queue.VIRTUAL,
    TaskName.SHARD: Queue.SHARDS,
    TaskName.MINE_A: Queue.MINE_A,
    TaskName.MINE_B: Queue.MINE_B,
    TaskName.MINE_C: Queue.MINE_C,
    TaskName.SWEEP: Queue.DEFAULT,
}


def kick(
    name: TaskName, *args: Any, queue: str | None = None, countdown: float = 0, expires: float | None = None
) -> None:
    """Send a task by name, after the current database transaction has committed (at once outside of one).

    Parameters
    ----------
    name : TaskName
        Which task.
    *args
        JSON values: hashes as hex, integers, None.
    queue : str, optional
        Another queue than the task's own.
    countdown : float
        Seconds to wait before it may start.
    expires : float, optional
        Seconds after which a worker drops it unseen.
    """
    send = partial(
        current_app.send_task,
        str(name),
        args=list(args),
        queue=str(queue or QUEUE_OF[name]),
        countdown=countdown or None,
        expires=expires,
    )
    # asked of the wrapper first: on_commit would open a connection in processes that use none
    if connection.in_atomic_block:
        transaction.on_commit(send)
    else:
        send()
