"""axe-core asked about the page that a browser shows."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.tools.chromium import Page

_SOURCE = (Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js").read_text()
GRAVE = ("serious", "critical")
_RUN = """
axe.run(document, { resultTypes: ["violations"], iframes: false, preload: false%s })
  .then(({ violations, passes }) => ({
    asked: violations.length + passes.length,
    found: violations.map(({ id, impact, help, nodes }) => ({
      id, impact, help,
      places: nodes.slice(0, 5).map(one => `${one.target.join(" ")}: ${one.failureSummary.split("\\n")[1]?.trim()}`),
    })),
  }))
"""


def violations(page: Page, *rules: str) -> list[str]:
    """What axe finds serious or critical on the page, one line each; only by these rules where some are named."""
    if not page.run("typeof axe === 'object'"):
        page.run(f"{_SOURCE}; 0")
    chosen = f', runOnly: {{ type: "rule", values: {list(rules)!r} }}' if rules else ""
    answer: dict[str, Any] = page.run(_RUN % chosen)
    assert answer["asked"] > 0, "axe has looked at nothing"
    return [
        f"{one['id']} ({one['impact']}): {one['help']} | {' | '.join(one['places'])}"
        for one in answer["found"]
        if one["impact"] in GRAVE
    ]
