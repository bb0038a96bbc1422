"""Limits of the interfaces for programs: by address and by key, told with the time to wait; pages are free."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client, RequestFactory

from chain.models import ApiKey
from chain.services.api_keys import create_key
from explorer import limits
from tests.explorer.conftest import Growing

pytestmark = pytest.mark.django_db(transaction=True)

STRANGER = {"REMOTE_ADDR": "203.0.113.7"}
OTHER = {"REMOTE_ADDR": "203.0.113.8"}


@pytest.fixture
def ask(growing: Growing, redis_url: str, settings: Any, client: Client) -> Any:
    """Two points, and a third one in about a quarter of an hour: nothing depends on how fast a test runs."""
    settings.MDS_WEB_RATE, settings.MDS_WEB_BURST = 0.001, 2
    ApiKey.objects.all().delete()
    limits._keys.clear()
    limits._buckets.cache_clear()
    growing.grow()

    def get(path: str, **extra: Any) -> Any:
        return client.get(path, **extra)

    return get


def spend(ask: Any, path: str, **who: Any) -> Any:
    """Ask until refused; the refusal."""
    for _ in range(20):
        answer = ask(path, **who)
        if answer.status_code == 429:
            return answer
    raise AssertionError(path)


def test_one_address_is_refused_and_told_when_to_come_back(ask: Any) -> None:
    assert ask("/api/v1/status", **STRANGER).status_code == 200
    refused = spend(ask, "/api/v1/status", **STRANGER)
    error = refused.json()["error"]
    assert (error["code"], error["message"]) == ("limit_exceeded", "too many requests")
    assert int(refused["Retry-After"]) == -(-error["data"]["retry_after_ms"] // 1000) >= 1
    assert refused["Cache-Control"] == "no-store"
    # in the words of that API, for its clients
    etherscan = spend(ask, "/api?module=stats&action=ethsupply", **STRANGER)
    assert etherscan.json() == {
        "status": "0",
        "message": "NOTOK",
        "result": "Max rate limit reached: too many requests",
    }
    assert spend(ask, "/live/window?from=0&to=1", **STRANGER).status_code == 429
    # pages, and the documentation, are free
    for path in ("/blocks", "/", "/api"):
        assert ask(path, **STRANGER).status_code == 200, path
    # others, and programs on this machine, are not held up
    assert ask("/api/v1/status", **OTHER).status_code == 200
    for _ in range(5):
        assert ask("/api/v1/status").status_code == 200


def test_who_a_proxy_on_this_machine_names_is_counted(ask: Any) -> None:
    assert spend(ask, "/api/v1/status", HTTP_X_FORWARDED_FOR="198.51.100.1, 203.0.113.9")
    assert ask("/api/v1/status", HTTP_X_FORWARDED_FOR="203.0.113.10").status_code == 200
    # a stranger cannot pass for another one
    assert spend(ask, "/api/v1/status", HTTP_X_FORWARDED_FOR="203.0.113.11", REMOTE_ADDR="203.0.113.12")
    assert ask("/api/v1/status", HTTP_X_FORWARDED_FOR="203.0.113.13", REMOTE_ADDR="203.0.113.12").status_code == 429


def test_a_key_has_its_own_limits_at_every_door(ask: Any, settings: Any) -> None:
    secret = create_key("reader", ("log",), None, rate=1000, burst=1000)
    small = create_key("small", ("log",), None, rate=1, burst=1)
    spend(ask, "/api/v1/status", **STRANGER)
    for way in ({"HTTP_AUTHORIZATION": f"Bearer {secret}"}, {"HTTP_X_API_KEY": secret}):
        for _ in range(5):
            assert ask("/api/v1/status", **way, **STRANGER).status_code == 200
    assert ask(f"/api?module=stats&action=ethsupply&apikey={secret}", **STRANGER).json()["status"] == "1"
    # one that nobody made is nobody's
    assert ask("/api/v1/status", HTTP_X_API_KEY="YourApiKeyToken", **STRANGER).status_code == 429
    # limits of its own hold for this machine too
    assert spend(ask, "/api/v1/status", HTTP_X_API_KEY=small)


def test_a_form_is_read_as_the_address_is(ask: Any, client: Client) -> None:
    form = {"module": "account", "action": "txlist", "offset": "1000"}
    assert limits.cost_of(RequestFactory().post("/api", form)) == 11
    assert limits.cost_of(RequestFactory().post("/api?offset=1000", {"module": "stats"})) == 1
    secret = create_key("former", ("log",), None, rate=1000, burst=1000)
    supply = {"module": "stats", "action": "ethsupply"}
    spend(lambda path, **who: client.post(path, supply, **who), "/api", **STRANGER)
    assert client.post("/api", {**supply, "apikey": secret}, **STRANGER).json()["status"] == "1"


def test_no_limit_where_there_is_none(ask: Any, settings: Any) -> None:
    settings.MDS_WEB_RATE = 0
    for _ in range(5):
        assert ask("/api/v1/status", **STRANGER).status_code == 200


@pytest.mark.parametrize(
    ("path", "cost"),
    [
        ("/api/v1/status", 1),
        ("/api/v1/search?q=x", 5),
        ("/api", 0),
        ("/api?module=account&action=txlist&offset=1000", 11),
        ("/api?module=account&action=txlist&offset=x", 1),
        ("/live/block/3", 1),
        ("/live/window?from=1", 5),
        ("/blocks.csv", 50),
        ("/abi/encode", 1),
        ("/blocks", 0),
        ("/apiary", 0),
    ],
)
def test_costs(path: str, cost: int) -> None:
    assert limits.cost_of(RequestFactory().get(path)) == cost
