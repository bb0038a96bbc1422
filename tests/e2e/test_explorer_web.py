"""The explorer of a running node in a real browser: every page reached by presses, and what it says held against
what JSON-RPC says."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.e2e import scrape as tools
from tests.e2e.node import Node
from tests.e2e.traffic import ETHER, HOLDERS, REASON, Traffic
from tests.e2e.visitor import Visitor, digits, short

pytestmark = pytest.mark.e2e

# rows of a page
PAGE = 25


@pytest.fixture
def node(traffic: Traffic) -> Node:
    return traffic.node


# ---- blocks ----


def test_from_the_front_to_a_block_and_its_neighbours(visitor: Visitor, node: Node) -> None:
    visitor.go("/")
    assert visitor.follow(".rooms a", "Blocks").startswith("Blocks")
    number = digits(visitor.column(1)[10])
    told = node.rpc("mds_getBlock", node.rpc("eth_getBlockByNumber", hex(number), False)["hash"])
    visitor.follow(f"main tbody th a[href='/block/{number}']")
    assert digits(visitor.says("h1")) == number
    assert f"Mined in stream {told['stream']}" in visitor.says()
    assert visitor.full(".facts > dd:first-of-type [data-full]")[0] == told["hash"]
    visitor.sees(r"Seal valid")
    visitor.sees(r"Confirmations \d+")
    assert digits(visitor.says(".facts dd:nth-of-type(5)").split("·")[0]) == told["blueScore"]
    for name, wanted in (("Parents", told["parents"]), ("Mergeset, blue", told["mergesetBlues"])):
        assert set(visitor.full(f"[aria-label='{name}'] td:first-child [data-full]")) == set(wanted), name
    # to a parent, and back by its list of children
    parent = visitor.full("[aria-label='Parents'] td:first-child [data-full]")[0]
    visitor.follow("[aria-label='Parents'] td:first-child a")
    assert visitor.path == f"/block/{parent}"
    assert told["hash"] in visitor.full("[aria-label='Children'] td:first-child [data-full]")
    visitor.follow("[aria-label='Children'] a[data-full='" + told["hash"] + "']")
    assert visitor.path == f"/block/{told['hash']}"
    # along the chain
    visitor.follow("a[rel=next]")
    assert visitor.path == f"/block/{number + 1}"
    visitor.follow("a[rel=prev]")
    visitor.follow(".crumbs a", "Blocks")
    assert visitor.path == "/blocks"


def test_genesis_and_blocks_of_each_stream(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    assert "The first block of devnet" in visitor.go("/block/0")
    carrier = visitor.go(f"/block/{traffic.carrier}")
    assert "Mined in stream B" in carrier
    assert "kHeavyHash" in carrier
    number = int(node.rpc("eth_getTransactionReceipt", traffic.sent["moved"])["blockNumber"], 16)
    told = node.rpc("eth_getBlockByNumber", hex(number), False)
    said = visitor.go(f"/block/{number}")
    assert f"Mined in stream {told['stream']}" in said
    assert short(traffic.sent["moved"]) in said
    assert "transfer" in visitor.column(2)


def test_the_whole_dag_in_pages(visitor: Visitor, node: Node) -> None:
    visitor.go("/blocks")
    visitor.follow(".tabs a", "Whole DAG")
    assert visitor.path == "/blocks/dag"
    first = visitor.full("tbody td:first-child [data-full]")
    assert len(first) == PAGE
    scores = [digits(text) for text in visitor.column(4)]
    assert scores == sorted(scores, reverse=True)
    for block, colour in list(zip(first, visitor.column(3), strict=True))[:5]:
        told = node.rpc("mds_getBlock", block)
        # it may have been merged since the page was made
        assert colour in ("not merged", told["colour"])
    visitor.follow(".pager a", "Older ›")
    assert not set(first) & set(visitor.full("tbody td:first-child [data-full]"))


def test_pages_of_blocks_and_their_permalinks(visitor: Visitor) -> None:
    visitor.go("/blocks")
    first = [digits(text) for text in visitor.column(1)]
    assert visitor.page.run("document.querySelector('.pager [aria-disabled]').innerText") == "‹ Newer"
    visitor.follow(".pager a", "Older ›")
    second, place = visitor.column(1), visitor.path
    assert [digits(text) for text in second] == [number - PAGE for number in first]
    visitor.follow(".pager a", "‹ Newer")
    assert first[-1] in [digits(text) for text in visitor.column(1)]
    # what stands below a place stands there for good
    visitor.go(place)
    assert visitor.column(1) == second
    visitor.go("/blocks?before=3")
    assert [digits(text) for text in visitor.column(1)] == [2, 1, 0]
    assert visitor.page.run("document.querySelector('.pager [aria-disabled]').innerText") == "Older ›"


# ---- transactions ----


def test_a_transfer_tells_its_story(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    visitor.go("/")
    visitor.follow(".rooms a", "Transactions")
    visitor.follow(".pager a", "Older ›")
    assert len(visitor.column(1)) == PAGE
    sent = node.rpc("eth_getTransactionByHash", traffic.sent["near"])
    said = visitor.search(traffic.sent["near"])
    assert f"{short(sent['from'])} sent 3 MSHW to {short(sent['to'])}; accepted in block" in said
    number = int(node.rpc("eth_getTransactionReceipt", traffic.sent["near"])["blockNumber"], 16)
    deep = re.search(r"([\d\u202f ]+) blocks deep", said)
    assert deep
    # blocks that came since the page said so, or left for others
    assert abs(node.number() - number + 1 - digits(deep[1])) <= 30
    assert "within one shard" in said
    assert "success" in visitor.says(".headline")
    # amounts in wei on demand, everywhere on the page
    visitor.press(".sentence .amount")
    visitor.sees(r"sent 3 000 000 000 000 000 000 wei".replace(" ", "\\s"))
    visitor.press(".sentence .amount")
    visitor.sees("sent 3 MSHW")
    visitor.follow(".facts a[data-full]", sent["to"])
    assert visitor.path == f"/address/{sent['to']}"


def test_a_transfer_across_shards_names_both(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    sent = node.rpc("eth_getTransactionByHash", traffic.sent["far"])
    lanes = [tools.shard(sent[side]) for side in ("from", "to")]
    assert f", across shards {lanes[0]}→{lanes[1]}" in visitor.go(f"/tx/{traffic.sent['far']}")
    visitor.follow("main .facts a[href^='/shard/']", str(lanes[0]))
    assert visitor.says("h1") == f"Shard {lanes[0]}"


def test_a_call_is_decoded_with_its_log(visitor: Visitor, traffic: Traffic) -> None:
    said = visitor.go(f"/tx/{traffic.sent['moved']}")
    bob, coin = traffic.bob.address.lower(), traffic.contracts["coin"]
    assert f"sent 7 LNT to {short(bob)}" in said
    assert f"7 LNT from {short(traffic.alice.address)} to {short(bob)}" in said
    assert f"transfer(address,uint256) to address {bob}" in said
    assert f"amount uint256 {7 * ETHER}" in said
    assert f"Transfer of {short(coin)}" in said
    assert visitor.full(".log dd [data-full]") == [traffic.alice.address.lower(), bob]
    visitor.press(".log summary", "raw")
    visitor.sees("topic 0 0xddf252ad")


def test_calls_inside_are_traced_on_demand(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    visitor.go(f"/tx/{traffic.sent['bought']}")
    visitor.press("[data-trace]", "Trace it")
    entries = node.rpc("ots_traceTransaction", traffic.sent["bought"])
    assert len(entries) >= 4
    visitor.sees(rf"{len(entries)} calls")
    kinds = visitor.page.texts("#internal tbody td:first-child")
    assert [kind.split() for kind in kinds] == [[str(one["depth"]), one["type"].lower()] for one in entries]
    assert "0.25 MSHW" in visitor.says("#internal")


def test_a_failed_call_says_why(visitor: Visitor, traffic: Traffic) -> None:
    said = visitor.go(f"/tx/{traffic.sent['failed']}")
    assert "which failed" in said
    assert "failed" in visitor.says(".headline")
    visitor.press("[data-trace]", "Trace it")
    visitor.sees(f"It failed: .*{REASON}")


def test_a_creation_and_an_access_list(visitor: Visitor, traffic: Traffic) -> None:
    said = visitor.go(f"/tx/{traffic.sent['creation']}")
    assert f"made the contract {short(traffic.contracts['coin'])}" in said
    said = visitor.go(f"/tx/{traffic.sent['listed']}")
    assert f"Access list {short(traffic.bob.address)} 1 slot" in said


def test_what_was_not_accepted_says_so(visitor: Visitor, traffic: Traffic) -> None:
    said = visitor.go(f"/tx/{traffic.sent['pending']}")
    assert "wants to send" in said
    assert "it came into the pool" in said
    assert "is missing" in said
    assert "Most it may cost" in said
    said = visitor.go(f"/tx/{traffic.sent['poor']}")
    assert "left out" in visitor.says(".headline")
    assert "its sender could not pay its value and the most that its gas may cost" in said
    visitor.follow(".alert a", f"block {traffic.merged}")
    said = visitor.says()
    assert f"{short(traffic.sent['poor'])} {short(traffic.carrier)} its sender could not pay" in said
    visitor.follow(f"a[data-full='{traffic.sent['loser']}']")
    said = visitor.says()
    assert "replaced" in visitor.says(".headline")
    assert f"{short(traffic.sent['winner'])} took its nonce, so it never will" in said
    visitor.follow(".sentence a", short(traffic.sent["winner"]))
    assert visitor.path == f"/tx/{traffic.sent['winner']}"


# ---- search, files, and what is not there ----


def test_search_finds_by_everything(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    visitor.go("/tokens")
    block = node.rpc("eth_getBlockByNumber", "0x5", False)["hash"]
    coin = traffic.contracts["coin"]
    for asked, goal in (
        ("5", "/block/5"),
        (block, f"/block/{block}"),
        (block[2:].upper(), f"/block/{block}"),
        (traffic.sent["moved"], f"/tx/{traffic.sent['moved']}"),
        (traffic.sent["pending"], f"/tx/{traffic.sent['pending']}"),
        (coin, f"/address/{coin}"),
        ("lantern", f"/token/{coin}"),
        (" 5 ", "/block/5"),
    ):
        visitor.search(asked)
        assert visitor.path == goal, asked
    for asked, hint in (
        ("0x123", "A hash has 64 hex digits, an address 40."),
        ("99999999999", "The selected chain has no block of this number."),
        ("0x" + "ab" * 32, "This node knows neither a block nor a transaction of this hash."),
        ("%_'\"><img src=x onerror=alert(1)>", "No token has such a name."),
    ):
        said = visitor.search(asked)
        assert hint in said
        assert asked in said


def test_lists_come_as_files(visitor: Visitor, node: Node, traffic: Traffic, tmp_path: Path) -> None:
    ended: list[str] = []
    visitor.page.listeners["Browser.downloadProgress"] = lambda event: ended.append(event["state"])
    visitor.page.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(tmp_path), eventsEnabled=True)
    alice, coin = traffic.alice.address.lower(), traffic.contracts["coin"]

    def fetched(name: str) -> list[dict[str, str]]:
        # a round trip lets events in
        visitor.until(lambda: visitor.says("h1") and "completed" in ended, f"{name}.csv is here")
        ended.clear()
        with (tmp_path / f"{name}.csv").open(newline="") as text:
            return list(csv.DictReader(text))

    visitor.go(f"/address/{alice}")
    visitor.press("main a[download]")
    rows = fetched(f"transactions-{alice}")
    by_hash = {row["hash"]: row for row in rows}
    assert len(rows) == len(by_hash) >= HOLDERS
    assert by_hash[traffic.sent["near"]]["value_wei"] == str(3 * ETHER)
    assert by_hash[traffic.sent["failed"]]["status"] == "failed"
    visitor.go(f"/token/{coin}")
    visitor.press("main a[download]")
    rows = fetched(f"transfers-{coin}")
    assert {row["amount"] for row in rows} >= {str(number) for number in range(1, HOLDERS + 1)}
    visitor.go("/blocks")
    visitor.press("main a[download]")
    rows = fetched("blocks")
    numbers = [int(row["number"]) for row in rows]
    assert numbers == list(range(numbers[0], -1, -1))
    del visitor.page.listeners["Browser.downloadProgress"]
    assert rows[-6]["hash"] == node.rpc("eth_getBlockByNumber", "0x5", False)["hash"]


@pytest.mark.parametrize(
    ("path", "status", "words"),
    [
        ("/block/99999999", 404, "The chain has no such number yet"),
        ("/block/0x" + "ab" * 32, 404, "No block has this hash"),
        ("/tx/0x" + "ab" * 32, 404, "This node does not know the transaction"),
        ("/token/0x" + "de" * 20, 404, "This contract has told of no transfers"),
        ("/miner/0x" + "de" * 20, 404, "No block of this coinbase"),
        ("/address/0x12", 404, "Nothing is here"),
        ("/block/nonsense", 404, "Nothing is here"),
        ("/shard/99", 404, "Nothing is here"),
        ("/nowhere", 404, "Nothing is here"),
    ],
)
def test_what_is_not_there_says_so(visitor: Visitor, path: str, status: int, words: str) -> None:
    assert words in visitor.go(path, status)
    visitor.follow("main a")
    assert visitor.path != path


def test_the_api_is_described(visitor: Visitor) -> None:
    visitor.go("/")
    said = visitor.follow(".rooms a", "API")
    assert "Read API" in said
    assert "GET /api/v1/blocks" in said
    document: dict[str, Any] = json.loads(visitor.follow("main .sentence a", where="body"))
    assert document["openapi"].startswith("3.")
    assert len(document["paths"]) > 10
