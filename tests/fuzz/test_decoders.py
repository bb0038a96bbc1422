"""A minute of coverage-guided fuzzing; ``make test-long`` runs it."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.long
def test_a_minute_of_fuzzing_finds_nothing() -> None:
    command = [sys.executable, "-m", "tests.fuzz.decoders", "-max_total_time=60", "-print_final_stats=1"]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]
    assert "Done" in ended.stderr
