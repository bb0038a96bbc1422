"""Health pages, metrics door, routing of the RPC, queues: the wiring of the web process."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from types import ModuleType
from typing import Any

import pytest
import redis
from django.apps import apps
from django.conf import settings
from django.test import Client

from chain.services.network import current_genesis, current_spec
from chain.stores.connection import raw_connection
from chain.stores.genesis import initialise
from mondoshawan import health, liveness, routing
from mondoshawan.appliance import hooks
from mondoshawan.settings.parts import celery as celery_settings
from mondoshawan.settings.parts import log, security


def test_health_needs_no_database(client: Client) -> None:
    """No database fixture: touching one would fail the test."""
    answer = client.get("/health")
    assert answer.status_code == 200
    body = answer.json()
    assert set(body) == {"status", "version", "network", "uptime_s"}
    assert (body["status"], body["network"]) == ("ok", "devnet")
    assert answer["Cache-Control"] == "no-store"


@pytest.mark.django_db
def test_ready_with_its_servers(client: Client, redis_url: str) -> None:
    """An initialised chain, and signs of life of every worker."""
    connection = raw_connection()
    # Django opens its transaction with the first statement: before it, a store's own would be committed
    connection.execute("SELECT 1")
    initialise(connection, current_spec(), current_genesis())
    with redis.Redis.from_url(redis_url) as server:
        liveness.say(server, celery_settings.QUEUES, "test")
    answer = client.get("/ready")
    checks = answer.json()["checks"]
    assert answer.status_code == 200, checks
    assert {"database", "redis", "disk", "workers", "writer_lag", "chain_identity", "clock"} <= set(checks)
    assert all({"status", "value", "threshold"} <= set(check) for check in checks.values())


@pytest.mark.django_db
def test_a_failing_check_is_503_and_keeps_its_text(
    client: Client, redis_url: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> Mapping[str, Any]:
        raise OSError("secret path")

    config = apps.get_app_config("explorer")
    added = {"broken": broken, "slow": lambda: {"ok": False, "value": 9, "threshold": 3}}
    monkeypatch.setattr(config, "ready_checks", added, raising=False)
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert b"secret path" not in answer.content
    checks = answer.json()["checks"]
    assert checks["slow"] == {"status": "failed", "value": 9, "threshold": 3}
    assert checks["database"]["status"] == "ok"
    assert checks["broken"]["error_id"] in caplog.text


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("127.0.0.1", 200),
        ("127.9.9.9", 200),
        ("203.0.113.5", 403),
        # as a socket that listens on [::] names clients of IPv4
        ("::ffff:127.0.0.1", 200),
        ("::ffff:203.0.113.5", 403),
        ("nowhere", 403),
    ],
)
def test_metrics_follow_the_allow_list(client: Client, address: str, status: int) -> None:
    answer = client.get("/metrics", REMOTE_ADDR=address, HTTP_X_FORWARDED_FOR="127.0.0.1")
    assert answer.status_code == status


def collect(application: routing.AsgiApp, scope: dict[str, Any], received: dict[str, Any]) -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def receive() -> dict[str, Any]:
        return received

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    asyncio.run(application(scope, receive, send))
    return sent


def answering(word: str) -> routing.AsgiApp:
    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await send({"type": word})

    return application


@pytest.mark.parametrize(
    ("kind", "path", "expected"),
    [
        ("http", "/rpc", "rpc"),
        ("http", "/rpc/", "rpc"),
        ("http", "/rpcx", "django"),
        ("http", "/", "django"),
        ("websocket", "/ws/rpc", "rpc"),
        ("websocket", "/ws/live", "django"),
    ],
)
def test_rpc_paths_go_to_the_rpc(kind: str, path: str, expected: str) -> None:
    router = routing.WithRpc(kind, answering("rpc"), answering("django"))
    assert collect(router, {"type": kind, "path": path}, {}) == [{"type": expected}]
    without = routing.WithRpc(kind, None, answering("django"))
    assert collect(without, {"type": kind, "path": path}, {}) == [{"type": "django"}]


def test_a_socket_on_an_unknown_path_is_closed() -> None:
    scope = {"type": "websocket", "path": "/ws/nothing", "headers": [], "query_string": b""}
    sent = collect(routing.websocket_application(), scope, {"type": "websocket.connect"})
    assert sent == [{"type": "websocket.close", "code": 4404}]


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        ("chain.tasks.virtual.resolve", "virtual"),
        ("chain.tasks.validate.block", "validate"),
        ("chain.tasks.shards.lane", "shards"),
        ("chain.tasks.mine.slice", "mine.a"),
        ("explorer.tasks.advance", "index"),
        ("chain.tasks.virtualish.x", "default"),
        ("other", "default"),
    ],
)
def test_tasks_find_their_queue_by_module(task: str, queue: str) -> None:
    assert celery_settings.route(task, (), {}, {}) == {"queue": queue}
    assert celery_settings.route(task, (), {}, {"queue": "mine.c"}) == {}
    assert queue in celery_settings.QUEUES


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "redis+socket:///run/r.sock?virtual_host=0"),
        ("unix:///srv/r.sock?db=2", "redis+socket:///srv/r.sock?virtual_host=2"),
        ("unix:///srv/r.sock", "redis+socket:///srv/r.sock?virtual_host=0"),
        ("redis://h:6379/1", "redis://h:6379/1"),
    ],
)
def test_broker_url(url: str, expected: str) -> None:
    assert celery_settings.broker_url(url, "/run/r.sock") == expected


def test_celery_takes_json_only_and_acknowledges_late() -> None:
    from mondoshawan.celery import app

    assert app.conf.accept_content == ["json"]
    assert app.conf.task_acks_late is True
    assert app.conf.worker_prefetch_multiplier == 1
    assert app.conf.result_backend is None


def test_a_task_name_reaches_its_queue_in_redis(redis_url: str) -> None:
    """The whole way of a message: name, route, broker."""
    from mondoshawan.celery import app

    app.send_task("chain.tasks.virtual.resolve", args=["0x01"])
    with redis.Redis.from_url(redis_url) as broker:
        message = json.loads(broker.lindex("virtual", 0))
    assert message["headers"]["task"] == "chain.tasks.virtual.resolve"
    assert message["content-type"] == "application/json"


def test_public_origins_decide_hosts_and_cookies() -> None:
    from chain.core.errors import ConfigError
    from mondoshawan import env as environment

    plain = environment.read({})
    assert "127.0.0.1" in security.allowed_hosts(plain)
    assert not security.only_https(plain)
    public = environment.read({"MDS_PUBLIC_ORIGINS": "https://node.example:8443"})
    assert "node.example" in security.allowed_hosts(public)
    assert security.only_https(public)
    with pytest.raises(ConfigError):
        security.trusted_origins(environment.read({"MDS_PUBLIC_ORIGINS": "node.example"}))


@pytest.mark.parametrize("form", ["json", "console"])
def test_log_lines(form: str) -> None:
    """A library's logger and structlog give the same kind of line, exceptions included."""
    import logging
    import sys

    config = log.logging_config("INFO", form)
    formatter = dict(config["formatters"]["line"])
    made = formatter.pop("()")(**formatter)
    try:
        raise OSError("broken")
    except OSError:
        record = logging.LogRecord("chain.x", logging.ERROR, __file__, 1, "block %s", ("0x01",), sys.exc_info())
    record.block = b"\x01"
    line = made.format(record)
    assert "block 0x01" in line
    assert "OSError: broken" in line
    if form == "json":
        parsed = json.loads(line)
        assert (parsed["level"], parsed["logger"], parsed["block"]) == ("error", "chain.x", "0x01")


def test_hooks_are_optional_and_called(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hooks, "MODULE", "chain.services.surely_absent")
    assert hooks.genesis_hash() is None
    assert hooks.notes() == []
    fake = ModuleType("fake")
    fake.genesis_hash = lambda: b"\x01" * 32  # type: ignore[attr-defined]
    fake.notes = lambda: ["line"]  # type: ignore[attr-defined]
    monkeypatch.setattr(hooks, "_module", lambda: fake)
    assert hooks.genesis_hash() == "0x" + "01" * 32
    assert hooks.notes() == ["line"]


def test_registered_checks_are_collected() -> None:
    assert {"database", "redis", "disk"} <= set(health.all_checks())
    assert settings.MDS_NETWORK == "devnet"
