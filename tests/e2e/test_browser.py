"""The dashboard of a running node in a real browser: draws what the node has, grows with it, asks nobody else."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.e2e import dashboard
from tests.e2e.dashboard import DEVICES, LIVE, digits, open_dashboard, press, until
from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Page

node = dashboard.node
browser = dashboard.browser
pytestmark = pytest.mark.e2e


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
    until(browser, "document.querySelector('[data-text]').innerText === 'live'")


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


def test_a_pointer_hovers_travels_and_zooms(node: Node, browser: Page) -> None:
    browser.device(*DEVICES["wide"])
    open_dashboard(node, browser)
    until(browser, f"{LIVE}.dag.sorted.length > 3")
    browser.run("document.querySelector('[data-pause]').click()")
    until(browser, f"Math.abs({LIVE}.view.center - {LIVE}.view.livePlace) < 0.1")
    box = "document.querySelector('.picture').getBoundingClientRect()"
    block, x, y = browser.run(
        f"(() => {{ const live = {LIVE}, box = {box}; const block = live.dag.sorted.at(-2);"
        " const [x, y] = live.place(block.id); return [block, box.left + x, box.top + y]; })()"
    )

    def pointer(kind: str, x: float, y: float, **more: Any) -> None:
        browser.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    pointer("mouseMoved", x, y)
    until(browser, "!document.querySelector('[data-tip]').hidden")
    (tip,) = browser.texts("[data-tip]")
    stream = "genesis" if block["stream"] == 0 else f"stream {'ABC'[block['stream'] - 1]}"
    for part in (stream, f"blue score {block['score']}", "transaction", f"by {block['miner']}"):
        assert part in tip.replace("\u202f", "").replace("\n", ", "), (part, tip)
    scale = browser.run(f"{LIVE}.view.scale")
    pointer("mouseWheel", x, y, deltaX=0, deltaY=-400)
    until(browser, f"{LIVE}.view.scale > {scale} * 1.5")
    # near enough, and the chain old enough, that there is a past to travel to
    browser.run("document.querySelector('[data-live]').click()")
    for _ in range(5):
        pointer("mouseWheel", x, y, deltaX=0, deltaY=-400)
    until(browser, f"{LIVE}.view.livePlace > 6")
    pointer("mousePressed", x - 300, y, button="left", buttons=1, clickCount=1)
    pointer("mouseMoved", x - 100, y, button="left", buttons=1)
    pointer("mouseReleased", x - 100, y, button="left", clickCount=1)
    # it looks into the past, and stays there while the chain goes on
    until(browser, f"{LIVE}.view.center < {LIVE}.view.livePlace")
    assert browser.run(f"{LIVE}.view.following") is False
    center, newest = browser.run(f"[{LIVE}.view.center, {LIVE}.view.newest]")
    until(browser, f"{LIVE}.view.newest > {newest}")
    assert browser.run(f"{LIVE}.view.center") == center
    # the end of the strip of the last hour is now
    right, middle = browser.run(
        "(() => { const box = document.querySelector('[data-strip]').getBoundingClientRect();"
        " return [box.right - 1, box.top + box.height / 2]; })()"
    )
    press(browser, right, middle)
    until(browser, f"{LIVE}.view.following")
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
    until(browser, "document.querySelector('[data-text]').innerText === 'live, looking back'")
    key("End")
    until(browser, f"{LIVE}.view.following")
    until(browser, f"{LIVE}.view.low < {LIVE}.view.newest")
    key("ArrowUp")
    until(browser, f"{LIVE}.shown.hover !== null")
    assert "stream" in browser.run("document.querySelector('[data-announce]').textContent")
    key("Enter")
    until(browser, "document.querySelector('[data-panel] dl') !== null")
    assert browser.run("document.activeElement.dataset.panel") == ""
    browser.run("document.querySelector('details.rows').open = true")
    until(browser, "document.querySelectorAll('[data-rows] tr').length > 2")


def test_with_motion_reduced_nothing_glides(node: Node, browser: Page) -> None:
    browser.device(*DEVICES["wide"])
    browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    open_dashboard(node, browser)
    assert browser.run(f"{LIVE}.shown.still") is True
    # two frames behind a move of the newest block, during which it did not move again
    moved = f"""
    (async () => {{
      const live = {LIVE}, frame = () => new Promise(done => requestAnimationFrame(done));
      for (let from = live.view.livePlace; ; ) {{
        await frame();
        if (live.view.livePlace === from) continue;
        from = live.view.livePlace;
        await frame();
        await frame();
        if (live.view.livePlace === from) return Math.abs(live.view.center - from);
      }}
    }})()
    """
    assert browser.run(moved) < 1e-6
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
    # a colour on its way to another has any contrast
    browser.device(width, height, scheme, still=True)
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
