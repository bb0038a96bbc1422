"""What a web caller is told when a page fails: coded errors by the table, an id for everything else."""

from __future__ import annotations

import json
import logging
import logging.config
from collections.abc import Iterator
from io import StringIO
from typing import Any

import pytest
import structlog
from django.db import OperationalError
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.urls import path
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.core.errors import (
    ConfigError,
    NotYet,
    PoolCode,
    PoolRejection,
    RequestCode,
    RequestError,
    RuleCode,
    RuleViolation,
    StoreError,
    WaitCode,
)
from chain.rpc.caller import Caller, set_caller
from mondoshawan.settings.parts import log as log_settings

SECRET = "postgres://somebody:hunter2@db/chain"
ERRORS: dict[str, Exception] = {
    "missing": RequestError(RequestCode.NOT_FOUND, "no such block", hash=b"\x01" * 32),
    "forbidden": RequestError(RequestCode.FORBIDDEN, "not yours"),
    "rule": RuleViolation(RuleCode.TX_CHAIN_ID, 1, 2),
    "pool": PoolRejection(PoolCode.POOL_FULL),
    "wait": NotYet(WaitCode.NOT_READY),
    "database": StoreError("database_unavailable", SECRET),
    "driver": OperationalError(SECRET),
    "redis": RedisConnectionError(SECRET),
    "store": StoreError("chain_mismatch", SECRET),
    "config": ConfigError("key_missing", SECRET),
    "bug": ValueError(SECRET),
}
STATUS = {"missing": 404, "forbidden": 403, "rule": 422, "pool": 422, "wait": 503, "database": 503, "driver": 503,
          "redis": 503, "store": 500, "config": 500, "bug": 500}  # fmt: skip


def failing(request: HttpRequest, name: str) -> HttpResponse:
    """A view that fails as it is asked to."""
    structlog.get_logger("chain.tests").info("view")
    raise ERRORS[name]


urlpatterns = [path("fail/<name>", failing), path("api/fail/<name>", failing)]
handler500 = "mondoshawan.requests.server_error"


@pytest.fixture
def lines(settings: Any) -> Iterator[StringIO]:
    """The log as a running node writes it, as JSON."""
    out = StringIO()
    before = {name: list(logging.getLogger(name).handlers) for name in ("", "django.request", "chain", "mondoshawan")}
    config = log_settings.logging_config("INFO", "json")
    config["handlers"]["stdout"]["stream"] = out
    logging.config.dictConfig(config)
    yield out
    for name, handlers in before.items():
        logging.getLogger(name).handlers = handlers
    logging.config.dictConfig(settings.LOGGING)


@pytest.fixture
def visitor(settings: Any, client: Client) -> Client:
    settings.ROOT_URLCONF = __name__
    client.raise_request_exception = False
    return client


def test_every_kind_of_error_is_tried() -> None:
    assert set(ERRORS) == set(STATUS)


@pytest.mark.parametrize("name", ERRORS)
def test_a_page_gets_the_status_of_the_table_and_no_secret(visitor: Client, name: str) -> None:
    answer = visitor.get(f"/fail/{name}", headers={"accept": "text/html"})
    assert answer.status_code == STATUS[name]
    assert answer["Content-Type"].startswith("text/html")
    assert "hunter2" not in answer.content.decode()
    assert len(answer["X-Request-Id"]) == 12
    if STATUS[name] == 500:
        assert answer["X-Request-Id"] in answer.content.decode()
    assert ("Retry-After" in answer) == (STATUS[name] == 503)


@pytest.mark.parametrize("name", ERRORS)
def test_a_program_gets_the_code_or_an_id(visitor: Client, name: str) -> None:
    answer = visitor.get(f"/api/fail/{name}")
    assert answer.status_code == STATUS[name]
    told = json.loads(answer.content)["error"]
    assert "hunter2" not in answer.content.decode()
    if STATUS[name] == 500:
        assert told == {"code": "internal_error", "id": answer["X-Request-Id"]}
    else:
        assert set(told) == {"code", "message", "data"}
    if name == "missing":
        assert told == {"code": "not_found", "message": "no such block", "data": {"hash": "0x" + "01" * 32}}


def test_the_log_has_the_rest_under_the_same_id(visitor: Client, lines: StringIO) -> None:
    answer = visitor.get("/fail/bug", headers={"accept": "text/html"})
    said = [json.loads(line) for line in lines.getvalue().splitlines()]
    ours = [line for line in said if line.get("request_id") == answer["X-Request-Id"]]
    assert {"view", "web.internal_error"} <= {line["event"] for line in ours}
    assert all((line["path"], line["peer"]) == ("/fail/bug", "127.0.0.1") for line in ours)
    assert any("hunter2" in line.get("exception", "") for line in ours)
    # the next request does not inherit the name
    assert visitor.get("/fail/missing")["X-Request-Id"] != answer["X-Request-Id"]


def test_lines_of_a_json_rpc_request_name_it_and_its_caller(lines: StringIO) -> None:
    caller = Caller({"client": ("192.0.2.7", 5), "headers": []})
    token = set_caller(caller)
    try:
        structlog.get_logger("chain.tests").warning("said", block=b"\x01\x02")
    finally:
        token.var.reset(token)
    structlog.get_logger("chain.tests").warning("elsewhere")
    said, elsewhere = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert (said["request_id"], said["peer"], said["block"]) == (caller.identity, "192.0.2.7", "0x0102")
    assert "peer" not in elsewhere
