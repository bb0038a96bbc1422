"""Pages of tokens, holders, shards, streams and miners, open while the chain goes on: they stay true."""

from __future__ import annotations

import pytest
from web3 import Web3

from tests.e2e import scrape as tools
from tests.e2e.contracts import compiled
from tests.e2e.node import wait_for
from tests.e2e.traffic import Traffic
from tests.e2e.visitor import Visitor, digits

pytestmark = pytest.mark.e2e

ROOM = "document.querySelector('[data-live]')"
HEADS = "[data-part=head]"


def come(visitor: Visitor, path: str) -> None:
    """Open a page, wait for its line, and mark it: no other takes its place unseen."""
    visitor.go(path)
    visitor.until(lambda: visitor.page.run(f"{ROOM}.page?.head() !== null && {ROOM}.page !== undefined"), "a live line")
    visitor.page.run("window.mark = 'the same page'")


def list_holds_still_until_asked(visitor: Visitor, what: str) -> None:
    """The list says how much is new, keeps its rows meanwhile, and brings the rest when asked."""
    before = visitor.column(1)
    visitor.until(lambda: visitor.page.run(f"{ROOM}.page.count()") >= 1, f"new {what}s are told")
    visitor.sees(rf"^\d+ new {what}s?$", "[data-live-count]")
    assert visitor.column(1) == before, "nothing moves under a reader"
    visitor.press("[data-live-show]")
    visitor.until(lambda: visitor.column(1) != before, "the list has what is new")
    assert visitor.page.run("window.mark") == "the same page"


def test_a_token_and_its_holders(visitor: Visitor, traffic: Traffic) -> None:
    coin = traffic.contracts["coin"].lower()
    come(visitor, f"/token/{coin}")
    said = visitor.says(HEADS)
    traffic.call("coin", "transfer", traffic.bob.address, 1)
    # the figures follow by themselves
    visitor.until(lambda: visitor.says(HEADS) != said, "the sentence follows")
    list_holds_still_until_asked(visitor, "transfer")
    come(visitor, f"/token/{coin}?tab=holders")
    amounts, stranger = visitor.column(2), "0x" + "e1" * 20
    traffic.call("coin", "transfer", Web3.to_checksum_address(stranger), 10**21)
    visitor.sees(r"^1 new transfer$", "[data-live-count]")
    assert visitor.column(2) == amounts
    visitor.press("[data-live-show]")
    visitor.until(lambda: stranger in visitor.full("main tbody [data-full]"), "the new holder is there")
    assert visitor.page.run("window.mark") == "the same page"


def test_all_tokens(visitor: Visitor, traffic: Traffic) -> None:
    come(visitor, "/tokens")
    rows = visitor.says("main table")
    code = compiled("coin")
    made = Web3().eth.contract(abi=code.abi, bytecode=code.bytecode).constructor("Late Lamp", "LAT", 18, 5)
    (receipt,) = traffic.receipts(traffic.send(traffic.alice, data=made.data_in_transaction, gas=3_000_000))
    visitor.sees(r"^1 new token( · reorganised)?$", "[data-live-count]")
    assert visitor.says("main table") == rows
    visitor.press("[data-live-show]")
    visitor.until(
        lambda: receipt["contractAddress"] in visitor.full("main tbody [data-full]"), "the new token is there"
    )
    # what moves changes the order and the numbers
    traffic.call("coin", "transfer", traffic.bob.address, 1)
    visitor.sees(r"^\d+ new transfers?( · reorganised)?$", "[data-live-count]")
    visitor.go("/tokens?standard=721")
    visitor.sees(r"ERC-721", "main tbody")
    assert visitor.page.run(f"{ROOM}.dataset.watch") == "tokens=721"


def test_a_list_that_was_undone_says_so(visitor: Visitor, traffic: Traffic) -> None:
    """A block of work on what was the head a while ago outweighs the fast ones since then: they leave the chain."""
    node = traffic.node
    first = "document.querySelector('main tbody th a, main tbody td a').innerText"
    with tools.operator(node) as operator:
        operator.stop_mining()
        late = tools.sealed(node, tools.template(node, "B", 8))
        # fast blocks that it has not seen, with a transaction each
        number = node.number()
        for _ in range(2):
            sent = traffic.send(traffic.alice, to=traffic.bob.address, value=1)
            for block in tools.twins(node):
                node.rpc("mds_submitBlock", block)
            traffic.receipts(sent)
        assert node.number() > number
        visitor.until(lambda: lists_all(visitor, sent), "the index has it")
        come(visitor, "/blocks")
        before = visitor.page.run(first)
        overtaking = node.rpc("mds_submitBlock", late)["hash"]
        wait_for(lambda: (node.rpc("mds_getBlock", overtaking) or {}).get("chainNumber") is not None, "the head moved")
        visitor.sees(r"reorganised$", "[data-live-count]")
        assert "undid" in visitor.page.run("document.querySelector('[data-live-show]').title")
        visitor.sees(r"A reorganisation undid some of what this list shows", "[data-announce]")
        assert visitor.page.run(first) == before, "nothing moves under a reader"
        visitor.press("[data-live-show]")
        visitor.until(lambda: overtaking in visitor.full("main tbody [data-full]"), "the list is of the new chain")
        visitor.until(lambda: "eorganised" not in visitor.says("[data-live-count]"), "nothing more to tell")
        assert visitor.page.run("window.mark") == "the same page"


def lists_all(visitor: Visitor, sent: str) -> bool:
    """Whether the list of transactions has it."""
    visitor.go("/tx")
    return sent in visitor.full("main tbody [data-full]")


def test_a_shard_and_all_of_them(visitor: Visitor, traffic: Traffic) -> None:
    visitor.go(f"/address/{traffic.alice.address.lower()}")
    shard = digits(visitor.page.run("document.querySelector('[data-part=head] a[href^=\"/shard/\"]').innerText"))
    come(visitor, f"/shard/{shard}")
    said = visitor.says(HEADS)
    traffic.send(traffic.alice, to=traffic.bob.address, value=1)
    visitor.until(lambda: visitor.says(HEADS) != said, "the figures follow")
    list_holds_still_until_asked(visitor, "transaction")
    come(visitor, "/shards")
    said = visitor.says("[data-part=figures]")
    traffic.send(traffic.alice, to=traffic.bob.address, value=1)
    visitor.until(lambda: visitor.says("[data-part=figures]") != said, "the table follows")
    assert visitor.page.run("window.mark") == "the same page"


def test_streams_and_miners(visitor: Visitor, traffic: Traffic) -> None:
    come(visitor, "/streams")
    # ages change by themselves, these do not
    told = "[...document.querySelectorAll('[data-part=figures] .facts dd:last-child')].map(one => one.innerText).join()"
    lines = "document.getElementById('chart-data').textContent"
    said, drawn = visitor.page.run(told), visitor.page.run(lines)
    assert "blocks" in said
    visitor.until(lambda: visitor.page.run(told) != said, "the cards follow")
    visitor.until(lambda: visitor.page.run(lines) != drawn, "the chart follows")
    # a chain that has just begun has no line yet
    plots = "document.querySelectorAll('.uplot').length"
    visitor.until(lambda: visitor.page.run(plots), "there are minutes to draw", 200)
    assert visitor.page.run(plots) == 1
    assert visitor.page.run("window.mark") == "the same page"
    come(visitor, "/miners")
    said = visitor.says("[data-part=figures]")
    rows = visitor.says("main table")
    visitor.until(lambda: visitor.says("[data-part=figures]") != said, "the cards follow")
    visitor.until(lambda: visitor.page.run(f"{ROOM}.page.count()") >= 1, "new blocks are told")
    assert visitor.says("main table") == rows
    visitor.press("[data-live-show]")
    visitor.until(lambda: visitor.says("main table") != rows, "the ranks follow when asked")
    coinbase = visitor.full("main tbody [data-full]")[0]
    come(visitor, f"/miner/{coinbase}")
    said = visitor.says(HEADS)
    visitor.until(lambda: visitor.says(HEADS) != said, "what he earned follows")
    list_holds_still_until_asked(visitor, "block")


def test_a_press_while_figures_are_fetched_is_not_lost(visitor: Visitor, traffic: Traffic) -> None:
    """On a slow line one fetch is under way most of the time."""
    come(visitor, "/miners")
    rows = visitor.says("main table")
    visitor.until(lambda: visitor.page.run(f"{ROOM}.page.count()") >= 1, "new blocks are told")
    visitor.page.run(
        "window.real = window.fetch; window.asked = 0; window.fetch = (...what) => { window.asked += 1;"
        " return new Promise(go => { window.letGo = go; }).then(() => window.real(...what)); }; 0"
    )
    visitor.until(lambda: visitor.page.run("window.asked") == 1, "figures are fetched")
    visitor.press("[data-live-show]")
    assert visitor.page.run("window.asked") == 1
    assert visitor.says("main table") == rows
    visitor.page.run("window.fetch = window.real; window.letGo(); 0")
    visitor.until(lambda: visitor.says("main table") != rows, "the ranks follow")
    assert visitor.page.run("window.mark") == "the same page"
