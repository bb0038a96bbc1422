"""Celery: Redis as broker, JSON only, no results, one queue for each kind of work.

Messages are wake-ups: the work list is in PostgreSQL, so a lost or repeated message changes nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

# process → the queues that it consumes
WORKERS = {
    "virtual": ("virtual",),
    "validate": ("validate",),
    "shards": ("shards",),
    "mine": ("mine.a", "mine.b", "mine.c"),
    "index": ("index", "default"),
}
QUEUES = ("default", "validate", "virtual", "shards", "mine.a", "mine.b", "mine.c", "index")
_BY_MODULE = {
    "chain.tasks.validate": "validate",
    "chain.tasks.virtual": "virtual",
    "chain.tasks.shards": "shards",
    "chain.tasks.mine": "mine.a",
    "chain.tasks.index": "index",
    "explorer.tasks": "index",
    "admin_ui.tasks": "index",
}


def route(name: str, args: Any, kwargs: Any, options: dict[str, Any], task: Any = None, **_: Any) -> dict[str, str]:
    """Queue of a task by the longest module prefix of its name; an explicit queue of the caller wins over it."""
    if options.get("queue"):
        return {}
    prefix = name
    while prefix:
        prefix = prefix.rpartition(".")[0]
        if prefix in _BY_MODULE:
            return {"queue": _BY_MODULE[prefix]}
    return {"queue": "default"}


def expected_queues(processes: Sequence[str]) -> tuple[str, ...]:
    """Queues that should be consumed where ``MDS_PROCESSES`` says these names."""
    wanted = {name for name in processes if not name.startswith("-")}
    unwanted = {name[1:] for name in processes if name.startswith("-")}
    chosen = [name for name in WORKERS if (name in wanted if wanted else name not in unwanted)]
    return tuple(queue for name in chosen for queue in WORKERS[name])


def broker_url(redis_url: str, socket: str) -> str:
    """kombu's spelling of the Redis address: ``redis+socket://`` for a Unix socket."""
    if not redis_url:
        return f"redis+socket://{socket}?virtual_host=0"
    if redis_url.startswith("unix://"):
        path, _, query = redis_url.removeprefix("unix://").partition("?")
        database = dict(pair.split("=", 1) for pair in query.split("&") if "=" in pair).get("db", "0")
        return f"redis+socket://{path}?virtual_host={database}"
    return redis_url
