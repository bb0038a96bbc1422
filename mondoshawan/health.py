"""``/health`` (the process answers) and ``/ready`` (the node can work).

A check is a function without arguments that returns a ``Reading``-like mapping ``{"ok": bool, "value": …,
"threshold": …}``.  An app adds its own by an attribute or method ``ready_checks`` of its AppConfig that
gives a mapping from name to function; nothing imports this module for it.
"""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from typing import Any

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse

from mondoshawan import __version__
from mondoshawan.liveness import check_workers

_STARTED = time.monotonic()
logger = logging.getLogger(__name__)

Check = Callable[[], Mapping[str, Any]]


def check_database() -> dict[str, Any]:
    """PostgreSQL answers; the value is the time of one query in ms."""
    begun = time.perf_counter()
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return _timed(begun)


def check_redis() -> dict[str, Any]:
    """Redis answers; the value is the time of one PING in ms."""
    begun = time.perf_counter()
    with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        client.ping()
    return _timed(begun)


def check_disk() -> dict[str, Any]:
    """Free bytes on the disk of the data folder."""
    free = shutil.disk_usage(settings.MDS_DATA_FOLDER).free
    least = settings.MDS_DISK_FREE_BYTES
    return {"ok": free >= least, "value": free, "threshold": least}


def all_checks() -> dict[str, Check]:
    """The checks of the composition root and of every app that has some."""
    checks: dict[str, Check] = {
        "database": check_database,
        "redis": check_redis,
        "disk": check_disk,
        "workers": check_workers,
    }
    for config in apps.get_app_configs():
        found = getattr(config, "ready_checks", None)
        if found is not None:
            checks.update(found() if callable(found) else found)
    return checks


def run_checks() -> tuple[bool, dict[str, dict[str, Any]]]:
    """Run every check; one that raises has failed, and its text stays in the log under an id."""
    results: dict[str, dict[str, Any]] = {}
    for name, check in all_checks().items():
        try:
            reading = dict(check())
            results[name] = {"status": "ok" if reading.pop("ok") else "failed", **reading}
        except Exception:
            error_id = uuid.uuid4().hex
            logger.exception("readiness check %s failed, error id %s", name, error_id)
            results[name] = {"status": "failed", "value": None, "threshold": None, "error_id": error_id}
    return all(result["status"] == "ok" for result in results.values()), results


def health(request: HttpRequest) -> JsonResponse:
    """Liveness: touches neither database nor Redis."""
    return JsonResponse(
        {
            "status": "ok",
            "version": __version__,
            "network": settings.MDS_NETWORK,
            "uptime_s": int(time.monotonic() - _STARTED),
        },
        headers={"Cache-Control": "no-store"},
    )


def ready(request: HttpRequest) -> JsonResponse:
    """Readiness: 200 when every check passes, else 503."""
    passed, results = run_checks()
    return JsonResponse(
        {"status": "ready" if passed else "not ready", "checks": results},
        status=200 if passed else 503,
        headers={"Cache-Control": "no-store"},
    )


def _timed(begun: float) -> dict[str, Any]:
    milliseconds = round((time.perf_counter() - begun) * 1000, 3)
    return {"ok": milliseconds < 1000, "value": milliseconds, "threshold": 1000}
