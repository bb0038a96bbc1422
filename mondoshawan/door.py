"""The appliance for the operator's web: supervisor, checks, logs, environment, servers, backups."""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import redis
from django.conf import settings
from django.db import Error as DatabaseError
from django.db import connection

from admin_ui.doors import Backup, Process, RefusedServers, ServerChoice, Service, Variable
from chain.core.errors import ConfigError, RequestError
from chain.services import redis_identity
from mondoshawan import __version__, chosen_servers, health, liveness
from mondoshawan import env as environment
from mondoshawan.appliance import guard, hooks, status, supervisor, trial
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import SERVERS
from mondoshawan.env import Environment
from mondoshawan.settings.parts.celery import WORKERS

_HIDDEN = "hidden"
_FRESH_S = 3.0
_PATIENCE_S = 15.0
_BACKUP_STATE = "backup.json"


class NodeDoor:
    """See ``admin_ui.doors.NodeDoor``."""

    def __init__(self) -> None:
        self._env = environment.current()
        self._folder = DataFolder.of(self._env)
        self._lock = threading.Lock()
        self._rows: tuple[float, list[Process] | None] = (0.0, None)
        self._backup: subprocess.Popen[str] | None = None

    # ---- processes ----

    def processes(self) -> list[Process] | None:
        """Measured at most every three seconds, however many ask."""
        with self._lock:
            at, known = self._rows
            if time.monotonic() - at < _FRESH_S and known is not None:
                return known
            found = status.rows(self._folder)
            rows = None
            if found is not None:
                rows = [
                    Process(
                        row.name, row.state, row.pid, row.uptime_s, row.memory,
                        row.name not in (*SERVERS, "up", "supervisord"),
                    )
                    for row in found
                ]  # fmt: skip
            self._rows = (time.monotonic(), rows)
            return rows

    def restart(self, name: str) -> None:
        """By a signal: the supervisor restarts what ended, so it works for the web process itself too."""
        known = {row.name: row for row in self.processes() or []}
        if name not in known:
            raise RequestError("not_found", "no such process", got=name[:40])
        if not known[name].restartable:
            raise RequestError("not_supported", f"{name} restarts with the whole node only", got=name)
        try:
            supervisor.Client(self._folder).end(name)
        except supervisor.UNREACHABLE as error:
            raise ConfigError("supervisor_unready", "the supervisor does not answer", hint=str(error)[:100]) from None
        threading.Thread(target=self._hurry, args=(name, known[name].pid), daemon=True).start()
        with self._lock:
            self._rows = (0.0, None)

    def _hurry(self, name: str, pid: int) -> None:
        """What does not end in time is ended."""
        time.sleep(_PATIENCE_S)
        client = supervisor.Client(self._folder)
        # without the supervisor nothing is left to hurry
        with contextlib.suppress(*supervisor.UNREACHABLE):
            if client.processes()[name]["pid"] == pid:
                client.end(name, "KILL")

    def queues(self) -> Mapping[str, tuple[str, ...]]:
        """As the settings wire them."""
        return WORKERS

    def queue_ages(self) -> dict[str, int | None]:
        """By one look into Redis."""
        with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
            return liveness.ages(client, settings.MDS_EXPECTED_QUEUES)

    def checks(self) -> dict[str, dict[str, Any]]:
        """What ``/ready`` says."""
        return health.run_checks()[1]

    # ---- logs and environment ----

    def logs(self) -> dict[str, Path]:
        """Files of the log folder, rotated ones left out."""
        return {path.stem: path for path in sorted(self._folder.log.glob("*.log"))}

    def secrets(self) -> Iterable[str]:
        """Keys, passwords and the secret parts of URLs."""
        for path in self._folder.keys.iterdir() if self._folder.keys.is_dir() else ():
            if path.is_file():
                yield path.read_text(errors="replace").strip()
        for item in fields(Environment):
            if item.metadata["secret"] and (value := str(getattr(self._env, item.name))):
                yield value
                yield urlsplit(value).password or ""
        yield settings.SECRET_KEY

    def environment(self) -> list[Variable]:
        """The registry with this process's values."""
        found = []
        for entry in environment.registry():
            if entry.internal:
                continue
            given = environment.is_set(entry.attribute)
            value = getattr(self._env, entry.attribute)
            shown = ", ".join(value) if isinstance(value, tuple) else str(value)
            found.append(
                Variable(
                    entry.name,
                    entry.kind,
                    entry.doc,
                    (_HIDDEN if given else entry.default) if entry.secret else shown or entry.default,
                    given,
                    entry.secret,
                )
            )
        return found

    def services(self) -> list[Service]:
        """Each is asked for its version now."""
        return [
            _service("PostgreSQL", self._env.database_url, str(self._folder.postgres_sockets), _postgres_version),
            _service("Redis", self._env.redis_url, str(self._folder.redis_socket), _redis_version),
        ]

    # ---- servers of the next start ----

    def server_choices(self) -> list[ServerChoice] | None:
        """From the environment and the data folder."""
        if guard.owner(self._folder) is None:
            return None
        waiting = chosen_servers.read(self._folder.root, chosen_servers.NEXT)
        return [
            ServerChoice(
                name,
                chosen_servers.LABELS[name],
                bool(getattr(self._env, name)),
                environment.is_set(name),
                None if waiting is None else _host(waiting[name]) or "embedded",
            )
            for name in chosen_servers.NAMES
        ]

    def try_servers(self, urls: Mapping[str, str | None]) -> list[str]:
        """Each one that changes is asked."""
        return self._tried(urls)[1]

    def choose_servers(self, urls: Mapping[str, str | None], first_run: Mapping[str, Any]) -> list[str]:
        """Kept only when all that change have answered."""
        wanted, said = self._tried(urls)
        if not said:
            raise RequestError("invalid_params", "nothing would change")
        chosen_servers.choose(self._folder.root, wanted, first_run)
        return said

    def _tried(self, urls: Mapping[str, str | None]) -> tuple[dict[str, str], list[str]]:
        """Every URL of the next start, and what the servers said that would change."""
        if self.server_choices() is None:
            raise RequestError("not_supported", "the servers of this node are chosen where it is started")
        waiting = chosen_servers.read(self._folder.root, chosen_servers.NEXT)
        wanted: dict[str, str] = {}
        said: list[str] = []
        for name in chosen_servers.NAMES:
            before = str(getattr(self._env, name)) if waiting is None else waiting[name]
            url = urls.get(name)
            if environment.is_set(name):
                if url is not None:
                    raise ConfigError(
                        "setting_fixed", f"MDS_{name.upper()} fixes it", hint="change the environment and restart"
                    )
                # the environment goes on to win
                url = ""
            elif url is None:
                url = before
            elif url:
                url = trial.parse(name, url)
                if name == "database_url":
                    said.append(trial.try_database(url, hooks.genesis_hash()))
                else:
                    # of a database that is chosen as well nobody knows yet what it is tied to
                    stays = environment.is_set("database_url") or wanted["database_url"] == self._env.database_url
                    said.append(trial.try_redis(url, redis_identity.tie() if stays else None))
            elif before:
                said.append(f"{chosen_servers.LABELS[name]}: the node's own server, with what it held when it was left")
            wanted[name] = url
        return wanted, said

    def forget_servers(self) -> None:
        """By removing the files that say so."""
        root = self._folder.root
        if chosen_servers.read(root, chosen_servers.NEXT) is None and chosen_servers.refused(root) is None:
            raise RequestError("not_found", "nothing waits for the next start")
        chosen_servers.forget(root)

    def refused_servers(self) -> RefusedServers | None:
        """From the data folder."""
        found = chosen_servers.refused(self._folder.root)
        if found is None:
            return None
        return RefusedServers(chosen_servers.LABELS.get(found.server, found.server), found.reason, found.at_ms)

    def restart_node(self) -> None:
        """By a file that ``up`` looks for."""
        if guard.owner(self._folder) is None:
            raise RequestError("not_supported", "what started this node restarts it, not the node itself")
        self._folder.restart_file.touch()

    def facts(self) -> dict[str, str]:
        """What identifies this node."""
        return {
            "version": __version__,
            "network": self._env.network,
            "data folder": str(self._folder.root),
            "web": str(self._env.web_bind),
            "JSON-RPC": str(self._env.rpc_bind),
        }

    # ---- backups ----

    def backups(self) -> list[Backup]:
        """What ``manage.py backup`` or an upgrade made."""
        found = [(path, path.stat()) for path in self._folder.backup.glob("*.tar")]
        made = [Backup(path.name, stat.st_size, int(stat.st_mtime * 1000)) for path, stat in found]
        return sorted(made, key=lambda backup: backup.made_ms, reverse=True)

    def start_backup(self) -> None:
        """``manage.py backup`` as a process of its own; a thread keeps what it said."""
        with self._lock:
            if self._backup is not None and self._backup.poll() is None:
                raise RequestError("limit_exceeded", "a backup is being made; wait until it is there")
            self._backup = subprocess.Popen(
                [sys.executable, str(environment.PROJECT_ROOT / "manage.py"), "backup"],
                cwd=environment.PROJECT_ROOT,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        threading.Thread(target=self._wait_backup, args=(self._backup,), daemon=True).start()

    def backup_state(self) -> dict[str, Any]:
        """From memory and, over a restart of the web, from a file."""
        try:
            last = json.loads((self._folder.run / _BACKUP_STATE).read_text())
        except (OSError, ValueError):
            last = {}
        return {**last, "running": self._backup is not None and self._backup.poll() is None}

    def _wait_backup(self, process: subprocess.Popen[str]) -> None:
        said = (process.communicate()[0] or "").strip().splitlines()
        state = {"ok": process.returncode == 0, "said": said[-1] if said else "", "ended_ms": int(time.time() * 1000)}
        (self._folder.run / _BACKUP_STATE).write_text(json.dumps(state))


def _host(url: str) -> str:
    """The part of a URL that is no secret."""
    return urlsplit(url).hostname or urlsplit(url).path if url else ""


def _service(name: str, url: str, socket: str, version: Any) -> Service:
    place = urlsplit(url).hostname or "socket" if url else socket
    try:
        answer, ok = version(), True
    except (DatabaseError, psycopg.Error, redis.RedisError) as error:
        answer, ok = f"does not answer: {type(error).__name__}", False
    return Service(name, "external" if url else "embedded", place, answer, ok)


def _postgres_version() -> str:
    with connection.cursor() as cursor:
        cursor.execute("SELECT current_setting('server_version')")
        return str(cursor.fetchone()[0])


def _redis_version() -> str:
    with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=2, socket_connect_timeout=2) as client:
        return str(client.info("server")["redis_version"])
