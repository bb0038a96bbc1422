"""Alerts, dashboards, runbook and the page of metrics agree with each other and with the code."""

from __future__ import annotations

import re
import subprocess

import pytest
import yaml

from chain import metrics
from mondoshawan.metrics.facts import FACTS
from mondoshawan.metrics.sources import SOURCES
from tests.operations.watched import (
    PROMETHEUS,
    ROOT,
    RUNBOOK,
    alerts,
    dashboard_queries,
    dashboards,
    value_of,
)
from tests.tools import require

SUFFIXES = ("_bucket", "_sum", "_count")


def promtool(*arguments: str) -> str:
    done = subprocess.run(
        [require("promtool"), *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_prometheus_takes_configuration_and_rules() -> None:
    assert "is valid prometheus config file" in promtool("check", "config", "prometheus.yml")
    assert f"{len(alerts())} rules found" in promtool("check", "rules", "rules.yml")


def test_each_alert_fires_when_it_should_and_not_else() -> None:
    assert "SUCCESS" in promtool("test", "rules", "rules_test.yml")


@pytest.mark.parametrize("name", sorted(alerts()))
def test_each_alert_is_tested_both_ways(name: str) -> None:
    cases = [
        case
        for group in yaml.safe_load((PROMETHEUS / "rules_test.yml").read_text())["tests"]
        for case in group["alert_rule_test"]
        if case["alertname"] == name
    ]
    assert sorted(bool(case["exp_alerts"]) for case in cases) == [False, True]


@pytest.mark.parametrize(("name", "rule"), sorted(alerts().items()))
def test_each_alert_says_what_a_person_needs(name: str, rule: dict) -> None:
    assert rule["labels"]["severity"] in ("warning", "critical")
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["runbook_url"] == f"{RUNBOOK.relative_to(ROOT)}#{name.lower()}"
    assert value_of(rule["expr"])


def test_the_runbook_has_every_alert_and_no_other() -> None:
    sections = re.findall(r"^## (.+)$", RUNBOOK.read_text(), re.MULTILINE)
    assert sorted(sections) == sorted(alerts())


def test_what_the_issue_asks_for_is_watched() -> None:
    """No block for a minute, writer lag, pool near its cap, disk low, finality conflict, error rate."""
    asked = {"NoBlocks", "WriterLag", "PoolNearlyFull", "DiskLow", "FinalityConflict", "RpcErrors"}
    assert asked <= set(alerts())


def names_in(expr: str) -> set[str]:
    """The metrics of the node that a query names, as they are declared."""
    return set(re.findall(r"\bmondoshawan_\w+", expr))


def known() -> set[str]:
    names = {f"mondoshawan_{fact.name}" for fact in FACTS}
    for one in metrics.INSTRUMENTS:
        if one._type == "counter":
            names.add(f"{one._name}_total")
        elif one._type == "gauge":
            names.add(one._name)
        else:
            names |= {one._name + suffix for suffix in SUFFIXES}
    return names


@pytest.mark.parametrize(
    ("where", "expr"),
    [*dashboard_queries(), *[(name, rule["expr"]) for name, rule in alerts().items()]],
)
def test_queries_name_metrics_that_exist(where: str, expr: str) -> None:
    assert names_in(expr) <= known()


def test_no_metric_is_watched_by_nobody() -> None:
    """A figure that stands in no dashboard and no alert is not seen when it matters."""
    asked = {name for _, expr in dashboard_queries() for name in names_in(expr)}
    asked |= {name for rule in alerts().values() for name in names_in(rule["expr"])}
    bare = {re.sub("(_bucket|_sum|_count)$", "", name) for name in asked}
    declared = {f"mondoshawan_{fact.name}" for fact in FACTS} | {
        one._name + ("_total" if one._type == "counter" else "") for one in metrics.INSTRUMENTS
    }
    assert declared - bare - asked == set()


def test_dashboards_have_stable_names_and_whole_panels() -> None:
    boards = dashboards()
    assert set(boards) == {"overview", "mining", "dag", "transactions", "shards", "rpc", "system"}
    for name, board in boards.items():
        assert board["uid"] == f"mondoshawan-{name}"
        panels = [panel for panel in board["panels"] if panel["type"] != "row"]
        assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
        taken: set[tuple[int, int]] = set()
        for panel in panels:
            place = panel["gridPos"]
            cells = {
                (x, y)
                for x in range(place["x"], place["x"] + place["w"])
                for y in range(place["y"], place["y"] + place["h"])
            }
            assert not cells & taken, panel["title"]
            assert place["x"] + place["w"] <= 24
            taken |= cells
            assert panel["targets"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["unit"]
            assert all('instance=~"$instance"' in target["expr"] for target in panel["targets"]), panel["title"]


def test_provisioning_leads_to_the_dashboards_and_the_server() -> None:
    folder = ROOT / "docker" / "grafana" / "provisioning"
    (source,) = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())["datasources"]
    (variable,) = [v for v in dashboards()["overview"]["templating"]["list"] if v["name"] == "datasource"]
    assert source["uid"] == variable["current"]["value"]
    scrape = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert source["jsonData"]["timeInterval"] == scrape
    (provider,) = yaml.safe_load((folder / "dashboards" / "mondoshawan.yml").read_text())["providers"]
    assert provider["type"] == "file"
    assert provider["options"]["path"] == "/var/lib/grafana/dashboards"


def test_sources_have_names_and_facts_are_declared_once() -> None:
    assert len({fact.name for fact in FACTS}) == len(FACTS)
    assert {"chain", "waiting", "index", "database", "pool", "queues", "mining", "machine", "readiness"} == set(SOURCES)
