"""Keyset pages: where to go on stands in the address, so page 10 000 costs what page 1 costs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Row = TypeVar("Row")

PAGE = 25
MAX_NUMBER = 2**62
MAX_INDEX = 2**31 - 1
# number, log or index, ordinal; and one beyond every row
Place3 = tuple[int, int, int]
NEWEST: Place3 = (MAX_NUMBER, MAX_INDEX, MAX_INDEX)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    """Rows, newest first, and the cursors of the pages on both sides; empty at an end."""

    rows: tuple[Row, ...]
    newer: str
    older: str


def place_of(cursor: str) -> tuple[int, int] | None:
    """Read a cursor ``number-index``; None where it is none."""
    number, _, index = cursor.partition("-")
    if not (_is_count(number) and (index == "" or _is_count(index))):
        return None
    return min(int(number), MAX_NUMBER), min(int(index or 0), MAX_INDEX)


def place3_of(cursor: str) -> Place3 | None:
    """Read a cursor ``number-log-ordinal``; None where it is none."""
    parts = cursor.split("-")
    if len(parts) != 3 or not all(_is_count(part) for part in parts):
        return None
    return min(int(parts[0]), MAX_NUMBER), min(int(parts[1]), MAX_INDEX), min(int(parts[2]), MAX_INDEX)


def hash_place_of(cursor: str) -> tuple[int, bytes] | None:
    """Read a cursor ``score-hash``; None where it is none."""
    score, _, text = cursor.partition("-")
    if not _is_count(score) or len(text) != 64:
        return None
    try:
        return min(int(score), MAX_NUMBER), bytes.fromhex(text)
    except ValueError:
        return None


def page_of(
    older_rows: Callable[[int], Sequence[Row]] | None,
    newer_rows: Callable[[int], Sequence[Row]] | None,
    key: Callable[[Row], str],
    size: int = PAGE,
    *,
    is_first: bool = False,
) -> Page[Row]:
    """One page, from one question for a row more than it shows.

    Parameters
    ----------
    older_rows : callable or None
        Takes a limit; rows below the cursor, newest first.
    newer_rows : callable or None
        Takes a limit; rows above the cursor, oldest first.  One of the two is given.
    key : callable
        The cursor of a row.
    is_first : bool
        The page has no cursor, so nothing is newer.
    """
    if newer_rows is not None:
        found = list(newer_rows(size + 1))
        rows = found[:size][::-1]
        has_newer, has_older = len(found) > size, True
    else:
        assert older_rows is not None
        found = list(older_rows(size + 1))
        rows = found[:size]
        has_newer, has_older = not is_first, len(found) > size
    if not rows:
        return Page((), "", "")
    newer = f"?after={key(rows[0])}" if has_newer else ""
    older = f"?before={key(rows[-1])}" if has_older else ""
    return Page(tuple(rows), newer, older)


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 20
