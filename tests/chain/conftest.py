"""Fixtures of tests that need the node's database."""

from __future__ import annotations

import pytest

from chain.stores.connection import Connection, raw_connection
from tests.factories.database import StoredChain


@pytest.fixture
def conn(db: None) -> Connection:
    """A psycopg connection inside a transaction that the test's end rolls back.

    Django opens that transaction with the first statement only: until then a store's own transaction would
    be the outermost one, and be committed.
    """
    opened = raw_connection()
    opened.execute("SELECT 1")
    return opened


@pytest.fixture
def stored(conn: Connection) -> StoredChain:
    """An initialised devnet."""
    return StoredChain(conn)


@pytest.fixture
def no_trail(db: None) -> None:
    """Forget, for this test, what others that really commit have left in the trail and in the settings."""
    from chain.models import NodeSetting, OperatorAction

    OperatorAction.objects.all().delete()
    NodeSetting.objects.all().delete()
