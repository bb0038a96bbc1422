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


def unnest(columns: Columns) -> str:
    """``unnest`` of one array parameter a column, as the relation n."""
    return f"unnest({', '.join([f'%s::{kind}[]' for _, kind in columns])}) n({names(columns)})"


def arrays(rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """Rows turned into the parameters of ``unnest``."""
    return [list(column) for column in zip(*rows, strict=True)]


def insert(cur: Cursor, table: str, columns: Columns, rows: Sequence[Sequence[Any]]) -> None:
    """Insert new rows: few as arrays, many by COPY."""
    if len(rows) > _FEW_ROWS:
        copy_rows(cur, table, columns, rows)
    elif rows:
        cur.execute(
            f"INSERT INTO {table} ({names(columns)}) SELECT {names(columns)} FROM {unnest(columns)}",  # noqa: S608
            arrays(rows),
        )


def add(cur: Cursor, table: str, keys: Columns, sums: Columns, rows: Sequence[Sequence[Any]]) -> None:
    """Add to rows of sums, making those that are not there; ``rows`` are key and addends, one row a key."""
    if not rows:
        return
    changes = ", ".join([f'"{name}" = t."{name}" + excluded."{name}"' for name, _ in sums])
    columns = (*keys, *sums)
    cur.execute(
        f"INSERT INTO {table} AS t ({names(columns)}) SELECT {names(columns)} FROM {unnest(columns)}"  # noqa: S608
        f" ON CONFLICT ({names(keys)}) DO UPDATE SET {changes}",
        arrays(rows),
    )
