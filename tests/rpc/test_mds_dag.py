"""mds_ methods about order, window, shards and fairness, against the stored scene."""

from __future__ import annotations

from typing import Any

import pytest

from chain.core.shards import shard_of
from chain.rpc import fairness
from chain.selectors.mds import PlacedTransaction
from tests.factories import wallets
from tests.rpc.conftest import Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


def test_order_and_window(rpc: Caller, scene: Scene) -> None:
    order = rpc("mds_getBlockOrder", "0x0")
    assert [(entry["number"], entry["position"]) for entry in order] == sorted(
        (entry["number"], entry["position"]) for entry in order
    )
    chain = {entry["number"]: entry["hash"] for entry in order}
    assert [chain[number] for number in range(5)] == [h(block) for block in scene.hashes[:5]]
    assert sorted(entry["colour"] for entry in order if entry["number"] == 3) == ["blue", "blue", "red"]
    assert rpc("mds_getBlockOrder", "0x3", "0x1") == [entry for entry in order if entry["number"] == 3][:1]
    window = rpc("mds_getDagWindow")
    assert window["sink"] == h(scene.hashes[-1])
    assert {entry["hash"] for entry in order} == {entry["hash"] for entry in window["blocks"]}
    assert rpc("mds_getParentHashes", order[-1]["hash"]) == window["blocks"][0]["parents"]
    assert rpc("mds_getParentHashes", h(bytes(32))) is None
    assert rpc("mds_getBlueScore") == rpc("mds_getNodeStatus")["blueScore"]
    for method, *params in (("mds_getBlockOrder", "0x0", "0x0"), ("mds_getDagWindow", "0xffff")):
        assert rpc.error(method, *params)["code"] == -32602


def test_virtual_is_what_miners_build_on(rpc: Caller, scene: Scene) -> None:
    virtual = rpc("mds_getVirtual")
    template = rpc("mds_getBlockTemplate", "B", {"coinbase": h(wallets.address(0))})
    assert (virtual["selectedParent"], virtual["number"]) == (h(scene.hashes[-1]), len(scene.hashes))
    assert template["templateId"].startswith(f"{virtual['sequence']}-B-")


def test_shards(rpc: Caller, scene: Scene) -> None:
    count, block = scene.factory.spec.shard_count, rpc("eth_getBlockByNumber", "0x1", True)
    for tx in block["transactions"]:
        place = rpc("mds_getCrossShardTransaction", tx["hash"])
        source, target = (shard_of(bytes.fromhex(tx[end][2:]), count) for end in ("from", "to"))
        assert (place["sourceShard"], place["targetShard"], place["crosses"]) == (source, target, source != target)
        assert place["phase"] == ("local" if source == target else "transfer")
        assert rpc("mds_getShardForAddress", tx["from"]) == {"shard": source, "shardCount": count}
        assert place in rpc("mds_getShardTransactions", hex(source), "0x1")
        assert (place in rpc("mds_getCrossShardTransactions", "0x1")) == (source != target)
    parts = [rpc("mds_getShardBlock", hex(shard), "0x1") for shard in range(count)]
    assert [part["root"] for part in parts] == block["shardRoots"]
    assert sum(part["transactions"] for part in parts) == len(block["transactions"])
    alice = h(wallets.address(0))
    assert rpc("mds_getShardBalance", alice, "0x1")["balance"] == rpc("eth_getBalance", alice, "0x1")
    assert rpc("mds_getCrossShardTransaction", h(bytes(32))) is None
    assert rpc.error("mds_getShardBlock", hex(count))["code"] == -32602


def test_fairness_over_the_scene(rpc: Caller) -> None:
    figures = rpc("mds_getFairnessMetrics")
    assert figures["transactions"] == 5
    assert figures["senderConcentration"] == pytest.approx(7 / 25)
    two = rpc("mds_getBlockFairness", "0x2")
    # a tip of 3 gwei stands before one of the wallets' usual
    assert (two["transactions"], two["pairs"], two["inversions"], two["ownTransactions"]) == (2, 1, 0, 0)
    mev = rpc("mds_getMevMetrics")
    assert (mev["sandwichShapes"], mev["examples"]) == (0, [])
    receipts = [r for n in range(5) for r in rpc("eth_getBlockReceipts", hex(n))]
    bases = {n: int(rpc("eth_getBlockByNumber", hex(n), False)["baseFeePerGas"], 16) for n in range(5)}
    paid = sum(
        (int(r["effectiveGasPrice"], 16) - bases[int(r["blockNumber"], 16)]) * int(r["gasUsed"], 16) for r in receipts
    )
    assert int(mev["tips"], 16) == paid
    assert rpc.error("mds_getMevMetrics", "0x65")["code"] == -32602


def placed(sender: int, tip: int, position: int, *, block: bytes = b"b", to: int = 9, data: bytes = b"\x01") -> Any:
    raw, tx = wallets.transfer(sender, position, wallets.address(to), 0, data=data, gas_limit=50_000, chain_id=5)
    return PlacedTransaction(
        1, position, tx.hash, 1, 0, 1, 21_000, tip, block, position, wallets.address(80), raw, tx.sender
    )


def test_formulas() -> None:
    rows = [placed(1, 5, 0), placed(2, 9, 1), placed(1, 3, 2), placed(3, 3, 3), placed(3, 8, 4)]
    assert fairness.order_figures(rows) == {"pairs": 3, "inversions": 1, "tipOrder": pytest.approx(2 / 3)}
    assert fairness.order_figures(rows[:1])["tipOrder"] is None
    # neighbours in the order who come from different blocks are nobody's choice
    assert fairness.order_figures([rows[0], placed(2, 9, 1, block=b"c")])["pairs"] == 0
    assert fairness.concentration([]) is None
    assert fairness.concentration([(b"a", 3), (b"b", 1)]) == pytest.approx(10 / 16)
    assert [[row.position for row in shape] for shape in fairness.sandwich_shapes(rows)] == [[0, 1, 2]]
    assert fairness.sandwich_shapes([placed(1, 1, 0), placed(1, 1, 1), placed(1, 1, 2)]) == []
    assert fairness.sandwich_shapes([placed(1, 1, 0), placed(2, 1, 1, to=8), placed(1, 1, 2)]) == []


def test_rates_mining_and_peers(rpc: Caller) -> None:
    assert sorted(rpc("mds_getTps")) == ["10s", "1s", "60s", "atMs"]
    dashboard = rpc("mds_getMiningDashboard")
    assert dashboard["blocks"] == rpc("mds_getDagStats")["blocks"]
    assert int(dashboard["reward"]["A"], 16) > 0
    assert rpc("mds_getPeers") == []
    policy = rpc("mds_getOrderingPolicy")
    assert policy["policy"] in policy["available"]


def test_senders_and_lines_of_the_pool(rpc: Caller, scene: Scene) -> None:
    raw, tx = scene.factory.send(scene.hashes[-1], 5, wallets.address(60), 7)
    rpc("eth_sendRawTransaction", h(raw))
    sender = h(wallets.address(5))
    own = rpc("txpool_contentFrom", sender)
    assert own["pending"][str(tx.nonce)]["hash"] == h(tx.hash)
    assert own["queued"] == {}
    line = rpc("txpool_inspect")["pending"][sender][str(tx.nonce)]
    assert line == f"{h(wallets.address(60))}: 7 wei + 21000 gas × {tx.max_fee} wei"
