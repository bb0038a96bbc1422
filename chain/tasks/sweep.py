"""What nobody else would notice: lost chains of slices, parked blocks whose time came, old transactions."""

from __future__ import annotations

from celery import shared_task

from chain.kick import TaskName


@shared_task(name=TaskName.SWEEP.value, soft_time_limit=20, time_limit=40)
def sweep() -> dict[str, int]:
    """Revive mining, wake the writer, expire the pool; how much of each there was."""
    from chain.services.sweep import sweep_all

    return sweep_all()
