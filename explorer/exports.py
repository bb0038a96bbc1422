"""Lists as CSV (RFC 4180): read in pages by keyset, sent as they are read, bounded."""

from __future__ import annotations

import csv
import itertools
import zlib
from collections.abc import AsyncIterator, Callable, Iterable, Iterator, Sequence
from typing import Any

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest, StreamingHttpResponse
from django.middleware.gzip import re_accepts_gzip

MAX_ROWS = 10_000
BATCH = 500
# the first rows come at once
FIRST = 50
# zlib's largest window, with a gzip header
_GZIP = 31
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
    cursor, left, size = None, MAX_ROWS, FIRST
    while left:
        rows, cursor = read(cursor, min(size, left))
        yield from rows
        left, size = left - len(rows), BATCH
        if cursor is None or not rows:
            return


def csv_response(
    request: HttpRequest, name: str, heads: Sequence[str], rows: Iterable[Sequence[Any]]
) -> StreamingHttpResponse:
    """A CSV file as an attachment; texts that a spreadsheet would run as a formula are quoted by an apostrophe."""
    writer = csv.writer(_Echo())

    def lines() -> Iterator[str]:
        yield writer.writerow(heads)
        for row in rows:
            yield writer.writerow([_cell(value) for value in row])

    headers = {"Content-Disposition": f'attachment; filename="{name}.csv"'}
    content: Iterator[str] | AsyncIterator[bytes] = lines()
    # Django's ASGI handler reads a plain iterator to its end before it sends the first byte
    if isinstance(request, ASGIRequest):
        content = _by_and_by(lines())
        if re_accepts_gzip.search(request.headers.get("Accept-Encoding", "")):
            # the middleware makes of each piece a file of its own, and browsers stop after the first
            content = _as_one_gzip(content)
            headers |= {"Content-Encoding": "gzip", "Vary": "Accept-Encoding"}
    return StreamingHttpResponse(content, content_type="text/csv; charset=utf-8", headers=headers)


async def _by_and_by(lines: Iterator[str]) -> AsyncIterator[bytes]:
    """Pieces of the text as they are read, in the thread that has the request's connection."""
    size = 1 + FIRST
    while part := await sync_to_async(_part)(lines, size):
        yield part
        size = BATCH


async def _as_one_gzip(parts: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The pieces compressed as one file, each of which can be read when it has come (RFC 1952)."""
    packer = zlib.compressobj(wbits=_GZIP)
    async for part in parts:
        yield packer.compress(part) + packer.flush(zlib.Z_SYNC_FLUSH)
    yield packer.flush()


def _part(lines: Iterator[str], size: int) -> bytes:
    return "".join(itertools.islice(lines, size)).encode()


def _cell(value: Any) -> str:
    if isinstance(value, (bytes, memoryview)):
        return "0x" + bytes(value).hex()
    if value is None:
        return ""
    text = str(value)
    return "'" + text if isinstance(value, str) and text.startswith(_FORMULAS) else text
