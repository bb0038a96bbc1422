"""Secrets of the node: made once, 0600, never in the database and never in a log."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from chain.core.errors import ConfigError

VRF_KEY = "vrf.key"
P2P_KEY = "p2p.key"
DJANGO_KEY = "django.key"
DATABASE_PASSWORD = "postgres.key"  # noqa: S105 - the name of a file


def _seed() -> str:
    return secrets.token_hex(32)


def _password() -> str:
    return secrets.token_urlsafe(32)


_MAKERS: dict[str, Callable[[], str]] = {
    VRF_KEY: _seed,
    P2P_KEY: _seed,
    DJANGO_KEY: lambda: secrets.token_urlsafe(64),
    DATABASE_PASSWORD: _password,
}


def ensure_keys(folder: Path) -> tuple[str, ...]:
    """Make the keys that are missing; existing ones are kept as they are.

    Parameters
    ----------
    folder : Path
        The ``keys`` folder.

    Returns
    -------
    tuple[str, ...]
        Names of the files that were made.
    """
    made = []
    for name, maker in _MAKERS.items():
        path = folder / name
        if path.exists():
            if path.stat().st_mode & 0o077:
                path.chmod(0o600)
            continue
        # the final name appears only with its whole content, so a crash leaves no half key
        draft = folder / f"{name}.new"
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(maker() + "\n")
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
        made.append(name)
    return tuple(made)


def read_text(folder: Path, name: str) -> str | None:
    """A key as text, or None where it was not made yet."""
    try:
        return (folder / name).read_text().strip()
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(
            "key_unreadable", f"{folder / name} cannot be read: {error.strerror}", hint="run as the owner of the folder"
        ) from error


def read_seed(folder: Path, name: str) -> bytes:
    """A 32-byte key such as ``vrf.key``.

    Raises
    ------
    ConfigError
        ``key_missing`` or ``key_malformed``.
    """
    text = read_text(folder, name)
    if text is None:
        raise ConfigError("key_missing", f"{folder / name} does not exist", hint="`manage.py up` makes it")
    try:
        seed = bytes.fromhex(text)
    except ValueError:
        seed = b""
    if len(seed) != 32:
        raise ConfigError("key_malformed", f"{folder / name} does not hold 32 bytes as hex", hint="restore a backup")
    return seed
