"""Session-wide fixtures: the embedded servers, in a folder that lives as long as the test session.

Nothing is started for tests that need no database.  As root the servers run as an unprivileged user.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, settings

from mondoshawan import env as environment
from tests.dealing import Dealing
from tests.tools import children

_OWNER_PID = os.getpid()
# property tests try the same examples on every machine, however busy it is and whichever files are run
settings.register_profile("suite", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("suite")
# seconds until a test with this marker counts as hung, the first that fits; pyproject.toml has all others'
_PATIENCE_S = {"long": 3600, "e2e": 600}


@pytest.fixture(scope="session")
def servers() -> Iterator[None]:
    """PostgreSQL and Redis of this session, ready; external ones by URL are taken as they are."""
    from mondoshawan.appliance import identity, keys, launch, postgres, redis_server
    from mondoshawan.appliance.folder import DataFolder

    env = environment.current()
    folder = DataFolder.of(env)
    user = identity.resolve(env.run_as)
    password = keys.read_text(folder.keys, keys.DATABASE_PASSWORD)
    assert password is not None
    started: list[tuple[subprocess.Popen[bytes], int]] = []
    try:
        if not env.redis_url:
            server = launch.spawn(redis_server.launch(folder, user), folder.log / "redis.log")
            started.append((server, signal.SIGTERM))
        if not env.database_url:
            postgres.require_reachable(folder, user)
            postgres.initialise(folder, user, password)
            start = postgres.launch(folder, user, 64)
            # nobody needs this data after a loss of power
            start = replace(start, argv=(*start.argv, "-c", "fsync=off", "-c", "synchronous_commit=off"))
            server = launch.spawn(start, folder.log / "postgres.log")
            started.append((server, signal.SIGINT))
            postgres.wait_ready(postgres.connection_info(folder, password, "postgres"), 60)
        if not env.redis_url:
            redis_server.wait_ready(redis_server.client(folder), 30)
        yield
    finally:
        for server, stop in started:
            server.send_signal(stop)
        for server, _ in started:
            try:
                server.wait(60)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(servers: None) -> None:
    """The door that pytest-django opens before it makes the test database."""


@pytest.fixture
def redis_url(servers: None) -> Iterator[str]:
    """URL of the session's Redis, empty before and after the test."""
    import redis
    from django.conf import settings

    with redis.Redis.from_url(settings.MDS_REDIS_URL) as client:
        client.flushall()
        yield settings.MDS_REDIS_URL
        client.flushall()


@pytest.fixture(scope="session")
def vectors_folder() -> Path:
    """Vectors of other projects, which lie beside this one and are no part of it; without them their tests are skipped.

    The project's own are in ``tests/vectors``.
    """
    folder = environment.PROJECT_ROOT.parent / "shared" / "vectors"
    if not folder.is_dir():
        pytest.skip("the vectors of other projects are not beside this one")
    return folder


def pytest_configure(config: pytest.Config) -> None:
    """Remove what sessions that were killed left behind: folders named after a process that is no more.

    A worker of a session ends with it.
    """
    if hasattr(config, "workerinput"):
        children.end_with_parent()
    for folder in Path("/tmp").glob("mds-test-*-*"):
        pid = folder.name.split("-")[2]
        if pid.isdigit() and not psutil.pid_exists(int(pid)):
            shutil.rmtree(folder, ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Give tests that start processes, and long ones, the time that they may need on a busy machine.

    End-to-end tests, which share the machine with all that they start, are tried a second time; the summary names them.
    """
    for item in items:
        if item.get_closest_marker("e2e") is not None:
            item.add_marker(pytest.mark.flaky(reruns=1))
        if item.get_closest_marker("timeout") is None:
            for marker, seconds in _PATIENCE_S.items():
                if item.get_closest_marker(marker) is not None:
                    item.add_marker(pytest.mark.timeout(seconds))
                    break


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Dealing | None:
    """Deal out by files in our way, where that is asked for."""
    return Dealing(config, log) if config.getoption("dist") == "loadfile" else None


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """What the first tries of tests that were tried again failed of."""
    for report in terminalreporter.stats.get("rerun", []):
        terminalreporter.section(f"first try of {report.nodeid}")
        terminalreporter.write_line(report.longreprtext)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove the session's folder, in the process that made it only."""
    from mondoshawan.settings import test

    if os.getpid() == _OWNER_PID:
        shutil.rmtree(test.TEST_DIR, ignore_errors=True)
