"""A node's work that moves every metric: blocks of all streams, transactions of all phases, a reorganisation, calls."""

from __future__ import annotations

import json
import secrets
import time
from typing import Any, NamedTuple

import requests
from websockets.sync.client import connect

from tests.core.consensus.mini import dev
from tests.e2e import scrape as tools
from tests.e2e.node import PATIENCE_S, Node, wait_for
from tests.e2e.scrape import Scrape, scrape


class Story(NamedTuple):
    """A scrape before the work, one while a socket was open, and one after.

    Attributes
    ----------
    at : float
        When the last one was made (time.time).
    around : tuple[dict, dict]
        What ``mds_getDagStats`` told right before and right behind it.
    """

    before: Scrape
    during: Scrape
    after: Scrape
    node: Node
    at: float
    around: tuple[dict[str, Any], dict[str, Any]]

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
    wait_for(lambda: "parents" in node.rpc("mds_getVirtual"), "the writer has published")
    # the lottery needs some work below its anchor; the node's own miners are nice, and may get little of a busy machine
    while node.rpc("mds_getDagStats")["workScore"] <= 6:
        node.rpc("mds_submitBlock", tools.sealed(node, tools.template(node, "B", 8)))
    before = wait_for(lambda: at_work(node), "every miner has begun, and pages of earlier tests are closed")
    transactions(node)
    during = calls(node)
    with tools.operator(node) as operator:
        operator.stop_mining()
        blocks(node)
    return wait_for(lambda: told(before, during, node), "the miners and the index have done their part")


def nobody_watches(now: Scrape) -> bool:
    """Whether no socket is open."""
    return now.sum("live_connections") == now.sum("ws_connections") == 0


def at_work(node: Node) -> Scrape | None:
    """A scrape in which all streams are mined, a slice of B has told its rate, and nobody watches."""
    now = scrape(node)
    is_mined = now.sum("mining_active") == len("ABC") and now.sum("hashrate", stream="B") > 0
    return now if is_mined and nobody_watches(now) else None


def told(before: Scrape, during: Scrape, node: Node) -> Story | None:
    """The story, once everything has followed and the node's own miners, who are in no hurry, have had their turns."""
    # C works while transactions wait
    tools.receipt(node, tools.offer(node, 7, to=dev(7).address))
    first, now, at, last = node.rpc("mds_getDagStats"), scrape(node), time.time(), node.rpc("mds_getDagStats")
    story = Story(before, during, now, node, at, (first, last))
    has_followed = nobody_watches(now) and now.sum("index_lag_blocks") <= 3 and now.sum("outbox_lag_events") < 10
    has_mined = all(story.grew("blocks_mined_total", stream=stream) for stream in "BC")
    turns = [story.grew("celery_tasks_total", task=f"chain.tasks.mine.{stream}", outcome="success") for stream in "abc"]
    # the rpc process hands its sums on a moment later
    is_counted = story.grew("rpc_requests_total", method="invalid")
    return story if has_followed and has_mined and all(turns) and is_counted else None


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
    assert requests.post(node.rpc_url, data=b"{", timeout=PATIENCE_S).json()["error"]["code"] == -32700
    live = f"ws://127.0.0.1:{node.web_port}/ws/live"
    rpc = node.rpc_url.replace("http", "ws")
    with (
        connect(live, origin=node.web_url, open_timeout=PATIENCE_S) as page,
        connect(rpc, open_timeout=PATIENCE_S) as socket,
    ):
        assert page.recv(timeout=PATIENCE_S)
        socket.send(json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_subscribe", "params": ["newHeads"]}))
        assert "result" in json.loads(socket.recv(timeout=PATIENCE_S))
        return wait_for(lambda: watched(node), "the sockets are counted")


def watched(node: Node) -> Scrape | None:
    """A scrape that knows of a page, a socket and its subscription."""
    now = scrape(node)
    return now if all(now.sum(name) for name in ("live_connections", "ws_connections", "ws_subscriptions")) else None


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
