"""``/health`` (the process answers) and ``/ready`` (the node can work).

A check is a function without arguments that returns a mapping ``{"ok": bool, "value": …, "threshold": …}``.  An
app adds its own by an attribute or method ``ready_checks`` of its AppConfig that gives a mapping from name to
function; nothing imports this module for it.

Checks of PostgreSQL, of Redis and of the apps run beside each other with one deadline, so ``/ready`` answers in
time when a server hangs, and a hundred pollers cost no more than one.
"""

from __future__ import annotations

import logging
import shutil
import time
import uuid
from collections.abc import Callable, Mapping
from concurrent.futures import TimeoutError as Overdue
from typing import Any

import redis
from django.apps import apps
from django.conf import settings
from django.db import connection
from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from mondoshawan import __version__
from mondoshawan.deadline import Lane
from mondoshawan.liveness import check_workers

_STARTED = time.monotonic()
# what pollers and load balancers wait for
PATIENCE_S = 2.0
SLOW_MS = 1000
logger = logging.getLogger(__name__)

Check = Callable[[], Mapping[str, Any]]
_DATABASE, _REDIS, _APPS = Lane("ready-database"), Lane("ready-redis"), Lane("ready-apps")


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


def all_checks() -> dict[str, tuple[Check, Lane | None]]:
    """The checks of the composition root and of every app that has some, each with what it may have to wait for."""
    checks: dict[str, tuple[Check, Lane | None]] = {
        "database": (check_database, _DATABASE),
        "redis": (check_redis, _REDIS),
        "disk": (check_disk, None),
        "workers": (check_workers, _REDIS),
    }
    for config in apps.get_app_configs():
        found = getattr(config, "ready_checks", None)
        if found is not None:
            more = found() if callable(found) else found
            checks.update({name: (check, _APPS) for name, check in more.items()})
    return checks


def run_checks() -> tuple[bool, dict[str, dict[str, Any]]]:
    """Run every check; one that raises or is overdue has failed, and its text stays in the log under an id."""
    begun = {
        name: check if lane is None else lane.begin(name, check, PATIENCE_S)
        for name, (check, lane) in all_checks().items()
    }
    results: dict[str, dict[str, Any]] = {}
    for name, wait in begun.items():
        try:
            reading = dict(wait())
            results[name] = {"status": "ok" if reading.pop("ok") else "failed", **reading}
        except Overdue:
            logger.warning("readiness check %s has no answer after %s s", name, PATIENCE_S)
            results[name] = {"status": "failed", "value": None, "threshold": None, "overdue_s": PATIENCE_S}
        except Exception:
            error_id = uuid.uuid4().hex
            logger.exception("readiness check %s failed, error id %s", name, error_id)
            results[name] = {"status": "failed", "value": None, "threshold": None, "error_id": error_id}
    return all(result["status"] == "ok" for result in results.values()), results


@require_safe
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


@require_safe
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
    return {"ok": milliseconds < SLOW_MS, "value": milliseconds, "threshold": SLOW_MS}
