"""Before the start: one node for each folder, free ports, and no remains of a life that ended badly."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import psutil

from chain.core.errors import ConfigError
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.env import Bind

_PATIENCE_S = 60.0


class FolderLock:
    """An exclusive lock on a data folder, released by the kernel when this process ends."""

    def __init__(self, folder: DataFolder) -> None:
        self._path = folder.lock_file
        self._file = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            self._file.seek(0)
            owner = self._file.read().strip() or "unknown"
            self._file.close()
            raise ConfigError(
                "already_running",
                f"the node of {folder.root} is already running (process {owner})",
                hint="stop it first, or set MDS_DATA_DIR for a second node",
            ) from error
        self._file.seek(0)
        self._file.truncate()
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def release(self) -> None:
        """Let the next one in."""
        self._file.seek(0)
        self._file.truncate()
        self._file.close()


def owner(folder: DataFolder) -> int | None:
    """Process id of the ``up`` that holds the folder, or None."""
    try:
        with folder.lock_file.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                text = file.read().strip()
                return int(text) if text.isdigit() else None
    except OSError:
        return None
    return None


def require_free(binds: Iterable[tuple[str, Bind]]) -> None:
    """Refuse to start when an address is taken or not ours.

    Parameters
    ----------
    binds : Iterable[tuple[str, Bind]]
        Name of the variable that sets it, and the address.

    Raises
    ------
    ConfigError
        ``port_in_use`` or ``bind``.
    """
    for variable, bind in binds:
        try:
            family, kind, protocol, _, address = socket.getaddrinfo(
                bind.host, bind.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
            )[0]
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
                probe.listen(1)
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise ConfigError(
                    "port_in_use",
                    f"{bind} is in use by another program",
                    hint=f"stop that program, or set {variable} to another host:port",
                ) from error
            raise ConfigError(
                "bind", f"{variable}: cannot listen on {bind}: {error.strerror}", hint="name an address of this machine"
            ) from error


def require_space(folder: DataFolder, least: int) -> None:
    """Refuse to start on a disk that is nearly full: PostgreSQL stops when it cannot write its log.

    Parameters
    ----------
    least : int
        Bytes that must be free.

    Raises
    ------
    ConfigError
        ``disk_full``.
    """
    free = shutil.disk_usage(folder.root).free
    if free < least:
        raise ConfigError(
            "disk_full",
            f"{free // 1_000_000} MB are free on the disk of {folder.root}, the node needs {least // 1_000_000} MB",
            hint="free some space, set MDS_DATA_DIR to a folder on another disk, or lower MDS_DISK_FREE_MB",
        )


def clear_remains(folder: DataFolder, pause: Callable[[float], None]) -> None:
    """Wait for what is still ending, then remove pid, lock and socket files that nobody owns.

    Called with the folder's lock held, so whatever still runs belongs to a life whose ``up`` is gone
    and is on its way down.

    Raises
    ------
    ConfigError
        ``still_stopping`` when it does not end.
    """
    owners = {
        folder.run / "supervisord.pid": lambda process: any(str(folder.run) in word for word in process.cmdline()),
        folder.postgres / "postmaster.pid": lambda process: Path(process.cwd()) == folder.postgres,
    }
    for path, ours in owners.items():
        deadline = time.monotonic() + _PATIENCE_S
        while (pid := _live(path, ours)) is not None:
            if time.monotonic() > deadline:
                raise ConfigError(
                    "still_stopping",
                    f"process {pid} of an earlier start still holds {folder.root}",
                    hint="wait until it ends, or end it",
                )
            pause(0.2)
        path.unlink(missing_ok=True)
    for path in (
        folder.supervisor_socket,
        folder.redis_socket,
        folder.postgres_sockets / ".s.PGSQL.5432",
        folder.postgres_sockets / ".s.PGSQL.5432.lock",
    ):
        path.unlink(missing_ok=True)


def empty(folder: Path) -> None:
    """Remove the files of a folder."""
    for path in folder.iterdir():
        if path.is_file():
            path.unlink()


def _live(pid_file: Path, ours: Callable[[psutil.Process], bool]) -> int | None:
    """Pid in the first line of the file, when that process lives and is the one we mean."""
    try:
        pid = int(pid_file.read_text().split("\n", 1)[0])
        process = psutil.Process(pid)
        return pid if process.status() != psutil.STATUS_ZOMBIE and ours(process) else None
    except (OSError, ValueError, psutil.Error):
        return None
