"""Every query of every dashboard and alert gives data, asked of a real Prometheus that watched a real node."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from typing import Any

import pytest

from tests.e2e.node import ROOT, wait_for
from tests.e2e.prometheus import Prometheus
from tests.e2e.story import Story
from tests.operations.watched import alerts, dashboard_queries, value_of

pytestmark = pytest.mark.e2e


def test_the_node_is_scraped(story: Story, prometheus: Prometheus) -> None:
    def scraped() -> dict[str, Any] | None:
        (target,) = prometheus.get("targets")["activeTargets"]
        is_well = (target["health"], target["lastError"]) == ("up", "")
        # less than a tenth of Prometheus' usual patience, when the machine lets it
        return target if is_well and target["lastScrapeDuration"] < 1 else None

    assert wait_for(scraped, "a scrape goes well")["labels"]["job"] == "mondoshawan"


def test_the_rules_are_evaluated(story: Story, prometheus: Prometheus) -> None:
    def evaluated() -> bool:
        groups = prometheus.get("rules")["groups"]
        return all(rule["health"] == "ok" for group in groups for rule in group["rules"])

    wait_for(evaluated, "all rules are evaluated without an error")
    names = {rule["name"] for group in prometheus.get("rules")["groups"] for rule in group["rules"]}
    assert names == set(alerts())


@pytest.mark.parametrize("name", sorted(alerts()))
def test_what_an_alert_looks_at_is_there(story: Story, prometheus: Prometheus, name: str) -> None:
    expr = value_of(alerts()[name]["expr"])
    # right behind a scrape that took too long there is nothing
    found = wait_for(lambda: prometheus.query(expr), "something to compare with the bound")
    assert all("instance" in labels for labels, _ in found)


@pytest.mark.parametrize(("where", "expr"), dashboard_queries(), ids=lambda part: part if "/" in part else "")
def test_a_panel_has_data(story: Story, prometheus: Prometheus, where: str, expr: str) -> None:
    """Grafana's variables stand for what they would be: all nodes, and windows that hold the story."""
    asked = expr.replace("$instance", ".*").replace("$__rate_interval", "10m")
    assert "$" not in re.sub(r"\$\"", "", asked)
    wait_for(lambda: any(not math.isnan(value) for _, value in prometheus.query(asked)), asked)


def test_the_list_of_nodes_is_filled(story: Story, prometheus: Prometheus) -> None:
    """The variable of the dashboards."""
    wait_for(
        lambda: prometheus.get("label/instance/values", **{"match[]": "mondoshawan_node_info"}), "a node is listed"
    )


def test_a_quiet_node_has_no_alert(story: Story, prometheus: Prometheus) -> None:
    """But what the story did on purpose (it stops the miners), or a crowded machine may do."""

    def nothing_else_fires() -> bool:
        alerts = prometheus.get("alerts")["alerts"]
        firing = {one["labels"]["alertname"] for one in alerts if one["state"] == "firing"}
        print(sorted(firing))
        return firing <= {"RedBlocks", "RpcSlow", "DeepReorganisation", "NoBlocks"}

    # what a crowded machine lets fire ends by itself
    wait_for(nothing_else_fires, "a node that is left alone has no alert")


def test_the_files_of_dashboards_are_those_of_the_script() -> None:
    done = subprocess.run(
        [sys.executable, "docker/grafana/build.py", "--check"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, "")
