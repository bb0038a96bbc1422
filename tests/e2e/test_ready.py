"""``/ready`` of a whole node: green, the right checks red while something is wrong, green again."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.e2e.incidents import INCIDENTS, Incident, ask, go_through
from tests.e2e.node import PATIENCE_S, Node, running_node, wait_for
from tests.e2e.scrape import scrape

pytestmark = pytest.mark.e2e

ALL = {"database", "redis", "disk", "workers", "writer_lag", "chain_identity", "clock"}


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    with running_node() as running:
        wait_for(lambda: not ask(running).failed, "ready")
        yield running
        assert running.stop() == 0


@pytest.mark.long
@pytest.mark.parametrize("incident", INCIDENTS, ids=lambda one: one.name)
def test_it_shows_and_passes(node: Node, incident: Incident) -> None:
    went = go_through(node, incident, hold_s=3)
    for answer in went.answers:
        assert answer.status == (503 if answer.failed else 200)
        assert answer.failed <= incident.red | incident.also, answer
    # what hangs is given up after two seconds; the rest is for a machine with other things to do
    assert went.slowest_s < 10
    secrets = [path.read_text().strip() for path in (node.folder / "devnet" / "keys").iterdir()]
    shown = " ".join(answer.text for answer in went.answers)
    assert not [secret for secret in secrets if secret and secret in shown]
    # reasons stay in the log
    assert "Traceback" not in shown
    assert str(node.folder) not in shown


def test_a_node_that_is_well_is_ready(mining_node: Node) -> None:
    def ready() -> requests.Response | None:
        given = requests.get(f"{mining_node.web_url}/ready", timeout=PATIENCE_S)
        return given if given.status_code == 200 else None

    answer = wait_for(ready, "ready")
    assert answer.headers["Cache-Control"] == "no-store"
    body = answer.json()
    assert body["status"] == "ready"
    assert set(body["checks"]) == ALL
    assert set(body["checks"]["workers"]["value"]) == {
        *("virtual", "validate", "shards", "mine.a", "mine.b", "mine.c", "index", "default"),
    }
    for check in body["checks"].values():
        assert {"status", "value", "threshold"} <= set(check)


def test_health_says_what_lives(mining_node: Node) -> None:
    answer = requests.get(f"{mining_node.web_url}/health", timeout=PATIENCE_S)
    assert answer.status_code == 200
    assert {name: type(value) for name, value in answer.json().items()} == {
        "status": str, "version": str, "network": str, "uptime_s": int,
    }  # fmt: skip


@pytest.mark.long
def test_metrics_go_on_without_a_server(node: Node) -> None:
    """What PostgreSQL would tell is missing, and said to be; the rest is there, in time for Prometheus."""
    (incident,) = [one for one in INCIDENTS if one.name == "PostgreSQL hangs"]
    incident.cause(node)
    try:
        shown = scrape(node)
    finally:
        incident.heal(node)
    assert shown.sum("scrape_source_up", source="chain") == shown.sum("scrape_source_up", source="database") == 0
    assert shown.sum("ready_check", check="database") == 0
    assert "mondoshawan_blue_score" not in shown.samples
    assert shown.sum("scrape_source_up", source="pool") == shown.sum("scrape_source_up", source="machine") == 1
    assert shown.sum("transaction_pool_limit") > 0
    assert "mondoshawan_epoch_execution_seconds_count" in shown.samples
    wait_for(lambda: not ask(node).failed, "ready again")
    assert scrape(node).sum("scrape_source_up") == len(shown.samples["mondoshawan_scrape_source_up"])
