"""The index follows the chain: step by step, through reorganisations, and again from genesis to the same rows."""

from __future__ import annotations

from chain.stores.connection import Connection
from explorer.indexers import sync
from tests.explorer.conftest import Growing, index_dump
from tests.factories import wallets
from tests.factories.database import fetch


def follow(conn: Connection) -> None:
    while sync.step(conn) is not None:
        pass


def test_an_empty_chain_is_indexed_to_genesis(growing: Growing, index_conn: Connection) -> None:
    done = sync.step(index_conn)
    assert done is not None
    assert (done.number, done.head, done.applied, done.undone) == (0, 0, 1, 0)
    assert sync.step(index_conn) is None
    assert {place.hash for place in sync.places(index_conn).values()} == {growing.factory.genesis.hash}


def test_activity_names_sender_recipient_and_created(growing: Growing, index_conn: Connection) -> None:
    send = growing.factory.send
    growing.grow([send(growing.sink, 0, wallets.address(50), 5), send(growing.sink, 1, wallets.address(1), 7)])
    growing.grow([send(growing.sink, 0, None, 0, data=b"\x00", gas_limit=100_000)])
    follow(index_conn)
    rows = fetch(index_conn, 'SELECT address, number, "index", roles FROM explorer_activity')
    (created,) = {row[0] for row in rows} - {wallets.address(0), wallets.address(1), wallets.address(50)}
    assert sorted(rows) == sorted(
        [
            (wallets.address(0), 1, 0, 1),
            (wallets.address(50), 1, 0, 2),
            (wallets.address(1), 1, 1, 3),
            (wallets.address(0), 2, 0, 1),
            (created, 2, 0, 4),
        ]
    )
    totals = {row[0]: row[1:] for row in fetch(index_conn, "SELECT address, txs, sent FROM explorer_address_total")}
    assert totals == {
        wallets.address(0): (2, 2),
        wallets.address(50): (1, 0),
        wallets.address(1): (1, 1),
        created: (1, 0),
    }


def test_a_reorganisation_is_followed_without_any_message(growing: Growing, index_conn: Connection) -> None:
    send = growing.factory.send
    growing.grow([send(growing.sink, 0, wallets.address(50), 5)])
    growing.grow([send(growing.sink, 0, wallets.address(51), 5)])
    follow(index_conn)
    one = growing.path[1]
    two = growing.factory.extend(one, [send(one, 1, wallets.address(52), 5)])
    three = growing.factory.extend(two, [])
    growing.reorganise(1, [two, three])
    done = sync.step(index_conn)
    assert done is not None
    assert (done.number, done.undone, done.applied) == (3, 1, 2)
    addresses = {row[0] for row in fetch(index_conn, "SELECT address FROM explorer_activity")}
    assert addresses == {wallets.address(n) for n in (0, 50, 1, 52)}
    assert addresses == {row[0] for row in fetch(index_conn, "SELECT address FROM explorer_address_total")}
    live = index_dump(index_conn)
    sync.reset(index_conn, sync.NAMES)
    follow(index_conn)
    assert index_dump(index_conn) == live
