"""A node's work that moves every metric: blocks of all streams, transactions of all phases, a reorganisation, calls."""

from __future__ import annotations

import json
import secrets
import time
from typing import NamedTuple

import requests
from websockets.sync.client import connect

from tests.core.consensus.mini import dev
from tests.e2e import scrape as tools
from tests.e2e.node import Node, wait_for
from tests.e2e.scrape import Scrape, scrape


class Story(NamedTuple):
    """A scrape before the work, one while a socket was open, and one after."""

    before: Scrape
    during: Scrape
    after: Scrape
    node: Node

    def gain(self, name: str, **labels: str) -> float:
        """How much a counter grew."""
        return self.after.sum(name, **labels) - self.before.sum(name, **labels)

    def grew(self, name: str, **labels: str) -> bool:
        return self.gain(name, **labels) > 0

    def observed(self, name: str, **labels: str) -> bool:
        """Whether a histogram has more observations, and a sum that fits its buckets."""
        return self.grew(f"{name}_count", **labels) and self.after.sum(f"{name}_bucket", le="+Inf") == self.after.sum(
            f"{name}_count"
        )

    def now(self, name: str, **labels: str) -> float:
        return self.after.sum(name, **labels)


def tell(node: Node) -> Story:
    """Do all of the work."""
    wait_for(lambda: "parents" in node.rpc("mds_getVirtual"), "the writer has published", 120)
    # the lottery needs some work below its anchor; the node's own miners are nice, and may get little of a busy machine
    while node.rpc("mds_getDagStats")["workScore"] <= 6:
        node.rpc("mds_submitBlock", tools.sealed(node, tools.template(node, "B", 8)))
    wait_for(lambda: mines(node), "every miner has begun", 120)
    wait_for(lambda: nobody_watches(node), "pages of earlier tests are closed")
    before = scrape(node)
    transactions(node)
    during = calls(node)
    with tools.operator(node) as operator:
        operator.stop_mining()
        blocks(node)
    tools.receipt(node, tools.offer(node, 7, to=dev(7).address))
    time.sleep(1)  # the rpc process hands its sums on within half a second
    wait_for(lambda: scrape(node).sum("index_lag_blocks") <= 3, "the index follows")
    wait_for(lambda: nobody_watches(node), "the sockets are closed")
    return Story(before, during, scrape(node), node)


def nobody_watches(node: Node) -> bool:
    """Whether no socket is open."""
    now = scrape(node)
    return now.sum("live_connections") == now.sum("ws_connections") == 0


def mines(node: Node) -> bool:
    """Whether all streams are mined, and a slice of B has told its rate."""
    streams = node.rpc("mds_getMiningStatus")["streams"]
    return all(stream["active"] for stream in streams.values()) and streams["B"]["hashrate"] > 0


def transactions(node: Node) -> None:
    """Of every phase and outcome, and some that the pool refuses."""
    me = dev(2).address
    sent = [
        tools.offer(node, 2, to=tools.neighbour(me, same=True), value=1),
        tools.offer(node, 2, to=tools.neighbour(me, same=False), value=1),
    ]
    made = tools.receipt(node, tools.offer(node, 3, gas=200_000, data=tools.CONTRACT))["contractAddress"]
    near = next(index for index in range(10) if tools.shard(dev(index).address) != tools.shard(made))
    sent += [
        tools.offer(node, near, to=made, gas=100_000),
        tools.offer(node, near, to=made, gas=100_000, data="0x01"),
    ]
    found = [tools.receipt(node, tx_hash) for tx_hash in sent]
    assert [int(one["status"], 16) for one in found] == [1, 1, 1, 0]
    nonce = int(node.rpc("eth_getTransactionCount", me, "pending"), 16)
    refused = node.rpc("eth_sendRawTransaction", tools.sign(node, 2, nonce, to=me, value=10**30))
    assert "insufficient funds" in refused["message"]


def calls(node: Node) -> Scrape:
    """Good ones, bad ones and unknown ones, over HTTP and a socket; what a scrape showed while the socket was open."""
    assert node.rpc("eth_getBalance", "0x12", "latest")["code"] == -32602
    for _ in range(3):
        assert node.rpc("eth_" + secrets.token_hex(6))["code"] == -32601
    assert requests.post(node.rpc_url, data=b"{", timeout=30).json()["error"]["code"] == -32700
    live = f"ws://127.0.0.1:{node.web_port}/ws/live"
    with connect(live, origin=node.web_url) as page, connect(node.rpc_url.replace("http", "ws")) as socket:
        assert page.recv(timeout=30)
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
        assert "result" in json.loads(socket.recv(timeout=30))
        return scrape(node)


def blocks(node: Node) -> None:
    """Bad ones, a reorganisation, a red one, and one transaction in two blocks; nobody else mines."""
    garbage = node.rpc("mds_submitBlock", "0xc0")
    assert garbage["data"]["reason"], garbage
    stranger = node.rpc("mds_submitBlock", tools.sealed(node, tools.template(node, "B", 8), wrong_number=True))
    assert stranger["status"] == "queued"
    wait_for(lambda: scrape(node).sum("writer_queue_blocks") == 0, "the writer has judged it")
    first = tools.offer(node, 5, to=dev(6).address, value=1)
    late = tools.sealed(node, tools.template(node, "B", 8))
    second = tools.offer(node, 5, to=dev(6).address, value=2)
    fast = [node.rpc("mds_submitBlock", block) for block in tools.twins(node)]
    assert all(one["status"] == "queued" for one in fast), fast
    for tx_hash in (first, second):
        tools.receipt(node, tx_hash)
    # a work block outweighs the fast ones that it did not see: they leave the selected chain, and are merged later
    overtaking = node.rpc("mds_submitBlock", late)["hash"]
    wait_for(lambda: (node.rpc("mds_getBlock", overtaking) or {}).get("chainNumber") is not None, "the head has moved")
    for stream in "AB":
        node.rpc("mds_submitBlock", tools.sealed(node, tools.template(node, stream, 9)))
    tools.receipt(node, second)
