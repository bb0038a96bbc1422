"""A suite that is killed takes along everything that it started."""

from __future__ import annotations

import sys
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.e2e.node import ROOT, wait_for
from tests.tools import children

pytestmark = pytest.mark.e2e

# a suite that starts one of everything, says so, and hangs
HANGS = """
import time
from pathlib import Path
from tests.e2e.node import running_node
from tests.e2e.prometheus import running_prometheus
from tests.tools.chromium import chromium

def test_that_hangs(servers):
    with running_node(MDS_PROCESSES="rpc") as node, running_prometheus(node), chromium() as page:
        page.open("about:blank")
        Path(__file__).with_name("started").touch()
        time.sleep(3600)
"""
PROGRAMS = {"postgres", "redis-server", "prometheus", "python"}


def running(processes: list[psutil.Process]) -> list[psutil.Process]:
    """Those that have not ended, nor only wait to be collected."""
    left = []
    for one in processes:
        # it may end between the two questions
        with suppress(psutil.NoSuchProcess):
            if one.is_running() and one.status() != psutil.STATUS_ZOMBIE:
                left.append(one)
    return left


def name_of(process: psutil.Process) -> str:
    """Nothing for one that has ended by now: servers start others for a moment."""
    try:
        return process.name()
    except psutil.NoSuchProcess:
        return ""


def test_nothing_outlives_a_killed_suite(tmp_path: Path) -> None:
    """The process that deals out the tests is killed: the one that runs them ends with it, and all that it started."""
    (tmp_path / "test_inside.py").write_text(HANGS)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.conftest", "-c", ROOT / "pyproject.toml"]
    command += ["--rootdir", ROOT, "-n", "1", tmp_path / "test_inside.py"]
    with (tmp_path / "out").open("w") as out:
        suite = children.start(command, cwd=ROOT, stdout=out, stderr=out)
    started: list[psutil.Process] = []
    try:
        wait_for(
            lambda: (tmp_path / "started").exists() or suite.poll() is not None, "the suite has started all of it", 300
        )
        assert suite.poll() is None, (tmp_path / "out").read_text()
        started = psutil.Process(suite.pid).children(recursive=True)
        names = {name for one in started if (name := name_of(one))}
        assert names > PROGRAMS, names
        assert any("chrom" in name for name in names), names
        suite.kill()
        wait_for(lambda: not running(started), f"all of {len(started)} processes end")
    finally:
        suite.kill()
        suite.wait()
        for one in running(started):
            with suppress(psutil.NoSuchProcess):
                one.kill()
