"""The process's Redis client; pools notice a fork and reconnect by themselves."""

from __future__ import annotations

from functools import cache

from django.conf import settings
from redis import Redis


@cache
def redis_client() -> Redis:
    """A client that answers bytes, from ``settings.MDS_REDIS_URL``."""
    return Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=10, socket_connect_timeout=5, health_check_interval=30)
