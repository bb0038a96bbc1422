"""Pages of other origins and the read API."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from explorer import origins
from tests.explorer.conftest import Growing

pytestmark = pytest.mark.django_db(transaction=True)

ELSEWHERE = "https://dapp.example"
ALLOW = "Access-Control-Allow-Origin"


def test_pages_elsewhere_may_read(growing: Growing, client: Client) -> None:
    answer = client.get("/api/v1/status", headers={"origin": ELSEWHERE})
    assert (answer.status_code, answer[ALLOW]) == (200, "*")
    asked = {"origin": ELSEWHERE, "access-control-request-method": "GET"}
    before = client.options("/api/v1/status", headers=asked)
    assert (before.status_code, before[ALLOW]) == (204, "*")
    assert "x-api-key" in before["Access-Control-Allow-Headers"]
    # errors are told too, a plain OPTIONS is none of ours, and pages are nobody else's
    assert client.get("/api/v1/blocks/x", headers={"origin": ELSEWHERE})[ALLOW] == "*"
    assert client.options("/api/v1/status").status_code == 405
    assert ALLOW not in client.get("/blocks", headers={"origin": ELSEWHERE})
    assert ALLOW not in client.get("/api/v1/status")


def test_only_those_that_the_operator_names(
    growing: Growing, client: Client, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.MDS_RPC_CORS_ORIGINS = ("https://other.example",)
    # the answer is kept in the process, since a running node restarts for another one
    monkeypatch.setattr(origins, "origin_allowed", origins.origin_allowed.__wrapped__)
    assert ALLOW not in client.get("/api/v1/status", headers={"origin": ELSEWHERE})
    assert client.get("/api/v1/status", headers={"origin": "https://other.example"})[ALLOW] == "*"
