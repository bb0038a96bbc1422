"""Where a press on the strip of the last hour leads: the rule of the dashboard's script, run by Node.js."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.contrib.staticfiles import finders

from tests.tools import javascript

SCRIPT = Path(__file__).parent / "scripts" / "minimap.mjs"
STEP_MS = 15_000


@pytest.mark.parametrize("width", [1600, 358])
def test_the_end_of_the_strip_is_now_however_many_blocks_the_newest_step_has(width: int) -> None:
    """Its last place stands for a time before the step's end, and so for a score far below the newest."""
    module = finders.find("explorer/js/live/minimap.js")
    assert isinstance(module, str)
    steps = [{"step": 999, "blocks": [0, 9, 0], "reds": 0, "low": 1, "high": 10},
             {"step": 1000, "blocks": [0, 9, 191], "reds": 0, "low": 10, "high": 210}]  # fmt: skip
    task = {"module": module, "width": width, "steps": steps, "step_ms": STEP_MS, "server_ms": 1000 * STEP_MS}
    places = [width - 1, width - 3, width - 12, 1]
    said = javascript.run(SCRIPT, {**task, "places": places})["said"]
    assert [is_now for is_now, _ in said] == [True, True, False, False]
    assert said[0][1] < 210
