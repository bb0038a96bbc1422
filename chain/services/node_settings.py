"""Settings that an operator changes while the node runs, beyond mining: limits, thresholds, the log level.

Environment wins over database, database over default.  The database is the truth; a copy in Redis with a version
lets each process follow: it polls the version, takes the values into Django's settings, and says which
version it works with.  What code reads once at its start follows after a restart of its process.
"""

from __future__ import annotations

import logging
import os
import threading
import time
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from django.conf import settings as django_settings
from django.db import DatabaseError, close_old_connections
from redis import Redis
from redis.exceptions import RedisError

from chain.core.errors import ConfigError, RequestError
from chain.models import NodeSetting
from chain.services import audit
from chain.services.network import now_ms
from chain.services.redis_client import redis_client

PREFIX = "node."
COPY_KEY = "mds:settings:copy"
VERSION_KEY = "mds:settings:version"
SEEN_KEY = "mds:settings:seen"
EVERY_S = 2.0
# a stored value that holds nothing: the default is in force
UNSET = ""
LOGGERS = ("chain", "explorer", "admin_ui", "mondoshawan")
LOG_LEVEL = "node.log_level"
log = structlog.get_logger(__name__)
# the version that this process works with
_followed = -1


@dataclass(frozen=True, slots=True)
class SettingView:
    """One setting as people see it; ``source`` is environment, database or default."""

    key: str
    variable: str
    kind: str
    doc: str
    group: str
    value: Any
    default: Any
    source: str
    restart: tuple[str, ...]
    updated_by: str | None
    updated_ms: int | None

    @property
    def is_fixed(self) -> bool:
        """Whether only the environment may change it."""
        return self.source == "environment"


def settings_table() -> list[SettingView]:
    """Every setting with its effective value, in the order of the registry."""
    stored = {row.key: row for row in NodeSetting.objects.filter(key__startswith=PREFIX)}
    table = []
    for item in _registry():
        row = None if item.fixed else stored.get(item.key)
        is_stored = row is not None and row.value != UNSET
        source = "environment" if item.fixed else "database" if is_stored else "default"
        table.append(
            SettingView(
                item.key,
                item.variable,
                item.kind,
                item.doc,
                item.group,
                row.value if row is not None and is_stored else _plain(item.value),
                _plain(item.value),
                source,
                item.restart,
                None if row is None else row.updated_by,
                None if row is None else row.updated_ms,
            )
        )
    return table


def change_setting(key: str, text: str, by: str = audit.SYSTEM) -> int:
    """Set a value, or with empty text go back to the default; the version that processes will report.

    Raises
    ------
    RequestError
        ``not_found`` for a key, ``invalid_params`` for a value with what is expected.
    ConfigError
        ``setting_fixed`` by the environment.
    """
    with audit.operation("setting.change", key[:64], by) as trail:
        item = next((item for item in _registry() if item.key == key), None)
        if item is None:
            raise RequestError("not_found", "no such setting", got=key[:64])
        before = NodeSetting.objects.filter(key=key).exclude(value=UNSET).first()
        trail.before = _plain(item.value) if before is None or item.fixed else before.value
        if item.fixed:
            raise ConfigError("setting_fixed", f"{item.variable} fixes it", hint="change the environment and restart")
        text = text.strip()
        try:
            trail.after = _plain(item.parse(text) if text else item.value)
        except ValueError as error:
            raise RequestError("invalid_params", str(error), got=text[:80]) from None
        name = audit.current_actor(by).name[:150]
        # a row that holds nothing still tells when it was emptied: some processes must restart for that, too
        stored = {"value": trail.after if text else UNSET, "updated_by": name, "updated_ms": now_ms()}
        NodeSetting.objects.update_or_create(key=key, defaults=stored)
        return publish()


def publish(redis: Redis | None = None) -> int:
    """Show what the database holds to all processes; the new version."""
    redis = redis or redis_client()
    rows = NodeSetting.objects.filter(key__startswith=PREFIX).exclude(value=UNSET)
    stored = dict(rows.values_list("key", "value"))
    with redis.pipeline(transaction=True) as pipe:
        pipe.set(COPY_KEY, orjson.dumps(stored))
        pipe.incr(VERSION_KEY)
        return int(pipe.execute()[1])


def followed() -> int:
    """The version that this process works with; what was remembered under another one is looked up again."""
    return _followed


def confirmed_by(redis: Redis | None = None) -> dict[str, int]:
    """The version that each process works with, by name and pid; only of those that spoke lately."""
    redis = redis or redis_client()
    now = time.time()
    seen: dict[bytes, bytes] = redis.hgetall(SEEN_KEY)
    answer = {}
    for member, raw in seen.items():
        version, _, at = raw.decode().partition(" ")
        if now - float(at) <= 4 * EVERY_S:
            answer[member.decode()] = int(version)
    return answer


class Follower:
    """One process's follower.

    Parameters
    ----------
    redis : Redis
    name : str
        Of the process, as the supervisor calls it.
    """

    def __init__(self, redis: Redis, name: str) -> None:
        self._redis = redis
        self._member = f"{name}:{os.getpid()}"
        self._version = -1

    def look(self) -> bool:
        """Follow a newer version, and say which one this process works with; whether something changed."""
        raw = self._redis.get(VERSION_KEY)
        # an emptied Redis: whoever notices puts the copy back
        version = publish(self._redis) if raw is None else int(raw)
        changed = version != self._version
        if changed:
            # one number of the process, written by its one follower
            global _followed
            apply(orjson.loads(self._redis.get(COPY_KEY) or b"{}"))
            self._version = _followed = version
        self._redis.hset(SEEN_KEY, self._member, f"{version} {time.time():.0f}")
        self._redis.expire(SEEN_KEY, 3600)
        return changed

    def run(self) -> None:
        """Look for ever; the body of a daemon thread."""
        while True:
            time.sleep(EVERY_S)
            try:
                self.look()
            except (RedisError, DatabaseError) as error:
                log.debug("settings are not followed for now", error=str(error))
            finally:
                close_old_connections()


def apply(stored: dict[str, Any]) -> None:
    """Take values into Django's settings of this process; what is no longer allowed counts as not stored."""
    for item in _registry():
        value = item.value
        if not item.fixed and item.key in stored:
            try:
                value = item.parse(_text(stored[item.key]))
            except ValueError as error:
                log.warning("a stored setting is not followed", key=item.key, reason=str(error))
        setattr(django_settings, item.setting, value * item.scale if item.scale != 1 else value)
        if item.key == LOG_LEVEL:
            for name in LOGGERS:
                logging.getLogger(name).setLevel(value)


def follow(name: str | None = None) -> None:
    """Take the stored values now, and follow them in a thread; called once by each process.

    Where Redis or database are away it goes on with environment and defaults, and follows once they are back.
    """
    if not django_settings.MDS_FOLLOW_SETTINGS:
        return
    follower = Follower(redis_client(), name or os.environ.get("SUPERVISOR_PROCESS_NAME", "process"))
    try:
        follower.look()
    except (RedisError, DatabaseError) as error:
        log.warning("the stored settings cannot be read yet", error=str(error))
    threading.Thread(target=follower.run, name="settings", daemon=True).start()


def _registry() -> tuple[Any, ...]:
    """What the composition root offers (``mondoshawan.runtime_settings.RuntimeSetting``)."""
    return tuple(getattr(django_settings, "MDS_RUNTIME_SETTINGS", ()))


def _plain(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _text(value: Any) -> str:
    return ",".join(value) if isinstance(value, list) else str(value)
