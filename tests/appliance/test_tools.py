"""The programs that tests use: they run, and a missing one is a failed test with the line that installs it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mondoshawan.env import PROJECT_ROOT
from tests import tools
from tests.tools import install

DOCKERFILES = sorted((PROJECT_ROOT / "docker").rglob("Dockerfile*"))


@pytest.mark.parametrize("name", ["promtool", "node", "hadolint", "chromium"])
def test_a_tool_runs(name: str) -> None:
    said = subprocess.run([tools.require(name), "--version"], capture_output=True, text=True, check=True, timeout=60)
    assert said.stdout.strip()


def test_a_missing_tool_fails_with_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(tools.TOOLS, "nowhere", tools.Tool(("no-such-program",), "make tools"))
    with pytest.raises(pytest.fail.Exception, match=r"nowhere is needed .* install it: make tools"):
        tools.require("nowhere")


def test_what_cannot_be_installed_is_said_and_stops_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(install, "find", lambda name: None)
    monkeypatch.setattr(install, "privileged", lambda: None)
    monkeypatch.setattr(install, "run", refuse)
    assert install.main() == 0
    said = capsys.readouterr().out
    assert "chromium could not be installed (that needs root, or sudo without a password)" in said
    assert "promtool could not be installed (no apt-get here)" in said
    assert "prometheus could not be installed (no apt-get here)" in said
    assert said.count("make tools") == 3


def refuse(command: list[str], folder: Path | None = None) -> None:
    raise install.NotInstalled("no apt-get here")


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tools.require("hadolint"), file], capture_output=True, text=True, check=False, timeout=60)


def test_dockerfiles_are_clean(tmp_path: Path) -> None:
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM debian:latest\nRUN cd /srv\n")
    done = hadolint(wrong)
    assert done.returncode == 1
    assert {"DL3007", "DL3003"} <= set(done.stdout.split())
    for file in DOCKERFILES:
        done = hadolint(file)
        assert done.returncode == 0, done.stdout + done.stderr
