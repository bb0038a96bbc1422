"""A question to the database: its SQL and the meaning of a row, the same for both kinds of connection."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import psycopg

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True)
class Query(Generic[Row]):
    """One statement with positional parameters, read in binary.

    Being one statement, what it returns is of one commit.  ``one`` and ``all`` take a psycopg connection,
    ``aone`` and ``aall`` an asynchronous one.  Driver errors pass through.
    """

    sql: str
    parse: Callable[[Any], Row]

    def one(self, conn: psycopg.Connection[Any], *args: Any) -> Row | None:
        """The first row, None where there is none."""
        row = psycopg.Cursor(conn).execute(self.sql, args, binary=True).fetchone()
        return None if row is None else self.parse(row)

    def all(self, conn: psycopg.Connection[Any], *args: Any) -> list[Row]:
        """Every row."""
        return [self.parse(row) for row in psycopg.Cursor(conn).execute(self.sql, args, binary=True)]

    async def aone(self, conn: psycopg.AsyncConnection[Any], *args: Any) -> Row | None:
        """The first row, None where there is none."""
        cursor = await psycopg.AsyncCursor(conn).execute(self.sql, args, binary=True)
        row = await cursor.fetchone()
        return None if row is None else self.parse(row)

    async def aall(self, conn: psycopg.AsyncConnection[Any], *args: Any) -> list[Row]:
        """Every row."""
        cursor = await psycopg.AsyncCursor(conn).execute(self.sql, args, binary=True)
        return [self.parse(row) for row in await cursor.fetchall()]


def columns_as(kind: Callable[..., Row]) -> Callable[[Any], Row]:
    """Parse a row whose columns are the fields of a dataclass, in order."""
    return lambda row: kind(*row)


def first(row: Any) -> Any:
    """Parse a row of one column."""
    return row[0]
