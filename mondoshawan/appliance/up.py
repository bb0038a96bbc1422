"""Start the node, watch over it, and stop it: the body of ``manage.py up``."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import Any

import psutil
import redis
from django.conf import settings

from chain.core.errors import ConfigError
from mondoshawan import chosen_servers
from mondoshawan import env as environment
from mondoshawan.appliance import guard, identity, keys, postgres, redis_server, supervisor, upgrade
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.launch import Launch, child_command
from mondoshawan.appliance.programs import SERVERS, Program, chosen, table
from mondoshawan.env import Environment

_READY_S = 120.0
# which of the servers an error at the start is about, chosen or our own; a database that cannot be prepared is
# PostgreSQL's
_ABOUT = {
    "postgres_missing": "database_url",
    "postgres_initdb": "database_url",
    "postgres_unready": "database_url",
    "postgres_version": "database_url",
    "postgres_encoding": "database_url",
    "prepare_failed": "database_url",
    "redis_unready": "redis_url",
}
_WATCH_S = 2.0
_STOP_S = 120.0
_GIVEN_UP = ("FATAL", "EXITED")
# what ``run`` answers when the node is to begin anew, in a process that reads its environment anew
AGAIN = -1


class StopRequested(BaseException):
    """A signal asked for the end; not an error, so nothing may catch it by accident."""


class Appliance:
    """One life of the node.

    Parameters
    ----------
    env : Environment
        The parsed environment.
    say : Callable[[str], None]
        Prints a line for the person who started it.
    """

    def __init__(self, env: Environment, say: Callable[[str], None]) -> None:
        self.env = env
        self.folder = DataFolder.of(env)
        self.say = say
        self.user = identity.resolve(env.run_as)
        self.programs = chosen(table(env, self.folder, self.user), env)
        self._signals = 0
        self._pids: dict[str, int] = {}
        self._stopping = False
        self._daemon: subprocess.Popen[bytes] | None = None
        self._client: supervisor.Client | None = None

    def run(self) -> int:
        """Everything from the folder to the last goodbye.

        Returns
        -------
        int
            0 after an orderly stop, 1 when the supervisor died, ``AGAIN`` where an operator chose other servers or
            asked for a restart; everything has stopped then, too.

        Raises
        ------
        ConfigError
            When the node cannot start; what was started is stopped again.
        """
        code = self._live()
        # who asked for the end while the node stopped to begin anew wants the end
        return 0 if code == AGAIN and self._signals else code

    def _live(self) -> int:
        self.folder.create()
        lock = guard.FolderLock(self.folder)
        try:
            with self._signal_handlers():
                try:
                    self.folder.restart_file.unlink(missing_ok=True)
                    if chosen_servers.adopt(self.folder.root):
                        return AGAIN
                    try:
                        self._prepare()
                        self._start()
                    except ConfigError as error:
                        if not self._goes_back(error):
                            raise
                        return AGAIN
                    return self._watch()
                except StopRequested:
                    return 0
                finally:
                    self._stop()
        finally:
            lock.release()

    def _goes_back(self, error: ConfigError) -> bool:
        """Whether the node cannot start for a server that an operator chose just now; it returns to those of before."""
        name = _ABOUT.get(error.code, "")
        if name not in chosen_servers.on_trial(self.folder.root) or environment.is_set(name):
            return False
        chosen_servers.go_back(self.folder.root, name, error)
        label = chosen_servers.LABELS[name]
        self.say(f"WARNING: the {label} that was chosen does not do: {error.message}")
        self.say("the node goes back to the servers that it had before")
        return True

    # ---- start ----

    def _prepare(self) -> None:
        binds = [(f"MDS_{item.name.upper()}_BIND", item.bind) for item in self.programs if item.bind is not None]
        guard.clear_remains(self.folder, self._pause)
        guard.require_space(self.folder, settings.MDS_DISK_FREE_BYTES)
        if self.env.database_url:
            postgres.require_usable(self.env.database_url, self.env.servers_wait_s, self._pause)
        upgrade.upgrade_folder(self.env, self.folder, self.say, settings.DATABASES["default"])
        guard.require_free(binds)
        names = {program.name for program in self.programs}
        if names & set(SERVERS):
            postgres.require_reachable(self.folder, self.user)
        made = keys.ensure_keys(self.folder.keys)
        if made:
            self.say(f"made {', '.join(made)} in {self.folder.keys}")
        if "postgres" in names and postgres.initialise(self.folder, self.user, self._password()):
            self.say(f"made a PostgreSQL cluster in {self.folder.postgres}")
        guard.empty(self.folder.metrics)
        supervisor.configure(self.folder, self.env, self.programs)

    def _start(self) -> None:
        self._daemon = supervisor.start(self.folder)
        client = self._client = supervisor.wait_answering(self.folder, self._pause, 30)
        started = time.monotonic()
        for name in SERVERS:
            if any(program.name == name for program in self.programs):
                client.start(name)
        if not self.env.database_url:
            info = postgres.connection_info(self.folder, self._password(), "postgres")
            postgres.wait_ready(info, _READY_S, self._pause)
        with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=5) as connection:
            if not self.env.redis_url:
                self._heal_redis(client)
            patience = self.env.servers_wait_s if self.env.redis_url else _READY_S
            redis_server.wait_ready(connection, patience, self._pause)
        report = self._prepare_database()
        for program in self.programs:
            if program.name not in SERVERS:
                client.start(program.name)
        chosen_servers.settle(self.folder.root)
        failed = self._wait_running()
        self._pids = {name: state["pid"] for name, state in client.processes().items() if state["pid"]}
        self._announce(report, failed, time.monotonic() - started)

    def _heal_redis(self, client: supervisor.Client) -> None:
        """Put a damaged append-only file aside: it holds pending transactions only, so the node goes on without."""
        while client.processes()["redis"]["statename"] not in (supervisor.RUNNING, *_GIVEN_UP):
            kept = redis_server.set_aside_damaged(self.folder)
            if kept is not None:
                self.say(f"WARNING: Redis could not read its file; pending transactions are lost, the file is {kept}")
                return
            self._pause(0.2)

    def _prepare_database(self) -> dict[str, Any]:
        """Migrations, genesis and the operator in a process of their own, so that their memory is given back."""
        command = (sys.executable, str(environment.PROJECT_ROOT / "manage.py"), "prepare")
        # a migration may take longer than a statement of a running node is allowed to
        unhurried = {"MDS_DB_STATEMENT_TIMEOUT_MS": "0", "MDS_DB_LOCK_TIMEOUT_MS": "0", "MDS_DB_IDLE_TIMEOUT_MS": "0"}
        # ends with us: two must not migrate one database
        launch = Launch(command, environment.PROJECT_ROOT, unhurried)
        with subprocess.Popen(child_command(launch), stdout=subprocess.PIPE, text=True) as process:
            try:
                while process.poll() is None:
                    self._pause(0.1)
            except StopRequested:
                process.terminate()
                raise
            output = process.stdout.read() if process.stdout else ""
        if process.returncode != 0:
            raise ConfigError("prepare_failed", "the database could not be prepared", hint="the lines above say why")
        report: dict[str, Any] = json.loads(output.strip().splitlines()[-1])
        return report

    def _wait_running(self) -> list[str]:
        """Names of the programs that do not run (or do not listen) when patience ends."""
        assert self._client is not None
        deadline = time.monotonic() + _READY_S
        waiting = list(self.programs)
        while waiting and time.monotonic() < deadline:
            states = self._client.processes()
            waiting = [program for program in waiting if not _serves(program, states[program.name])]
            if any(states[program.name]["statename"] in _GIVEN_UP for program in waiting):
                break
            if waiting:
                self._pause(0.2)
        return [program.name for program in waiting]

    def _announce(self, report: dict[str, Any], failed: list[str], seconds: float) -> None:
        running = [program.name for program in self.programs if program.name not in failed]
        self.say(f"mondoshawan {self.env.network} runs: {', '.join(running)} ({seconds:.1f} s)")
        for name in failed:
            self.say(f"WARNING: {name} does not run yet; see {self.folder.log / (name + '.log')}")
        addresses = {program.name: program.bind.url for program in self.programs if program.bind is not None}
        for name, url in addresses.items():
            self.say(f"  {name:4} {url}")
        self.say(f"  logs {self.folder.log}")
        for line in report["notes"]:
            self.say(line)
        if report["operator_password"]:
            url = f" at {addresses['web']}/operator/" if "web" in addresses else ""
            self.say(f"operator login{url}: user operator, password {report['operator_password']}")
            self.say("  (it ends when you choose your own there; until then each start prints a new one)")
        self.say("Ctrl-C stops the node.")

    # ---- life ----

    def _watch(self) -> int:
        """Say what was restarted, and never give a process up for good."""
        assert self._client is not None
        assert self._daemon is not None
        pids = dict(self._pids)
        down: set[str] = set()
        patience: dict[str, float] = {}
        retry_at: dict[str, float] = {}
        while True:
            self._pause(_WATCH_S)
            if self.folder.restart_file.exists():
                self.say("an operator asked for a restart of the node")
                return AGAIN
            if self._daemon.poll() is not None:
                self.say("ERROR: the supervisor died; everything it ran has ended")
                return 1
            try:
                states = self._client.processes()
            except supervisor.UNREACHABLE:
                continue  # it is busy, or has just died, which the next look tells
            now = time.monotonic()
            for name, state in states.items():
                pid = state["pid"]
                if state["statename"] != supervisor.RUNNING:
                    if name in pids and name not in down:
                        down.add(name)
                        self.say(f"WARNING: {name} does not run now; what needs it waits")
                elif pid != pids.get(name) or name in down:
                    down.discard(name)
                    if name in pids:
                        self.say(f"{name} was restarted (process {pid})")
                    pids[name] = pid
                    patience.pop(name, None)
                if state["statename"] in _GIVEN_UP and now >= retry_at.get(name, 0):
                    patience[name] = min(60.0, patience.get(name, 2.5) * 2)
                    retry_at[name] = now + patience[name]
                    log = self.folder.log / f"{name}.log"
                    self.say(f"ERROR: {name} does not start, trying again and again; see {log}")
                    # it is asked again after the next pause
                    with contextlib.suppress(*supervisor.UNREACHABLE):
                        self._client.start(name)

    # ---- stop ----

    def _stop(self) -> None:
        """Reverse order: the node's own processes together, then Redis, then PostgreSQL."""
        self._stopping = True
        daemon = self._daemon
        if daemon is None:
            return
        if daemon.poll() is None:
            self.say("stopping")
            own = self._own_processes()
            daemon.send_signal(signal.SIGTERM)
            deadline = time.monotonic() + _STOP_S
            while daemon.poll() is None and time.monotonic() < deadline:
                if self._signals > 1 and own:
                    self.say("stopping at once")
                    _kill(own)
                    own = []
                time.sleep(0.1)
            if daemon.poll() is None:
                # its children have the parent-death signal, so they end with it
                daemon.kill()
                daemon.wait()
        for name in ("supervisord.conf", "programs.json"):
            (self.folder.run / name).unlink(missing_ok=True)
        if self.folder.sockets != self.folder.run:
            shutil.rmtree(self.folder.sockets, ignore_errors=True)
        self.say("stopped")

    def _own_processes(self) -> list[psutil.Process]:
        """The processes that a second signal may kill: all but the servers, which must save their data."""
        found = []
        # without the supervisor nothing is left to hurry
        with contextlib.suppress(*supervisor.UNREACHABLE):
            for name, state in supervisor.Client(self.folder).processes().items():
                if name not in SERVERS and state["pid"]:
                    # ended meanwhile
                    with contextlib.suppress(psutil.Error):
                        found.append(psutil.Process(state["pid"]))
        return found

    # ---- small things ----

    def _password(self) -> str:
        return keys.read_text(self.folder.keys, keys.DATABASE_PASSWORD) or ""

    def _pause(self, seconds: float) -> None:
        """Sleep; the place where a signal takes effect."""
        deadline = time.monotonic() + seconds
        while True:
            if self._signals and not self._stopping:
                raise StopRequested
            left = deadline - time.monotonic()
            if left <= 0:
                return
            time.sleep(min(0.1, left))

    @contextlib.contextmanager
    def _signal_handlers(self) -> Iterator[None]:
        def note(number: int, frame: FrameType | None) -> None:
            self._signals += 1

        before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def _kill(processes: list[psutil.Process]) -> None:
    """SIGKILL; psutil makes sure that a process id was not given to another process since."""
    for process in processes:
        # ended by itself
        with contextlib.suppress(psutil.Error):
            process.kill()


def _serves(program: Program, state: dict[str, Any]) -> bool:
    """Runs, and listens where it should."""
    if state["statename"] != supervisor.RUNNING:
        return False
    if program.bind is None:
        return True
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(program.bind.host, program.bind.host)  # noqa: S104 - compared
    try:
        with socket.create_connection((host, program.bind.port), timeout=1):
            return True
    except OSError:
        return False
