"""Pages that the server wrote, open in a real browser while the chain of a running node goes on."""

from __future__ import annotations

import re

import pytest
import requests
from eth_account import Account
from web3 import Web3

from tests.core.consensus.mini import dev
from tests.e2e.dashboard import until
from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Page

pytestmark = pytest.mark.e2e

ETHER = 10**18
# a wallet of devnet that no other test of the shared node sends from
SENDER = 6


@pytest.fixture(scope="module")
def node(mining_node: Node) -> Node:
    wait_for(lambda: mining_node.number() > 3, "the chain grows")
    return mining_node


@pytest.fixture(scope="module")
def browser(tab: Page) -> Page:
    tab.device(1280, 900)
    return tab


def open_live(browser: Page, node: Node, path: str) -> None:
    """Go there and wait until its line has told where the chain stands."""
    browser.open(node.web_url + path)
    until(browser, "document.querySelector('[data-live]')?.page?.head()")


def signed(w3: Web3, receiver: str, ahead: int = 0) -> tuple[str, bytes]:
    """Hash and envelope of a transfer; ``ahead`` leaves so many nonces free before it."""
    account = dev(SENDER)
    made = account.sign_transaction(
        {
            "chainId": w3.eth.chain_id,
            "nonce": w3.eth.get_transaction_count(account.address, "pending") + ahead,
            "gasPrice": 2 * w3.eth.gas_price,
            "gas": 21_000,
            "to": receiver,
            "value": 3 * ETHER,
        }
    )
    return Web3.to_hex(made.hash), made.raw_transaction


def test_a_list_says_what_is_new_and_brings_it_when_asked(node: Node, browser: Page) -> None:
    open_live(browser, node, "/blocks")
    rows = "[...document.querySelectorAll('tbody th a')].map(found => found.getAttribute('href'))"
    before = browser.run(rows)
    until(browser, "document.querySelector('[data-live]').page.count() >= 2")
    assert re.fullmatch(r"\d+ new blocks", browser.texts("[data-live-count]")[0])
    assert browser.run(rows) == before, "nothing moves under a reader"
    place = "document.querySelector('table').getBoundingClientRect().top"
    top = browser.run(place)
    browser.run("document.querySelector('[data-live-show]').click()")
    until(browser, f"{rows}[0] !== '{before[0]}'")
    newest = int(browser.run(rows)[0].rsplit("/", 1)[1])
    assert newest >= int(before[0].rsplit("/", 1)[1]) + 2
    assert browser.run("document.querySelectorAll('tr[data-new]').length") >= 2
    assert browser.run(place) == top
    # held still, it counts no further
    browser.run("document.querySelector('[data-live-switch]').click()")
    held = browser.run("document.querySelector('[data-live]').page.head().seq")
    at = node.number()
    wait_for(lambda: node.number() > at + 2, "the chain grows")
    assert browser.run("document.querySelector('[data-live]').page.head().seq") == held
    browser.run("document.querySelector('[data-live-switch]').click()")
    until(browser, f"document.querySelector('[data-live]').page.head().head.number > {at} + 2")
    assert browser.complaints == []


def test_a_transaction_and_its_receiver_change_by_themselves(node: Node, browser: Page) -> None:
    w3 = node.web3()
    receiver = Account.create().address
    second, later = signed(w3, receiver, ahead=1)
    _, now = signed(w3, receiver)
    w3.eth.send_raw_transaction(later)
    # it waits for the nonce before it
    open_live(browser, node, f"/tx/{second}")
    assert browser.texts("h1 ~ [data-part=state]") == ["pending"]
    browser.run("document.querySelector('[data-live]').dataset.mark = 'the same page'")
    w3.eth.send_raw_transaction(now)
    until(browser, "document.querySelector('[data-part=state]').innerText.includes('success')")
    assert browser.run("document.querySelector('[data-live]').dataset.mark") == "the same page"
    (sentence,) = browser.texts(".sentence")
    assert "accepted in block" in sentence
    until(browser, "/^[3-9]|\\d\\d/.test(document.querySelector('[data-confirmed-by]').innerText)")
    # and the one who got it, once the index has both: what is new counts from what the page lists
    address = f"{node.web_url}/api/v1/addresses/{receiver}"
    wait_for(lambda: requests.get(address, timeout=30).json().get("transactions") == 2, "the index has both")
    open_live(browser, node, f"/address/{receiver.lower()}")
    assert browser.texts("dd[data-balance] .figure") == ["6"]
    _, more = signed(w3, receiver)
    w3.eth.send_raw_transaction(more)
    until(browser, "document.querySelector('dd[data-balance] .figure').innerText === '9'")
    until(browser, "document.querySelector('[data-live]').page.count() === 1")
    browser.run("document.querySelector('[data-live-show]').click()")
    until(browser, "document.querySelectorAll('[data-part=rows] tbody tr').length === 3")
    assert browser.complaints == []


def test_a_transaction_that_nobody_knew_appears(node: Node, browser: Page) -> None:
    w3 = node.web3()
    tx_hash, raw = signed(w3, Account.create().address)
    open_live(browser, node, f"/tx/{tx_hash}")
    assert browser.texts("h1") == ["Unknown transaction"]
    browser.wait("Page.loadEventFired")
    w3.eth.send_raw_transaction(raw)
    # the page goes on to itself
    browser.wait("Page.loadEventFired")
    assert browser.texts("h1") == ["Transaction"]


def test_a_page_whose_node_does_not_answer_says_so(node: Node, browser: Page) -> None:
    """In words beside the headline and aloud, and it goes on by itself."""
    open_live(browser, node, "/blocks")
    label = "document.querySelector('[data-live-label]').innerText"
    # what is said is soon followed by what is new
    browser.run(
        "window.heard = []; new MutationObserver(changes => changes.forEach(change => change.addedNodes.forEach("
        "node => heard.push(node.data)))).observe(document.querySelector('[data-announce]'), { childList: true })"
    )
    until(browser, f"{label} === 'Live'")
    unreachable = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
    browser.call("Network.emulateNetworkConditions", offline=True, **unreachable)
    try:
        # an open socket outlasts the switch
        browser.run("document.querySelector('[data-live]').page.line().restart()")
        until(browser, f"{label} === 'No answer'")
        until(browser, "heard.some(said => said.includes('does not answer'))")
    finally:
        browser.call("Network.emulateNetworkConditions", offline=False, **unreachable)
    until(browser, f"{label} === 'Live'")
    until(browser, "heard.some(said => said.includes('answers again'))")
    before = node.number()
    until(browser, f"document.querySelector('[data-live]').page.head().head.number > {before}")
    browser.complaints.clear()


def test_a_part_stays_while_it_is_pressed_on(node: Node, browser: Page) -> None:
    """A link that is replaced between a button's going down and its coming up would not be followed."""
    open_live(browser, node, "/blocks")
    until(browser, "document.querySelector('[data-live]').page.count() >= 1")
    browser.run("document.querySelector('[data-part=rows]').dataset.before = ''")
    browser.run("document.dispatchEvent(new PointerEvent('pointerdown', { bubbles: true }))")
    browser.run("document.querySelector('[data-live-show]').click()")
    until(browser, "performance.getEntriesByName(location.href, 'resource').length")
    # what came is read and put in its place right behind
    browser.run("new Promise(done => setTimeout(done, 500))")
    assert browser.run("'before' in document.querySelector('[data-part=rows]').dataset")
    browser.run("document.dispatchEvent(new PointerEvent('pointerup', { bubbles: true }))")
    until(browser, "!('before' in document.querySelector('[data-part=rows]').dataset)")
