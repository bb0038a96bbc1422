"""Giving the database connection back while a view waits for a process to report."""

from __future__ import annotations

from django.db import connection


def hand_back() -> None:
    """Return it to the pool, which has only a few; the next statement takes one again."""
    if not connection.in_atomic_block:
        connection.close()
