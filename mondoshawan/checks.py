"""Django system checks of the appliance."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import redis
from django.apps import AppConfig
from django.conf import settings
from django.core import checks
from django.db import DatabaseError, connections

from chain.core.errors import ConfigError
from mondoshawan.appliance import keys, postgres


@checks.register(checks.Tags.security)
def check_keys(app_configs: Sequence[AppConfig] | None, **_: Any) -> list[checks.CheckMessage]:
    """The key that signs sessions exists."""
    path = settings.MDS_KEYS_FOLDER / keys.DJANGO_KEY
    if keys.read_text(path.parent, path.name):
        return []
    return [checks.Warning(f"{path} does not exist yet", hint="`manage.py up` makes it", id="mondoshawan.W001")]


@checks.register(checks.Tags.database)
def check_database(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **_: Any
) -> list[checks.CheckMessage]:
    """PostgreSQL answers, is recent enough and stores UTF-8."""
    found: list[checks.CheckMessage] = []
    for alias in databases or ():
        try:
            with connections[alias].cursor() as cursor:
                cursor.execute("SELECT current_setting('server_version_num')::int, current_setting('server_encoding')")
                version, encoding = cursor.fetchone()
        except DatabaseError as error:
            found.append(
                checks.Error(f"PostgreSQL does not answer: {error}", hint="see MDS_DATABASE_URL", id="mondoshawan.E001")
            )
            continue
        try:
            postgres.judge(version, encoding)
        except ConfigError as error:
            found.append(checks.Error(error.message, hint=error.data["hint"], id="mondoshawan.E002"))
    return found


@checks.register(checks.Tags.database)
def check_redis(
    app_configs: Sequence[AppConfig] | None, databases: Sequence[str] | None, **_: Any
) -> list[checks.CheckMessage]:
    """Redis, the broker, answers; asked when the database is asked, because both are other processes."""
    if not databases:
        return []
    try:
        redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=5).ping()
    except redis.RedisError as error:
        return [checks.Error(f"Redis cannot be used: {error}", hint="check MDS_REDIS_URL", id="mondoshawan.E004")]
    return []
