"""What one child process needs to be started, as data that the launcher ``child.py`` reads."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from mondoshawan.appliance.identity import RunAs

CHILD = Path(__file__).with_name("child.py")


@dataclass(frozen=True, slots=True)
class Launch:
    """A command and the conditions it runs under.

    Parameters
    ----------
    argv : tuple[str, ...]
        Program (absolute path) and arguments.
    cwd : Path
        Working folder.
    env : dict[str, str]
        Added to, or instead of, the inherited environment.
    inherit_env : bool
        False gives the child ``env`` alone.
    user : RunAs, optional
        Drop to this user first.
    nice : int
        Added niceness, 0 to 19.
    death_signal : int
        Sent by the kernel to the child when its parent dies.
    """

    argv: tuple[str, ...]
    cwd: Path
    env: dict[str, str] = field(default_factory=dict)
    inherit_env: bool = True
    user: RunAs | None = None
    nice: int = 0
    death_signal: int = signal.SIGTERM

    def to_json(self) -> dict[str, Any]:
        """The form that ``child.py`` reads."""
        return {**asdict(self), "cwd": str(self.cwd)}


def child_command(launch: Launch) -> list[str]:
    """Argument list that runs this launch at once, without a file."""
    return [sys.executable, "-I", "-S", str(CHILD), json.dumps(launch.to_json())]


def spawn(launch: Launch, log: Path) -> subprocess.Popen[bytes]:
    """Start it outside of the supervisor, as the tests do; output goes to ``log``."""
    with log.open("ab") as output:
        return subprocess.Popen(
            child_command(launch),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
