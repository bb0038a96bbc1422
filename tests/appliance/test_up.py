"""The node as a whole, with real processes in a folder of its own: start, watch, stop, start again."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from mondoshawan.appliance.folder import DataFolder
from mondoshawan.env import PROJECT_ROOT
from tests.tools import children
from tests.tools.ports import free_port

pytestmark = pytest.mark.e2e

PATIENCE_S = 240.0


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """The first true value of the condition; fails after a time that only a broken node needs."""
    deadline = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)
    return value


class Node:
    """One data folder and the ``up`` that runs on it."""

    def __init__(self, base: Path, processes: str) -> None:
        self.base = base
        self.folder = DataFolder(base / "devnet", "devnet")
        self.port = free_port()
        kept = {name: value for name, value in os.environ.items() if not name.startswith("MDS_")}
        self.env = {
            **kept,
            "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod",
            "MDS_DATA_DIR": str(base),
            "MDS_WEB_BIND": f"127.0.0.1:{self.port}",
            "MDS_PROCESSES": processes,
        }
        self.output = base / "up.out"
        self.process: subprocess.Popen[bytes] | None = None

    def command(self, *arguments: str, **extra: str) -> subprocess.CompletedProcess[str]:
        """Run one management command to its end."""
        return subprocess.run(
            [sys.executable, str(PROJECT_ROOT / "manage.py"), *arguments],
            env={**self.env, **extra},
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )

    def start(self) -> str:
        """Start ``up`` and wait for its announcement, which is returned."""
        with self.output.open("wb") as output:
            self.process = children.start(
                [sys.executable, str(PROJECT_ROOT / "manage.py"), "up"],
                env=self.env,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        process = self.process
        until(lambda: process.poll() is not None or "Ctrl-C" in self.output.read_text())
        assert process.poll() is None, self.output.read_text()
        return self.output.read_text()

    def family(self) -> list[psutil.Process]:
        """Every process below ``up``."""
        assert self.process is not None
        return psutil.Process(self.process.pid).children(recursive=True)

    def find(self, word: str) -> psutil.Process | None:
        """The supervised process whose program has this name; helpers that it forked do not count."""
        for process in self.family():
            try:
                parent = process.parent()
                if Path(process.exe()).name == word and parent and "supervisor.supervisord" in parent.cmdline():
                    return process
            except psutil.Error:
                continue
        return None

    def get(self, path: str) -> tuple[int, Any]:
        """GET from the web process: status and JSON."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{path}")
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            return error.code, json.load(error)

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Ask for the end; the exit code."""
        assert self.process is not None
        self.process.send_signal(number)
        return self.process.wait(PATIENCE_S)

    def discard(self) -> None:
        """Leave nothing behind, whatever the test did."""
        if self.process is not None and self.process.poll() is None:
            family = self.family()
            self.process.kill()
            self.process.wait()
            psutil.wait_procs(family, timeout=PATIENCE_S)
        if self.folder.sockets != self.folder.run:
            shutil.rmtree(self.folder.sockets, ignore_errors=True)
        shutil.rmtree(self.base, ignore_errors=True)


def all_gone(processes: list[psutil.Process]) -> bool:
    def ended(process: psutil.Process) -> bool:
        try:
            return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    return all(ended(process) for process in processes)


@pytest.fixture
def node() -> Iterator[Node]:
    base = Path(tempfile.mkdtemp(prefix="mds-up-", dir="/tmp"))
    base.chmod(0o755)
    made = Node(base, "web")
    try:
        yield made
    finally:
        made.discard()


def test_the_life_of_a_node(node: Node) -> None:
    said = node.start()
    family = node.family()
    status, health = node.get("/health")
    assert (status, health["status"], health["network"]) == (200, "ok", "devnet")
    status, ready = until(lambda: (answer := node.get("/ready"))[0] == 200 and answer)
    assert {"database", "redis", "disk"} <= set(ready["checks"])
    password = re.search(r"user operator, password (\S+)", said)
    assert password, said
    assert all(password[1] not in path.read_text(errors="replace") for path in node.folder.log.iterdir())

    # the servers never run as root, and listen on no port
    for name in ("postgres", "redis-server"):
        server = until(lambda name=name: node.find(name))
        assert server.uids().effective != 0
        assert list(server.net_connections(kind="inet")) == []

    shown = node.command("status")
    assert shown.returncode == 0, shown.stdout
    assert {"postgres", "redis", "web"} <= {line.split()[0] for line in shown.stdout.splitlines() if line.strip()}
    assert f"http://127.0.0.1:{node.port}" in shown.stdout

    second = node.command("up")
    assert second.returncode == 2
    assert "already running" in second.stderr
    assert "Traceback" not in second.stderr

    keys_before = {path.name: path.read_bytes() for path in node.folder.keys.iterdir()}
    assert node.stop(signal.SIGTERM) == 0
    assert all_gone(family)
    stopped = node.command("status")
    assert stopped.returncode == 1

    # the second life: same keys, same database, another first password, and no stop for a damaged Redis file
    damaged = node.folder.redis / "appendonly.aof"
    damaged.write_bytes(b"*1\r\nnonsense\r\n" * 4)
    said = node.start()
    second_password = re.search(r"user operator, password (\S+)", said)
    assert second_password, said
    assert second_password[1] != password[1]
    assert "pending transactions are lost" in said
    assert [path.name for path in node.folder.backup.iterdir()] == ["appendonly-1.aof"]
    until(lambda: node.get("/ready")[0] == 200)
    assert {path.name: path.read_bytes() for path in node.folder.keys.iterdir()} == keys_before
    family = node.family()
    assert node.stop(signal.SIGINT) == 0
    assert all_gone(family)


def test_what_dies_is_started_again(node: Node) -> None:
    node.start()
    for name in ("redis-server", "postgres"):
        victim = until(lambda name=name: node.find(name))
        victim.kill()
        until(lambda name=name, pid=victim.pid: (found := node.find(name)) and found.pid != pid)
    until(lambda: node.get("/ready")[0] == 200)
    said = until(lambda: (text := node.output.read_text()).count("was restarted") >= 2 and text)
    assert "redis was restarted" in said
    assert "postgres was restarted" in said
    assert node.command("status").returncode == 0
    assert node.stop() == 0


def test_nothing_outlives_the_supervisor(node: Node) -> None:
    node.start()
    family = node.family()
    daemon = next(process for process in family if "supervisor.supervisord" in process.cmdline())
    daemon.kill()
    assert node.process is not None
    assert node.process.wait(PATIENCE_S) == 1
    until(lambda: all_gone(family))
    # and what it left behind does not hinder the next start
    node.start()
    family = node.family()
    node.process.kill()
    node.process.wait()
    until(lambda: all_gone(family))
    node.start()
    assert node.stop() == 0


def test_a_taken_port_is_refused_before_anything_starts(node: Node) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", node.port))
        taken.listen(1)
        done = node.command("up")
    assert done.returncode == 2
    assert "in use" in done.stderr
    assert "MDS_WEB_BIND" in done.stderr
    assert not (node.folder.run / "supervisord.pid").exists()


def test_wrong_settings_are_one_line() -> None:
    env = {**{k: v for k, v in os.environ.items() if not k.startswith("MDS_")}, "MDS_NETWORK": "mainnet"}
    env["DJANGO_SETTINGS_MODULE"] = "mondoshawan.settings.prod"
    done = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "manage.py"), "status"],
        env=env,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "devnet" in done.stderr
