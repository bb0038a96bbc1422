"""What operators watch, read from the files that they use: alerts, dashboards, sections of the runbook."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
PROMETHEUS = ROOT / "docker" / "prometheus"
DASHBOARDS = ROOT / "docker" / "grafana" / "dashboards"
RUNBOOK = ROOT / "docs" / "operations" / "runbook.md"
_BOUND = re.compile(r"^(?P<value>.+) (?:<|>|<=|>=) -?[0-9.e]+$", re.DOTALL)


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert by its name."""
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return {rule["alert"]: rule for group in groups for rule in group["rules"]}


def value_of(expr: str) -> str:
    """The left side of an alert's comparison: what exists whether it fires or not."""
    found = _BOUND.match(expr)
    assert found, f"no comparison of one value with one number: {expr}"
    return found["value"]


def dashboards() -> dict[str, Any]:
    """Every dashboard by its file's name."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(DASHBOARDS.glob("*.json"))}


def dashboard_queries() -> list[tuple[str, str]]:
    """(dashboard/panel/query, PromQL) of every query."""
    return [
        (f"{name}/{panel['title']}/{target['refId']}", target["expr"])
        for name, board in dashboards().items()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    ]
