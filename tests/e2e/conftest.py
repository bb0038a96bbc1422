"""One mining node for all tests that only use a node; those run last, so that it disturbs nobody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.dealing import E2E, OWN_NODES
from tests.e2e.node import Node, running_node, wait_for
from tests.e2e.prometheus import Prometheus, running_prometheus
from tests.e2e.story import Story, tell
from tests.e2e.traffic import Traffic, make_traffic
from tests.e2e.visitor import Visitor
from tests.tools import chromium
from tests.tools.chromium import Browser, Page


@pytest.fixture(scope="package")
def mining_node() -> Iterator[Node]:
    """A node with default settings; whoever uses it leaves it running."""
    with running_node() as running:
        yield running


@pytest.fixture(autouse=True)
def shared_node_runs(request: pytest.FixtureRequest) -> None:
    """Tests of the shared node fail at once when it has ended, instead of waiting for it one after another."""
    if "mining_node" in request.fixturenames:
        process = request.getfixturevalue("mining_node").process
        assert process is not None, "an earlier test has stopped the node that all share"
        assert process.poll() is None, "the node that all share has ended"


@pytest.fixture(scope="package")
def prometheus(mining_node: Node) -> Iterator[Prometheus]:
    """A Prometheus with the node's own configuration, which watches it from now on."""
    with running_prometheus(mining_node) as server:
        yield server


@pytest.fixture(scope="package")
def story(mining_node: Node, prometheus: Prometheus) -> Story:
    """Work that moves every metric, done once under Prometheus' eyes."""
    # what a counter did before its first scrape no rate can tell
    wait_for(lambda: any(value for _, value in prometheus.query("up")), "Prometheus has seen the node")
    told = tell(mining_node)
    # a series that the story began has a rate from its second scrape on
    seen = "rate(mondoshawan_blocks_rejected_total[10m])"
    wait_for(lambda: bool(prometheus.query(seen)), "Prometheus has seen the story twice")
    return told


@pytest.fixture(scope="package")
def traffic(mining_node: Node) -> Traffic:
    """Transactions of every kind on it, for whoever looks at pages."""
    return make_traffic(mining_node)


@pytest.fixture(scope="package")
def chrome() -> Iterator[Browser]:
    """One browser for all who visit pages."""
    with chromium.browser() as browser:
        yield browser


@pytest.fixture(scope="module")
def tab(chrome: Browser) -> Iterator[Page]:
    """A tab of it for the tests of a file, so that no page of theirs stays open behind them."""
    with chrome.page() as page:
        yield page


@pytest.fixture
def visitor(tab: Page, traffic: Traffic) -> Iterator[Visitor]:
    """A reader; whatever the test does, his browser complains about nothing and asks nobody else."""
    tab.device(1280, 900)
    one = Visitor(tab, traffic.node)
    yield one
    complaints, strangers = one.complaints(), one.strangers()
    # nothing goes on drawing while others are tested
    tab.open("about:blank")
    assert complaints == []
    assert strangers == set()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Within this folder, put the tests that share the node behind all others; the order is else unchanged."""
    for item in items:
        if item.nodeid.partition("::")[0] in OWN_NODES and "mining_node" in _fixtures(item):
            message = f"{item.nodeid} uses the shared node: take its file out of tests.dealing.OWN_NODES"
            raise pytest.UsageError(message)
    places = [place for place, item in enumerate(items) if item.nodeid.startswith(E2E)]
    sharing = sorted((items[place] for place in places), key=lambda item: "mining_node" in _fixtures(item))
    for place, item in zip(places, sharing, strict=True):
        items[place] = item


def _fixtures(item: pytest.Item) -> tuple[str, ...]:
    return tuple(getattr(item, "fixturenames", ()))
