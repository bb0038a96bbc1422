"""The unit files, checked by systemd itself, and what they start exists."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from mondoshawan.env import PROJECT_ROOT, registry

UNITS = sorted((PROJECT_ROOT / "docker" / "systemd").glob("*.service"))
INSTALLED = "/opt/mondoshawan"


def test_there_are_units() -> None:
    assert [unit.name for unit in UNITS] == ["mondoshawan.service", "mondoshawan@.service"]


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_finds_nothing_to_say(unit: Path, tmp_path: Path) -> None:
    """Whether programs exist is judged where they are: here, in this project."""
    program = shutil.which("systemd-analyze")
    assert program, "systemd-analyze is missing: install systemd"
    copy = tmp_path / unit.name.replace("@.", "@rpc.")
    text = unit.read_text().replace(INSTALLED, str(PROJECT_ROOT))
    copy.write_text(text)
    done = subprocess.run([program, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False,
                          timeout=120)  # fmt: skip
    ours = [line for line in (done.stderr + done.stdout).splitlines() if "mondoshawan" in line]
    assert ours == []
    assert done.returncode == 0
    copy.write_text(text.replace("KillMode=mixed", "KillMode=gently"))
    wrong = subprocess.run([program, "verify", "--man=no", str(copy)], capture_output=True, text=True, check=False,
                           timeout=120)  # fmt: skip
    assert "gently" in wrong.stderr + wrong.stdout


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_what_a_unit_names_is_there(unit: Path) -> None:
    text = unit.read_text()
    known = {entry.name for entry in registry()}
    assert set(re.findall(r"MDS_[A-Z_]+[A-Z]", text)) <= known
    for path in re.findall(rf"file://{INSTALLED}/(\S+)", text):
        assert (PROJECT_ROOT / path).exists(), path
    (command,) = re.findall(r"ExecStart=\S+/python manage.py (\w+)", text)
    assert (PROJECT_ROOT / "mondoshawan" / "management" / "commands" / f"{command}.py").exists()
    # longer than an orderly end takes; a wrong configuration is not tried again and again
    assert int(re.findall(r"TimeoutStopSec=(\d+)", text)[0]) > 10
    assert "RestartPreventExitStatus=2" in text
    assert "KillMode=mixed" in text
