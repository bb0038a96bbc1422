"""Backups as files: whole or refused; and folders of an older layout, upgraded after a backup.  No server runs here."""

from __future__ import annotations

import io
import json
import os
import stat
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from chain.core.errors import ConfigError
from chain.core.genesis import GENESIS_HASHES
from mondoshawan import env as environment
from mondoshawan.appliance import archive, backup, keys, offline, upgrade
from mondoshawan.appliance.folder import LAYOUT_VERSION, DataFolder
from mondoshawan.appliance.guard import FolderLock

ENV = environment.read({})
HEAD = archive.Head(archive.VERSION, "folder", "devnet", None, LAYOUT_VERSION, "2026-11-22T00:00:00+00:00", 7)
DATABASE: dict[str, object] = {}
GENESIS = "0x" + GENESIS_HASHES["devnet"]


@pytest.fixture
def tmp_path() -> Iterator[Path]:
    """Shorter than pytest's own, so that sockets fit into it."""
    with tempfile.TemporaryDirectory(prefix="mdb-", dir="/tmp") as name:
        yield Path(name)


@pytest.fixture
def folder(tmp_path: Path) -> DataFolder:
    """A stopped node's folder with something in every part."""
    made = DataFolder(tmp_path / "devnet", "devnet")
    made.create()
    keys.ensure_keys(made.keys)
    (made.postgres / "PG_VERSION").write_text("18\n")
    (made.postgres / "base" / "1").mkdir(parents=True)
    (made.postgres / "base" / "1" / "2600").write_bytes(bytes(range(256)) * 50)
    (made.postgres / "pg_notify").mkdir()
    (made.postgres / "postmaster.opts").write_text("gone")
    (made.redis / "appendonly.aof").write_bytes(b"*2\r\n")
    (made.log / "web.log").write_text("not part of it")
    made.record_genesis(GENESIS)
    return made


def content(folder: DataFolder) -> dict[str, bytes | None]:
    """Every file, and every folder as None, of what a backup holds."""
    found: dict[str, bytes | None] = {"FORMAT": folder.format_file.read_bytes()}
    for name in ("postgres", "redis", "keys"):
        for path in sorted((folder.root / name).rglob("*")):
            found[str(path.relative_to(folder.root))] = path.read_bytes() if path.is_file() else None
    found.pop("postgres/postmaster.opts", None)
    return found


def code_of(call) -> str:
    with pytest.raises(ConfigError) as caught:
        call()
    return caught.value.code


def restore(folder: DataFolder, path: Path, **options) -> list[str]:
    said: list[str] = []
    backup.restore(ENV, folder, path, said.append, **options)
    return said


def test_a_folder_goes_into_a_file_and_comes_back(folder: DataFolder, tmp_path: Path) -> None:
    path = tmp_path / "b.tar"
    head = backup.take_folder(folder, path)
    assert (head.kind, head.network, head.genesis, head.layout) == (
        "folder",
        "devnet",
        GENESIS,
        LAYOUT_VERSION,
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    before = content(folder)
    assert code_of(lambda: restore(folder, path)) == "data_folder_not_empty"
    new = DataFolder(tmp_path / "other" / "devnet", "devnet")
    assert restore(new, path) == []
    assert content(new) == before
    assert stat.S_IMODE(new.postgres.stat().st_mode) == 0o700
    assert stat.S_IMODE((new.keys / keys.VRF_KEY).stat().st_mode) == 0o600
    assert not new.log.exists()
    new.create()


def test_force_moves_what_is_there_aside(folder: DataFolder) -> None:
    # the file lies in the folder that is moved
    path = folder.backup / "b.tar"
    backup.take_folder(folder, path)
    before = content(folder)
    (folder.postgres / "base" / "1" / "2600").write_bytes(b"later")
    (said,) = restore(folder, path, force=True)
    assert content(folder) == before
    aside = Path(said.rpartition(" to ")[2])
    assert (aside / "postgres" / "base" / "1" / "2600").read_bytes() == b"later"
    assert {entry.name for entry in folder.root.parent.iterdir()} == {"devnet", aside.name}


def test_a_running_node_is_left_alone(folder: DataFolder, tmp_path: Path) -> None:
    backup.take_folder(folder, tmp_path / "b.tar")
    lock = FolderLock(folder)
    assert code_of(lambda: restore(folder, tmp_path / "b.tar", force=True)) == "already_running"
    lock.release()


def test_damage_is_noticed_and_changes_nothing(folder: DataFolder, tmp_path: Path) -> None:
    path, bad = tmp_path / "b.tar", tmp_path / "bad.tar"
    backup.take_folder(folder, path)
    whole = path.read_bytes()
    new = DataFolder(tmp_path / "other" / "devnet", "devnet")
    places = [whole.index(bytes(range(256))) + 1000, whole.index(b"*2\r\n"), whole.index(b'"blake3": "') + 20]
    for place in places:
        bad.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        assert code_of(lambda: restore(new, bad)) == "backup_damaged"
    for length in (len(whole) // 3, len(whole) // 2, whole.index(b"checksums.json")):
        bad.write_bytes(whole[:length])
        assert code_of(lambda: restore(new, bad)) == "backup_damaged"
    for length in (0, 100, 600):
        bad.write_bytes(whole[:length])
        assert code_of(lambda: restore(new, bad)) == "backup_format"
    assert list((tmp_path / "other").iterdir()) == []
    assert code_of(lambda: restore(new, tmp_path / "none.tar")) == "backup_format"


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"network": "testnet"}, "backup_network"),
        ({"genesis": "0x" + "ab" * 32}, "backup_network"),
        ({"layout": LAYOUT_VERSION + 1}, "data_folder_newer"),
        ({"version": archive.VERSION + 1}, "backup_format"),
        ({"kind": "else"}, "backup_format"),
    ],
)
def test_backups_of_others_are_refused(tmp_path: Path, changes: dict[str, object], code: str) -> None:
    with archive.written(tmp_path / "b.tar", replace(HEAD, **changes)) as out:
        out.add_bytes(b"{}", "FORMAT")
    assert code_of(lambda: restore(DataFolder(tmp_path / "devnet", "devnet"), tmp_path / "b.tar")) == code
    assert not (tmp_path / "devnet").exists()


@pytest.mark.parametrize("name", ["../outside", "/tmp/outside", "keys/../../outside"])
def test_no_member_leaves_the_folder(tmp_path: Path, name: str) -> None:
    with archive.written(tmp_path / "b.tar", HEAD) as out:
        out.add_bytes(b"x", name)
    assert code_of(lambda: restore(DataFolder(tmp_path / "devnet", "devnet"), tmp_path / "b.tar")) == "backup_damaged"
    assert {path.name for path in tmp_path.iterdir()} == {"b.tar"}


def test_links_are_refused(tmp_path: Path) -> None:
    link = tarfile.TarInfo("keys")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc"
    data = json.dumps(asdict(HEAD)).encode()
    head = tarfile.TarInfo(archive.HEAD)
    head.size = len(data)
    with tarfile.open(tmp_path / "b.tar", "w") as tar:
        tar.addfile(head, io.BytesIO(data))
        tar.addfile(link)
    assert code_of(lambda: restore(DataFolder(tmp_path / "devnet", "devnet"), tmp_path / "b.tar")) == "backup_damaged"


def test_a_backup_that_cannot_be_written_leaves_nothing(folder: DataFolder, tmp_path: Path) -> None:
    assert code_of(lambda: backup.take_folder(folder, tmp_path / "no" / "b.tar")) == "backup_unwritable"
    path = tmp_path / "b.tar"
    with suppress(RuntimeError), archive.written(path, HEAD) as out:
        out.add_bytes(b"x", "FORMAT")
        raise RuntimeError
    assert not path.exists()
    assert not path.with_name("b.tar.part").exists()


# ---- older layouts ----


def make_older(folder: DataFolder, layout: int) -> None:
    kept = json.loads(folder.format_file.read_text())
    folder.format_file.write_text(json.dumps({**kept, "layout": layout}))


def test_this_layout_is_left_alone(folder: DataFolder) -> None:
    assert upgrade.upgrade_folder(ENV, folder, pytest.fail, DATABASE) == ()
    assert list(folder.backup.iterdir()) == []


def test_an_older_layout_is_upgraded_after_a_backup(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    old = LAYOUT_VERSION - 1
    make_older(folder, old)
    before = content(folder)
    steps: list[int] = []

    def step(env: environment.Environment, at: DataFolder) -> None:
        steps.append(old)
        (at.keys / "new.key").write_text("made by the step")

    monkeypatch.setitem(upgrade.STEPS, old, step)
    said: list[str] = []
    folder.create()
    assert upgrade.upgrade_folder(ENV, folder, said.append, DATABASE) == (old,)
    assert steps == [old]
    assert folder.read_format() == {"layout": LAYOUT_VERSION, "network": "devnet", "genesis": GENESIS}
    (made,) = folder.backup.iterdir()
    assert str(made) in said[0]
    assert upgrade.upgrade_folder(ENV, folder, pytest.fail, DATABASE) == ()
    # the way back: the folder as it was, which the older version knows
    restore(folder, made, force=True)
    assert content(folder) == before
    assert folder.read_format()["layout"] == old


def test_an_interrupted_upgrade_goes_on_and_keeps_its_first_backup(
    folder: DataFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    old = LAYOUT_VERSION - 1
    make_older(folder, old)

    def fail(env: environment.Environment, at: DataFolder) -> None:
        (at.redis / "appendonly.aof").write_bytes(b"half done")
        raise OSError

    monkeypatch.setitem(upgrade.STEPS, old, fail)
    with pytest.raises(OSError):
        upgrade.upgrade_folder(ENV, folder, lambda line: None, DATABASE)
    assert folder.read_format()["layout"] == old
    (made,) = folder.backup.iterdir()
    monkeypatch.setitem(upgrade.STEPS, old, lambda env, at: None)
    assert upgrade.upgrade_folder(ENV, folder, lambda line: None, DATABASE) == (old,)
    assert list(folder.backup.iterdir()) == [made]
    with made.open("rb") as file:
        archive.extract(file, "b", folder.root / "out")
    assert (folder.root / "out" / "redis" / "appendonly.aof").read_bytes() == b"*2\r\n"


def test_without_a_step_nothing_is_touched(folder: DataFolder) -> None:
    make_older(folder, LAYOUT_VERSION - 1)
    before = content(folder)
    assert code_of(lambda: upgrade.upgrade_folder(ENV, folder, pytest.fail, DATABASE)) == "data_folder_older"
    assert content(folder) == before
    assert os.listdir(folder.backup) == []


def test_commands_upgrade_nothing(folder: DataFolder) -> None:
    env = environment.read({"MDS_DATA_DIR": str(folder.root.parent)})
    make_older(folder, LAYOUT_VERSION - 1)
    with pytest.raises(ConfigError) as caught, offline.lent_servers(env):
        pytest.fail("no server was lent")
    assert caught.value.code == "data_folder_older"


def test_commands_need_a_node_that_was_started(tmp_path: Path) -> None:
    env = environment.read({"MDS_DATA_DIR": str(tmp_path)})
    with pytest.raises(ConfigError) as caught, offline.lent_servers(env):
        pytest.fail("no server was lent")
    assert caught.value.code == "not_initialised"
    assert list(tmp_path.iterdir()) == []


def test_a_running_node_lends_its_servers(folder: DataFolder) -> None:
    env = environment.read({"MDS_DATA_DIR": str(folder.root.parent)})
    lock = FolderLock(folder)
    with offline.lent_servers(env) as runs:
        assert runs
    lock.release()
