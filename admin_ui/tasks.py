"""The node looks at itself: beat sends this, the index worker runs it."""

from __future__ import annotations

from celery import current_app, shared_task

EVERY_S = 15.0
NAME = "admin_ui.tasks.evaluate_alerts"
SWEEP_S = 3600.0
SWEEP = "admin_ui.tasks.sweep_logins"


@shared_task(name=NAME, soft_time_limit=20, time_limit=40)
def evaluate_alerts() -> list[int]:
    """Open and close alerts; how many of each."""
    from admin_ui.doors import door
    from admin_ui.services import alerts, health

    return list(alerts.refresh(health.findings(health.gather(door()))))


@shared_task(name=SWEEP, soft_time_limit=60, time_limit=90)
def sweep_logins() -> list[int]:
    """Delete sessions that have ended and failures that no longer count; how many of each."""
    from admin_ui.services import users

    return list(users.sweep())


current_app.conf.beat_schedule.update(
    {
        "alerts": {"task": NAME, "schedule": EVERY_S, "options": {"queue": "index", "expires": 0.8 * EVERY_S}},
        "logins": {"task": SWEEP, "schedule": SWEEP_S, "options": {"queue": "index", "expires": 0.8 * SWEEP_S}},
    }
)
