"""Lists as CSV (RFC 4180): read in pages by keyset, sent as they are read, bounded."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from django.http import StreamingHttpResponse

MAX_ROWS = 10_000
BATCH = 500
# what spreadsheets take for a formula
_FORMULAS = ("=", "+", "-", "@", "\t", "\r")


class _Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """The text itself."""
        return text


def pages(read: Callable[[Any, int], tuple[Sequence[Sequence[Any]], Any]]) -> Iterator[Sequence[Any]]:
    """Rows of page after page, at most ``MAX_ROWS``.

    Parameters
    ----------
    read : callable
        Takes a cursor (None at first) and a limit; returns rows and the next cursor, None at the end.
    """
    cursor, left = None, MAX_ROWS
    while left:
        rows, cursor = read(cursor, min(BATCH, left))
        yield from rows
        left -= len(rows)
        if cursor is None or not rows:
            return


def csv_response(name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]) -> StreamingHttpResponse:
    """A CSV file as an attachment; texts that a spreadsheet would run as a formula are quoted by an apostrophe."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(heads)
        for row in rows:
            yield writer.writerow([_cell(value) for value in row])

    answer = StreamingHttpResponse(lines(), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def _cell(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return "0x" + bytes(value).hex()
    if value is None:
        return ""
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULAS) else text
