"""Locks, terms and commits as several connections see them."""

from __future__ import annotations

from collections.abc import Iterator

import psycopg
import pytest

from chain.core.errors import StoreError
from chain.locks import Lock, is_held, new_term, try_lock, unlock
from chain.stores import load
from chain.stores.candidates import add_candidate, count_candidates
from chain.stores.commit import apply_update
from chain.stores.connection import Connection, raw_connection
from tests.factories import wallets
from tests.factories.chain import ChainFactory
from tests.factories.database import StoredChain, another_session

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def other() -> Iterator[Connection]:
    """A second connection, with transactions that its user must commit."""
    with another_session() as conn:
        yield conn


def test_keys_are_distinct_and_fit() -> None:
    keys = {lock.key for lock in Lock}
    assert len(keys) == len(Lock)
    assert all(-(2**63) <= key < 2**63 for key in keys)


def test_a_lock_belongs_to_one_session_until_it_ends(other: Connection) -> None:
    mine = raw_connection()
    assert not is_held(mine, Lock.WRITER)
    assert try_lock(other, Lock.WRITER)
    other.rollback()
    assert is_held(mine, Lock.WRITER)
    assert not try_lock(mine, Lock.WRITER)
    assert try_lock(mine, Lock.PRUNE)
    assert unlock(mine, Lock.PRUNE)
    assert not unlock(mine, Lock.WRITER)
    other.close()
    # the server ends the session in its own time: wait for that, at most lock_timeout
    mine.execute("SELECT pg_advisory_lock(%s)", (Lock.WRITER.key,))
    assert unlock(mine, Lock.WRITER)


def test_a_commit_is_a_commit_on_any_connection(other: Connection) -> None:
    """Also where a transaction is open already: a later rollback takes nothing back."""
    mine = raw_connection()
    stored = StoredChain(mine, joined=False)
    factory = stored.factory
    add_candidate(other, bytes(32), b"raw", senders=b"", source="rpc", received_ms=1)
    update = factory.step(factory.genesis.hash, [factory.send(factory.genesis.hash, 0, wallets.address(1))])
    assert apply_update(other, update, stored.term)
    other.rollback()
    assert load.load_node_state(mine).sink == update.virtual.sink
    assert count_candidates(mine) == {"validated": 1}


def test_a_failed_transaction_is_not_built_upon(other: Connection) -> None:
    stored = StoredChain(raw_connection(), joined=False)
    update = stored.factory.step(stored.factory.genesis.hash)
    with pytest.raises(psycopg.Error):
        other.execute("SELECT 1/0")
    with pytest.raises(StoreError, match="transaction_failed"):
        apply_update(other, update, stored.term)
    other.rollback()
    assert apply_update(other, update, stored.term)


def test_a_new_term_waits_for_a_commit_and_fences_the_next(other: Connection) -> None:
    mine = raw_connection()
    stored = StoredChain(mine, joined=False)
    factory: ChainFactory = stored.factory
    first = factory.step(factory.genesis.hash)
    assert apply_update(other, first, stored.term)
    with other.transaction():
        second = factory.step(first.virtual.sink)
        assert apply_update(other, second, stored.term, joined=True)
        mine.execute("SET lock_timeout = '50ms'")
        with pytest.raises(psycopg.errors.LockNotAvailable):
            new_term(mine, "impatient")
        mine.execute("SET lock_timeout = '10s'")
    assert new_term(mine, "next") == stored.term + 1
    with pytest.raises(StoreError) as error:
        apply_update(other, factory.step(second.virtual.sink), stored.term)
    assert error.value.code == "writer_fenced"
    assert error.value.data == {"got": stored.term, "expected": stored.term + 1}
    assert load.load_node_state(mine).sink == second.virtual.sink


def test_a_lost_connection_is_a_store_error(other: Connection) -> None:
    stored = StoredChain(raw_connection(), joined=False)
    update = stored.factory.step(stored.factory.genesis.hash)
    raw_connection().execute("SELECT pg_terminate_backend(%s)", (other.info.backend_pid,))
    with pytest.raises(StoreError) as error:
        apply_update(other, update, stored.term)
    assert error.value.code == "database_unavailable"
    assert apply_update(raw_connection(), update, stored.term)
