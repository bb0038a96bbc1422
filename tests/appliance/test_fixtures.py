"""The session's own servers work as the other tests expect."""

from __future__ import annotations

import pytest
import redis
from django.db import connection

from mondoshawan.appliance import postgres


@pytest.mark.django_db
def test_database_is_ours() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_database(), current_setting('listen_addresses')")
        assert cursor.fetchone() == ("test_mondoshawan", "")


def test_only_the_tests_database_may_forget_at_a_loss_of_power() -> None:
    assert not {"fsync", "synchronous_commit", "full_page_writes"} & set(postgres._SETTINGS)


@pytest.mark.django_db
def test_timeouts_reach_the_session() -> None:
    with connection.cursor() as cursor:
        names = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
        cursor.execute("SELECT " + ", ".join(f"current_setting('{name}')" for name in names))
        assert cursor.fetchone() == ("30s", "10s", "1min")


def test_redis_answers_and_is_append_only(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert client.set("probe", b"1")
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        assert client.config_get("appendfsync") == {"appendfsync": "everysec"}
        assert client.config_get("port") == {"port": "0"}
