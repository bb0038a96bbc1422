#!/usr/bin/env python
"""Writes ``dashboards/*.json``: ``python docker/grafana/build.py``; with ``--check`` it names those that are stale.

Grafana's own JSON repeats every default in every panel; in ``*_boards.py`` a panel is one line of what it shows.
Tests compare the files with it and ask a real Prometheus every query.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from chain_boards import CHAIN
from load_boards import LOAD
from panels import M, Panel, Row

DASHBOARDS = {**CHAIN, **LOAD}
FOLDER = Path(__file__).resolve().parent / "dashboards"
SOURCE = {"type": "prometheus", "uid": "${datasource}"}


def panel_json(panel: Panel, number: int, x: int, y: int) -> dict[str, Any]:
    """Grafana's form of a panel."""
    steps = [{"color": panel.base, "value": None}, *[{"color": colour, "value": at} for at, colour in panel.steps]]
    defaults: dict[str, Any] = {
        "unit": panel.unit,
        "min": 0,
        "thresholds": {"mode": "absolute", "steps": steps},
        "color": {"mode": "palette-classic" if panel.kind == "timeseries" else "thresholds"},
        "mappings": [
            {"type": "value", "options": {value: {"text": text, "color": colour, "index": place}}}
            for place, (value, text, colour) in enumerate(panel.mappings)
        ],
    }
    if panel.decimals is not None:
        defaults["decimals"] = panel.decimals
    if panel.maximum is not None:
        defaults["max"] = panel.maximum
    reduce = {"calcs": ["lastNotNull"], "fields": "", "values": False}
    options: dict[str, Any]
    if panel.kind == "timeseries":
        defaults["custom"] = {
            "drawStyle": "line",
            "lineInterpolation": "linear",
            "lineWidth": 1,
            "fillOpacity": 25 if panel.stack else 8,
            "showPoints": "never",
            "spanNulls": False,
            "stacking": {"mode": "normal" if panel.stack else "none", "group": "A"},
            "thresholdsStyle": {"mode": "line" if panel.steps else "off"},
        }
        options = {
            "legend": {
                "displayMode": "table",
                "placement": "bottom",
                "showLegend": True,
                "calcs": ["lastNotNull", "max"],
            },
            "tooltip": {"mode": "multi", "sort": "desc"},
        }
    elif panel.kind == "stat":
        options = {"colorMode": "value", "graphMode": "area", "textMode": "auto", "reduceOptions": reduce}
    else:
        options = {"displayMode": "basic", "orientation": "horizontal", "showUnfilled": True, "reduceOptions": reduce}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.help,
        "datasource": SOURCE,
        "gridPos": {"x": x, "y": y, "w": panel.width, "h": panel.height},
        "fieldConfig": {"defaults": defaults, "overrides": []},
        "options": options,
        "targets": [
            {
                "refId": chr(ord("A") + place),
                "datasource": SOURCE,
                "expr": query.expr,
                "legendFormat": query.legend or "__auto",
                "editorMode": "code",
                "range": True,
            }
            for place, query in enumerate(panel.queries)
        ],
    }


def dashboard(uid: str, title: str, rows: Sequence[Row]) -> dict[str, Any]:
    """Grafana's form of a dashboard; panels flow from left to right over 24 columns."""
    panels: list[dict[str, Any]] = []
    y = 0
    for row in rows:
        panels.append(
            {"id": len(panels) + 1, "type": "row", "title": row.title, "collapsed": False, "panels": [],
             "gridPos": {"x": 0, "y": y, "w": 24, "h": 1}}
        )  # fmt: skip
        y, x, tallest = y + 1, 0, 0
        for panel in row.panels:
            if x + panel.width > 24:
                y, x, tallest = y + tallest, 0, 0
            panels.append(panel_json(panel, len(panels) + 1, x, y))
            x, tallest = x + panel.width, max(tallest, panel.height)
        y += tallest
    return {
        "uid": f"mondoshawan-{uid}",
        "title": f"Mondoshawan · {title}",
        "tags": ["mondoshawan"],
        "schemaVersion": 39,
        "version": 1,
        "editable": False,
        "graphTooltip": 1,
        "timezone": "browser",
        "refresh": "30s",
        "time": {"from": "now-1h", "to": "now"},
        "links": [
            {"type": "dashboards", "tags": ["mondoshawan"], "title": "Mondoshawan", "asDropdown": True,
             "includeVars": True, "keepTime": True, "targetBlank": False, "icon": "external link",
             "tooltip": "", "url": ""}
        ],
        "templating": {
            "list": [
                {"name": "datasource", "type": "datasource", "query": "prometheus", "label": "Source", "hide": 0,
                 "current": {"text": "Prometheus", "value": "mondoshawan-prometheus"}, "regex": "", "refresh": 1},
                {"name": "instance", "type": "query", "label": "Node", "datasource": SOURCE, "hide": 0, "refresh": 2,
                 "query": {"query": f"label_values({M}node_info, instance)", "refId": "instance"}, "regex": "",
                 "definition": f"label_values({M}node_info, instance)", "multi": True, "includeAll": True,
                 "allValue": ".*", "current": {"text": "All", "value": "$__all"}, "sort": 1},
            ]
        },
        "annotations": {"list": []},
        "panels": panels,
    }  # fmt: skip


def documents() -> dict[str, str]:
    """File name → text."""
    return {
        f"{uid}.json": json.dumps(dashboard(uid, title, rows), indent=1, ensure_ascii=False) + "\n"
        for uid, (title, rows) in DASHBOARDS.items()
    }


def main() -> int:
    """Write the files, or only look at them."""
    stale = []
    for name, text in documents().items():
        path = FOLDER / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
    sys.stdout.writelines(f"stale: {name}\n" for name in stale)
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main())
