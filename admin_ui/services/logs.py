"""Reading log files for people: the last lines of a process, by level and text, without secrets."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from chain.core.errors import RequestError

LEVELS = ("debug", "info", "warning", "error")
# at most so much of a file is read from its end
TAIL_BYTES = 2_000_000
LONGEST_LINE = 4_000
_RANK = {"debug": 0, "info": 1, "warning": 2, "warn": 2, "error": 3, "critical": 3, "fatal": 3, "panic": 3}
# [info     ] of structlog's console, "level": "info" of its JSON, "LOG:" of PostgreSQL
_CONSOLE = re.compile(r"\[(debug|info|warning|error|critical)\s*\]")
_JSON = re.compile(r'"level"\s*:\s*"(\w+)"')
_WORD = re.compile(r"\b(DEBUG|INFO|LOG|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|PANIC)\b")
_WORDS = {"LOG": "info", "NOTICE": "info"}
# what looks like a secret, whatever it is: API keys, bearer tokens, passwords in URLs and assignments
_SHAPES = (
    (re.compile(r"\bmds_[A-Za-z0-9_-]{40,}"), "mds_[hidden]"),
    (re.compile(r"(?i)\b(bearer\s+)[A-Za-z0-9._~+/=-]{8,}"), r"\1[hidden]"),
    (re.compile(r"(://[^/\s:@]*:)[^@\s/]+@"), r"\1[hidden]@"),
    (
        re.compile(r"(?i)((?:password|passwd|secret|token|authorization)[\"']?\s*[=:]\s*[\"']?)[^\s\"',}]+"),
        r"\1[hidden]",
    ),
)
LEAST_SECRET = 6


@dataclass(frozen=True, slots=True)
class Line:
    """One line: its level, as far as it can be told, and its text."""

    level: str
    text: str


@dataclass(frozen=True, slots=True)
class Tail:
    """Lines from the end of a file, oldest first, and where the file ended: a place to go on from."""

    lines: tuple[Line, ...]
    offset: int
    inode: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines: the least level, and a text that they hold, upper and lower case alike."""

    level: str = "debug"
    text: str = ""

    def takes(self, line: Line) -> bool:
        """Whether a line is wanted."""
        return _RANK[line.level] >= _RANK[self.level] and self.text.lower() in line.text.lower()


class Redactor:
    """Hides the secrets that it is given, and what has the shape of one."""

    def __init__(self, secrets: Iterable[str]) -> None:
        known = sorted({text for text in secrets if len(text) >= LEAST_SECRET}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def clean(self, text: str) -> str:
        """The text without them."""
        if self._known is not None:
            text = self._known.sub("[hidden]", text)
        for shape, instead in _SHAPES:
            text = shape.sub(instead, text)
        return text


def log_of(files: dict[str, Path], name: str) -> Path:
    """The file of a process.

    Raises
    ------
    RequestError
        ``not_found``; a name is looked up and never becomes a path.
    """
    if name not in files:
        raise RequestError("not_found", "no such log", got=name[:40])
    return files[name]


def tail(path: Path, wanted: Wanted, most: int, redactor: Redactor) -> Tail:
    """The last lines that are wanted, at most ``most`` of the last ``TAIL_BYTES``."""
    with path.open("rb") as file:
        stat = path.stat()
        start = max(0, stat.st_size - TAIL_BYTES)
        file.seek(start)
        raw = file.read(TAIL_BYTES)
    # an unfinished last line belongs to whoever goes on
    end = raw.rfind(b"\n") + 1
    texts = raw[:end].split(b"\n")[:-1]
    if start:
        texts = texts[1:]
    return Tail(tuple(_chosen(texts, wanted, redactor)[-most:]), start + end, stat.st_ino)


def follow(path: Path, offset: int, inode: int, wanted: Wanted, redactor: Redactor) -> Tail:
    """What was written since; from the start of a file that was rotated meanwhile."""
    stat = path.stat()
    if stat.st_ino != inode or stat.st_size < offset:
        offset = 0
    with path.open("rb") as file:
        file.seek(offset)
        raw = file.read(TAIL_BYTES)
    end = raw.rfind(b"\n") + 1
    return Tail(tuple(_chosen(raw[:end].split(b"\n")[:-1], wanted, redactor)), offset + end, stat.st_ino)


def level_of(text: str, before: str = "info") -> str:
    """Level of a line; one that tells none, such as a traceback's, goes with the line before it."""
    found = _CONSOLE.search(text) or _JSON.search(text)
    if found:
        word = found[1].lower()
    else:
        shouted = _WORD.search(text[:120])
        if shouted is None:
            return before
        word = _WORDS.get(shouted[1], shouted[1].lower())
    return LEVELS[_RANK.get(word, 1)]


def _chosen(texts: Iterable[bytes], wanted: Wanted, redactor: Redactor) -> list[Line]:
    lines = []
    level = "info"
    for raw in texts:
        text = raw[:LONGEST_LINE].decode("utf-8", "replace")
        level = level_of(text, level)
        # searched only after secrets are gone, so that nobody can ask for one letter by letter
        line = Line(level, redactor.clean(text))
        if wanted.takes(line):
            lines.append(line)
    return lines
