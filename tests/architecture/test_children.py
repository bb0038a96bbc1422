"""Tests start programs by tests.tools.children only: nothing else makes sure that they end with the suite."""

from __future__ import annotations

import ast

from mondoshawan.env import PROJECT_ROOT

ALLOWED = "tests/tools/children.py"


def starters(text: str) -> bool:
    """Whether this source calls something by the name of Popen."""
    calls = (node.func for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Call))
    return any(getattr(called, "attr", getattr(called, "id", "")) == "Popen" for called in calls)


def test_nothing_is_started_that_could_outlive_the_suite() -> None:
    found = {
        path.relative_to(PROJECT_ROOT).as_posix()
        for path in (PROJECT_ROOT / "tests").rglob("*.py")
        if starters(path.read_text())
    }
    assert found == {ALLOWED}
