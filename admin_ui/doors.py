"""What the operator's web needs of the appliance around it, which it may not import.

``settings.MDS_NODE_DOOR`` names the class that gives it: the composition root's (``mondoshawan.door.NodeDoor``),
or a test's.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Protocol

from django.conf import settings
from django.utils.module_loading import import_string


def program_of(name: str) -> str:
    """What several processes of one kind have in common: ``rpc`` of ``rpc2``."""
    return name.rstrip("0123456789")


@dataclass(frozen=True, slots=True)
class Process:
    """One supervised process: the supervisor's word for its state, seconds since its start, resident bytes."""

    name: str
    state: str
    pid: int
    uptime_s: int
    memory: int
    restartable: bool

    @property
    def runs(self) -> bool:
        """Whether it is in its good state."""
        return self.state == "RUNNING"


@dataclass(frozen=True, slots=True)
class Variable:
    """A variable of the environment: what it says, or the default; secrets show as such."""

    name: str
    kind: str
    doc: str
    value: str
    is_set: bool
    secret: bool


@dataclass(frozen=True, slots=True)
class Service:
    """A server that the node leans on: embedded or external, where, and its version or why it does not answer."""

    name: str
    kind: str
    place: str
    answer: str
    ok: bool


@dataclass(frozen=True, slots=True)
class ServerChoice:
    """Where one server is chosen: ``name`` is database_url or redis_url, ``waiting`` what the next start takes.

    ``external`` says whether it is somebody else's now; ``is_fixed`` that the environment names it.
    """

    name: str
    label: str
    external: bool
    is_fixed: bool
    waiting: str | None


@dataclass(frozen=True, slots=True)
class RefusedServers:
    """A choice of servers that the node went back from at its start: which one did not do, why, and when (ms)."""

    label: str
    reason: str
    at_ms: int


@dataclass(frozen=True, slots=True)
class Backup:
    """A file in the backup folder."""

    name: str
    bytes: int
    made_ms: int


class NodeDoor(Protocol):
    """The appliance as the operator's web sees it."""

    def processes(self) -> list[Process] | None:
        """Every supervised process, None where no supervisor runs (containers have their own)."""

    def restart(self, name: str) -> None:
        """Ask a process to end in order; the supervisor starts it again.  ``RequestError``, ``ConfigError``."""

    def queues(self) -> Mapping[str, tuple[str, ...]]:
        """Process → the queues that it consumes."""

    def queue_ages(self) -> dict[str, int | None]:
        """Seconds since a consumer of each expected queue gave a sign of life."""

    def checks(self) -> dict[str, dict[str, Any]]:
        """The checks of ``/ready``."""

    def logs(self) -> dict[str, Path]:
        """Log files by process."""

    def secrets(self) -> Iterable[str]:
        """Texts that must never be shown."""

    def environment(self) -> list[Variable]:
        """Every variable, in the order of the documentation."""

    def services(self) -> list[Service]:
        """PostgreSQL and Redis."""

    def server_choices(self) -> list[ServerChoice] | None:
        """PostgreSQL and Redis as they can be chosen; None where the node is not started by this appliance."""

    def try_servers(self, urls: Mapping[str, str | None]) -> list[str]:
        """Ask servers whether the node could work with them: what each says of itself, nothing where none changes.

        An empty URL is the node's own server, None leaves it as it is.  ``RequestError``, ``ConfigError``.
        """

    def choose_servers(self, urls: Mapping[str, str | None], first_run: Mapping[str, Any]) -> list[str]:
        """Try servers and keep them for the next start of the node; answer and errors as ``try_servers``."""

    def forget_servers(self) -> None:
        """Take a choice back that waits for the next start, and the word that one was refused."""

    def refused_servers(self) -> RefusedServers | None:
        """The choice that the last restart did not take, until somebody has chosen anew or ``forget_servers``."""

    def restart_node(self) -> None:
        """Stop everything in order and begin anew.  ``RequestError`` where nobody would."""

    def backups(self) -> list[Backup]:
        """Files in the backup folder, newest first."""

    def start_backup(self) -> None:
        """Begin one in the background.  ``RequestError`` while one runs."""

    def backup_state(self) -> dict[str, Any]:
        """``running``, and of the last one ``ok``, ``said`` and ``ended_ms``."""

    def facts(self) -> dict[str, str]:
        """Version, network, data folder and the like, for people."""


@cache
def _made(path: str) -> Any:
    return import_string(path)()


def door() -> NodeDoor:
    """The one of this process."""
    made: NodeDoor = _made(settings.MDS_NODE_DOOR)
    return made
