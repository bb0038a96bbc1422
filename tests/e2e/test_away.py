"""A browser whose node is away: a page of our own, which says so, shows nothing of the chain, and comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.e2e.front import Front, front
from tests.e2e.node import Node, wait_for
from tests.tools.chromium import Browser, Page

pytestmark = pytest.mark.e2e

KEPT = """
(async () => {
  const found = [];
  for (const name of await caches.keys()) found.push(...(await (await caches.open(name)).keys()));
  return found.map(one => new URL(one.url).pathname);
})()
"""
AWAY = "The node does not answer"
# time stands still: what would be done later is done when the test says so
STILL = """
window.waits = [];
window.setTimeout = (what, ms) => { waits.push(ms); window.next = what; return 1; };
window.clearTimeout = () => { window.next = null; };
"""
HIDE = "Object.defineProperty(document, 'hidden', {{ configurable: true, get: () => {hidden} }});"
TURN = HIDE + "document.dispatchEvent(new Event('visibilitychange'))"


@pytest.fixture
def way(mining_node: Node) -> Iterator[Front]:
    wait_for(lambda: requests.get(f"{mining_node.web_url}/blocks", timeout=30).ok, "the web answers")
    with front(mining_node.web_port) as one:
        yield one


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    """A tab that no other page has taught anything."""
    with chrome.page() as tab:
        tab.device(1280, 900)
        yield tab


def until(page: Page, expression: str) -> None:
    """Wait until it is true in the page, or in the one that takes its place meanwhile."""

    def holds() -> bool:
        try:
            return bool(page.run(expression))
        except AssertionError:
            return False

    wait_for(holds, expression)


def come(page: Page, way: Front, path: str) -> None:
    """Visit a page for the first time, until the browser is ready to stand in for it."""
    page.open(way.url + path)
    page.run("navigator.serviceWorker.ready.then(() => true)")
    until(page, "navigator.serviceWorker.ready.then(found => found.active.state === 'activated')")


def reload(page: Page) -> None:
    """Ask for the page anew; what comes is a page, of whom ever."""
    page.run("window.before = true")
    page.call("Page.reload")
    until(page, "!window.before && document.readyState === 'complete'")


def headline(page: Page) -> str:
    return str(page.run("document.querySelector('h1').innerText"))


def test_a_page_stands_in_while_the_node_is_away_and_goes_when_it_is_back(way: Front, page: Page) -> None:
    come(page, way, "/blocks")
    assert headline(page) == "Blocks"
    way.shut()
    reload(page)
    assert (headline(page), page.run("location.pathname")) == (AWAY, "/blocks")
    # nothing of the chain stands there as if it were true
    assert page.run("document.querySelectorAll('table').length") == 0
    # with its colours and its sign, which came without the node
    assert page.run("getComputedStyle(document.querySelector('.button')).borderStyle") != "none"
    page.run("document.querySelector('[data-again]').click()")
    # so it is for what was never seen, too
    page.call("Page.navigate", url=way.url + "/tokens")
    until(page, "location.pathname === '/tokens' && document.readyState === 'complete'")
    assert headline(page) == AWAY
    way.open()
    until(page, "document.querySelector('h1').innerText === 'Tokens'")
    assert page.run("location.pathname") == "/tokens"
    assert [url for url in page.requests if not url.startswith((way.url, f"ws://127.0.0.1:{way.port}"))] == []


def test_a_proxy_with_nobody_behind_it_is_the_same(way: Front, page: Page) -> None:
    come(page, way, "/supply")
    way.says_gateway = True
    way.shut()
    way.open()
    reload(page)
    assert headline(page) == AWAY
    way.says_gateway = False
    until(page, "document.querySelector('h1').innerText === 'Supply'")


def test_one_page_that_a_proxy_gives_up_on_is_not_a_node_that_is_away(way: Front, page: Page) -> None:
    come(page, way, "/supply")
    way.gives_up_on = "/supply"
    reload(page)
    # the proxy's own answer, which nothing loads anew
    assert page.run("document.body.innerText") == "gateway time-out"
    assert page.run("performance.getEntriesByType('navigation')[0].responseStatus") == 504
    assert page.run("document.scripts.length") == 0
    page.open(way.url + "/blocks")
    assert headline(page) == "Blocks"


def test_the_page_asks_less_and_less_often_and_never_while_nobody_looks(way: Front, page: Page) -> None:
    def asked() -> int:
        return page.requests.count(way.url + "/health")

    way.gives_up_on = "/health"
    page.call("Page.addScriptToEvaluateOnNewDocument", source=STILL)
    page.open(way.url + "/away")
    # not at once: where the page comes again and again there is a pause between
    assert (page.run("waits"), asked()) == ([2000], 0)
    for _ in range(12):
        page.run("next()")
    waits = page.run("waits")
    assert waits == sorted(waits)
    assert (waits[1], waits[-1], asked()) == (3000, 30_000, 12)
    page.run(TURN.format(hidden="true"))
    assert page.run("next") is None
    # it was on its way when the tab was hidden
    page.run("document.querySelector('[data-again]').click()")
    until(page, "document.querySelector('[data-away]').innerText === 'No answer yet.'")
    assert (page.run("next"), len(page.run("waits")), asked()) == (None, 13, 13)
    way.gives_up_on = ""
    page.run(TURN.format(hidden="false"))
    until(page, "location.pathname === '/' && document.readyState === 'complete'")


def test_the_browser_keeps_the_page_and_its_files_and_nothing_else(way: Front, page: Page) -> None:
    come(page, way, "/blocks")
    page.open(way.url + "/tx")
    page.open(way.url + "/")
    kept = page.run(KEPT)
    assert "/away" in kept
    assert all(path.startswith("/static/explorer/") for path in kept if path != "/away")
    assert len(kept) == 5
    # errors of the node itself are its own pages
    page.run("fetch('/block/99999999').then(answer => answer.status)")
    page.open(way.url + "/block/99999999")
    assert page.run("document.body.innerText").find(AWAY) == -1
    # who opens the page by its address is led to the node
    page.call("Page.navigate", url=way.url + "/away")
    until(page, "location.pathname === '/' && document.readyState === 'complete'")


def test_the_worker_is_asked_for_anew_each_time(way: Front) -> None:
    answer = requests.get(f"{way.url}/worker.js", timeout=30)
    assert answer.headers["Content-Type"] == "text/javascript; charset=utf-8"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
