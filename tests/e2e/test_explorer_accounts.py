"""Addresses, contracts, tokens and the figures of the chain in a real browser; a contract is read and written, too."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.e2e import scrape as tools
from tests.e2e.contracts import compiled
from tests.e2e.node import Node
from tests.e2e.traffic import EVIL, TRACING_S, Traffic
from tests.e2e.visitor import Visitor, digits, short
from tests.e2e.wallet import Wallet

pytestmark = pytest.mark.e2e

# rows of a page
PAGE = 25


@pytest.fixture
def node(traffic: Traffic) -> Node:
    return traffic.node


# ---- addresses and contracts ----


def test_an_address_and_all_its_parts(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    alice = traffic.alice.address
    traffic.settle()
    visitor.go("/tokens")
    said = visitor.search(alice)
    assert visitor.path == f"/address/{alice.lower()}"
    sent = int(node.rpc("eth_getTransactionCount", alice, "latest"), 16)
    assert f"{sent} of them its own" in said
    wei = int(node.rpc("eth_getBalance", alice, "latest"), 16)
    assert visitor.page.run("document.querySelector('.facts .amount').dataset.wei") == str(wei)
    first = visitor.full("tbody td:first-child [data-full]")
    visitor.follow(".pager a", "Older ›")
    assert not set(first) & set(visitor.full("tbody td:first-child [data-full]"))
    visitor.follow(".tabs a", "Token transfers")
    assert "Lantern" in visitor.says() or "LNT" in visitor.says()
    assert len(visitor.column(1)) == PAGE
    visitor.follow(".tabs a", "Tokens")
    held = dict(zip(visitor.column(1), visitor.column(5), strict=True))
    coins = balance(traffic, alice) // 10**18
    assert coins > 900_000
    assert held["Lantern"].startswith(f"{coins // 1000}\u202f{coins % 1000:03d}.")
    assert (held["Night Gardens"], held[EVIL]) == ("2", "653")
    assert "1009" in visitor.says("[aria-label=Items]")


def test_an_address_that_nobody_used(visitor: Visitor) -> None:
    visitor.go("/tokens")
    said = visitor.search("0x" + "de" * 20)
    assert "The chain has never seen this address" in said
    assert "No transactions" in said
    assert visitor.page.run("document.querySelector('.tabs a[href$=contract]')") is None


def test_a_contract_is_read_by_an_abi_of_ones_own(visitor: Visitor, traffic: Traffic, tmp_path: Path) -> None:
    coin, alice = traffic.contracts["coin"], traffic.alice.address
    visitor.go(f"/address/{coin}")
    assert "by " + short(alice) in visitor.says(".facts")
    visitor.follow(".tabs a", "Contract")
    visitor.fill("#abi", "nonsense")
    visitor.press("[data-abi-use]")
    visitor.sees("This is no ABI")
    file = tmp_path / "coin.json"
    file.write_text(json.dumps({"abi": compiled("coin").abi}))
    document = visitor.page.call("DOM.getDocument", depth=0)["root"]["nodeId"]
    chosen = visitor.page.call("DOM.querySelector", nodeId=document, selector="[data-abi-file]")["nodeId"]
    visitor.page.call("DOM.setFileInputFiles", files=[str(file)], nodeId=chosen)
    functions = [one for one in compiled("coin").abi if one["type"] == "function"]
    visitor.sees(f"{len(functions)} functions")
    ask(visitor, "balanceOf", alice)
    visitor.until(lambda: answer(visitor, "balanceOf") == str(balance(traffic, alice)), "the balance")
    visitor.expect_refusal("/abi/encode")
    ask(visitor, "balanceOf", "0x12")
    visitor.until(lambda: "argument 1 is no address" in answer(visitor, "balanceOf"), "what is wrong")
    # it is kept for the next visit, until it is to be forgotten
    visitor.go(f"/address/{coin}/contract")
    ask(visitor, "symbol")
    visitor.until(lambda: answer(visitor, "symbol") == "LNT", "the symbol")
    visitor.press("[data-abi-forget]")
    visitor.sees("Forgotten")
    visitor.go(f"/address/{coin}/contract")
    assert visitor.page.run("document.querySelectorAll('form.call').length") == 0


def test_a_contract_is_written_by_the_visitors_wallet(visitor: Visitor, node: Node, traffic: Traffic) -> None:
    coin, heir = traffic.contracts["coin"], "0x" + "77" * 20
    path = f"/address/{coin}/contract"
    visitor.go(path)
    visitor.press("[data-abi-standard='20']")
    ask(visitor, "transfer", heir, "5")
    visitor.until(lambda: "No wallet was found" in answer(visitor, "transfer"), "there is no wallet")
    wallet = Wallet(visitor.page, node, traffic.alice)
    visitor.meanwhile = wallet.serve
    try:
        visitor.go(path)
        wallet.chain_id = "0x1"
        ask(visitor, "transfer", heir, "5")
        visitor.until(lambda: "The wallet is on chain 1" in answer(visitor, "transfer"), "the wrong chain is told")
        wallet.chain_id, wallet.refuses = None, True
        ask(visitor, "transfer", heir, "5")
        visitor.until(lambda: "The user refused." in answer(visitor, "transfer"), "the refusal is told")
        wallet.refuses = False
        ask(visitor, "transfer", heir, "5")
        visitor.until(lambda: "Sent" in answer(visitor, "transfer"), "it was sent")
        (tx_hash,) = wallet.sent
        assert int(tools.receipt(node, tx_hash)["status"], 16) == 1
        visitor.follow("form.call pre a", tx_hash)
        # five of the smallest units
        assert re.search(rf"sent <\s?0\.000001 LNT to {short(heir)}", visitor.says())
        assert visitor.path == f"/tx/{tx_hash}"
    finally:
        wallet.remove()
    assert balance(traffic, heir) == 5


def ask(visitor: Visitor, function: str, *arguments: str) -> None:
    """Fill in a function's form and press its button."""
    form = visitor.until(lambda: form_of(visitor, function), f"a form for {function}")
    for place, text in enumerate(arguments):
        visitor.fill(f"{form} .field:nth-of-type({place + 1}) input", text)
    visitor.press(f"{form} button")


def answer(visitor: Visitor, function: str) -> str:
    """What stands in the answer of a function's form."""
    return str(visitor.page.run(f"document.querySelector({json.dumps(form_of(visitor, function) + ' pre')}).innerText"))


def form_of(visitor: Visitor, function: str) -> str:
    """A selector of the function's form; empty where there is none."""
    found = (
        "(() => { const forms = [...document.querySelectorAll('form.call')];"
        f"const at = forms.findIndex(one => one.querySelector('h3').innerText === {json.dumps(function)});"
        "if (at < 0) return ''; forms[at].id ||= `form-${at}`; return '#' + forms[at].id; })()"
    )
    return str(visitor.page.run(found))


def balance(traffic: Traffic, owner: str) -> int:
    """What an address holds of the coin."""
    coin = traffic.contract("coin")
    owner = traffic.node.web3().to_checksum_address(owner)
    data = coin.encode_abi("balanceOf", [owner])
    return int(traffic.node.rpc("eth_call", {"to": coin.address, "data": data}, "latest"), 16)


# ---- tokens and figures ----


def test_tokens_by_standard_with_holders_and_transfers(visitor: Visitor, traffic: Traffic) -> None:
    visitor.go("/")
    visitor.follow(".rooms a", "Tokens")
    visitor.follow(".choice a", "ERC-1155")
    assert "Workshop Goods" in visitor.column(1)
    assert set(visitor.column(3)) == {"ERC-1155"}
    visitor.follow("main tbody th a", "Workshop Goods")
    assert visitor.path == f"/token/{traffic.contracts['goods']}"
    assert visitor.says("h1") == "Workshop Goods WSG"
    visitor.go(f"/token/{traffic.contracts['coin']}")
    assert len(visitor.column(1)) == PAGE
    visitor.follow(".pager a", "More ›")
    assert 0 < len(visitor.column(1)) < PAGE
    visitor.follow(".tabs a", "Holders")
    holders = visitor.column(1)
    assert (holders[0], len(holders)) == (short(traffic.alice.address), PAGE)
    visitor.follow(".pager a", "More ›")
    assert not set(holders) & set(visitor.column(1))


def test_a_hostile_name_is_text(visitor: Visitor, traffic: Traffic) -> None:
    opened: list[str] = []
    visitor.page.listeners["Page.javascriptDialogOpening"] = lambda event: opened.append(event["message"])
    for path in ("/tokens", f"/token/{traffic.contracts['evil']}", f"/address/{traffic.contracts['evil']}",
                 f"/address/{traffic.bob.address.lower()}/tokens", "/search?q=%3Cscript"):  # fmt: skip
        visitor.go(path)
        assert EVIL in visitor.says() or "<b>XSS</b>" in visitor.says(), path
        assert visitor.page.run("document.querySelectorAll('main script:not([src], [type]), main b').length") == 0
    del visitor.page.listeners["Page.javascriptDialogOpening"]
    assert opened == []


def test_streams_say_how_they_run(visitor: Visitor, node: Node) -> None:
    visitor.go("/")
    said = visitor.follow(".rooms a", "Streams")
    assert "Three streams of blocks make one chain" in said
    # in this order: the cards follow the chain, too
    cards = [visitor.says(f".thirds .card:nth-of-type({card})") for card in (1, 2, 3)]
    counts = node.rpc("mds_getDagStats")["blocks"]
    for stream, shown in zip("ABC", cards, strict=True):
        assert shown.startswith(f"{stream} ")
        since = re.search(r"Since genesis ([\d ]+) blocks?", shown)
        assert since
        assert 0 < digits(since[1]) <= counts[stream]
    # another block may be its newest by the time of the press
    newest = visitor.full(".thirds .card:nth-of-type(2) [data-full]")[0]
    before = node.rpc("mds_getBlock", newest)
    assert "Mined in stream B" in visitor.follow(".thirds .card:nth-of-type(2) a[data-full]")
    followed = node.rpc("mds_getBlock", visitor.path.removeprefix("/block/"))
    assert (before["stream"], followed["stream"]) == ("B", "B")
    assert int(followed["blueScore"]) >= int(before["blueScore"])


def test_shards_miners_fees_and_supply(visitor: Visitor, node: Node) -> None:
    visitor.go("/")
    visitor.follow(".rooms a", "Shards")
    assert visitor.column(1) == [str(number) for number in range(10)]
    visitor.follow("main tbody th a", "3")
    assert visitor.path == "/shard/3"
    visitor.follow(".rooms a", "Miners")
    assert [f"Stream {stream}"[-1] for stream in "ABC"] == [text[0] for text in visitor.page.texts(".thirds h2")]
    assert visitor.column(1)[0] == "1"
    visitor.follow("main tbody td a")
    assert visitor.path.startswith("/miner/0x")
    assert re.search(r"earned [\d.\u202f …]+ MSHW with \d+ blocks?", visitor.says())
    visitor.follow(".rooms a", "Fees")
    assert "A plain transfer costs about" in visitor.says()
    assert_chart(visitor)
    visitor.follow(".choice a:not([aria-current])")
    assert "span=" in visitor.path
    visitor.follow(".rooms a", "Supply")
    supply = int(visitor.page.run("document.querySelector('.sentence .amount').dataset.wei"))
    assert supply > 10**18
    assert_chart(visitor)


def assert_chart(visitor: Visitor) -> None:
    """The chart holds a picture: more than one colour."""
    visitor.until(lambda: visitor.page.run("document.querySelector('.chart canvas') !== null"), "a chart")
    drawn = (
        "(() => { const canvas = document.querySelector('.chart canvas');"
        "const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        "const seen = new Set(); for (let at = 0; at < pixels.length; at += 4)"
        "seen.add(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]); return seen.size; })()"
    )
    visitor.until(lambda: visitor.page.run(drawn) > 2, "lines in the chart")


def test_what_moved_inside_transactions_is_listed(visitor: Visitor, traffic: Traffic) -> None:
    alice = traffic.alice.address.lower()
    visitor.go(f"/address/{alice}")
    visitor.follow(".tabs a", "Internal")
    assert visitor.path == f"/address/{alice}/internal"

    def listed() -> bool:
        # calls are traced behind the index, a little at a time
        visitor.go(f"/address/{alice}/internal")
        return traffic.sent["bought"] in visitor.full("tbody [data-full]")

    visitor.until(listed, "the sale is traced", TRACING_S)
    assert "0.25" in visitor.says("tbody")
