"""The file of a backup: a tar of members with a head in front and every member's checksum at the end.

``backup.json`` comes first and says whose backup it is; ``checksums.json`` comes last and has the size and
the BLAKE3 of each member between.  A file without its end, or with anything changed, is refused as a whole.
"""

from __future__ import annotations

import io
import json
import os
import tarfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, fields
from pathlib import Path, PurePosixPath
from typing import IO, Any

from blake3 import blake3

from chain.core.errors import ConfigError

HEAD = "backup.json"
CHECKSUMS = "checksums.json"
VERSION = 1
_PART = 1 << 20
_HEAD_BYTES = 1 << 20

Progress = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Head:
    """What a backup holds.

    ``kind``: "dump" (a logical dump of the database) or "folder" (the data folder as it lay).  ``layout`` is
    that of the data folder, ``genesis`` 0x hex or None where the node never got so far.
    """

    version: int
    kind: str
    network: str
    genesis: str | None
    layout: int
    created: str
    number: int | None


class ArchiveWriter:
    """Adds members to a backup; see ``written``."""

    def __init__(self, tar: tarfile.TarFile) -> None:
        self._tar = tar
        self._checksums: dict[str, dict[str, Any]] = {}

    def add_file(self, path: Path, name: str, progress: Progress = lambda done: None) -> None:
        """A regular file, with its mode; what it grows by meanwhile is left out."""
        with path.open("rb") as file:
            info = self._tar.gettarinfo(str(path), name, file)
            info.uid = info.gid = 0
            info.uname = info.gname = ""
            self._add(info, file, progress)

    def add_bytes(self, data: bytes, name: str) -> None:
        """A small member, 0600."""
        self._add(_info(name, len(data)), io.BytesIO(data), lambda done: None)

    def add_folder(self, name: str) -> None:
        """An empty folder, 0700."""
        info = tarfile.TarInfo(name)
        info.type, info.mode = tarfile.DIRTYPE, 0o700
        self._tar.addfile(info)

    def finish(self) -> None:
        """The checksums."""
        data = json.dumps(self._checksums, indent=1).encode()
        self._tar.addfile(_info(CHECKSUMS, len(data)), io.BytesIO(data))

    def _add(self, info: tarfile.TarInfo, file: IO[bytes], progress: Progress) -> None:
        reader = _Hashing(file, progress)
        self._tar.addfile(info, reader)  # type: ignore[arg-type]
        self._checksums[info.name] = {"size": info.size, "blake3": reader.hash.hexdigest()}


@contextmanager
def written(path: Path, head: Head) -> Iterator[ArchiveWriter]:
    """A new archive, 0600; it appears under its name when it is complete and on disk.

    Raises
    ------
    ConfigError
        ``backup_unwritable``.
    """
    draft = path.with_name(path.name + ".part")
    try:
        draft.unlink(missing_ok=True)
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                data = json.dumps(asdict(head), indent=1).encode()
                tar.addfile(_info(HEAD, len(data)), io.BytesIO(data))
                writer = ArchiveWriter(tar)
                yield writer
                writer.finish()
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except OSError as error:
        raise ConfigError(
            "backup_unwritable", f"{path} cannot be written: {error.strerror}", hint="name another --output"
        ) from error
    finally:
        draft.unlink(missing_ok=True)


def read_head(file: IO[bytes], name: str) -> Head:
    """The head of an open archive, which is then at its start again.

    Raises
    ------
    ConfigError
        ``backup_format`` for what is no backup, or one of a newer version.
    """
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            first = tar.next()
            if first is None or first.name != HEAD or first.size > _HEAD_BYTES:
                raise _no_backup(name)
            content = json.loads(_content(tar, first))
        if not isinstance(content, dict) or set(content) != {item.name for item in fields(Head)}:
            raise _no_backup(name)
        head = Head(**content)
    except (tarfile.TarError, ValueError, EOFError) as error:
        raise _no_backup(name) from error
    finally:
        file.seek(0)
    if head.version != VERSION or head.kind not in ("dump", "folder"):
        raise ConfigError(
            "backup_format", f"{name} has version {head.version}, this node reads {VERSION}", hint="update the node"
        )
    return head


def extract(file: IO[bytes], name: str, into: Path, progress: Progress = lambda done: None) -> None:
    """Write every member below a folder and check all of them at the end.

    Raises
    ------
    ConfigError
        ``backup_damaged``; what was written so far is the caller's to remove.
    """
    found: dict[str, dict[str, Any]] = {}
    expected: dict[str, dict[str, Any]] | None = None
    try:
        with tarfile.open(fileobj=file, mode="r|") as tar:
            for member in tar:
                if expected is not None:
                    raise _damaged(name, "it goes on after its checksums")
                if member.name == HEAD:
                    continue
                if member.name == CHECKSUMS:
                    expected = json.loads(_content(tar, member))
                    continue
                target = into / _safe(member, name)
                target.parent.mkdir(parents=True, exist_ok=True)
                if member.isdir():
                    target.mkdir(exist_ok=True)
                    target.chmod(0o700)
                    continue
                source = tar.extractfile(member)
                assert source is not None
                reader = _Hashing(source, progress)
                with os.fdopen(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as out:
                    while part := reader.read(_PART):
                        out.write(part)
                target.chmod(member.mode & 0o700)
                found[member.name] = {"size": member.size, "blake3": reader.hash.hexdigest()}
    except (tarfile.TarError, ValueError, EOFError, FileExistsError) as error:
        raise _damaged(name, str(error) or type(error).__name__) from error
    if expected is None:
        raise _damaged(name, "it ends before its checksums")
    wrong = sorted(member for member in {*found, *expected} if found.get(member) != expected.get(member))
    if wrong:
        raise _damaged(name, f"the checksum of {wrong[0]} does not fit")


class _Hashing:
    """A reader that hashes what passes."""

    def __init__(self, file: IO[bytes], progress: Progress) -> None:
        self._file = file
        self._progress = progress
        self.hash = blake3()

    def read(self, size: int = -1) -> bytes:
        data = self._file.read(size)
        self.hash.update(data)
        self._progress(len(data))
        return data


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tar.extractfile(member)
    return b"" if file is None else file.read()


def _info(name: str, size: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, 0o600
    return info


def _safe(member: tarfile.TarInfo, name: str) -> PurePosixPath:
    path = PurePosixPath(member.name)
    if path.is_absolute() or ".." in path.parts or not (member.isreg() or member.isdir()):
        raise _damaged(name, f"the member {member.name!r} is not one of ours")
    return path


def _no_backup(name: str) -> ConfigError:
    return ConfigError("backup_format", f"{name} is no backup of a node", hint="name a file that `backup` made")


def _damaged(name: str, reason: str) -> ConfigError:
    return ConfigError("backup_damaged", f"{name} is damaged: {reason}", hint="take another backup")
