"""Node.js scripts with the npm packages that their lock file pins."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.tools import children, require

_INSTALL_S = 300
# blocks are rare on a machine that is busy with other things, because miners give way
_RUN_S = 300


def install(folder: Path) -> Path:
    """A folder with the files of ``folder`` and the packages of its lock file beside them.

    It lies in the virtual environment under the hash of the lock file, so packages are fetched once; npm checks
    each against the hash that the lock file holds, and runs no script of theirs.
    """
    lock = (folder / "package-lock.json").read_bytes()
    cache = Path(sys.prefix) / "npm"
    packages = cache / hashlib.sha256(lock).hexdigest()[:16]
    if not packages.is_dir():
        cache.mkdir(exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as name:
            draft = Path(name) / "packages"
            draft.mkdir()
            for file in ("package.json", "package-lock.json"):
                shutil.copy(folder / file, draft)
            _npm_ci(draft)
            draft.rename(packages)
    for script in folder.glob("*.mjs"):
        shutil.copy(script, packages)
    return packages


def _npm_ci(folder: Path) -> None:
    options = ("--ignore-scripts", "--no-audit", "--no-fund", "--no-update-notifier")
    command = [str(require("node")), str(require("npm-cli.js")), "ci", *options]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=_INSTALL_S, check=False)
    except subprocess.TimeoutExpired:
        pytest.fail(f"no answer from the npm registry in {_INSTALL_S} s; it is needed once: npm ci", pytrace=False)
    if done.returncode != 0:
        pytest.fail(f"the npm registry is needed once, and npm ci failed:\n{done.stderr[-2000:]}", pytrace=False)


def run(script: Path, task: dict[str, Any]) -> dict[str, Any]:
    """Run a script with the task on its standard input; the JSON object of its last line."""
    command = [require("node"), script]
    with children.start(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            said, complaints = process.communicate(json.dumps(task), timeout=_RUN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            said, complaints = process.communicate()
    assert process.returncode == 0, f"{script.name}: {process.returncode}\n{said}\n{complaints}"
    return json.loads(said.splitlines()[-1])
