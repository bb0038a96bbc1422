"""Celery's door into the index, and what beat sends for it."""

from __future__ import annotations

from celery import current_app, shared_task

from chain.kick import Queue
from explorer.wake import TASK

INDEX_S = 5.0


@shared_task(name=TASK, soft_time_limit=330, time_limit=360)
def index() -> bool:
    """Bring the projections on for two seconds; whether there is more to do.  What waits in the pool is noted too."""
    from explorer.indexers.run import index_slice
    from explorer.pool_history import sample

    sample()
    return index_slice()


current_app.conf.beat_schedule.update(
    {
        "index": {
            "task": TASK,
            "schedule": INDEX_S,
            "options": {"queue": Queue.INDEX.value, "expires": 0.8 * INDEX_S},
        }
    }
)
