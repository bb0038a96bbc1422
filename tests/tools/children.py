"""Processes that tests start: none outlives the test process, whatever ends it.

The kernel sends each of them a signal when the thread that started it is gone, so that a suite that was killed
leaves no server, node or browser behind.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from mondoshawan.appliance.child import PR_SET_PDEATHSIG
from mondoshawan.appliance.launch import Launch, child_command


def start(
    command: Sequence[str | Path], *, cwd: Path | None = None, death_signal: int = signal.SIGKILL, **options: Any
) -> subprocess.Popen[Any]:
    """Start a program that ends with this process.

    Parameters
    ----------
    command : Sequence[str | Path]
        Program, looked up on ``PATH``, and its arguments.
    cwd : Path, optional
        Its working folder; this process' own without it.
    death_signal : int
        What the kernel sends it when the thread that calls is gone.
    options
        Of ``subprocess.Popen``.
    """
    program, *arguments = map(str, command)
    found = shutil.which(program)
    if found is None:
        raise FileNotFoundError(program)
    launch = Launch((found, *arguments), cwd or Path.cwd(), death_signal=death_signal)
    return subprocess.Popen(child_command(launch), **options)


def end_with_parent() -> None:
    """Let the kernel kill this process, and with it all that it started, when the one that started it is gone."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "prctl")


@contextmanager
def temporary_folder(name: str) -> Iterator[Path]:
    """A folder for servers, removed at the end; the next session removes what a killed one left (tests/conftest.py).

    Other users may pass through it: as root servers run as one of them.
    """
    prefix = f"mds-test-{os.getpid()}-{name}-"
    with tempfile.TemporaryDirectory(prefix=prefix, dir="/tmp", ignore_cleanup_errors=True) as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder
