"""What a stretch of code asks PostgreSQL: every statement of every driver's cursor in this process, with its time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest import mock

import psycopg


@dataclass(frozen=True, slots=True)
class Asked:
    """A statement and the seconds until its rows were there; its parameters are not kept."""

    sql: str
    seconds: float


@contextmanager
def asked() -> Iterator[list[Asked]]:
    """Collect statements, Django's own and those of the stores; what opens, ends or checks a transaction is none."""
    found: list[Asked] = []
    execute, executemany = psycopg.Cursor.execute, psycopg.Cursor.executemany

    def timed(method: Any) -> Any:
        def run(self: Any, query: Any, *args: Any, **extra: Any) -> Any:
            began = time.perf_counter()
            try:
                return method(self, query, *args, **extra)
            finally:
                text = query if isinstance(query, str) else str(query)
                if not _is_bracket(text):
                    found.append(Asked(text, time.perf_counter() - began))

        return run

    with (
        mock.patch.object(psycopg.Cursor, "execute", timed(execute)),
        mock.patch.object(psycopg.Cursor, "executemany", timed(executemany)),
    ):
        yield found


def _is_bracket(text: str) -> bool:
    words = text.split(None, 1)
    return not words or words[0].upper() in ("SAVEPOINT", "RELEASE", "ROLLBACK", "BEGIN", "COMMIT", "SET")
