"""The entrypoint on the bare machine: process 1 of its own list of processes, its secrets, and a node out of roles."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import pytest
import requests

from mondoshawan import env as environment
from mondoshawan.appliance import identity, keys, offline, postgres
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.env import PROJECT_ROOT
from tests.e2e.node import PATIENCE_S, wait_for
from tests.tools import children
from tests.tools.ports import free_port

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(os.geteuid() != 0, reason="makes namespaces of processes: needs root"),
]
ENTRYPOINT = PROJECT_ROOT / "docker" / "entrypoint" / "entrypoint.sh"
ROLES = ("virtual", "web", "rpc", "validate", "shards", "mine", "index", "beat")


class Container:
    """One run of the entrypoint as process 1, with a host name and a folder for temporary files of its own."""

    def __init__(self, role: str, base: Path, **settings: str) -> None:
        self.role = role
        self.base = base / role
        self.base.mkdir(parents=True)
        self.env = {
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "TMPDIR": str(self.base),
            "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod",
            **settings,
        }
        self.output = self.base / "out"
        self._named = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', f"box-{role}"]
        with self.output.open("w") as out:
            self.process = children.start(
                [*self._named, "unshare", "--pid", "--fork", "--mount-proc", "--kill-child", str(ENTRYPOINT), role],
                env=self.env, stdin=subprocess.DEVNULL, stdout=out, stderr=out, text=True,
            )  # fmt: skip

    @property
    def said(self) -> str:
        return self.output.read_text()

    def first(self) -> psutil.Process:
        """Process 1 of the container."""
        return psutil.Process(self.process.pid).children()[0]

    def check(self) -> tuple[int, str]:
        """The image's health check, as an engine runs it beside process 1."""
        done = subprocess.run(
            [*self._named, "python", str(ENTRYPOINT.with_name("health.py"))],
            env=self.env, capture_output=True, text=True, check=False, timeout=PATIENCE_S,
        )  # fmt: skip
        return done.returncode, done.stdout.strip() + done.stderr[-500:]

    def stop(self, number: int = signal.SIGTERM) -> int:
        """What an engine's stop does."""
        self.first().send_signal(number)
        return self.process.wait(PATIENCE_S)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@pytest.fixture
def place() -> Iterator[Path]:
    base = Path(tempfile.mkdtemp(prefix="mds-roles-", dir="/tmp"))
    base.chmod(0o755)
    yield base
    shutil.rmtree(base, ignore_errors=True)


def test_a_whole_node_as_process_one_stops_for_the_first_signal(place: Path) -> None:
    web = free_port()
    box = Container("up", place, MDS_DATA_DIR=str(place / "data"), MDS_PROCESSES="web", MDS_WEB_BIND=f"127.0.0.1:{web}")
    try:
        wait_for(lambda: "Ctrl-C" in box.said or box.process.poll() is not None, "the node starts")
        assert box.process.poll() is None, box.said
        assert box.check() == (0, "well")
        family = box.first().children(recursive=True)
        assert len(family) > 4
        begun = time.monotonic()
        assert box.stop() == 0
        print(f"stopped within {time.monotonic() - begun:.1f} s")
        assert "stopped" in box.said
        assert not [one for one in family if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]
        assert box.check()[0] == 1
    finally:
        box.kill()


@pytest.mark.parametrize(
    ("role", "settings", "code", "words"),
    [
        ("rpc", {}, 2, "MDS_DATABASE_URL and MDS_REDIS_URL"),
        ("status", {}, 1, "does not run"),
        ("nonsense", {}, 1, "nonsense"),
        ("up", {"DATABASE_URL_FILE": "/nowhere/at/all"}, 2, "cannot be read"),
        ("up", {"MDS_NETWORK": "mainnet"}, 2, "devnet"),
    ],
)
def test_what_cannot_start_says_so(place: Path, role: str, settings: dict[str, str], code: int, words: str) -> None:
    box = Container(role, place, MDS_DATA_DIR=str(place / "data"), **settings)
    assert box.process.wait(PATIENCE_S) == code, box.said
    assert words in box.said
    assert "Traceback" not in box.said


def test_a_secret_as_a_file_becomes_the_setting_and_nothing_else(place: Path) -> None:
    secret = place / "secret"
    secret.write_text("mysql://nobody:hunter2@db/x\n")
    box = Container("status", place, MDS_DATA_DIR=str(place / "data"), DATABASE_URL_FILE=str(secret))
    assert box.process.wait(PATIENCE_S) == 2
    assert "MDS_DATABASE_URL cannot be its value" in box.said
    assert "hunter2" not in box.said


@pytest.mark.long
def test_roles_on_outside_servers_are_a_node_that_mines(place: Path) -> None:
    """PostgreSQL and Redis run for themselves; each role is a container of its own; two of them are shards."""
    env = environment.read({"MDS_DATA_DIR": str(place / "servers")})
    folder = DataFolder.of(env)
    folder.create()
    keys.ensure_keys(folder.keys)
    boxes: list[Container] = []
    with ExitStack() as stack:
        stack.callback(lambda: [box.kill() for box in boxes])
        stack.enter_context(offline.stopped_node(folder))
        user, password = identity.resolve(env.run_as), keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or ""
        postgres.initialise(folder, user, password)
        stack.enter_context(offline.postgres_of(env, folder))
        stack.enter_context(offline._redis_of(env, folder))
        web, rpc = free_port(), free_port()
        host = quote(str(folder.postgres_sockets), "")
        settings = {
            "MDS_DATA_DIR": str(place / "volume"),
            "MDS_DATABASE_URL": f"postgres://mondoshawan:{password}@{host}/mondoshawan",
            "MDS_REDIS_URL": f"unix://{folder.redis_socket}?db=0",
            "MDS_WEB_BIND": f"127.0.0.1:{web}",
            "MDS_RPC_BIND": f"127.0.0.1:{rpc}",
            "MDS_SHARD_WORKERS": "1",
        }
        # an outside server has its database already
        postgres.ensure_database(folder, password)
        prepare = Container("prepare", place, **settings)
        assert prepare.process.wait(180) == 0, prepare.said
        boxes += [Container(role, place, **settings) for role in ROLES]
        url = f"http://127.0.0.1:{rpc}"

        def call(method: str, *params: Any) -> Any:
            body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
            return requests.post(url, json=body, timeout=30).json().get("result")

        try:
            for box in boxes:
                wait_for(lambda box=box: box.check() == (0, "well"), f"{box.role} is well", 300)
            wait_for(lambda: int(call("eth_blockNumber") or "0x0", 16) >= 3, "the chain grows", 600)
            assert requests.get(f"http://127.0.0.1:{web}/ready", timeout=60).status_code == 200
            extra = Container("shards", place / "second", **settings)
            boxes.append(extra)
            wait_for(lambda: extra.check() == (0, "well"), "a second container of shards is well", 300)
        except AssertionError:
            for box in boxes:
                print(f"== {box.role}\n{box.said[-1500:]}")
            print(call("mds_getMiningStatus"))
            raise
        height = int(call("eth_blockNumber"), 16)
        for box in boxes:
            assert box.stop() == 0, box.said
        done = subprocess.run(
            [sys.executable, "manage.py", "verify_chain"], cwd=PROJECT_ROOT, env=boxes[0].env, capture_output=True,
            text=True, check=False, timeout=300,
        )  # fmt: skip
        found = re.search(r"good: .* sink #(\d+)", done.stdout)
        assert found, done.stdout + done.stderr
        assert int(found[1]) >= height
