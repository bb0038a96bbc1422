"""The dashboard of a running node in a real browser: draws what the node has, grows with it, asks nobody else."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
import requests

from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Page, chromium

pytestmark = pytest.mark.e2e

DEVICES = {"phone": (390, 844), "tablet": (820, 1180), "wide": (1600, 1000)}
# bytes that the first paint may need
FIRST_PAINT = 100_000
# WCAG 2.1, success criterion 1.4.3: the ratio of text to ground, for text of normal size
CONTRAST = 4.5
# every element with text of its own: its colour against the first ground below it that is not transparent
CONTRASTS = """
(() => {
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgb = colour => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([red, green, blue]) => [red, green, blue]
    .map(part => part / 255)
    .map(part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4)
    .reduce((sum, part, at) => sum + part * [0.2126, 0.7152, 0.0722][at], 0);
  const ground = element => {
    for (let at = element; at; at = at.parentElement) {
      const found = rgb(getComputedStyle(at).backgroundColor);
      if (found[3] === 255) return found;
    }
    return [255, 255, 255, 255];
  };
  return [...document.body.querySelectorAll("*")]
    .filter(element => [...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()))
    .map(element => {
      const both = [light(rgb(getComputedStyle(element).color)), light(ground(element))].sort((a, b) => b - a);
      return [element.tagName + " " + element.innerText.slice(0, 20), (both[0] + 0.05) / (both[1] + 0.05)];
    });
})()
"""


@pytest.fixture(scope="module")
def node(mining_node: Node) -> Node:
    """With a few blocks to show."""
    wait_for(lambda: mining_node.number() > 3, "the chain grows")
    return mining_node


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


def until(page: Page, expression: str) -> None:
    """Wait in the page until an expression is true; the bound only ends a hopeless wait."""
    loop = """
    (async () => {
      for (let turn = 0; turn < 600; turn++) {
        if (%s) return true;
        await new Promise(done => setTimeout(done, 100));
      }
      return false;
    })()
    """
    assert page.run(loop % expression), f"never true: {expression}"


LIVE = "document.querySelector('[data-dashboard]').live"


def open_dashboard(node: Node, page: Page) -> None:
    """Go there and wait for the snapshot."""
    page.complaints.clear()
    page.open(node.web_url + "/")
    until(page, f"typeof {LIVE} === 'object' && {LIVE}.dag.head !== null")


def press(page: Page, x: float, y: float) -> None:
    """Press the mouse somewhere."""
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        page.call(
            "Input.dispatchMouseEvent",
            type=kind,
            x=x,
            y=y,
            button="none" if kind == "mouseMoved" else "left",
            clickCount=1,
        )


def digits(text: str) -> int:
    """A number as the page groups it."""
    return int(re.sub(r"\D", "", text))


def test_it_draws_the_nodes_blocks_and_grows(node: Node, browser: Page) -> None:
    browser.device(*DEVICES["wide"])
    open_dashboard(node, browser)
    before = browser.run(f"{LIVE}.dag.head.number")
    until(browser, f"{LIVE}.dag.head.number > {before} + 1")
    shown = browser.run(
        f"[...{LIVE}.dag.blocks.values()].filter(block => block.number !== null)"
        ".map(block => [block.number, block.hash, block.stream, block.transactions])"
    )
    assert len(shown) > 3
    # below what a reorganisation between two calls takes away
    for number, short, stream, transactions in sorted(shown)[: max(1, len(shown) - 10)][-20:]:
        block = node.rpc("eth_getBlockByNumber", hex(number), False)
        assert block["hash"].startswith("0x" + short)
        assert block["stream"] == ("genesis" if stream == 0 else "ABC"[stream - 1])
        dag_block = node.rpc("mds_getBlock", block["hash"])
        assert transactions == len(dag_block["transactions"])
    (headline,) = browser.texts("[data-figure=number]")
    assert digits(headline) >= before
    drawn = browser.run(
        "(() => { const canvas = document.querySelector('.picture canvas');"
        " const pixels = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data;"
        " const seen = new Set(); for (let at = 0; at < pixels.length; at += 4 * 97)"
        " seen.add(pixels[at] << 16 | pixels[at + 1] << 8 | pixels[at + 2]); return seen.size; })()"
    )
    assert drawn > 5, "the canvas holds a picture"
    assert browser.complaints == []


def test_pause_holds_the_picture_and_live_goes_on(node: Node, browser: Page) -> None:
    open_dashboard(node, browser)
    browser.run("document.querySelector('[data-pause]').click()")
    held = browser.run(f"{LIVE}.dag.head.number")
    at = node.number()
    wait_for(lambda: node.number() > at + 2, "the chain grows")
    until(browser, "document.querySelector('[data-text]').textContent.includes('behind')")
    assert browser.run(f"{LIVE}.dag.head.number") == held
    browser.run("document.querySelector('[data-live]').click()")
    until(browser, f"{LIVE}.dag.head.number > {held} + 1")
    assert browser.texts("[data-text]") == ["live"]


def test_a_press_on_a_block_opens_its_panel_with_its_mergeset(node: Node, browser: Page) -> None:
    browser.device(*DEVICES["wide"])
    open_dashboard(node, browser)
    until(browser, f"{LIVE}.dag.sorted.length > 3")
    browser.run("document.querySelector('[data-pause]').click()")
    # the view has come to rest
    until(browser, f"Math.abs({LIVE}.view.center - {LIVE}.view.livePlace) < 0.1")
    block, x, y = browser.run(
        f"(() => {{ const live = {LIVE}, box = document.querySelector('.picture').getBoundingClientRect();"
        " const block = live.dag.sorted.at(-2); const [x, y] = live.place(block.id);"
        " return [{id: block.id, hash: block.hash}, box.left + x, box.top + y]; })()"
    )
    press(browser, x, y)
    until(browser, "document.querySelector('[data-panel] [data-copy]') !== null")
    hashes = browser.run("document.querySelector('[data-panel] [data-copy]').dataset.copy")
    assert hashes.startswith("0x" + block["hash"])
    told = node.rpc("mds_getBlock", hashes)
    lit = browser.run(f"[...{LIVE}.shown.lit].length")
    assert lit == 1 + len(told["mergesetBlues"]) + len(told["mergesetReds"])
    browser.run("document.querySelector('[data-close]').click()")
    assert browser.run(f"{LIVE}.shown.lit") is None
    assert browser.complaints == []


def test_keys_travel_and_choose(node: Node, browser: Page) -> None:
    open_dashboard(node, browser)

    def key(name: str) -> None:
        for kind in ("keyDown", "keyUp"):
            browser.call("Input.dispatchKeyEvent", type=kind, key=name)

    browser.run("document.querySelector('.picture').focus()")
    # near enough that a young chain has a past beyond the edge
    for _ in range(5):
        key("+")
    until(browser, f"{LIVE}.view.livePlace > 2")
    key("ArrowLeft")
    assert browser.run(f"{LIVE}.view.following") is False
    assert browser.texts("[data-text]") == ["live, looking back"]
    key("End")
    assert browser.run(f"{LIVE}.view.following") is True
    until(browser, f"{LIVE}.view.low < {LIVE}.view.newest")
    key("ArrowUp")
    until(browser, f"{LIVE}.shown.hover !== null")
    assert "stream" in browser.run("document.querySelector('[data-announce]').textContent")
    key("Enter")
    until(browser, "document.querySelector('[data-panel] dl') !== null")
    assert browser.run("document.activeElement.dataset.panel") == ""
    browser.run("document.querySelector('details.rows').open = true")
    until(browser, "document.querySelectorAll('[data-rows] tr').length > 2")


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
window.WebSocket = class extends WebSocket {
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


def test_a_reorganisation_is_seen_and_told(node: Node, tapped: Page, tmp_path: Path) -> None:
    tapped.device(*DEVICES["wide"])
    open_dashboard(node, tapped)
    until(tapped, f"{LIVE}.dag.sorted.filter(block => block.number).length > 5")
    tapped.run(
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
          window.undone = chain.slice(-3).map(block => block.id);
        })()
        """
    )
    assert "3 blocks left the selected chain" in tapped.texts("[data-toast]")[0]
    assert "Reorganisation" in tapped.run("document.querySelector('[data-announce]').textContent")
    assert tapped.run(f"{LIVE}.shown.reorg.gone.length") == 3
    assert tapped.run(f"{LIVE}.shown.reorg.come.length") == 4
    assert tapped.run(f"window.undone.map(id => {LIVE}.dag.blocks.get(id).number)") == [None] * 3
    tapped.screenshot(tmp_path / "reorganisation.png")
    until(tapped, f"{LIVE}.shown.reorg === null")
    assert tapped.complaints == []


def test_with_motion_reduced_nothing_glides(node: Node, browser: Page) -> None:
    browser.device(*DEVICES["wide"])
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    open_dashboard(node, browser)
    assert browser.run(f"{LIVE}.shown.still") is True
    before = browser.run(f"{LIVE}.dag.head.number")
    until(browser, f"{LIVE}.dag.head.number > {before}")
    frame = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"
    browser.run(frame)
    assert browser.run(f"Math.abs({LIVE}.view.center - {LIVE}.view.livePlace)") < 1e-6
    browser.device(*DEVICES["wide"])


def test_nothing_comes_from_elsewhere_and_little_at_first(node: Node, browser: Page) -> None:
    browser.call("Network.setCacheDisabled", cacheDisabled=True)
    browser.requests.clear()
    browser.sizes.clear()
    open_dashboard(node, browser)
    until(browser, "window.uPlot !== undefined && document.querySelectorAll('.uplot').length > 5")
    own = urlsplit(node.web_url).netloc
    assert len(browser.requests) >= 10
    assert {urlsplit(url).netloc for url in browser.requests} == {own}
    first = {
        url: size
        for url, size in browser.sizes.items()
        if "/vendor/" not in url and "/live/" not in urlsplit(url).path[:6]
    }
    assert len(first) > 10
    assert sum(first.values()) < FIRST_PAINT, first
    assert browser.complaints == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", sorted(DEVICES))
def test_it_is_fit_to_be_seen(node: Node, browser: Page, device: str, scheme: str, tmp_path: Path) -> None:
    width, height = DEVICES[device]
    browser.device(width, height, scheme)
    open_dashboard(node, browser)
    image = browser.screenshot(tmp_path / f"dashboard-{device}-{scheme}.png")
    assert struct.unpack(">II", image[16:24]) == (width, height)
    assert browser.run("document.documentElement.scrollWidth") <= width, "the page itself never scrolls sideways"
    found = browser.run(CONTRASTS)
    assert len(found) > 20
    assert [element for element, ratio in found if ratio < CONTRAST] == []


def test_without_script_there_is_a_table(node: Node, browser: Page) -> None:
    browser.call("Emulation.setScriptExecutionDisabled", value=True)
    try:
        browser.open(node.web_url + "/")
        page = browser.call("DOM.getDocument", depth=0)["root"]["nodeId"]
        rows = browser.call("DOM.querySelectorAll", nodeId=page, selector="noscript tbody tr")["nodeIds"]
        assert len(rows) > 3
    finally:
        browser.call("Emulation.setScriptExecutionDisabled", value=False)


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
    assert browser.texts("[data-text]") == ["live"]
    # refused connections while nobody listened are no mistakes of the page
    assert {urlsplit(node.web_url).netloc in complaint for complaint in browser.complaints} <= {True}
    browser.complaints.clear()
    wait_for(lambda: requests.get(node.web_url + "/ready", timeout=5).ok, "the node is ready again")
