"""supervisord: its configuration, its start, and a client of its XML-RPC on a Unix socket."""

from __future__ import annotations

import configparser
import json
import os
import secrets
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from http.client import HTTPException
from pathlib import Path
from typing import Any
from xmlrpc.client import Error as XmlRpcError
from xmlrpc.client import ServerProxy

from supervisor.xmlrpc import SupervisorTransport

from chain.core.errors import ConfigError
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.launch import CHILD, Launch, child_command
from mondoshawan.appliance.programs import SERVERS, Program
from mondoshawan.env import Environment

RUNNING = "RUNNING"
UNREACHABLE = (OSError, XmlRpcError, HTTPException)
_CONF = "supervisord.conf"
_USER = "mondoshawan"
_GROUP = "node"
# a path is written into an ini file whose comments begin with these after a blank
_UNSAFE = frozenset(";#\"'\n\r")


def configure(folder: DataFolder, env: Environment, programs: Sequence[Program]) -> None:
    """Write ``run/supervisord.conf`` and ``run/programs.json``, readable by the owner only.

    The commands stand in the JSON that ``child.py`` reads, so nothing of them needs quoting in the ini.
    """
    for path in (folder.root, folder.sockets, Path(sys.executable), CHILD):
        if _UNSAFE & set(str(path)):
            raise ConfigError(
                "data_folder", f"the path {path} holds a quote, ; or #", hint="set MDS_DATA_DIR to a simpler path"
            )
    launches = {program.name: program.prepare().to_json() for program in programs}
    _write_private(folder.run / "programs.json", json.dumps(launches, indent=1))
    sections: dict[str, dict[str, object]] = {
        "unix_http_server": {
            "file": folder.supervisor_socket,
            "chmod": "0600",
            "username": _USER,
            "password": secrets.token_urlsafe(24),
        },
        "supervisord": {
            "nodaemon": "true",
            "silent": "true",
            "logfile": folder.log / "supervisord.log",
            "logfile_maxbytes": f"{env.log_max_mb}MB",
            "logfile_backups": env.log_backups,
            "pidfile": folder.run / "supervisord.pid",
            "childlogdir": folder.log,
            "directory": folder.run,
            "identifier": f"mondoshawan-{folder.network}",
            **({"user": "root"} if os.geteuid() == 0 else {}),
        },
        "rpcinterface:supervisor": {
            "supervisor.rpcinterface_factory": "supervisor.rpcinterface:make_main_rpcinterface"
        },
    }
    for program in programs:
        sections[f"program:{program.name}"] = {
            "command": f'"{sys.executable}" -I -S "{CHILD}" "{folder.run / "programs.json"}" {program.name}',
            "priority": program.priority,
            "autostart": "false",
            "autorestart": "true",
            "startsecs": program.start_seconds,
            "startretries": 10,
            "stopsignal": program.stop_signal,
            "stopwaitsecs": program.stop_seconds,
            "killasgroup": "true",
            "redirect_stderr": "true",
            "stdout_logfile": folder.log / f"{program.name}.log",
            "stdout_logfile_maxbytes": f"{env.log_max_mb}MB",
            "stdout_logfile_backups": env.log_backups,
        }
    own = [program for program in programs if program.name not in SERVERS]
    if own:
        # supervisord stops one group after the other, the last one first, and the members of a group together
        sections[f"group:{_GROUP}"] = {
            "programs": ",".join(program.name for program in own),
            "priority": own[0].priority,
        }
    lines = []
    for section, values in sections.items():
        lines.append(f"[{section}]")
        # supervisor expands %(name)s, so a plain percent sign is doubled
        lines += [f"{key} = {str(value).replace('%', '%%')}" for key, value in values.items()]
        lines.append("")
    _write_private(folder.run / _CONF, "\n".join(lines))


def start(folder: DataFolder) -> subprocess.Popen[bytes]:
    """Start supervisord as a child that ends when this process ends.

    It gets a session of its own: Ctrl-C in the terminal reaches only ``up``, which stops things in order.
    """
    launch = Launch(
        argv=(sys.executable, "-m", "supervisor.supervisord", "-n", "-c", str(folder.run / _CONF)), cwd=folder.run
    )
    return subprocess.Popen(
        child_command(launch),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


class Client:
    """Calls to the supervisor of one data folder; one is not running when the socket does not answer."""

    def __init__(self, folder: DataFolder) -> None:
        parser = configparser.RawConfigParser()
        parser.read(folder.run / _CONF)
        self._password = parser.get("unix_http_server", "password", fallback="")
        self._url = f"unix://{folder.supervisor_socket}"

    def pid(self) -> int | None:
        """Process id of supervisord, or None when it does not answer."""
        try:
            return int(self._call("getPID"))
        except UNREACHABLE:
            return None

    def processes(self) -> dict[str, dict[str, Any]]:
        """State of every program by name: ``statename, pid, start, now, stop, exitstatus, spawnerr``."""
        return {info["name"]: info for info in self._call("getAllProcessInfo")}

    def start(self, name: str) -> None:
        """Ask for a start and return at once."""
        self._call("startProcess", name if name in SERVERS else f"{_GROUP}:{name}", False)

    def end(self, name: str, signal_name: str = "TERM") -> None:
        """Send a process a signal; one that ends is started again."""
        self._call("signalProcess", name if name in SERVERS else f"{_GROUP}:{name}", signal_name)

    def _call(self, method: str, *arguments: Any) -> Any:
        # one connection for each call: a transport that failed once never recovers
        transport = SupervisorTransport(_USER, self._password, self._url)
        try:
            return getattr(ServerProxy("http://supervisor", transport=transport).supervisor, method)(*arguments)
        finally:
            transport.close()


def wait_answering(folder: DataFolder, pause: Callable[[float], None], seconds: float) -> Client:
    """A client of the supervisor that was just started.

    Raises
    ------
    ConfigError
        ``supervisor_unready``.
    """
    deadline = time.monotonic() + seconds
    client = Client(folder)
    while client.pid() is None:
        if time.monotonic() > deadline:
            raise ConfigError(
                "supervisor_unready", "the supervisor does not answer", hint=f"see {folder.log / 'supervisord.log'}"
            )
        pause(0.05)
    return client


def _write_private(path: Path, text: str) -> None:
    path.unlink(missing_ok=True)
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(text + "\n")
