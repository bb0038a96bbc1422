"""The dashboard's line to the node: lost, slept, with gaps, with a reorganisation, over a restart of the server."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.e2e import dashboard
from tests.e2e.dashboard import DEVICES, LIVE, open_dashboard, until
from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Page

node = dashboard.node
browser = dashboard.browser
pytestmark = pytest.mark.e2e


def test_a_lost_line_comes_back_and_a_gap_heals(node: Node, browser: Page) -> None:
    open_dashboard(node, browser)
    browser.call(
        "Network.emulateNetworkConditions", offline=True, latency=0, downloadThroughput=-1, uploadThroughput=-1
    )
    try:
        browser.run("dispatchEvent(new Event('offline'))")
        # an open socket outlasts the switch: the page itself is told to try anew, and cannot
        browser.run(f"{LIVE}.socket.restart()")
        until(browser, "document.querySelector('[data-text]').textContent.includes('does not answer')")
    finally:
        browser.call(
            "Network.emulateNetworkConditions", offline=False, latency=0, downloadThroughput=-1, uploadThroughput=-1
        )
    before = node.number()
    until(
        browser, f"document.querySelector('[data-text]').textContent === 'live' && {LIVE}.dag.head.number >= {before}"
    )
    browser.complaints.clear()


# a socket that can lose a message, and that a test can speak through
TAPPED = """
window.said = [];
window.lines = [];
window.WebSocket = class extends WebSocket {
  constructor(...where) {
    super(...where);
    window.lines.push(where[0]);
  }
  set onmessage(handler) {
    window.tell = message => handler({ data: JSON.stringify(message) });
    super.onmessage = event => {
      if (window.lose && event.data.includes('"type":"dag"')) window.lose = false;
      else if (!window.deaf) handler(event);
    };
  }
  send(text) {
    window.said.push(JSON.parse(text));
    super.send(text);
  }
};
"""


@pytest.fixture
def tapped(browser: Page) -> Iterator[Page]:
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=TAPPED)["identifier"]
    yield browser
    browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_a_lost_message_is_asked_for_again(node: Node, tapped: Page) -> None:
    open_dashboard(node, tapped)
    tapped.run("window.lose = true")
    until(tapped, "window.lose === false")
    until(tapped, "window.said.some(message => message.type === 'resume')")
    seq = tapped.run("window.said.find(message => message.type === 'resume').seq")
    until(tapped, f"{LIVE}.socket.seq > {seq} + 2")
    # every chain block between is there, the one that was lost too
    missing = f"(() => {{ const dag = {LIVE}.dag, numbers = [...dag.blocks.values()].map(block => block.number)"
    missing += ".filter(number => number !== null).sort((a, b) => a - b);"
    missing += " return numbers.filter((number, at) => at && number !== numbers[at - 1] + 1); })()"
    assert tapped.run(missing) == []
    assert tapped.complaints == []


def test_a_laptop_that_slept_catches_up_with_what_it_missed(node: Node, tapped: Page) -> None:
    open_dashboard(node, tapped)
    # its clock stands still as long as it sleeps, so that it does not take the silence for a line that died
    tapped.run(
        f"window.deaf = true; window.first = {LIVE}.dag.sorted[0];"
        " { const asleep = Date.now(); Date.now = () => asleep }"
    )
    held = tapped.run(f"{LIVE}.dag.head.number")
    at = node.number()
    wait_for(lambda: node.number() > at + 2, "the chain grows meanwhile")
    assert tapped.run(f"{LIVE}.dag.head.number") == held
    # nobody closed the line; by the clock of the wall a minute has gone
    tapped.run(
        "window.deaf = false; { const asleep = Date.now(), woken = performance.now();"
        " Date.now = () => asleep + 60000 + performance.now() - woken }"
        " document.dispatchEvent(new Event('visibilitychange'))"
    )
    until(tapped, f"{LIVE}.dag.head.number > {at + 2}")
    first, second = tapped.run("window.lines")
    assert "seq=" not in first
    assert re.search(r"feed=\w+&seq=\d+$", second)
    # not begun anew: what it had is still there
    assert tapped.run(f"window.first === {LIVE}.dag.sorted[0]")


def test_a_page_that_is_older_than_the_node_says_so(node: Node, tapped: Page) -> None:
    open_dashboard(node, tapped)
    tapped.run("window.tell({ v: 2, type: 'news' })")
    assert tapped.texts("[data-text]") == ["this page is older than the node: reload it"]
    before = tapped.run("window.lines.length")
    tapped.run("document.dispatchEvent(new Event('visibilitychange')); dispatchEvent(new Event('online'))")
    assert tapped.run("window.lines.length") == before


def test_a_reorganisation_is_seen_and_told(node: Node, tapped: Page, tmp_path: Path) -> None:
    tapped.device(*DEVICES["wide"])
    open_dashboard(node, tapped)
    until(tapped, f"{LIVE}.dag.sorted.filter(block => block.number).length > 5")
    # looked at in the same breath: what left and what came is drawn for a short while
    toast, announced, gone, come, numbers = tapped.run(
        """
        (() => {
          window.deaf = true;
          const { dag, socket, view } = document.querySelector("[data-dashboard]").live;
          const chain = dag.sorted.filter(block => block.number !== null).sort((a, b) => a.number - b.number);
          const fork = chain.at(-4), id = dag.sorted.at(-1).id + 1000;
          const row = (at, parent) => [id + at, 3 - at % 2, fork.score + 1 + at, Date.now(), 1, null, null, null,
            parent, [parent], "0".repeat(12), "here"];
          const blocks = [row(0, fork.id), row(1, id), row(2, id + 1), row(3, id + 2)];
          const merged = blocks.map((block, at) => [block[0], fork.number + 1 + at, true, true]);
          window.tell({ v: 1, type: "dag", feed: socket.feed, seq: socket.seq + 1, blocks, fork: fork.number,
            removed: 3, merged, head: { ...dag.head, id: id + 3, number: fork.number + 4, score: fork.score + 4 } });
          const { reorg } = document.querySelector("[data-dashboard]").live.shown;
          return [
            document.querySelector("[data-toast]").innerText, document.querySelector("[data-announce]").textContent,
            reorg.gone.length, reorg.come.length, chain.slice(-3).map(({ id }) => dag.blocks.get(id).number),
          ];
        })()
        """
    )
    assert "3 blocks left the selected chain" in toast
    assert "Reorganisation" in announced
    assert (gone, come, numbers) == (3, 4, [None] * 3)
    tapped.screenshot(tmp_path / "reorganisation.png")
    until(tapped, f"{LIVE}.shown.reorg === null")
    assert tapped.complaints == []


def test_it_survives_a_restart_of_the_server(node: Node, browser: Page) -> None:
    """The web process is killed; the supervisor starts it again, and the page goes on by itself."""
    open_dashboard(node, browser)
    feed = browser.run(f"{LIVE}.socket.feed")
    assert node.process is not None
    web = [
        child
        for child in psutil.Process(node.process.pid).children(recursive=True)
        if str(node.web_port) in child.cmdline()
    ]
    assert len(web) == 1
    web[0].kill()
    until(browser, f"{LIVE}.socket.feed !== '{feed}'")
    before = browser.run(f"{LIVE}.dag.head.number")
    until(browser, f"{LIVE}.dag.head.number > {before} + 1")
    until(browser, "document.querySelector('[data-text]').innerText === 'live'")
    # refused connections while nobody listened are no mistakes of the page
    assert {urlsplit(node.web_url).netloc in complaint for complaint in browser.complaints} <= {True}
    browser.complaints.clear()
    wait_for(lambda: requests.get(node.web_url + "/ready", timeout=30).ok, "the node is ready again")
