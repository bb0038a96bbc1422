"""The servers of a stopped node, for a command that needs its data."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from chain.core.errors import ConfigError
from mondoshawan.appliance import guard, identity, keys, launch, postgres, redis_server
from mondoshawan.appliance.folder import LAYOUT_VERSION, DataFolder
from mondoshawan.env import Environment

_READY_S = 120.0
_STOP_S = 60.0


@contextmanager
def lent_servers(env: Environment) -> Iterator[bool]:
    """PostgreSQL and Redis of the node's folder for as long as it takes.

    A running node lends its own.  A stopped one's embedded servers are started and stopped again, and ``up``
    is kept out meanwhile.

    Yields
    ------
    bool
        Whether the node runs.

    Raises
    ------
    ConfigError
        ``not_initialised`` where no node was ever started in the folder; ``already_running`` and the errors of
        the servers.
    """
    folder = DataFolder.of(env)
    if guard.owner(folder) is not None:
        yield True
        return
    if _answers(env, folder):
        # external servers, or those of a test session
        yield False
        return
    if not env.database_url and not (folder.postgres / "PG_VERSION").exists():
        raise ConfigError(
            "not_initialised", f"{folder.root} holds no chain", hint="start the node once, or set MDS_DATA_DIR"
        )
    if folder.format_file.exists() and folder.read_format()["layout"] < LAYOUT_VERSION:
        raise ConfigError(
            "data_folder_older",
            f"{folder.root} was written by an older version",
            hint="start the node once to upgrade it",
        )
    with stopped_node(folder), _servers(env, folder):
        yield False


@contextmanager
def stopped_node(folder: DataFolder) -> Iterator[None]:
    """Hold the folder of a stopped node; ``ConfigError`` ``already_running`` where it runs."""
    folder.create()
    lock = guard.FolderLock(folder)
    try:
        guard.clear_remains(folder, time.sleep)
        yield
    finally:
        lock.release()


@contextmanager
def postgres_of(env: Environment, folder: DataFolder) -> Iterator[None]:
    """The embedded PostgreSQL of a folder that no node runs in."""
    user = identity.resolve(env.run_as)
    postgres.require_reachable(folder, user)
    postgres.initialise(folder, user, "")
    launched = postgres.launch(folder, user, env.pg_shared_buffers_mb)
    with _running(launched, signal.SIGINT, folder.log / "postgres.log"):
        postgres.wait_ready(_info(folder), _READY_S)
        yield


@contextmanager
def _redis_of(env: Environment, folder: DataFolder) -> Iterator[None]:
    redis_server.set_aside_damaged(folder)
    launched = redis_server.launch(folder, identity.resolve(env.run_as))
    with _running(launched, signal.SIGTERM, folder.log / "redis.log"):
        with redis_server.client(folder) as client:
            redis_server.wait_ready(client, _READY_S)
        yield


@contextmanager
def _running(launched: launch.Launch, stop: int, log: Path) -> Iterator[None]:
    server = launch.spawn(launched, log)
    try:
        yield
    finally:
        server.send_signal(stop)
        try:
            server.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@contextmanager
def _servers(env: Environment, folder: DataFolder) -> Iterator[None]:
    with ExitStack() as stack:
        if not env.database_url:
            stack.enter_context(postgres_of(env, folder))
        if not env.redis_url:
            stack.enter_context(_redis_of(env, folder))
        yield


def _answers(env: Environment, folder: DataFolder) -> bool:
    if env.database_url and env.redis_url:
        return True
    # that it does not answer is an answer here
    with suppress(ConfigError):
        postgres.wait_ready(_info(folder), 0)
        return True
    return False


def _info(folder: DataFolder) -> dict[str, str | int]:
    password = keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or ""
    return postgres.connection_info(folder, password, "postgres")
