"""PostgreSQL and Redis that an operator chose in the web: files of the data folder, secret as a URL is.

``servers.json`` is what the node works with; the environment wins over it.  What is chosen while the node runs waits in
``servers.next.json`` until the whole node starts again: otherwise a process that restarts by itself would work with
other servers than those beside it.  From then until the node has started with it the choice is on trial, and
``servers.previous.json`` holds the one before; where the new servers do not do, the node goes back to that one, and
``servers.refused.json`` says why until an operator has seen it.  ``first_run.json`` is what a database that holds
nothing yet begins with.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from chain.core.errors import ConfigError

NAMES = ("database_url", "redis_url")
LABELS = {"database_url": "PostgreSQL", "redis_url": "Redis"}
CURRENT, NEXT, FIRST_RUN = "servers.json", "servers.next.json", "first_run.json"
PREVIOUS, REFUSED = "servers.previous.json", "servers.refused.json"


@dataclass(frozen=True, slots=True)
class Refused:
    """A choice that the node went back from: the server that did not do, why (code and words), and when (ms)."""

    server: str
    code: str
    reason: str
    at_ms: int


def read(root: Path, name: str = CURRENT) -> dict[str, str] | None:
    """URLs by the environment's names, empty texts for embedded servers; None where there is no such file.

    Raises
    ------
    ConfigError
        ``data_folder_format`` for a file that nobody can read.
    """
    content = _load(root / name)
    if content is None:
        return None
    if any(not isinstance(content.get(each, ""), str) for each in NAMES):
        raise _unreadable(root / name)
    return {each: content.get(each, "") for each in NAMES}


def choose(root: Path, urls: Mapping[str, str], first_run: Mapping[str, Any]) -> None:
    """Keep servers for the node's next start, and what a database of theirs that holds nothing begins with."""
    _write(root / FIRST_RUN, first_run)
    _write(root / NEXT, {name: urls[name] for name in NAMES})
    (root / REFUSED).unlink(missing_ok=True)


def forget(root: Path) -> None:
    """Take a choice back that has not taken effect, and the word that one was refused."""
    for name in (NEXT, FIRST_RUN, REFUSED):
        (root / name).unlink(missing_ok=True)


def adopt(root: Path) -> bool:
    """Let the choice take effect on trial, before anything is started; whether there was one."""
    if read(root, NEXT) is None:
        return False
    # first, so that a node that is killed in between has something to go back to
    _write(root / PREVIOUS, read(root) or dict.fromkeys(NAMES, ""))
    (root / NEXT).replace(root / CURRENT)
    return True


def on_trial(root: Path) -> tuple[str, ...]:
    """Names of the servers that are others than before and have not been started with yet."""
    before, now = read(root, PREVIOUS), read(root) or {}
    return () if before is None else tuple(name for name in NAMES if before[name] != now.get(name, ""))


def settle(root: Path) -> None:
    """The node runs with its servers: the trial is over."""
    previous = root / PREVIOUS
    if previous.exists():
        (root / REFUSED).unlink(missing_ok=True)
        previous.unlink()


def go_back(root: Path, name: str, error: ConfigError) -> None:
    """Return to the servers of before the trial, and keep why."""
    _write(root / REFUSED, asdict(Refused(name, error.code, error.message[:300], int(time.time() * 1000))))
    (root / FIRST_RUN).unlink(missing_ok=True)
    (root / PREVIOUS).replace(root / CURRENT)


def refused(root: Path) -> Refused | None:
    """What the node went back from, unless an operator has seen it; a file that nobody can read says nothing."""
    try:
        content = _load(root / REFUSED)
        return None if content is None else Refused(**content)
    except (ConfigError, TypeError):
        return None


def take_first_run(root: Path) -> dict[str, Any] | None:
    """What a database that holds nothing begins with, if anything was kept for one."""
    return _load(root / FIRST_RUN)


def end_first_run(root: Path) -> None:
    """It has been used, or was not needed."""
    (root / FIRST_RUN).unlink(missing_ok=True)


def _load(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except FileNotFoundError:
        return None
    except (OSError, ValueError) as error:
        raise _unreadable(path) from error
    if not isinstance(content, dict):
        raise _unreadable(path)
    return content


def _unreadable(path: Path) -> ConfigError:
    return ConfigError(
        "data_folder_format",
        f"{path} is not readable",
        hint="delete it to go back to the node's own servers, or set MDS_DATABASE_URL and MDS_REDIS_URL",
    )


def _write(path: Path, content: Mapping[str, Any]) -> None:
    """As a whole or not at all, for the owner only."""
    draft = path.with_name(f"{path.name}.new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        json.dump(content, file, indent=1)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
