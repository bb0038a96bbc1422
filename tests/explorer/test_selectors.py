"""Lists by rank and by time: every page by index, both ways, and rows of a chain that is no more are not trusted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from chain.core.shards import shard_of
from chain.selectors.query import Query
from chain.stores.connection import Connection
from explorer.indexers import sync
from explorer.selectors import activity, contracts, miners, shards, tokens
from tests.explorer.conftest import Growing
from tests.explorer.test_projections import Wanderer, tokens_scene
from tests.explorer.token_logs import ALICE, BOB, COIN
from tests.factories.database import fetch

END = 2**62
FIRST, LAST = b"", b"\xff" * 20


def follow(conn: Connection) -> None:
    while sync.step(conn) is not None:
        pass


def walk(
    conn: Connection,
    query: Query[Any],
    args: tuple[Any, ...],
    start: tuple[Any, ...],
    key: Callable[[Any], tuple[Any, ...]],
) -> list[Any]:
    """All pages of two."""
    found: list[Any] = []
    while page := query.all(conn, *args, *start, 2):
        found += page
        start = key(page[-1])
    return found


def place_of(transfer: tokens.TransferView) -> tuple[int, int, int]:
    return transfer.number, transfer.log_index, transfer.ordinal


def test_pages_hold_everything_once_in_both_directions(growing: Growing, index_conn: Connection) -> None:
    wanderer = Wanderer(growing, 11)
    for _ in range(15):
        wanderer.go()
    follow(index_conn)
    conn = index_conn

    def both(down: Query[Any], up: Query[Any], args: tuple[Any, ...], top: Any, bottom: Any, key: Any) -> list[Any]:
        newest, oldest = walk(conn, down, args, top, key), walk(conn, up, args, bottom, key)
        assert newest == oldest[::-1]
        assert len(newest) == len(set(map(key, newest)))
        return newest

    count = fetch(conn, "SELECT count(*) FROM explorer_miner_total")[0][0]
    ranked = both(
        miners.MINERS_BELOW, miners.MINERS_ABOVE, (), (2**255, LAST), (-1, FIRST), lambda m: (m.income, m.coinbase)
    )
    assert len(ranked) == count > 1
    assert [miner.income for miner in ranked] == sorted([miner.income for miner in ranked], reverse=True)
    count = fetch(conn, "SELECT count(*) FROM explorer_token")[0][0]
    listed = both(
        tokens.TOKENS_BELOW, tokens.TOKENS_ABOVE, (), (END, LAST), (-1, FIRST), lambda t: (t.holders, t.address)
    )
    assert len(listed) == count > 3
    games = walk(conn, tokens.TOKENS_OF_STANDARD, (1155,), (END, LAST), lambda t: (t.holders, t.address))
    assert games == [token for token in listed if token.standard == 1155] != []
    for token in listed:
        held = both(
            tokens.HOLDERS_BELOW, tokens.HOLDERS_ABOVE, (token.address,), (2**260, LAST), (-(2**260), FIRST),
            lambda h: (h.amount, h.address),
        )  # fmt: skip
        assert sum(holder.amount > 0 for holder in held) == token.holders
        moved = walk(
            conn, tokens.TRANSFERS_OF_TOKEN, (token.address,), (END, 0, 0), lambda t: (t.number, t.log_index, t.ordinal)
        )
        assert len(moved) == token.transfers
    for address in (ALICE, BOB):
        total = activity.ADDRESS_TOTALS.one(conn, address)
        places = walk(conn, activity.ACTIVITY_BEFORE, (address,), (END, 0), lambda p: (p.number, p.index))
        assert total is not None
        assert (len(places), sum(place.roles & 1 for place in places)) == (total.txs, total.sent)
        again = activity.ACTIVITY_AFTER.all(conn, address, -1, 0, END, 10_000)
        assert again[::-1] == places
    made = walk(conn, contracts.NEWEST_CONTRACTS, (), (END, LAST), lambda c: (c.number, c.address))
    assert len(made) == fetch(conn, "SELECT count(*) FROM explorer_contract")[0][0] > 0


def test_transfers_of_an_address_are_those_that_it_sent_or_received(growing: Growing, index_conn: Connection) -> None:
    tokens_scene(growing)
    follow(index_conn)
    start = (END, 0, 0)
    found = tokens.TRANSFERS_OF_ADDRESS.all(index_conn, *tokens.of_address(BOB, start, 50))
    rows = fetch(
        index_conn,
        "SELECT number, log_index, ordinal FROM explorer_token_transfer WHERE %s IN (sender, recipient)",
        BOB,
    )
    assert [place_of(transfer) for transfer in found] == sorted(rows, reverse=True)
    assert {t.tx for t in found} <= {row[0] for row in fetch(index_conn, "SELECT tx FROM chain_acceptance")}
    (held,) = [h for h in tokens.HOLDINGS.all(index_conn, BOB, END, b"", 10) if h.token == COIN]
    assert held.amount == 4


def test_a_shard_is_what_its_senders_did(growing: Growing, index_conn: Connection) -> None:
    wanderer = Wanderer(growing, 5)
    for _ in range(12):
        wanderer.go()
    follow(index_conn)
    sums = {}
    for lane in range(10):
        rows = fetch(
            index_conn,
            'SELECT number, "index", phase FROM chain_acceptance WHERE lane = %s ORDER BY 1 DESC, 2 DESC',
            lane,
        )
        found, place = [], (END, 2**31 - 1)
        while page := shards.PLACES_OF_SHARD.all(index_conn, lane, place[0], *place, 2):
            found += page
            place = page[-1]
        assert found == [row[:2] for row in rows]
        sums[lane] = sum(row[0] > 2 and row[2] > 1 for row in rows)
    assert (
        {lane: n for lane, n in sums.items() if n}
        == {lane: n for lane, n in shards.CROSSED.all(index_conn, 2) if n}
        != {}
    )


def test_what_a_reorganisation_took_back_is_not_shown(growing: Growing, index_conn: Connection) -> None:
    tokens_scene(growing)
    follow(index_conn)
    two = growing.path[2]
    three = growing.factory.extend(two, [growing.factory.send(two, 5, BOB, 1)])
    growing.reorganise(1, [three])
    start = (END, 0, 0)
    found = {
        "history": activity.ACTIVITY_BEFORE.all(index_conn, ALICE, END, 0, 50),
        "forward": activity.ACTIVITY_AFTER.all(index_conn, ALICE, -1, 0, END, 50),
        "token": tokens.TRANSFERS_OF_TOKEN.all(index_conn, COIN, *start, 50),
        "shard": shards.PLACES_OF_SHARD.all(index_conn, shard_of(ALICE, 10), END, END, 0, 50),
        "address": tokens.TRANSFERS_OF_ADDRESS.all(index_conn, *tokens.of_address(BOB, start, 50)),
    }
    numbers = {name: {getattr(row, "number", None) or row[0] for row in rows} for name, rows in found.items()}
    assert numbers == {
        "shard": {1, 2},
        "history": {1, 2},
        "forward": {1, 2},
        "token": {1, 2},
        "address": {2},
    }


@pytest.mark.parametrize(
    ("query", "args"),
    [
        (miners.MINERS_BELOW, (5, LAST, 25)),
        (tokens.TOKENS_BELOW, (5, LAST, 25)),
        (tokens.TOKENS_OF_STANDARD, (20, 5, LAST, 25)),
        (tokens.HOLDERS_BELOW, (COIN, 5, LAST, 25)),
        (tokens.TRANSFERS_OF_TOKEN, (COIN, 5, 0, 0, 25)),
        (tokens.TRANSFERS_OF_ADDRESS, tokens.of_address(BOB, (5, 0, 0), 25)),
        (activity.ACTIVITY_BEFORE, (BOB, 5, 0, 25)),
        (activity.ACTIVITY_AFTER, (BOB, 5, 0, 9, 25)),
        (miners.MINED_BEFORE, (BOB, 5, 0, 25)),
        (shards.PLACES_OF_SHARD, (3, 5, 5, 0, 25)),
        (contracts.NEWEST_CONTRACTS, (5, LAST, 25)),
    ],
)
def test_pages_are_found_by_index(index_conn: Connection, query: Query[Any], args: tuple[Any, ...]) -> None:
    """With scans forbidden the planner has an index for the page's place, and no sort of whole tables."""
    with index_conn.transaction():
        index_conn.execute(
            "SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_sort = off"
        )
        plan = "\n".join([row[0] for row in index_conn.execute("EXPLAIN " + query.sql, args).fetchall()])
    explorer = [line for line in plan.splitlines() if "explorer_" in line and "Scan" in line]
    assert explorer
    assert not [line for line in explorer if "Seq Scan on explorer_" in line and "explorer_token t" not in line], plan
    assert "Index Cond: (ROW(" in plan or "Index Cond: ((" in plan, plan
