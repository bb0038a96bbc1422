"""What keeps a node from starting: one line for a person, exit code 2, and a data folder as it was."""

from __future__ import annotations

import hashlib
import json
import os
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from chain.core.errors import ConfigError
from mondoshawan.appliance import guard, postgres
from mondoshawan.appliance.folder import LAYOUT_VERSION, DataFolder
from mondoshawan.env import PROJECT_ROOT
from tests.tools.ports import free_port


@pytest.fixture
def base() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="mds-start-", dir="/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@pytest.fixture
def folder(base: Path) -> DataFolder:
    """With something in it that must survive."""
    made = DataFolder(base / "devnet", "devnet")
    made.create()
    (made.postgres / "PG_VERSION").write_text("18\n")
    (made.keys / "vrf.key").write_text("ab" * 32)
    return made


def up(base: Path, **variables: str) -> str:
    """Start a node that must refuse; its one line."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MDS_")}
    binds = {f"MDS_{name}_BIND": f"127.0.0.1:{free_port()}" for name in ("WEB", "RPC")}
    ours = {"DJANGO_SETTINGS_MODULE": "mondoshawan.settings.prod", "MDS_DATA_DIR": str(base), **binds, **variables}
    done = subprocess.run(
        [sys.executable, str(PROJECT_ROOT / "manage.py"), "up"],
        env=kept | ours,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 2, done.stdout + done.stderr
    # what was started must be stopped again, and nothing needs to be
    assert done.stdout in ("", "stopped\n")
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("mondoshawan: ")
    return done.stderr


def contents(folder: DataFolder) -> dict[str, str]:
    """Every file but the lock, by its hash."""
    return {
        str(path.relative_to(folder.root)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.root.rglob("*")
        if path.is_file() and path != folder.lock_file
    }


@contextmanager
def untouched(folder: DataFolder) -> Iterator[None]:
    before = contents(folder)
    assert "FORMAT" in before
    yield
    assert contents(folder) == before


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"layout": LAYOUT_VERSION + 1}, "was written by a newer version of the node"),
        ({"network": "testnet"}, "belongs to the network testnet, not to devnet"),
        ({"layout": None}, "was written by a newer version"),
    ],
)
def test_a_folder_that_is_not_ours(base: Path, folder: DataFolder, changed: dict[str, object], said: str) -> None:
    folder.format_file.write_text(json.dumps(folder.read_format() | changed))
    with untouched(folder):
        assert said in up(base)


def test_a_full_disk(base: Path, folder: DataFolder) -> None:
    with untouched(folder):
        said = up(base, MDS_DISK_FREE_MB="1000000000")
    assert "MB are free on the disk of" in said
    assert "MDS_DATA_DIR" in said


def test_the_limit_of_a_disk(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = guard.shutil.disk_usage(folder.root)
    monkeypatch.setattr(guard.shutil, "disk_usage", lambda path: usage._replace(free=1_000))
    guard.require_space(folder, 1_000)
    with pytest.raises(ConfigError) as caught:
        guard.require_space(folder, 1_001)
    assert caught.value.code == "disk_full"


def test_a_disk_that_fills_while_the_cluster_is_made(folder: DataFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    """What initdb of PostgreSQL 18 says on a file system of 20 MB."""
    (folder.postgres / "PG_VERSION").unlink()
    said = (
        'FATAL:  could not extend file "base/1/2691": wrote only 4096 of 8192 bytes\n'
        "child process exited with exit code 1\n"
        "initdb: removing contents of data directory\n"
    )
    failed = subprocess.CompletedProcess([], 1, stdout="creating ... ", stderr=said)
    monkeypatch.setattr(postgres.subprocess, "run", lambda *arguments, **named: failed)
    monkeypatch.setattr(postgres, "binaries", lambda *arguments: Path("/nowhere"))
    with pytest.raises(ConfigError) as caught:
        postgres.initialise(folder, None, "secret")
    assert caught.value.code == "postgres_initdb"
    assert caught.value.message == 'initdb failed: could not extend file "base/1/2691": wrote only 4096 of 8192 bytes'
    assert list(folder.postgres_sockets.iterdir()) == [], "the password's file is gone"


@pytest.mark.parametrize("variable", ["MDS_WEB_BIND", "MDS_RPC_BIND"])
def test_a_port_that_is_taken(base: Path, folder: DataFolder, variable: str) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen(1)
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        with untouched(folder):
            said = up(base, **{variable: address})
    assert f"{address} is in use by another program" in said
    assert variable in said


@pytest.mark.parametrize(
    ("version", "encoding", "code"),
    [
        (140_019, "UTF8", "postgres_version"),
        (90_624, "UTF8", "postgres_version"),
        (150_000, "SQL_ASCII", "postgres_encoding"),
        (150_000, "UTF8", None),
        (180_000, "UTF8", None),
    ],
)
def test_versions_of_postgres(version: int, encoding: str, code: str | None) -> None:
    if code is None:
        postgres.judge(version, encoding)
        return
    with pytest.raises(ConfigError) as caught:
        postgres.judge(version, encoding)
    assert caught.value.code == code


def packet(kind: bytes, body: bytes) -> bytes:
    """A message of PostgreSQL's protocol, version 3: type, length with itself, body."""
    return kind + struct.pack(">I", len(body) + 4) + body


def take(connection: socket.socket) -> bytes:
    """A start-up message, which has no type."""
    (size,) = struct.unpack(">I", connection.recv(4, socket.MSG_WAITALL))
    return connection.recv(size - 4, socket.MSG_WAITALL)


def greet(connection: socket.socket, version: str, encoding: str) -> None:
    """What a server says until it is ready for a query."""
    while take(connection)[:4] != struct.pack(">I", 3 << 16):
        connection.sendall(b"N")  # neither TLS nor GSSAPI
    told = {"server_version": version, "server_encoding": encoding, "client_encoding": "UTF8"}
    statuses = b"".join(packet(b"S", f"{name}\0{value}\0".encode()) for name, value in told.items())
    connection.sendall(packet(b"R", struct.pack(">I", 0)) + statuses + packet(b"Z", b"I"))
    while connection.recv(4096):
        pass


@pytest.fixture
def server() -> Iterator[Callable[[str, str], str]]:
    """A PostgreSQL server as far as its greeting goes: gives the URL for a version and an encoding."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve(version: str, encoding: str) -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                with connection:
                    greet(connection, version, encoding)

        def start(version: str, encoding: str) -> str:
            threading.Thread(target=serve, args=(version, encoding), daemon=True).start()
            return f"postgres://user:hunter2@127.0.0.1:{listener.getsockname()[1]}/chain"

        yield start
        # an accept that waits ends by shutdown, not by close
        listener.shutdown(socket.SHUT_RDWR)


def test_an_old_server(base: Path, folder: DataFolder, server: Callable[[str, str], str]) -> None:
    with untouched(folder):
        said = up(base, MDS_DATABASE_URL=server("14.9", "UTF8"))
    assert "PostgreSQL 14.9 is too old - 15 or newer is needed" in said
    assert "hunter2" not in said


def test_a_server_that_will_do(server: Callable[[str, str], str]) -> None:
    postgres.require_usable(server("15.0", "UTF8"), 0)


def test_a_database_of_another_encoding(server: Callable[[str, str], str]) -> None:
    with pytest.raises(ConfigError) as caught:
        postgres.require_usable(server("18.1", "LATIN1"), 0)
    assert caught.value.code == "postgres_encoding"


def test_a_server_that_is_not_there() -> None:
    pauses: list[float] = []
    with pytest.raises(ConfigError) as caught:
        postgres.require_usable(f"postgres://user:hunter2@127.0.0.1:{free_port()}/chain", 0, pauses.append)
    assert caught.value.code == "postgres_unready"
    assert "MDS_DATABASE_URL" in caught.value.data["hint"]
    assert "hunter2" not in str(caught.value)
    # one line, and the one that says why
    assert str(caught.value).count("\n") == 0
    assert "Connection refused" in str(caught.value)
