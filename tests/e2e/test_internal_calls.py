"""Internal transactions of a running node: traced behind its index, told as its own traces tell them."""

from __future__ import annotations

import pytest
import requests

from tests.e2e.node import wait_for
from tests.e2e.traffic import ETHER, TRACING_S, Traffic

pytestmark = pytest.mark.e2e


def test_what_a_contract_sent_on_is_listed(traffic: Traffic) -> None:
    node, tx = traffic.node, traffic.sent["bought"]

    def ask(path: str, **asked: object) -> dict[str, object]:
        return requests.get(node.web_url + path, params=asked, timeout=30).json()

    wait_for(lambda: ask(f"/api/v1/transactions/{tx}/internal")["traced"], "the block is traced", TRACING_S)
    (moved,) = ask(f"/api/v1/transactions/{tx}/internal")["items"]
    (traced,) = node.rpc("ots_getInternalOperations", tx)
    assert (moved["sender"], moved["recipient"], int(moved["value"])) == (
        traced["from"],
        traced["to"],
        int(traced["value"], 16),
    )
    assert (moved["type"], int(moved["value"])) == ("call", ETHER // 4)
    market = traffic.contracts["market"].lower()
    assert [item["transaction"] for item in ask(f"/api/v1/addresses/{market}/internal")["items"]] == [tx]
    listed = ask("/api", module="account", action="txlistinternal", address=market)["result"]
    assert [(row["hash"], row["value"]) for row in listed] == [(tx, str(ETHER // 4))]
