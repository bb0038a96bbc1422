"""Blocks of one network as a file (docs/operations/backup.md has the layout).

magic (8 bytes) ‖ version (4) ‖ genesis hash (32) ‖ count (8) ‖ count × [length (4) ‖ RLP block] ‖ BLAKE3 of
everything before (32); integers big-endian; parents before children.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from blake3 import blake3

from chain.core.codec import MAX_BLOCK_BYTES
from chain.core.errors import RequestError

MAGIC = b"MDSBLOCK"
VERSION = 1
_HEAD = struct.Struct(">8sI32sQ")
_LENGTH = struct.Struct(">I")
_CHECKSUM_BYTES = 32
_PART = 1 << 20


@dataclass(frozen=True, slots=True)
class BlockFile:
    """What the head of a file says."""

    path: Path
    genesis_hash: bytes
    count: int


def write_block_file(path: Path, genesis_hash: bytes, count: int, blocks: Iterable[bytes]) -> BlockFile:
    """Write a file as a whole or not at all.

    Parameters
    ----------
    path : Path
        An existing file is replaced once the new one is complete.
    count : int
        How many ``blocks`` there are.
    blocks : iterable of bytes
        RLP [header, body], parents before children.

    Raises
    ------
    RequestError
        ``file_unwritable`` when the file system refuses, ``block_count`` when ``blocks`` are not ``count``.
    """
    draft = path.with_name(path.name + ".part")
    written = 0
    try:
        with draft.open("wb") as file:
            out = _Hashing(file)
            out.write(_HEAD.pack(MAGIC, VERSION, genesis_hash, count))
            for block in blocks:
                out.write(_LENGTH.pack(len(block)) + block)
                written += 1
            file.write(out.digest())
            file.flush()
            os.fsync(file.fileno())
        if written != count:
            raise RequestError("block_count", got=written, expected=count)
        draft.replace(path)
    except OSError as error:
        raise RequestError("file_unwritable", f"{path}: {error.strerror}") from error
    finally:
        draft.unlink(missing_ok=True)
    return BlockFile(path, genesis_hash, count)


def check_block_file(path: Path, progress: Callable[[int, int], None] = lambda done, total: None) -> BlockFile:
    """Read the whole file once: layout, lengths and checksum.

    Parameters
    ----------
    progress : callable
        Told (bytes done, bytes in all).

    Raises
    ------
    RequestError
        ``file_unreadable``, ``file_format`` (no such file, or of another version), ``file_truncated``,
        ``file_damaged``.
    """
    with _opened(path) as file:
        size = os.fstat(file.fileno()).st_size
        found = _read_head(path, file)
        out = blake3()
        file.seek(0)
        out.update(file.read(_HEAD.size))
        at = _HEAD.size
        for place in range(found.count):
            prefix = file.read(_LENGTH.size)
            length = _length(prefix, path, place)
            out.update(prefix)
            left = length
            while left:
                part = file.read(min(left, _PART))
                if not part:
                    raise RequestError("file_truncated", f"{path} ends within block {place} of {found.count}")
                out.update(part)
                left -= len(part)
            at += _LENGTH.size + length
            progress(at, size)
        checksum = file.read(_CHECKSUM_BYTES)
        if len(checksum) < _CHECKSUM_BYTES:
            raise RequestError("file_truncated", f"{path} has no checksum")
        if checksum != out.digest() or file.read(1):
            raise RequestError("file_damaged", f"{path} is not what was written: its checksum does not fit")
    return found


def read_block_file(path: Path) -> Iterator[bytes]:
    """The blocks of a file that ``check_block_file`` has passed; errors as there."""
    with _opened(path) as file:
        for place in range(_read_head(path, file).count):
            length = _length(file.read(_LENGTH.size), path, place)
            block = file.read(length)
            if len(block) != length:
                raise RequestError("file_truncated", f"{path} ends within block {place}")
            yield block


class _Hashing:
    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._hash = blake3()

    def write(self, data: bytes) -> None:
        self._hash.update(data)
        self._file.write(data)

    def digest(self) -> bytes:
        return self._hash.digest()


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("rb")
    except OSError as error:
        raise RequestError("file_unreadable", f"{path}: {error.strerror}") from error


def _read_head(path: Path, file: BinaryIO) -> BlockFile:
    head = file.read(_HEAD.size)
    if head[: len(MAGIC)] != MAGIC:
        raise RequestError("file_format", f"{path} is no file of blocks")
    if len(head) < _HEAD.size:
        raise RequestError("file_truncated", f"{path} ends within its head")
    _, version, genesis_hash, count = _HEAD.unpack(head)
    if version != VERSION:
        raise RequestError("file_format", f"{path} has version {version}, this node reads {VERSION}")
    return BlockFile(path, genesis_hash, count)


def _length(prefix: bytes, path: Path, place: int) -> int:
    if len(prefix) < _LENGTH.size:
        raise RequestError("file_truncated", f"{path} ends before block {place}")
    length: int = _LENGTH.unpack(prefix)[0]
    if length > MAX_BLOCK_BYTES:
        raise RequestError("file_damaged", f"{path}: block {place} would have {length} bytes")
    return length
