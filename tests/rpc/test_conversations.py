"""What MetaMask and Blockscout ask of a node, in their order and their words: a step uses what the one before learned.

Written down from what these programs send: MetaMask when it adds the network, shows an account and sends;
Blockscout when it catches up with blocks, fetches internal transactions and follows the pool.
"""

from __future__ import annotations

import itertools
from typing import Any

import orjson
import pytest

from tests.factories import wallets
from tests.rpc.conftest import TOKEN, Caller, Scene
from tests.rpc.test_conformance import RESULTS, problems

pytestmark = pytest.mark.django_db

# an account that does nothing else in these tests
SENDER = 7
PAGE = {"origin": "chrome-extension://nkbihfbeogaeaoehlefnkodbefgpgknn"}


def h(value: bytes) -> str:
    return "0x" + value.hex()


class Client:
    """Sends what a program sends, and holds every answer against the document."""

    def __init__(self, rpc: Caller, headers: dict[str, str] | None = None) -> None:
        self._rpc, self._headers, self._id = rpc, headers or {}, 0

    def ask(self, method: str, *params: Any) -> Any:
        """One request."""
        return self.batch([(method, list(params))], single=True)[0]

    def batch(self, requests: list[tuple[str, list[Any]]], *, single: bool = False) -> list[Any]:
        """Requests in one body; answers by id, in the order of asking."""
        bodies = []
        for method, params in requests:
            self._id += 1
            bodies.append({"id": self._id, "jsonrpc": "2.0", "method": method, "params": params})
        status, headers, raw = self._rpc.http(orjson.dumps(bodies[0] if single else bodies), headers=self._headers)
        assert (status, headers["content-type"]) == (200, "application/json")
        if self._headers:
            assert headers["access-control-allow-origin"] == "*"
        answers = [orjson.loads(raw)] if single else orjson.loads(raw)
        by_id = {answer["id"]: answer for answer in answers}
        results = []
        for body in bodies:
            answer = by_id[body["id"]]
            assert "error" not in answer, (body, answer)
            if body["method"] in RESULTS:
                assert problems(answer["result"], RESULTS[body["method"]]) == [], body
            results.append(answer["result"])
        return results


def test_metamask_adds_the_network_shows_an_account_and_sends(rpc: Caller, scene: Scene) -> None:
    status, headers, _ = rpc.http(b"", method="OPTIONS", headers={**PAGE, "access-control-request-method": "POST"})
    assert (status, headers["access-control-allow-origin"]) == (204, "*")
    assert "content-type" in headers["access-control-allow-headers"]
    wallet = Client(rpc, PAGE)
    me, friend = h(wallets.address(SENDER)), h(wallets.address(41))
    # the network
    chain, network = wallet.ask("eth_chainId"), wallet.ask("net_version")
    assert int(chain, 16) == int(network)
    latest = wallet.ask("eth_getBlockByNumber", "latest", False)
    assert latest["number"] == wallet.ask("eth_blockNumber")
    # that fees are of EIP-1559 is seen by the block
    base = int(latest["baseFeePerGas"], 16)
    # the account
    balance, nonce, code = wallet.batch(
        [
            ("eth_getBalance", [me, "latest"]),
            ("eth_getTransactionCount", [me, "latest"]),
            ("eth_getCode", [friend, "latest"]),
        ]
    )
    assert int(balance, 16) > 0
    assert code in ("0x", "0x0")
    assert wallet.ask("eth_call", {"to": h(TOKEN), "data": "0x"}, "latest") != "0x"
    # fees of slow, middle and fast
    history = wallet.ask("eth_feeHistory", "0x5", "latest", [10, 20, 30])
    assert len(history["baseFeePerGas"]) == len(history["gasUsedRatio"]) + 1
    assert all(len(rewards) == 3 for rewards in history["reward"])
    assert int(history["baseFeePerGas"][-1], 16) > 0
    price = int(wallet.ask("eth_gasPrice"), 16)
    asked = {"from": me, "to": friend, "value": "0x1", "gasPrice": hex(price)}
    gas = wallet.ask("eth_estimateGas", asked)
    assert gas == "0x5208"
    # sending, and following until it is in a block
    fees = {"max_fee": 2 * base + price, "max_priority_fee": max(1, price - base)}
    raw, tx = scene.factory.send(scene.hashes[-1], SENDER, wallets.address(41), 1, **fees)
    assert wallet.ask("eth_sendRawTransaction", h(raw)) == h(tx.hash)
    assert int(wallet.ask("eth_getTransactionCount", me, "pending"), 16) == int(nonce, 16) + 1
    pending = wallet.ask("eth_getTransactionByHash", h(tx.hash))
    assert (pending["blockNumber"], pending["from"]) == (None, me)
    assert wallet.ask("eth_getTransactionReceipt", h(tx.hash)) is None
    block = scene.factory.extend(scene.hashes[-1], [(raw, tx)])
    scene.apply(scene.factory.update([scene.factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    receipt = wallet.ask("eth_getTransactionReceipt", h(tx.hash))
    assert receipt["status"] == "0x1"
    assert wallet.ask("eth_getBlockByHash", receipt["blockHash"], False)["number"] == receipt["blockNumber"]
    spent = int(receipt["gasUsed"], 16) * int(receipt["effectiveGasPrice"], 16) + 1
    assert int(wallet.ask("eth_getBalance", me, "latest"), 16) == int(balance, 16) - spent


def test_blockscout_catches_up_and_follows(rpc: Caller, scene: Scene) -> None:
    indexer = Client(rpc)
    assert indexer.ask("web3_clientVersion")
    assert indexer.ask("eth_syncing") is False
    last = int(indexer.ask("eth_blockNumber"), 16)
    numbers = [hex(n) for n in range(last + 1)]
    blocks = indexer.batch([("eth_getBlockByNumber", [number, True]) for number in numbers])
    assert [block["number"] for block in blocks] == numbers
    for older, newer in itertools.pairwise(blocks):
        assert newer["parentHash"] == older["hash"]
    assert all(block["uncles"] == [] for block in blocks)
    assert indexer.ask("eth_getUncleByBlockHashAndIndex", blocks[-1]["hash"], "0x0") is None
    # receipts, of whole blocks or one by one
    whole = indexer.batch([("eth_getBlockReceipts", [number]) for number in numbers])
    hashes = [tx["hash"] for block in blocks for tx in block["transactions"]]
    single = indexer.batch([("eth_getTransactionReceipt", [tx_hash]) for tx_hash in hashes])
    assert [receipt for receipts in whole for receipt in receipts] == single
    assert [receipt["transactionHash"] for receipt in single] == hashes
    logs = indexer.ask("eth_getLogs", {"fromBlock": "0x0", "toBlock": hex(last)})
    assert logs == [log for receipt in single for log in receipt["logs"]]
    # internal transactions
    tracer = {"tracer": "callTracer", "timeout": "60s", "tracerConfig": {"withLog": False}}
    busy = next(block for block in blocks[::-1] if block["transactions"])
    for method, where in (("debug_traceBlockByNumber", busy["number"]), ("debug_traceBlockByHash", busy["hash"])):
        traces = indexer.ask(method, where, tracer)
        assert [trace["txHash"] for trace in traces] == [tx["hash"] for tx in busy["transactions"]]
        for trace, tx in zip(traces, busy["transactions"], strict=True):
            assert (trace["result"]["from"], trace["result"]["to"]) == (tx["from"], tx["to"])
    (one,) = indexer.batch([("debug_traceTransaction", [busy["transactions"][0]["hash"], tracer])])
    assert one == traces[0]["result"]
    # balances and code at a block
    account = busy["transactions"][0]["from"]
    then, now = indexer.batch([("eth_getBalance", [account, busy["number"]]), ("eth_getBalance", [account, "latest"])])
    assert int(then, 16) >= int(now, 16)
    assert indexer.ask("eth_getCode", h(TOKEN), "latest") != "0x"
    # the pool
    raw, tx = scene.factory.send(scene.hashes[-1], SENDER, wallets.address(42), 1)
    indexer.ask("eth_sendRawTransaction", h(raw))
    content = indexer.ask("txpool_content")
    assert content["pending"][h(wallets.address(SENDER))][str(tx.nonce)]["hash"] == h(tx.hash)
    assert int(indexer.ask("txpool_status")["pending"], 16) >= 1
    assert indexer.ask("net_version") == str(int(indexer.ask("eth_chainId"), 16))
