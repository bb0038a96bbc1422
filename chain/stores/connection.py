"""How stores reach PostgreSQL: psycopg itself, in binary, on Django's connection or on one of their own."""

from __future__ import annotations

import select
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

import psycopg
from django.db import DEFAULT_DB_ALIAS, connections
from psycopg.pq import TransactionStatus
from psycopg.types.string import BytesBinaryDumper

from chain.core.errors import StoreError

# the database's clock in ms; wall time of rows, never of consensus
NOW_MS = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"

Connection = psycopg.Connection[Any]
Cursor = psycopg.Cursor[Any]


def raw_connection(alias: str = DEFAULT_DB_ALIAS) -> Connection:
    """The psycopg connection under Django's; it stays Django's to close."""
    wrapper = connections[alias]
    wrapper.ensure_connection()
    return cast(Connection, wrapper.connection)


def drop_unfit(alias: str = DEFAULT_DB_ALIAS) -> None:
    """Close Django's connection where the next user should not have it; the next use opens another.

    That is one which the server has ended, one with an unfinished transaction (its last user was interrupted), and one
    that is older than the settings want.  Asks nothing of the server.
    """
    wrapper = connections[alias]
    conn = cast("Connection | None", wrapper.connection)
    if conn is None:
        return
    # while no statement runs, a server only ever says that it goes
    if conn.closed or conn.info.transaction_status is not TransactionStatus.IDLE or _has_word(conn.fileno()):
        wrapper.close()
    else:
        wrapper.close_if_unusable_or_obsolete()


def _has_word(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def cursor(conn: Connection) -> Cursor:
    """A server-side-binding cursor, whatever factory the connection was given."""
    return psycopg.Cursor(conn)


@contextmanager
def database_errors() -> Iterator[None]:
    """Let driver errors leave as ``StoreError``: the node cannot go on with its own data.

    Raises
    ------
    StoreError
        ``database_unavailable`` (connection lost, time-out, lock time-out), ``database_refused`` (a
        constraint), ``not_migrated`` (a table is missing), ``database_error`` (anything else).
    """
    try:
        yield
    except psycopg.errors.UndefinedTable as error:
        raise StoreError("not_migrated", _first_line(error), hint="run manage.py migrate") from error
    except psycopg.OperationalError as error:
        raise StoreError("database_unavailable", _first_line(error), sqlstate=error.sqlstate) from error
    except psycopg.IntegrityError as error:
        constraint = error.diag.constraint_name
        raise StoreError(
            "database_refused", _first_line(error), sqlstate=error.sqlstate, constraint=constraint
        ) from error
    except psycopg.Error as error:
        raise StoreError("database_error", _first_line(error), sqlstate=error.sqlstate) from error


def copy_rows(cur: Cursor, table: str, columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[Any]]) -> None:
    """COPY rows in binary.

    Parameters
    ----------
    table : str
        Name of the table, from our own code.
    columns : sequence of (name, PostgreSQL type)
        In the order of each row's values.
    """
    names = ", ".join([f'"{name}"' for name, _ in columns])
    # asked for by type, bytea would be dumped by the DB-API wrapper, which has no C version
    cur.adapters.register_dumper(bytes, BytesBinaryDumper)
    with cur.copy(f"COPY {table} ({names}) FROM STDIN (FORMAT BINARY)") as copy:
        copy.set_types([kind for _, kind in columns])
        write_row = copy.write_row
        for row in rows:
            write_row(row)


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
