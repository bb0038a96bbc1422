"""Celery's doors into the services: each fetches nothing itself, calls one service, returns a small value.

Arguments are JSON (hex, integers).  A task may run twice or not at all; the work list is in PostgreSQL.
"""

from chain.tasks import mine, prune, schedule, shards, sweep, validate, virtual

__all__ = ["mine", "prune", "schedule", "shards", "sweep", "validate", "virtual"]
