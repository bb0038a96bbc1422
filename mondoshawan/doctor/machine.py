"""Mistakes of the data folder and of the machine."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
from collections.abc import Iterable, Iterator

import psutil

from chain.core.errors import ConfigError
from mondoshawan.appliance import guard, keys
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.doctor.findings import Finding, finding
from mondoshawan.env import Bind

LEAST_FILES = 4_096
LEAST_MEMORY = 2_000_000_000
# so many times the limit left is soon
SOON = 4
_STA_UNSYNC = 0x0040


def check_folder(folder: DataFolder, least_free: int, *, is_running: bool) -> Iterator[Finding]:
    """The data folder: rights, FORMAT, keys, space, remains."""
    place = next(path for path in (folder.root, *folder.root.parents) if path.exists())
    if not place.is_dir() or not os.access(place, os.W_OK | os.X_OK):
        yield finding("folder_unusable", f"{place} cannot be written by this user")
        return
    free = shutil.disk_usage(place).free
    shown = f"{free // 1_000_000} MB are free on the disk of {place}"
    if free < least_free:
        yield finding("disk_full", f"{shown}, the limit is {least_free // 1_000_000} MB")
    elif free < SOON * least_free:
        yield finding("disk_soon_full", shown)
    if not folder.root.exists():
        return
    try:
        folder.judge()
    except ConfigError as error:
        yield finding("folder_format", f"{error.message} - {error.data.get('hint')}")
        return
    yield from _keys(folder)
    if not is_running:
        yield from _remains(folder)


def check_ports(binds: Iterable[tuple[str, Bind]], *, is_running: bool) -> Iterator[Finding]:
    """Addresses that the node would listen on; those of a running node are its own."""
    if is_running:
        return
    for variable, bind in binds:
        try:
            guard.require_free([(variable, bind)])
        except ConfigError as error:
            yield finding("port_taken", f"{variable}: {error.message}")


def check_machine(
    *, files: int | None = None, memory: int | None = None, is_free_clock: bool | None = None, uid: int | None = None
) -> Iterator[Finding]:
    """Limits, memory, clock and user; what is not given is measured."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)[1] if files is None else files
    if 0 <= files < LEAST_FILES:
        yield finding("files_few", f"a process may open {files} files")
    memory = psutil.virtual_memory().total if memory is None else memory
    if memory < LEAST_MEMORY:
        yield finding("memory_low", f"the machine has {memory // 1_000_000} MB of memory")
    if clock_is_free() if is_free_clock is None else is_free_clock:
        yield finding("clock_free", "the kernel says that nobody keeps this machine's clock")
    if (os.geteuid() if uid is None else uid) == 0:
        yield finding("runs_as_root", "this command runs as root, so the node would too")


def clock_is_free() -> bool:
    """Whether the kernel's clock is not disciplined (adjtimex(2), STA_UNSYNC); False where it does not say."""
    buffer = (ctypes.c_long * 64)()
    if ctypes.CDLL(None).adjtimex(ctypes.byref(buffer)) < 0:
        return False
    # struct timex: modes, offset, freq, maxerror, esterror, status
    return bool(buffer[5] & _STA_UNSYNC)


def _keys(folder: DataFolder) -> Iterator[Finding]:
    if not folder.keys.exists():
        return
    named = [folder.keys, *sorted(folder.keys.iterdir())]
    for path in named:
        if path.stat().st_mode & 0o077:
            yield finding("keys_open", f"{path} has the mode {path.stat().st_mode & 0o777:o}")
    if folder.format_file.exists() and folder.read_format()["genesis"] is not None:
        for name in (keys.VRF_KEY, keys.DJANGO_KEY, keys.DATABASE_PASSWORD):
            if not (folder.keys / name).exists():
                yield finding("key_missing", f"{folder.keys / name} does not exist")
    if (folder.keys / keys.VRF_KEY).exists():
        text = keys.read_text(folder.keys, keys.VRF_KEY) or ""
        if len(text) != 64 or not set(text.lower()) <= set("0123456789abcdef"):
            yield finding("key_malformed", f"{folder.keys / keys.VRF_KEY} does not hold 32 bytes as hex")


def _remains(folder: DataFolder) -> Iterator[Finding]:
    for path in (folder.run / "supervisord.pid", folder.postgres / "postmaster.pid"):
        if not path.exists():
            continue
        first = path.read_text().split("\n", 1)[0].strip()
        if not first.isdigit() or not psutil.pid_exists(int(first)):
            yield finding("stale_lock", f"{path} names process {first or '?'}, which is gone")
