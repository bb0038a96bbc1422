"""Commands whose servers are away say so in one line."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mondoshawan.env import PROJECT_ROOT


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["prepare"], "PostgreSQL cannot be used"),
        (["verify_chain"], "database_unavailable"),
    ],
)
def test_an_outside_postgresql_that_is_away_is_one_line(tmp_path: Path, command: list[str], words: str) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MDS_")}
    env = {
        **kept,
        "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod",
        "MDS_DATA_DIR": str(tmp_path),
        "MDS_DATABASE_URL": "postgres://somebody:hunter2@127.0.0.1:1/chain",
        "MDS_REDIS_URL": "redis://127.0.0.1:1/0",
    }
    done = subprocess.run(
        [sys.executable, "manage.py", *command], cwd=PROJECT_ROOT, env=env, capture_output=True, text=True, check=False,
        timeout=120,
    )  # fmt: skip
    assert done.returncode == 1
    assert done.stderr.startswith("mondoshawan: "), done.stderr
    assert done.stderr.count("\n") == 1
    assert words in done.stderr
    assert "hunter2" not in done.stderr
