"""The dashboard in a real browser: opening it, looking into it, pressing on it."""

from __future__ import annotations

import re
import time

import pytest

from tests.e2e.node import PATIENCE_S, Node, wait_for
from tests.tools.chromium import Page

DEVICES = {"phone": (390, 844), "tablet": (820, 1180), "wide": (1600, 1000)}


LIVE = "document.querySelector('[data-dashboard]').live"


@pytest.fixture(scope="module")
def node(mining_node: Node) -> Node:
    """With a few blocks to show."""
    wait_for(lambda: mining_node.number() > 3, "the chain grows")
    return mining_node


@pytest.fixture(scope="module")
def browser(tab: Page) -> Page:
    return tab


def until(page: Page, expression: str) -> None:
    """Wait in the page until an expression is true; the bound only ends a hopeless wait."""
    # in parts, each shorter than the browser may take for an answer, or it would tell of that instead
    loop = """
    (async () => {
      const end = performance.now() + 20_000;
      while (performance.now() < end) {
        if (%s) return true;
        await new Promise(done => setTimeout(done, 100));
      }
      return false;
    })()
    """
    end = time.monotonic() + PATIENCE_S
    while not page.run(loop % expression):
        assert time.monotonic() < end, f"never true: {expression}"


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
