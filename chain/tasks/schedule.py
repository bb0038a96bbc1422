"""What beat sends, and how often.  A message expires before the next one of its kind is due."""

from __future__ import annotations

from typing import Any

from celery import current_app
from django.conf import settings

from chain.kick import QUEUE_OF, TaskName

SWEEP_S = 5.0

SCHEDULE: dict[str, dict[str, Any]] = {
    "sweep": {
        "task": TaskName.SWEEP.value,
        "schedule": SWEEP_S,
        "options": {"queue": QUEUE_OF[TaskName.SWEEP].value, "expires": 0.8 * SWEEP_S},
    },
}

# far apart, since each run that finds enough to do checks the whole state first
PRUNE_S = 300.0

if settings.MDS_PRUNE_KEEP:
    SCHEDULE["prune"] = {
        "task": TaskName.PRUNE.value,
        "schedule": PRUNE_S,
        "options": {"queue": QUEUE_OF[TaskName.PRUNE].value, "expires": 0.8 * PRUNE_S},
    }

current_app.conf.beat_schedule.update(SCHEDULE)
