"""The front page of a running node in a real browser: the node's own numbers, legible, and nothing from elsewhere."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Page, chromium

pytestmark = pytest.mark.e2e

DEVICES = {"phone": (390, 844), "wide": (1280, 800)}
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


def numbers(page: Page) -> dict[str, int]:
    """The figures at the head of the page, by their names."""
    shown = dict(zip(page.texts("dt"), page.texts("dd"), strict=True))
    return {name: int(re.sub(r"\D", "", value.splitlines()[0])) for name, value in shown.items()}


def digits(text: str) -> int:
    """A number as the page groups it."""
    return int(re.sub(r"\D", "", text))


def facts(node: Node) -> dict[str, int]:
    """The same figures from the node; all of them only grow."""
    stats = node.rpc("mds_getDagStats")
    blocks = {f"Stream {stream} blocks": stats["blocks"][stream] for stream in "ABC"}
    return {"Chain block": node.number(), **blocks}


def test_the_front_page_shows_the_nodes_numbers(node: Node, browser: Page) -> None:
    before = facts(node)
    browser.open(node.web_url + "/")
    shown = numbers(browser)
    rows = browser.run(
        "[...document.querySelectorAll('tbody tr')].map(row => [...row.cells].map(cell => cell.innerText)"
        ".concat(row.querySelector('.hash [title]').title))"
    )
    after = facts(node)
    for name, least in before.items():
        # the chain's number may fall by a reorganisation, the others never
        slack = 10 if name == "Chain block" else 0
        assert least - slack <= shown[name] <= after[name] + slack, name
    assert [digits(row[0]) for row in rows] == list(range(shown["Chain block"], shown["Chain block"] - len(rows), -1))
    # the oldest block of the page is below what a reorganisation between two calls takes away
    oldest = rows[-1]
    block = node.rpc("eth_getBlockByNumber", hex(digits(oldest[0])), False)
    assert oldest[-1] == block["hash"]
    assert digits(oldest[3]) == len(block["transactions"])
    assert digits(oldest[4]) == int(block["gasUsed"], 16)
    (told,) = browser.texts("footer")
    assert f"Chain id {int(node.rpc('eth_chainId'), 16)} " in told
    assert f"port {node.rpc_port} " in told


def test_the_front_page_asks_nobody_else(node: Node, browser: Page) -> None:
    browser.requests.clear()
    browser.open(node.web_url + "/")
    own = urlsplit(node.web_url).netloc
    assert len(browser.requests) >= 2, "the page and its style sheet"
    assert {urlsplit(url).netloc for url in browser.requests if not url.startswith("data:")} == {own}
    assert browser.complaints == []
    family = browser.run("getComputedStyle(document.body).fontFamily")
    assert "system-ui" in family, "the style sheet was found"


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("device", sorted(DEVICES))
def test_the_front_page_is_fit_to_be_seen(node: Node, browser: Page, device: str, scheme: str, tmp_path: Path) -> None:
    width, height = DEVICES[device]
    browser.device(width, height, scheme)
    browser.open(node.web_url + "/")
    image = browser.screenshot(tmp_path / f"front-{device}-{scheme}.png")
    assert struct.unpack(">II", image[16:24]) == (width, height)
    assert browser.run("document.documentElement.scrollWidth") <= width, "the page itself never scrolls sideways"
    found = browser.run(CONTRASTS)
    assert len(found) > 20
    assert [element for element, ratio in found if ratio < CONTRAST] == []
