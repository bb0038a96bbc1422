"""Who may import whom: the contracts of pyproject.toml hold."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from mondoshawan import env as environment
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import table
from mondoshawan.env import PROJECT_ROOT


def test_import_contracts_hold() -> None:
    program = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run(
        [program, "--no-cache"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_settings_and_apps_do_not_load_the_evm() -> None:
    code = "import django, sys; django.setup(); import mondoshawan.asgi; print('eth' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env={**os.environ, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod"},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    # what it logs comes before
    assert done.stdout.strip().splitlines()[-1] == "False"


def test_a_worker_imports_neither_the_web_nor_what_only_pages_need() -> None:
    """Each of five workers would hold them: the environment is the one that the supervisor gives."""
    env = environment.current()
    worker = next(program for program in table(env, DataFolder.of(env), None) if program.name == "virtual")
    launch = worker.prepare()
    code = (
        "import sys; from mondoshawan.celery import app; app.loader.import_default_modules();"
        "unwanted = {'eth', 'eth_abi', 'pydantic', 'ninja', 'explorer.views', 'admin_ui.views'};"
        "print('found', *sorted(unwanted & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=PROJECT_ROOT,
        env={**os.environ, **launch.env},
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    assert done.stdout.splitlines()[-1] == "found"
