"""Etherscan's calls beside the usual: JSON-RPC by GET, countdown, gas tracker, joined topics, tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chain.core.transactions import keccak
from chain.core.types import Log
from chain.rpc.app import _holder, process_node
from chain.rpc.registry import METHODS
from chain.stores.connection import Connection
from explorer.api import etherscan_proxy
from explorer.indexers.sync import step
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import hexed
from tests.explorer.test_pages_index import scene  # noqa: F401 - the same chain
from tests.explorer.token_logs import ALICE, ART, BOB, COIN
from tests.factories import wallets
from tests.factories.chain import Effects

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def call(scene: Growing, client: Client, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: F811
    """One call; its answer.  The node of the JSON-RPC lives as long as the loop that a sync test gives it."""
    real = etherscan_proxy._handle

    async def once(request: Any, body: bytes) -> bytes | None:
        try:
            await (await process_node()).heads.reload()
            return await real(request, body)
        finally:
            await _holder.close()

    monkeypatch.setattr(etherscan_proxy, "_handle", once)

    def get(module: str, action: str, **asked: Any) -> Any:
        answer = client.get("/api", {"module": module, "action": action, **asked})
        assert answer.status_code == 200
        return answer.json()

    return get


def test_json_rpc_by_get(call: Any) -> None:
    assert call("proxy", "eth_blockNumber") == {"jsonrpc": "2.0", "id": 1, "result": "0x3"}
    block = call("proxy", "eth_getBlockByNumber", tag="0x1", boolean="true")["result"]
    (tx,) = block["transactions"]
    assert call("proxy", "eth_getTransactionByHash", txhash=tx["hash"])["result"]["nonce"] == tx["nonce"]
    assert call("proxy", "eth_getTransactionCount", address=hexed(ALICE))["result"] == "0x2"
    assert call("proxy", "eth_getTransactionReceipt", txhash=tx["hash"])["result"]["status"] == "0x1"
    refused = call("proxy", "eth_getBlockByNumber", tag="five")
    assert refused["error"]["code"] == -32602
    assert call("proxy", "eth_sendRawTransaction", hex="0x12")["error"]["code"] < 0
    assert "Missing Or invalid Action" in call("proxy", "eth_mining")["result"]


def test_every_form_is_of_a_method() -> None:
    for action, (method, makers) in etherscan_proxy.FORMS.items():
        assert action == method.lower()
        known = METHODS[method].parameters
        assert len(makers) <= len(known), method


def test_calls_of_gas_and_time(call: Any) -> None:
    ahead = call("block", "getblockcountdown", blockno=13)["result"]
    assert (ahead["CurrentBlock"], ahead["RemainingBlock"]) == ("3", "10")
    assert float(ahead["EstimateTimeInSec"]) > 0
    assert call("block", "getblockcountdown", blockno=2)["result"] == "Error! Block number already pass"
    gas = call("gastracker", "gasoracle")["result"]
    assert gas["LastBlock"] == "3"
    assert float(gas["SafeGasPrice"]) <= float(gas["ProposeGasPrice"]) <= float(gas["FastGasPrice"])
    assert float(gas["suggestBaseFee"]) >= 1
    assert len(gas["gasUsedRatio"].split(",")) == 4
    parts = call("stats", "ethsupply2")["result"]
    assert parts["EthSupply"] == call("stats", "ethsupply")["result"]


def test_history_of_a_balance(call: Any) -> None:
    now = int(call("account", "balance", address=hexed(ALICE))["result"])
    balances = [int(call("account", "balancehistory", address=hexed(ALICE), blockno=n)["result"]) for n in range(4)]
    assert balances[-1] == now
    assert balances[0] > balances[1] > balances[2] == balances[3]
    assert call("account", "balancehistory", address=hexed(ALICE), blockno=99)["status"] == "0"
    assert call("account", "balancehistory", address=f"0x{'12' * 20}", blockno=1)["result"] == "0"
    assert call("account", "txsbeaconwithdrawal", address=hexed(ALICE))["result"] == []


def test_tokens(call: Any) -> None:
    (info,) = call("token", "tokeninfo", contractaddress=hexed(COIN))["result"]
    assert (info["tokenType"], info["holdersCount"]) == ("ERC20", "2")
    holders = call("token", "tokenholderlist", contractaddress=hexed(COIN))["result"]
    assert [row["TokenHolderQuantity"] for row in holders] == [str(7 * 10**19), str(3 * 10**19)]
    assert call("token", "tokenholderlist", contractaddress=hexed(COIN), page=2, offset=1)["result"] == holders[1:]
    assert call("token", "tokenholdercount", contractaddress=hexed(COIN))["result"] == "2"
    assert [row["TokenAddress"] for row in call("account", "addresstokenbalance", address=hexed(BOB))["result"]] == [
        hexed(COIN)
    ]
    assert [
        row["TokenAddress"] for row in call("account", "addresstokennftbalance", address=hexed(ALICE))["result"]
    ] == [hexed(ART)]


def test_topics_joined_by_or(growing: Growing, index_conn: Connection, client: Client) -> None:
    one, two, three = (keccak(name) for name in (b"one", b"two", b"three"))
    sent = growing.factory.send(growing.sink, 0, wallets.address(9))
    logs = tuple([Log(COIN, topics, b"") for topics in ((one, two), (one, three), (three, two), (two, one))])
    growing.grow([sent], Effects(logs={0: logs}))
    while step(index_conn) is not None:
        pass

    def found(**asked: Any) -> list[int]:
        answer = client.get("/api", {"module": "logs", "action": "getLogs", **asked}).json()
        return [int(row["logIndex"], 16) for row in answer["result"]]

    topics = {"topic0": hexed(one), "topic1": hexed(two)}
    assert found(**topics) == [0]
    assert found(**topics, topic0_1_opr="and") == [0]
    assert found(**topics, topic0_1_opr="or") == [0, 1, 2]
    assert found(**topics, topic0_1_opr="or", address=hexed(BOB)) == []
    assert found(topic0=hexed(one)) == [0, 1]
