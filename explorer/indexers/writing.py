"""Rows in bulk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from chain.stores.connection import Cursor, copy_rows

Columns = tuple[tuple[str, str], ...]

# up to here arrays cost less than a COPY
_FEW_ROWS = 100


def names(columns: Columns) -> str:
    """Quoted names, for SQL."""
    return ", ".join([f'"{name}"' for name, _ in columns])


def relation(cur: Cursor, columns: Columns, rows: Sequence[Sequence[Any]]) -> tuple[str, list[Any]]:
    """Rows as the relation n of a statement that follows: its text for FROM, and its parameters.

    Few rows are arrays.  Many go by COPY into a staging table of the session, which the transaction's end empties:
    the driver writes arrays of bytes as text, COPY takes them as they are.
    """
    if len(rows) <= _FEW_ROWS:
        arrays = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in columns]
        return f"unnest({', '.join([f'%s::{kind}[]' for _, kind in columns])}) n({names(columns)})", arrays
    stage = f"stage_{'_'.join([name for name, _ in columns])}"
    described = ", ".join([f'"{name}" {kind}' for name, kind in columns])
    cur.execute(f"CREATE TEMP TABLE IF NOT EXISTS {stage} ({described}) ON COMMIT DELETE ROWS")
    cur.execute(f"DELETE FROM pg_temp.{stage}")  # noqa: S608 - our own names
    copy_rows(cur, f"pg_temp.{stage}", columns, rows)
    return f"pg_temp.{stage} n", []


def insert(cur: Cursor, table: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> None:
    """Insert new rows: few as arrays, many by COPY."""
    if len(rows) > _FEW_ROWS:
        copy_rows(cur, table, columns, rows)
    elif rows:
        source, args = relation(cur, columns, rows)
        cur.execute(f"INSERT INTO {table} ({names(columns)}) SELECT {names(columns)} FROM {source}", args)  # noqa: S608


def add(cur: Cursor, table: str, keys: Columns, sums: Columns, rows: Sequence[Sequence[Any]]) -> None:
    """Add to rows of sums, making those that are not there; ``rows`` are key and addends, one row a key."""
    if not rows:
        return
    changes = ", ".join([f'"{name}" = t."{name}" + excluded."{name}"' for name, _ in sums])
    columns = (*keys, *sums)
    source, args = relation(cur, columns, rows)
    cur.execute(
        f"INSERT INTO {table} AS t ({names(columns)}) SELECT {names(columns)} FROM {source}"  # noqa: S608
        f" ON CONFLICT ({names(keys)}) DO UPDATE SET {changes}",
        args,
    )
