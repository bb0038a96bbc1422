"""PostgreSQL and Redis come back: the connections that their end closed are nobody's error."""

from __future__ import annotations

import asyncio

import pytest
import redis
from django.db import connection

from chain.core import errors as tree
from chain.rpc import errors
from tests.rpc.conftest import Caller, Scene


async def _fill() -> int:
    """Let the pool of connections be as wide as it gets under load."""
    from chain.rpc.app import _holder

    node = await _holder.get()

    async def hold() -> None:
        async with node.connection() as conn:
            await conn.execute("SELECT pg_sleep(0.5)")

    await asyncio.gather(*[hold() for _ in range(6)])
    return int(node._database.get_stats()["pool_size"])


@pytest.mark.django_db
def test_a_restart_of_the_database_costs_no_reader_an_error(rpc: Caller, scene: Scene, runner: asyncio.Runner) -> None:
    assert int(rpc("eth_blockNumber"), 16) > 0
    assert runner.run(_fill()) > 1
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity"
            " WHERE application_name = 'mondoshawan rpc' AND datname = current_database()"
        )
        assert cursor.fetchone()[0] > 1
    for _ in range(8):
        # a snapshot, which cannot simply be read again
        assert rpc("mds_getDagStats")["number"] > 0


@pytest.mark.parametrize(
    ("error", "server"),
    [
        (tree.StoreError("database_unavailable", "connection to server on socket failed"), "PostgreSQL"),
        (redis.ConnectionError("Error 2 connecting to /secret/redis.sock"), "Redis"),
        (redis.TimeoutError("Timeout reading from /secret/redis.sock"), "Redis"),
        (redis.BusyLoadingError("Redis is loading the dataset in memory"), "Redis"),
    ],
)
def test_a_server_that_is_away_is_named_and_nothing_more(error: Exception, server: str) -> None:
    shown = errors.error_object(error)
    assert shown == {
        "code": errors.UNAVAILABLE,
        "message": f"the node waits for {server}, try again",
        "data": {"reason": f"{server.lower()}_unavailable"},
    }
