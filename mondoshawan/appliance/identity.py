"""Under which user the embedded servers run, and whether that user can reach their files."""

from __future__ import annotations

import os
import pwd
import subprocess
from dataclasses import dataclass
from pathlib import Path

from chain.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class RunAs:
    """User and group id of the embedded servers."""

    uid: int
    gid: int


def resolve(name: str) -> RunAs | None:
    """The user to drop to, or None when this process is not root and nothing changes.

    Parameters
    ----------
    name : str
        User name or decimal uid.

    Raises
    ------
    ConfigError
        ``run_as`` when there is no such user or it is root.
    """
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwuid(int(name)) if name.isdigit() else pwd.getpwnam(name)
    except KeyError as error:
        raise ConfigError("run_as", f"there is no user {name}", hint="set MDS_RUN_AS to another user") from error
    if entry.pw_uid == 0:
        raise ConfigError("run_as", "PostgreSQL refuses to run as root", hint="set MDS_RUN_AS to another user")
    return RunAs(entry.pw_uid, entry.pw_gid)


def reachable(path: Path, user: RunAs | None) -> bool:
    """Whether that user may enter the folder: tried, not computed, so that ACLs and mounts count."""
    if user is None:
        return os.access(path, os.X_OK)
    probe = subprocess.run(
        ["/bin/sh", "-c", 'cd -- "$1"', "sh", str(path)],
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
        check=False,
    )
    return probe.returncode == 0


def give(path: Path, user: RunAs | None) -> None:
    """Hand a folder of ours and all in it to the user of the servers."""
    if user is None:
        return
    for folder, _, files in os.walk(path):
        for entry in (folder, *(os.path.join(folder, name) for name in files)):  # noqa: PTH118 - os.walk gives text
            status = os.lstat(entry)
            if (status.st_uid, status.st_gid) != (user.uid, user.gid):
                os.chown(entry, user.uid, user.gid, follow_symlinks=False)
