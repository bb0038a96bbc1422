"""How much a browser that knows nothing takes from the node before it paints: of every public page, compressed."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest

from explorer.urls import urlpatterns
from tests.e2e.traffic import Traffic
from tests.tools.chromium import Browser, Page

pytestmark = pytest.mark.e2e

FIRST_PAINT = 100_000
# what is no page: files, pictures' data, what scripts ask, answers that lead elsewhere
NO_PAGES = {
    "favicon",
    "worker",
    "live-window",
    "live-block",
    "search",
    "openapi",
    "abi-encode",
    "abi-decode",
    "abi-error",
}


@pytest.fixture
def page(chrome: Browser) -> Iterator[Page]:
    with chrome.page() as tab:
        tab.device(1280, 900)
        tab.call("Network.setCacheDisabled", cacheDisabled=True)
        tab.call("Network.setBypassServiceWorker", bypass=True)
        yield tab


def paths(made: Traffic) -> dict[str, list[str]]:
    """Pages by the name of their route, the fullest of each."""
    alice, coin, market = made.alice.address.lower(), made.contracts["coin"].lower(), made.contracts["market"].lower()
    coinbase = made.node.rpc("mds_getBlock", made.carrier)["coinbase"]
    return {
        "front": ["/"],
        "away": ["/away"],
        "blocks": ["/blocks", "/blocks?before=30"],
        "dag": ["/blocks/dag"],
        "block": ["/block/7", f"/block/{made.merged}", "/block/99999999"],
        "transactions": ["/tx"],
        "transaction": [f"/tx/{made.sent[name]}" for name in ("bought", "creation", "given", "pending", "poor")],
        "address": [f"/address/{alice}", f"/address/{coin}"],
        "address-transfers": [f"/address/{alice}/transfers"],
        "address-tokens": [f"/address/{alice}/tokens"],
        "address-internal": [f"/address/{market}/internal"],
        "address-contract": [f"/address/{coin}/contract"],
        "tokens": ["/tokens"],
        "token": [f"/token/{coin}", f"/token/{coin}?tab=holders"],
        "shards": ["/shards"],
        "shard": ["/shard/1"],
        "streams": ["/streams"],
        "miners": ["/miners"],
        "miner": [f"/miner/{coinbase}"],
        "fees": ["/fees"],
        "api": ["/api"],
        "supply": ["/supply"],
    }


def test_every_page_is_small_at_first(page: Page, traffic: Traffic) -> None:
    every = paths(traffic)
    routes = {str(item.name) for item in urlpatterns if hasattr(item, "name")}
    assert {name for name in routes if not name.endswith("csv")} - NO_PAGES == set(every)
    found = {}
    for path in [path for several in every.values() for path in several]:
        page.sizes.clear()
        page.open(traffic.node.web_url + path)
        # what a script brings once the page stands is no part of its first paint
        sizes = {
            url: size
            for url, size in page.sizes.items()
            if "/vendor/" not in url and "/live/" not in urlsplit(url).path[:6]
        }
        assert len(sizes) >= 4, (path, sizes)
        found[path] = sum(sizes.values())
    print(dict(sorted(found.items(), key=lambda item: -item[1])))
    assert {path: size for path, size in found.items() if size >= FIRST_PAINT} == {}
