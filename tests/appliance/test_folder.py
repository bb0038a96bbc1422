"""Data folder, keys, process table and the guards before the start; no process is started here."""

from __future__ import annotations

import json
import os
import socket
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from chain.core.errors import ConfigError
from mondoshawan import env as environment
from mondoshawan.appliance import guard, identity, keys, postgres, programs, supervisor
from mondoshawan.appliance.folder import LAYOUT_VERSION, SOCKET_PATH_LIMIT, DataFolder
from mondoshawan.env import Bind


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Shorter than pytest's own, so that sockets fit into it and no second folder is made for them."""
    with tempfile.TemporaryDirectory(prefix="mdf-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    made = DataFolder(tmp_path / "devnet", "devnet")
    made.create()
    return made


def code_of(caught: pytest.ExceptionInfo[ConfigError]) -> str:
    return caught.value.code


def test_create_makes_the_layout_once(folder: DataFolder) -> None:
    for name in ("postgres", "redis", "keys", "log", "run", "metrics", "backup"):
        assert (folder.root / name).is_dir()
    assert stat.S_IMODE(folder.keys.stat().st_mode) == 0o700
    assert folder.read_format() == {"layout": LAYOUT_VERSION, "network": "devnet", "genesis": None}
    before = folder.format_file.stat().st_mtime_ns
    folder.create()
    assert folder.format_file.stat().st_mtime_ns == before


def test_modes_do_not_depend_on_the_umask(tmp_path: Path) -> None:
    before = os.umask(0o077)
    try:
        DataFolder(tmp_path / "a" / "devnet", "devnet").create()
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a").stat().st_mode) == 0o755
    assert stat.S_IMODE((tmp_path / "a" / "devnet" / "run").stat().st_mode) == 0o755


def test_newer_layout_is_refused(folder: DataFolder) -> None:
    content = {"layout": LAYOUT_VERSION + 1, "network": "devnet", "genesis": None}
    folder.format_file.write_text(json.dumps(content))
    with pytest.raises(ConfigError) as caught:
        folder.create()
    assert code_of(caught) == "data_folder_newer"


def test_another_network_is_refused(folder: DataFolder) -> None:
    with pytest.raises(ConfigError) as caught:
        DataFolder(folder.root, "testnet").create()
    assert code_of(caught) == "data_folder_network"


@pytest.mark.parametrize("text", ["", "not json", "[]", "{}"])
def test_a_broken_format_is_refused(folder: DataFolder, text: str) -> None:
    folder.format_file.write_text(text)
    with pytest.raises(ConfigError) as caught:
        folder.create()
    assert code_of(caught) == "data_folder_format"


def test_a_database_without_format_is_refused(folder: DataFolder) -> None:
    folder.format_file.unlink()
    (folder.postgres / "PG_VERSION").write_text("18\n")
    with pytest.raises(ConfigError) as caught:
        folder.create()
    assert code_of(caught) == "data_folder_format"


def test_genesis_is_recorded_once(folder: DataFolder) -> None:
    folder.record_genesis("0x01")
    folder.record_genesis("0x01")
    assert folder.read_format()["genesis"] == "0x01"
    with pytest.raises(ConfigError) as caught:
        folder.record_genesis("0x02")
    assert code_of(caught) == "data_folder_genesis"


def test_a_file_in_the_way_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("")
    with pytest.raises(ConfigError) as caught:
        DataFolder(tmp_path / "var" / "devnet", "devnet").create()
    assert "MDS_DATA_DIR" in caught.value.data["hint"]


def test_sockets_are_short_for_any_folder(tmp_path: Path) -> None:
    deep = DataFolder(tmp_path / ("d" * 100) / "devnet", "devnet")
    deep.create()
    try:
        assert deep.sockets != deep.run
        assert stat.S_IMODE(deep.sockets.stat().st_mode) == 0o711
        for path in (deep.postgres_sockets / ".s.PGSQL.5432", deep.redis_socket, deep.supervisor_socket):
            assert len(os.fsencode(path)) < SOCKET_PATH_LIMIT
        assert DataFolder(deep.root, "devnet").sockets == deep.sockets
    finally:
        deep.postgres_sockets.rmdir()
        deep.redis_socket.parent.rmdir()
        deep.sockets.rmdir()


def test_a_socket_folder_of_someone_else_is_refused(tmp_path: Path) -> None:
    deep = DataFolder(tmp_path / ("e" * 100) / "devnet", "devnet")
    deep.sockets.mkdir()
    deep.sockets.chmod(0o777)
    try:
        with pytest.raises(ConfigError) as caught:
            deep.create()
        assert code_of(caught) == "data_folder"
    finally:
        deep.sockets.rmdir()


def test_keys_are_made_once_and_private(folder: DataFolder) -> None:
    made = keys.ensure_keys(folder.keys)
    assert set(made) == {"vrf.key", "p2p.key", "django.key", "postgres.key"}
    content = {name: (folder.keys / name).read_text() for name in made}
    assert all(stat.S_IMODE((folder.keys / name).stat().st_mode) == 0o600 for name in made)
    (folder.keys / "vrf.key").chmod(0o644)
    assert keys.ensure_keys(folder.keys) == ()
    assert {name: (folder.keys / name).read_text() for name in made} == content
    assert stat.S_IMODE((folder.keys / "vrf.key").stat().st_mode) == 0o600
    assert len(keys.read_seed(folder.keys, keys.VRF_KEY)) == 32
    assert keys.read_seed(folder.keys, keys.VRF_KEY) != keys.read_seed(folder.keys, keys.P2P_KEY)


def test_a_missing_or_broken_seed_has_a_code(folder: DataFolder) -> None:
    with pytest.raises(ConfigError) as caught:
        keys.read_seed(folder.keys, keys.VRF_KEY)
    assert code_of(caught) == "key_missing"
    (folder.keys / keys.VRF_KEY).write_text("00ff")
    with pytest.raises(ConfigError) as caught:
        keys.read_seed(folder.keys, keys.VRF_KEY)
    assert code_of(caught) == "key_malformed"


def test_one_lock_for_each_folder(folder: DataFolder) -> None:
    assert guard.owner(folder) is None
    lock = guard.FolderLock(folder)
    assert guard.owner(folder) == os.getpid()
    with pytest.raises(ConfigError) as caught:
        guard.FolderLock(folder)
    assert code_of(caught) == "already_running"
    assert str(os.getpid()) in caught.value.message
    lock.release()
    assert guard.owner(folder) is None
    guard.FolderLock(folder).release()


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(1)
        yield listener.getsockname()[1]


def test_a_port_in_use_is_refused(taken_port: int) -> None:
    with pytest.raises(ConfigError) as caught:
        guard.require_free([("MDS_WEB_BIND", Bind("127.0.0.1", taken_port))])
    assert code_of(caught) == "port_in_use"
    assert "MDS_WEB_BIND" in caught.value.data["hint"]


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(ConfigError) as caught:
        guard.require_free([("MDS_RPC_BIND", Bind("192.0.2.1", 8545))])
    assert code_of(caught) == "bind"


def test_remains_are_cleared(folder: DataFolder) -> None:
    """The pids belong to processes that are not ours: one that lives (this one) and one that cannot exist."""
    (folder.run / "supervisord.pid").write_text("4194305\n")
    (folder.postgres / "postmaster.pid").write_text(f"{os.getpid()}\n/elsewhere\n")
    folder.redis_socket.touch()
    (folder.postgres_sockets / ".s.PGSQL.5432.lock").write_text("1\n")
    guard.clear_remains(folder, time.sleep)
    assert not (folder.run / "supervisord.pid").exists()
    assert not (folder.postgres / "postmaster.pid").exists()
    assert not folder.redis_socket.exists()
    assert list(folder.postgres_sockets.iterdir()) == []


def names(env: environment.Environment, folder: DataFolder) -> list[str]:
    return [program.name for program in programs.chosen(programs.table(env, folder, None), env)]


def test_servers_start_first_and_external_ones_never(folder: DataFolder) -> None:
    assert names(environment.read({}), folder)[:2] == ["postgres", "redis"]
    env = environment.read({"MDS_DATABASE_URL": "postgres://u@h/d", "MDS_REDIS_URL": "redis://h"})
    assert not {"postgres", "redis"} & set(names(env, folder))


def test_processes_are_chosen_by_name_or_left_out(folder: DataFolder) -> None:
    assert names(environment.read({"MDS_PROCESSES": "web"}), folder) == ["postgres", "redis", "web"]
    every = names(environment.read({}), folder)
    without = names(environment.read({"MDS_PROCESSES": "-mine,-beat"}), folder)
    assert without == [name for name in every if name not in ("mine", "beat")]


def test_rpc_processes_come_and_go_together(folder: DataFolder) -> None:
    three = {"MDS_RPC_WORKERS": "3"}
    every = names(environment.read(three), folder)
    assert [name for name in every if name.startswith("rpc")] == ["rpc", "rpc2", "rpc3"]
    assert names(environment.read({**three, "MDS_PROCESSES": "rpc"}), folder) == [
        "postgres",
        "redis",
        "rpc",
        "rpc2",
        "rpc3",
    ]
    assert "rpc3" not in names(environment.read({**three, "MDS_PROCESSES": "-rpc"}), folder)
    with pytest.raises(ConfigError):
        names(environment.read({**three, "MDS_PROCESSES": "rpc2"}), folder)


@pytest.mark.parametrize("value", ["wbe", "-wbe", "postgres", "web,-mine"])
def test_wrong_process_names_are_refused(folder: DataFolder, value: str) -> None:
    with pytest.raises(ConfigError) as caught:
        names(environment.read({"MDS_PROCESSES": value}), folder)
    assert code_of(caught) == "config_value"


def test_every_queue_has_a_worker(folder: DataFolder) -> None:
    from mondoshawan.settings.parts.celery import QUEUES

    served: list[str] = []
    for program in programs.table(environment.read({}), folder, None):
        if program.name not in programs.SERVERS:
            argv = program.prepare().argv
            served += argv[argv.index("-Q") + 1].split(",") if "-Q" in argv else []
    assert sorted(served) == sorted(QUEUES)


def test_mining_and_the_index_give_way_and_start_order_is_priority(folder: DataFolder) -> None:
    listed = programs.table(environment.read({}), folder, None)
    own = [program for program in listed if program.name not in programs.SERVERS]
    assert {program.name: program.prepare().nice for program in own if program.prepare().nice} == {
        "mine": 19,
        "index": 5,
    }
    priorities = [program.priority for program in listed]
    assert priorities == sorted(set(priorities))


def test_supervisor_files_are_private_and_name_no_secret(folder: DataFolder) -> None:
    env = environment.read(
        {"MDS_PROCESSES": "web", "MDS_REDIS_URL": "redis://:hunter2@h", "MDS_DATABASE_URL": "postgres://u@h/d"}
    )
    chosen = programs.chosen(programs.table(env, folder, None), env)
    supervisor.configure(folder, env, chosen)
    for name in ("supervisord.conf", "programs.json"):
        assert stat.S_IMODE((folder.run / name).stat().st_mode) == 0o600
        assert "hunter2" not in (folder.run / name).read_text()


def test_a_path_that_an_ini_file_cannot_hold_is_refused(tmp_path: Path) -> None:
    odd = DataFolder(tmp_path / "a ;b" / "devnet", "devnet")
    odd.create()
    with pytest.raises(ConfigError) as caught:
        supervisor.configure(odd, environment.read({}), ())
    assert code_of(caught) == "data_folder"


needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="dropping privileges needs root")


@needs_root
def test_root_drops_to_an_unprivileged_user() -> None:
    user = identity.resolve("nobody")
    assert user is not None
    assert user.uid != 0
    for name in ("root", "0", "no-such-user"):
        with pytest.raises(ConfigError) as caught:
            identity.resolve(name)
        assert code_of(caught) == "run_as"


@needs_root
def test_an_unreachable_data_folder_is_one_line_and_left_alone(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)
    folder = DataFolder(closed / "devnet", "devnet")
    folder.create()
    with pytest.raises(ConfigError) as caught:
        postgres.require_reachable(folder, identity.resolve("nobody"))
    assert code_of(caught) == "data_folder_unreachable"
    assert "MDS_DATA_DIR" in caught.value.data["hint"]
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


@needs_root
def test_programs_are_copied_where_the_user_can_run_them(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    user = identity.resolve("nobody")
    monkeypatch.setattr(postgres, "reachable", lambda path, user: False)
    copy = postgres.binaries(folder.postgres, user, folder.run)
    assert copy.is_relative_to(folder.run)
    for name in ("postgres", "initdb"):
        said = subprocess.run([copy / name, "--version"], capture_output=True, text=True, check=True).stdout
        assert f" {postgres.MAJOR}." in said
        assert (copy / name).stat().st_mode & 0o005 == 0o005
    assert postgres.binaries(folder.postgres, user, folder.run) == copy
