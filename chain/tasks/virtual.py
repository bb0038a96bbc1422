"""The wake-up of the single writer (``chain.services.writer``)."""

from __future__ import annotations

from celery import shared_task

from chain.kick import TaskName


@shared_task(name=TaskName.VIRTUAL.value, soft_time_limit=None, time_limit=None)
def drain() -> int:
    """Handle every block that waits; how many entered the DAG.  No time limit: a commit is all or nothing."""
    from chain.services.writer import drain as drain_waiting

    return drain_waiting()
