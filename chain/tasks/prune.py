"""Letting old history go by itself, where the operator asked for it (``chain.services.prune``)."""

from __future__ import annotations

from typing import Any

from celery import shared_task

from chain.kick import TaskName


@shared_task(name=TaskName.PRUNE.value, soft_time_limit=900, time_limit=960)
def prune() -> dict[str, Any]:
    """One run, as far as it is worth one; what it did."""
    from chain.services.prune import prune_by_setting

    return prune_by_setting()
