"""Every finding of the doctor is found where its mistake is made, and only there."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from chain.core.errors import StoreError
from mondoshawan import env as environment
from mondoshawan.appliance import keys
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.doctor import examine, machine, servers
from mondoshawan.doctor.findings import KNOWN, Finding
from mondoshawan.doctor.settings import check_settings
from mondoshawan.env import PROJECT_ROOT, Bind
from tests.tools import children

SEEN: set[str] = set()
GB = 1_000_000_000


def codes(found: Iterable[Finding]) -> set[str]:
    """Codes of findings; each is remembered, and has something to say."""
    named = set()
    for item in found:
        assert item.what, item
        assert item.why, item
        assert item.remedy, item
        named.add(item.code)
    SEEN.update(named)
    return named


def settings_of(debug: bool = False, **variables: str) -> set[str]:
    return codes(
        check_settings(environment.read({f"MDS_{name}": value for name, value in variables.items()}), debug=debug)
    )


PUBLIC = {"WEB_BIND": "0.0.0.0:8000", "PUBLIC_ORIGINS": "https://node.example"}
FAR_REDIS = "rediss://:secret@redis.example:6379/0"


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, set()),
        (PUBLIC, set()),
        ({"WEB_BIND": "0.0.0.0:8000"}, {"hosts_missing", "tls_missing"}),
        ({"WEB_BIND": "0.0.0.0:8000", "ALLOWED_HOSTS": "node.example"}, {"tls_missing"}),
        ({**PUBLIC, "PUBLIC_ORIGINS": "https://a.example,http://b.example"}, {"tls_missing"}),
        ({"WEB_BIND": "[::1]:8000"}, set()),
        ({"RPC_BIND": "0.0.0.0:8545", "RPC_LOCAL_OPERATOR": "1"}, {"local_operator_public"}),
        ({"RPC_LOCAL_OPERATOR": "1"}, set()),
        ({"PUBLIC_ORIGINS": "https://node.example", "RPC_LOCAL_OPERATOR": "1"}, {"local_operator_public"}),
        ({"RPC_BIND": "0.0.0.0:8545", "RPC_RATE": "0"}, {"rate_unlimited"}),
        ({"RPC_RATE": "0"}, set()),
        ({"METRICS_ALLOW": "0.0.0.0/0"}, {"metrics_public"}),
        ({"METRICS_ALLOW": "10.0.0.0/8,::/0"}, {"metrics_public"}),
        ({"DATABASE_URL": "postgres://u:p@db.example/x"}, {"database_plain"}),
        ({"DATABASE_URL": "postgres://u:p@db.example/x?sslmode=verify-full"}, set()),
        ({"DATABASE_URL": "postgres://u:p@127.0.0.1/x"}, set()),
        ({"DATABASE_URL": "postgres://u:p@%2Frun%2Fpg/x"}, set()),
        ({"REDIS_URL": "redis://:secret@redis.example/0"}, {"redis_plain"}),
        ({"REDIS_URL": "rediss://redis.example/0"}, {"redis_open"}),
        ({"REDIS_URL": FAR_REDIS}, set()),
        ({"REDIS_URL": "unix:///run/redis.sock?db=0"}, set()),
        ({"REDIS_URL": "redis://127.0.0.1/0"}, set()),
        ({"PROCESSES": "-virtual"}, {"writer_left_out"}),
        ({"PROCESSES": "web,virtual,index,beat"}, set()),
        ({"PROCESSES": "-beat"}, {"sweep_left_out"}),
    ],
)
def test_settings(variables: dict[str, str], expected: set[str]) -> None:
    assert settings_of(**variables) == expected


def test_debug_is_for_this_machine_only() -> None:
    assert settings_of(debug=True, **PUBLIC) == {"debug_public"}
    assert settings_of(debug=True) == set()


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "devnet", "devnet")
    made.create()
    keys.ensure_keys(made.keys)
    made.write_format("0x" + "ab" * 32)
    return made


def folder_codes(folder: DataFolder, least: int = 0, *, is_running: bool = False) -> set[str]:
    return codes(machine.check_folder(folder, least, is_running=is_running))


def test_a_good_folder_and_one_that_is_not_there_yet(folder: DataFolder, tmp_path: Path) -> None:
    assert folder_codes(folder) == set()
    assert folder_codes(DataFolder(tmp_path / "new" / "devnet", "devnet")) == set()


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert folder_codes(DataFolder(tmp_path / "file" / "devnet", "devnet")) == {"folder_unusable"}


@pytest.mark.parametrize(
    "text", ["", "{}", '{"layout": 99, "network": "devnet"}', '{"layout": 1, "network": "testnet"}']
)
def test_a_format_that_is_not_ours(folder: DataFolder, text: str) -> None:
    folder.format_file.write_text(text)
    assert folder_codes(folder) == {"folder_format"}
    assert folder.format_file.read_text() == text


def test_keys_that_others_can_read(folder: DataFolder) -> None:
    (folder.keys / keys.VRF_KEY).chmod(0o640)
    assert folder_codes(folder) == {"keys_open"}
    (folder.keys / keys.VRF_KEY).chmod(0o600)
    folder.keys.chmod(0o755)
    assert folder_codes(folder) == {"keys_open"}


def test_keys_that_are_gone_or_damaged(folder: DataFolder) -> None:
    (folder.keys / keys.DJANGO_KEY).unlink()
    assert folder_codes(folder) == {"key_missing"}
    (folder.keys / keys.VRF_KEY).write_text("not hex\n")
    assert folder_codes(folder) == {"key_missing", "key_malformed"}


def test_space(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 3 * GB

    monkeypatch.setattr(machine.shutil, "disk_usage", lambda path: Usage)
    assert folder_codes(folder, 4 * GB) == {"disk_full"}
    assert folder_codes(folder, GB) == {"disk_soon_full"}
    assert folder_codes(folder, GB // 2) == set()


def test_remains_of_an_earlier_life(folder: DataFolder) -> None:
    pid_file = folder.postgres / "postmaster.pid"
    ended = children.start([sys.executable, "-c", ""])
    ended.wait()
    pid_file.write_text(f"{ended.pid}\nmore\n")
    assert folder_codes(folder) == {"stale_lock"}
    assert folder_codes(folder, is_running=True) == set()
    pid_file.write_text(f"{os.getpid()}\n")
    assert folder_codes(folder) == set()


def test_a_port_of_somebody_else() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        binds = [("MDS_WEB_BIND", Bind("127.0.0.1", taken.getsockname()[1]))]
        assert codes(machine.check_ports(binds, is_running=False)) == {"port_taken"}
        assert codes(machine.check_ports(binds, is_running=True)) == set()
    assert codes(machine.check_ports(binds, is_running=False)) == set()


@pytest.mark.parametrize(
    ("measured", "expected"),
    [
        ({}, set()),
        ({"files": 1024}, {"files_few"}),
        ({"files": -1}, set()),
        ({"memory": GB}, {"memory_low"}),
        ({"is_free_clock": True}, {"clock_free"}),
        ({"uid": 0}, {"runs_as_root"}),
    ],
)
def test_the_machine(measured: dict[str, Any], expected: set[str]) -> None:
    good = {"files": 65_536, "memory": 8 * GB, "is_free_clock": False, "uid": 1000}
    assert codes(machine.check_machine(**{**good, **measured})) == expected


def test_the_kernel_is_asked_for_its_clock() -> None:
    assert machine.clock_is_free() in (True, False)


GOOD_DATABASE = {"server_version_num": "160004", "server_encoding": "UTF8", "max_connections": "100", "fsync": "on",
                 "full_page_writes": "on", "synchronous_commit": "on"}  # fmt: skip


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, set()),
        ({"server_version_num": "140012"}, {"database_unfit"}),
        ({"server_encoding": "SQL_ASCII"}, {"database_unfit"}),
        ({"fsync": "off"}, {"database_unsafe"}),
        ({"full_page_writes": "off"}, {"database_unsafe"}),
        ({"synchronous_commit": "off"}, {"database_unsafe"}),
        ({"max_connections": "20"}, {"database_connections"}),
    ],
)
def test_the_database(changed: dict[str, str], expected: set[str]) -> None:
    assert codes(servers.check_database({**GOOD_DATABASE, **changed}.__getitem__)) == expected


@pytest.mark.django_db
def test_the_real_database_is_asked(redis_url: str) -> None:
    # the server of tests is fast, not durable
    assert codes(examine._database()) <= {"database_connections", "database_unsafe"}
    assert codes(examine._redis()) == set()


def test_servers_that_are_away(settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.MDS_REDIS_URL = f"unix://{tmp_path}/none.sock"
    assert codes(examine._redis()) == {"redis_away"}

    class Gone:
        def cursor(self) -> Any:
            raise OSError("no such socket\nsecond line")

    monkeypatch.setattr(examine, "connection", Gone())
    (found,) = examine._database()
    assert codes([found]) == {"database_away"}
    assert "second line" not in found.what


class FakeRedis:
    def __init__(self, version: str = "7.2.4", policy: str = "noeviction", append: str = "yes") -> None:
        self._version, self._config = version, {"maxmemory-policy": policy, "appendonly": append}

    def info(self, section: str) -> dict[str, str]:
        return {"redis_version": self._version}

    def config_get(self, name: str) -> dict[str, str]:
        return {name: self._config[name]}


@pytest.mark.parametrize(
    ("server", "expected"),
    [
        (FakeRedis(), set()),
        (FakeRedis(version="6.0.16"), {"redis_old"}),
        (FakeRedis(policy="allkeys-lru"), {"redis_evicts"}),
        (FakeRedis(append="no"), {"redis_forgets"}),
    ],
)
def test_redis(server: Any, expected: set[str]) -> None:
    assert codes(servers.check_redis(server)) == expected


@pytest.mark.parametrize(
    ("name", "code"), [("chain_identity", "database_foreign"), ("clock", "clock_skew"), ("writer_lag", "writer_lags")]
)
def test_the_chain(name: str, code: str) -> None:
    def good() -> dict[str, Any]:
        return {"ok": True, "value": 0, "threshold": 1}

    def failing() -> dict[str, Any]:
        raise StoreError("database_error", "x")

    names = ("chain_identity", "clock", "writer_lag")
    assert codes(servers.check_chain(dict.fromkeys(names, good))) == set()
    bad = {**dict.fromkeys(names, good), name: lambda: {"ok": False, "value": 9, "threshold": 1}}
    assert codes(servers.check_chain(bad)) == {code}
    assert codes(servers.check_chain({**bad, name: failing})) == {code}


def test_the_running_node() -> None:
    good = {"web": "RUNNING", "mine": "RUNNING"}
    assert codes(servers.check_running(good, {"virtual": 2}, 15)) == set()
    assert codes(servers.check_running({**good, "mine": "FATAL"}, {}, 15)) == {"process_down"}
    assert codes(servers.check_running(good, {"virtual": None}, 15)) == {"worker_silent"}
    assert codes(servers.check_running(good, {"virtual": 16}, 15)) == {"worker_silent"}
    assert codes(servers.check_mining("testnet", None, mines=True)) == {"coinbase_missing"}
    assert codes(servers.check_mining("testnet", None, mines=False)) == set()
    assert codes(servers.check_mining("devnet", b"\x01" * 20, mines=True)) == set()


def test_every_finding_was_made_above_and_is_documented() -> None:
    """Runs last in this file: what no test provokes does not belong to the doctor."""
    assert set(KNOWN) == SEEN
    page = (PROJECT_ROOT / "docs" / "operations" / "doctor.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| (.*?) \| (.*?) \|$", page, re.MULTILINE)
    assert {row[0]: (row[1], row[2], row[3]) for row in rows} == {
        code: (str(level), why, remedy) for code, (level, why, remedy) in KNOWN.items()
    }


def test_the_command_tells_and_exits_by_the_worst(tmp_path: Path) -> None:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MDS_")}
    env = {**kept, "DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod", "MDS_DATA_DIR": str(tmp_path)}
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        env["MDS_WEB_BIND"] = f"127.0.0.1:{taken.getsockname()[1]}"
        env["MDS_RPC_BIND"] = "127.0.0.1:1"
        command = [sys.executable, str(PROJECT_ROOT / "manage.py"), "doctor"]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=120)
        assert done.returncode == 1, done.stderr
        assert "error port_taken: MDS_WEB_BIND" in done.stdout
        assert "remedy: stop the other program" in done.stdout
        told = subprocess.run([*command, "--json"], env=env, capture_output=True, text=True, check=False, timeout=120)
        assert "port_taken" in [item["code"] for item in json.loads(told.stdout)]
    assert list(tmp_path.iterdir()) == []
