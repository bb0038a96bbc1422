"""Backups of a data folder: taken from a running or a stopped node, put back into a stopped one."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg

from chain.core.errors import ConfigError
from mondoshawan.appliance import archive, guard, hooks, identity, keys, offline, postgres
from mondoshawan.appliance.folder import LAYOUT_VERSION, DataFolder
from mondoshawan.env import Environment

DUMP = "database.dump"
_FOLDERS = ("postgres", "redis", "keys")
_FORMAT = "FORMAT"
# members that a half-gone server may take away while a folder is read
_FLEETING = ("postmaster.pid", "postmaster.opts")
# libpq's parameters as variables of its programs
_VARIABLES = {
    "dbname": "PGDATABASE",
    "user": "PGUSER",
    "password": "PGPASSWORD",
    "host": "PGHOST",
    "port": "PGPORT",
    "sslmode": "PGSSLMODE",
    "sslrootcert": "PGSSLROOTCERT",
    "sslcert": "PGSSLCERT",
    "sslkey": "PGSSLKEY",
}

Say = Callable[[str], None]


def default_path(folder: DataFolder, note: str = "") -> Path:
    """A new name in the folder's own ``backup``."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    return folder.backup / f"{folder.network}-{stamp}{note}.tar"


def take_dump(env: Environment, folder: DataFolder, database: dict[str, Any], path: Path) -> archive.Head:
    """Back up database, keys and FORMAT; the database's own snapshot makes it whole while the node runs.

    Pending transactions, which live in Redis, are not part of it.

    Parameters
    ----------
    database : dict
        Django's settings of a database whose server answers.
    path : Path
        The file to make.

    Raises
    ------
    ConfigError
        ``backup_unwritable`` or ``backup_failed``.
    """
    draft = path.with_name(path.name + ".dump")
    draft.unlink(missing_ok=True)
    try:
        # made before pg_dump writes, so that nobody else may read it
        os.close(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        place = _place(database)
        _run_tool(env, folder, "pg_dump", ["--format=custom", "--compress=1", f"--file={draft}"], place)
        kept = folder.read_format()
        head = _head("dump", folder, kept, _number(place))
        with archive.written(path, head) as out:
            out.add_file(folder.format_file, _FORMAT)
            for key in sorted(folder.keys.iterdir()):
                if key.is_file() and not key.name.endswith(".new"):
                    out.add_file(key, f"keys/{key.name}")
            out.add_file(draft, DUMP)
    except OSError as error:
        raise ConfigError(
            "backup_unwritable", f"{path} cannot be written: {error.strerror}", hint="name another --output"
        ) from error
    finally:
        draft.unlink(missing_ok=True)
    return head


def take_folder(folder: DataFolder, path: Path) -> archive.Head:
    """Back up the files of a stopped node as they lie, whatever their layout; the caller holds the folder.

    Raises
    ------
    ConfigError
        ``backup_unwritable``.
    """
    head = _head("folder", folder, folder.read_format(), None)
    with archive.written(path, head) as out:
        out.add_file(folder.format_file, _FORMAT)
        for name in _FOLDERS:
            for parent, folders, files in os.walk(folder.root / name):
                folders.sort()
                inside = Path(parent).relative_to(folder.root)
                if not files:
                    out.add_folder(inside.as_posix())
                for file in sorted(set(files) - set(_FLEETING)):
                    if (Path(parent) / file).is_file():
                        out.add_file(Path(parent) / file, (inside / file).as_posix())
    return head


def restore(env: Environment, folder: DataFolder, path: Path, say: Say, *, force: bool = False) -> archive.Head:
    """Put a backup in the place of the data folder.

    Everything is made beside the folder and checked, and takes its place at the end by a rename.

    Parameters
    ----------
    force : bool
        Move a folder that holds something aside instead of refusing.

    Raises
    ------
    ConfigError
        ``already_running``, ``data_folder_not_empty``, ``external_database``, ``backup_format``,
        ``backup_network``, ``data_folder_newer``, ``backup_damaged`` or ``restore_failed``.  The folder is as
        it was then.
    """
    if env.database_url:
        raise ConfigError(
            "external_database",
            "the database of MDS_DATABASE_URL is not this node's to replace",
            hint=f"`tar -xf {path.name} {DUMP}`, then pg_restore into an empty database",
        )
    if guard.owner(folder) is not None:
        raise ConfigError("already_running", f"the node of {folder.root} runs", hint="stop it first")
    try:
        file = path.open("rb")
    except OSError as error:
        raise ConfigError(
            "backup_format", f"{path}: {error.strerror}", hint="name a file that `backup` made"
        ) from error
    with file:
        head = archive.read_head(file, path.name)
        _judge(head, folder)
        holds = folder.format_file.exists() or (folder.postgres / "PG_VERSION").exists()
        if holds and not force:
            raise ConfigError(
                "data_folder_not_empty",
                f"{folder.root} holds a chain",
                hint="--force moves it aside, or set MDS_DATA_DIR to an empty folder",
            )
        draft = DataFolder(folder.root.with_name(f"{folder.root.name}.restoring"), folder.network)
        shutil.rmtree(draft.root, ignore_errors=True)
        try:
            _make(draft.root)
            archive.extract(file, path.name, draft.root)
            if head.kind == "dump":
                _load_dump(env, draft)
            else:
                _close_folders(draft)
            _take_place(draft, folder, say)
        finally:
            shutil.rmtree(draft.root, ignore_errors=True)
    return head


def _load_dump(env: Environment, draft: DataFolder) -> None:
    """Make a cluster from the dump that was extracted beside it."""
    dump = draft.root / DUMP
    layout = draft.format_file.read_text()
    # a backup of an older layout is read by the servers of this one; `up` then upgrades the rest
    draft.write_format(None)
    draft.create()
    user = identity.resolve(env.run_as)
    password = keys.read_text(draft.keys, keys.DATABASE_PASSWORD)
    if password is None:
        raise ConfigError("backup_damaged", "the backup has no key of the database", hint="take another backup")
    postgres.require_reachable(draft, user)
    postgres.initialise(draft, user, password)
    with offline.postgres_of(env, draft):
        postgres.ensure_database(draft, password)
        place = {**postgres.connection_info(draft, password, postgres.DATABASE)}
        arguments = ["--exit-on-error", "--single-transaction", "--no-owner", str(dump)]
        _run_tool(env, draft, "pg_restore", arguments, place, named=True)
    dump.unlink()
    draft.format_file.write_text(layout)


def _close_folders(draft: DataFolder) -> None:
    """Servers refuse folders that others may enter."""
    for name in _FOLDERS:
        for parent, _, _ in os.walk(draft.root / name):
            Path(parent).chmod(0o700)


def _take_place(draft: DataFolder, folder: DataFolder, say: Say) -> None:
    if draft.sockets != draft.run:
        shutil.rmtree(draft.sockets, ignore_errors=True)
    shutil.rmtree(draft.run, ignore_errors=True)
    if folder.root.exists():
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
        aside = folder.root.with_name(f"{folder.root.name}.before-{stamp}")
        folder.root.rename(aside)
        say(f"moved {folder.root} to {aside}")
    draft.root.rename(folder.root)


def _judge(head: archive.Head, folder: DataFolder) -> None:
    if head.network != folder.network:
        raise ConfigError(
            "backup_network", f"the backup is of {head.network}, not of {folder.network}", hint="set MDS_NETWORK"
        )
    known = hooks.genesis_hash()
    if None not in (head.genesis, known) and head.genesis != known:
        raise ConfigError(
            "backup_network",
            f"the backup's chain starts at {head.genesis}, not at {known}",
            hint="use the version of the node that knows this network",
        )
    if head.layout > LAYOUT_VERSION:
        raise ConfigError(
            "data_folder_newer",
            f"the backup has layout {head.layout}, this version of the node knows {LAYOUT_VERSION}",
            hint="update the node",
        )


def _head(kind: str, folder: DataFolder, kept: dict[str, Any], number: int | None) -> archive.Head:
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return archive.Head(archive.VERSION, kind, folder.network, kept["genesis"], kept["layout"], created, number)


def _place(database: dict[str, Any]) -> dict[str, Any]:
    """Django's settings of a database in psycopg's words."""
    names = {"NAME": "dbname", "USER": "user", "PASSWORD": "password", "HOST": "host", "PORT": "port"}
    place = {ours: database[theirs] for theirs, ours in names.items() if database.get(theirs)}
    return place | {name: value for name, value in database.get("OPTIONS", {}).items() if name in _VARIABLES}


def _number(place: dict[str, Any]) -> int | None:
    """Number of the sink, a little after or before the dump's own moment; for people only."""
    try:
        with psycopg.connect(**place) as connection:
            row = connection.execute("SELECT sink_number FROM chain_node_state").fetchone()
    except psycopg.Error:
        return None
    return None if row is None else int(row[0])


def _run_tool(
    env: Environment, folder: DataFolder, tool: str, arguments: list[str], place: dict[str, Any], *, named: bool = False
) -> None:
    """Run one of PostgreSQL's programs; the password goes by its environment, which only this user reads."""
    # programs are run as this user, who can reach them
    program = postgres.binaries(folder.postgres, None, folder.run) / tool
    secrets = {_VARIABLES[name]: str(value) for name, value in place.items()}
    target = [f"--dbname={place['dbname']}"] if named else []
    done = subprocess.run(
        [str(program), *target, *arguments],
        env={"PATH": "/usr/bin:/bin", "LANG": "C", "TZ": "UTC", **secrets},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        said = [line for line in done.stderr.splitlines() if line.strip()]
        code = "backup_failed" if tool == "pg_dump" else "restore_failed"
        raise ConfigError(
            code, f"{tool} failed: {said[0] if said else done.returncode}", hint="disk space, or see log/"
        )


def _make(folder: Path) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
