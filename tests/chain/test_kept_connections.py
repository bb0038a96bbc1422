"""A worker keeps its connection from task to task, for as long as it is fit."""

from __future__ import annotations

import psycopg
import pytest
from django.db import connection
from psycopg.pq import TransactionStatus

from chain.stores.connection import drop_unfit, raw_connection

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_fit_connection_is_kept() -> None:
    connection.close()
    raw = raw_connection()
    connection.close_at = None
    drop_unfit()
    assert raw_connection() is raw


def test_none_is_no_error() -> None:
    connection.close()
    drop_unfit()
    assert connection.connection is None


def test_one_that_the_server_ended_is_replaced_before_its_next_use() -> None:
    raw = raw_connection()
    connection.close_at = None
    arguments = dict(connection.get_connection_params())
    for name in ("cursor_factory", "context", "server_side_binding", "pool"):
        arguments.pop(name, None)
    with psycopg.connect(**arguments, autocommit=True) as other:
        other.execute("SELECT pg_terminate_backend(%s, 5000)", (raw.info.backend_pid,))
    drop_unfit()
    assert raw_connection() is not raw
    assert raw_connection().execute("SELECT 1").fetchone() == (1,)


def test_one_in_an_unfinished_transaction_is_replaced() -> None:
    raw = raw_connection()
    connection.close_at = None
    raw.execute("BEGIN")
    assert raw.info.transaction_status is TransactionStatus.INTRANS
    drop_unfit()
    assert raw.closed
    assert raw_connection() is not raw
