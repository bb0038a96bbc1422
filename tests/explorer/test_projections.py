"""What each projection makes of the chain, and that undoing is exact: the live index equals one made anew."""

from __future__ import annotations

import random

import pytest

from chain.core.transactions import keccak
from chain.core.types import Log
from chain.stores.connection import Connection
from explorer.indexers import sync
from tests.explorer.conftest import Growing, index_dump
from tests.explorer.token_logs import ALICE, ART, BOB, CAROL, COIN, GAME, ZERO, batch, erc20, erc721, single
from tests.factories import wallets
from tests.factories.chain import Effects
from tests.factories.database import fetch


def follow(conn: Connection, items: int = sync.STEP_ITEMS) -> None:
    while sync.step(conn, items=items) is not None:
        pass


def tokens_scene(growing: Growing) -> None:
    """1: minted; 2: moved on; 3: moved back, burned, and over-spent."""
    send = growing.factory.send
    first = (erc20(COIN, ZERO, ALICE, 100), erc721(ART, ZERO, ALICE, 1), erc721(ART, ZERO, ALICE, 2))
    growing.grow([send(growing.sink, 0, COIN, 0)], Effects(logs={0: first}))
    second = (erc20(COIN, ALICE, BOB, 30), erc721(ART, ALICE, BOB, 1), batch(GAME, ZERO, BOB, [(5, 10), (6, 20)]))
    growing.grow([send(growing.sink, 0, COIN, 0)], Effects(logs={0: second}))
    third = (
        erc20(COIN, BOB, ALICE, 30), erc20(COIN, ALICE, ZERO, 1), erc20(COIN, CAROL, BOB, 4), erc20(COIN, BOB, BOB, 4),
        single(GAME, BOB, CAROL, 5, 10), erc721(ART, BOB, ZERO, 1),
    )  # fmt: skip
    growing.grow([send(growing.sink, 0, COIN, 0), send(growing.sink, 1, COIN, 0)], Effects(logs={1: third}))


class TestTokens:
    def test_amounts_are_the_sums_of_transfers(self, growing: Growing, index_conn: Connection) -> None:
        tokens_scene(growing)
        follow(index_conn)
        holdings = {row[:2]: int(row[2]) for row in fetch(index_conn, "SELECT * FROM explorer_token_holding")}
        assert holdings == {
            (COIN, ALICE): 99,
            (COIN, BOB): 4,
            (COIN, CAROL): -4,
            (ART, ALICE): 1,
            (GAME, BOB): 20,
            (GAME, CAROL): 10,
        }
        items = {
            (row[0], int(row[1]), row[2]): int(row[3]) for row in fetch(index_conn, "SELECT * FROM explorer_token_item")
        }
        assert items == {(ART, 2, ALICE): 1, (GAME, 6, BOB): 20, (GAME, 5, CAROL): 10}
        found = fetch(index_conn, "SELECT address, standard, number, transfers, holders, supply FROM explorer_token")
        assert {row[0]: (*row[1:5], int(row[5])) for row in found} == {
            COIN: (20, 1, 6, 2, 99),
            ART: (721, 1, 4, 1, 1),
            GAME: (1155, 2, 3, 2, 30),
        }
        assert sorted(fetch(index_conn, "SELECT * FROM explorer_token_total")) == [
            (20, 1, 6),
            (721, 1, 4),
            (1155, 1, 3),
        ]
        places = fetch(index_conn, "SELECT number, log_index, ordinal, tx_index FROM explorer_token_transfer")
        assert sorted(places)[:6] == [
            (1, 0, 0, 0),
            (1, 1, 0, 0),
            (1, 2, 0, 0),
            (2, 0, 0, 0),
            (2, 1, 0, 0),
            (2, 2, 0, 0),
        ]
        assert sorted(places)[7] == (3, 0, 0, 1)

    def test_undone_transfers_never_were(self, growing: Growing, index_conn: Connection) -> None:
        tokens_scene(growing)
        follow(index_conn)
        one = growing.path[1]
        other = growing.factory.extend(one, [])
        newest = growing.factory.extend(other, [])
        growing.reorganise(2, [other, newest])
        follow(index_conn)
        found = fetch(index_conn, "SELECT address, transfers, holders, supply FROM explorer_token")
        assert sorted([(row[0], *row[1:3], int(row[3])) for row in found]) == sorted(
            [(COIN, 1, 1, 100), (ART, 2, 1, 2)]
        )
        holdings = {row[:2]: int(row[2]) for row in fetch(index_conn, "SELECT * FROM explorer_token_holding")}
        assert holdings == {(COIN, ALICE): 100, (ART, ALICE): 2}
        # of the third standard nothing is left, and no row
        assert sorted(fetch(index_conn, "SELECT * FROM explorer_token_total")) == [(20, 1, 1), (721, 1, 2)]


def test_miners_and_charts_add_up_to_the_chain(growing: Growing, index_conn: Connection) -> None:
    factory = growing.factory
    send = factory.send
    for n in range(5):
        growing.grow([send(growing.sink, 0, BOB, 1)], stream=1 + n % 2, step_ms=25_000)
    side = factory.block(growing.sink, [send(growing.sink, 1, BOB, 1)], stream=3, coinbase=CAROL)
    red = factory.block(growing.sink, [send(growing.sink, 2, BOB, 1)], stream=2, coinbase=CAROL)
    top = factory.block(growing.sink, [send(growing.sink, 0, BOB, 1)], blues=[side.record.hash], reds=[red.record.hash])
    factory.execute(top)
    growing.apply(factory.update([side, red, top], sink=top.record.hash, added=[top.record.hash]))
    growing.path.append(top.record.hash)
    follow(index_conn)
    (chain,) = fetch(
        index_conn,
        "SELECT count(*), sum(tx_count), sum(gas_used), sum(base_fees_burned), sum(rewards) FROM chain_epoch",
    )
    paid = fetch(index_conn, "SELECT sum(gas_used * effective_gas_price) FROM chain_acceptance")[0][0]
    for width in (60, 3600, 86_400):
        (sums,) = fetch(
            index_conn,
            "SELECT sum(epochs), sum(txs), sum(gas_used), sum(burned), sum(rewards), sum(fees), sum(blocks_a),"
            " sum(blocks_b), sum(blocks_c), sum(reds) FROM explorer_series WHERE width = %s",
            width,
        )
        assert sums[:5] == chain
        assert sums[5:] == (paid, 3, 4, 1, 1)
    minutes = fetch(index_conn, "SELECT start FROM explorer_series WHERE width = 60")
    assert len(minutes) > 1
    assert all(start % 60 == 0 for (start,) in minutes)
    (miners,) = fetch(index_conn, "SELECT sum(rewards), sum(tips), sum(income), sum(reds) FROM explorer_miner_total")
    tips = fetch(
        index_conn,
        "SELECT sum(a.gas_used * (a.effective_gas_price - e.base_fee)) FROM chain_acceptance a"
        " JOIN chain_selected_chain c ON c.number = a.number JOIN chain_epoch e ON e.hash = c.hash",
    )[0][0]
    assert miners == (chain[4], tips, chain[4] + tips, 1)
    carol = fetch(
        index_conn,
        "SELECT blocks_a, blocks_b, blocks_c, reds, rewards FROM explorer_miner_total WHERE coinbase = %s",
        CAROL,
    )
    assert carol == [(0, 1, 1, 1, 0)]


class Wanderer:
    """Grows a chain at random: bodies, logs of all standards, contracts, streams, merged blocks, reorganisations."""

    def __init__(self, growing: Growing, seed: int) -> None:
        self.growing, self.random = growing, random.Random(seed)

    def log(self) -> Log:
        draw = self.random
        a, b = draw.choice((ZERO, ALICE, BOB, CAROL)), draw.choice((ZERO, ALICE, BOB, CAROL))
        return draw.choice(
            [
                erc20(COIN, a, b, draw.choice((0, 1, 5, 2**250))),
                erc721(ART, a, b, draw.randrange(3)),
                single(GAME, a, b, draw.randrange(3), draw.randrange(4)),
                batch(GAME, a, b, [(draw.randrange(3), draw.randrange(4)) for _ in range(draw.randrange(4))]),
                erc20(bytes([draw.randrange(4)]) * 20, a, b, 1),
                Log(COIN, (keccak(b"Other()"),), b""),
            ]
        )

    def block(self, parent: bytes) -> bytes:
        draw, factory = self.random, self.growing.factory
        senders = draw.sample(range(6), draw.randrange(4))
        body = [
            factory.send(parent, n, draw.choice((None, wallets.address(draw.randrange(8)))), 1, gas_limit=90_000)
            for n in senders
        ]
        logs = {n: tuple(self.log() for _ in range(draw.randrange(3))) for n in range(len(body))}
        codes = {bytes([0xE0 + draw.randrange(9)]) * 20: b"\x00"} if draw.random() < 0.3 else {}
        merged = {}
        if draw.random() < 0.3:
            side = factory.block(parent, [], stream=draw.choice((1, 2, 3)), coinbase=CAROL)
            merged = {draw.choice(("blues", "reds")): [side.record.hash]}
        block = factory.block(
            parent, body, stream=draw.choice((1, 2, 3)), step_ms=draw.choice((1, 900, 70_000)), **merged
        )
        factory.execute(block, Effects(logs=logs, codes=codes))
        self.sides = {**getattr(self, "sides", {}), block.record.hash: [h for hs in merged.values() for h in hs]}
        return block.record.hash

    def go(self) -> None:
        """One block more, or other blocks instead of some of the newest."""
        draw, growing = self.random, self.growing
        depth = draw.randrange(1, min(5, len(growing.path))) if len(growing.path) > 2 and draw.random() < 0.25 else 0
        parent, added = growing.path[-1 - depth], []
        for _ in range(draw.randrange(1, 3 + depth)):
            parent = self.block(parent)
            added.append(parent)
        new = [growing.factory.blocks[block] for top in added for block in (*self.sides[top], top)]
        removed = growing.path[: -depth - 1 : -1]
        growing.apply(growing.factory.update(new, sink=parent, removed=removed, added=added))
        growing.path = [*growing.path[: len(growing.path) - depth], *added]


@pytest.mark.parametrize("seed", range(4))
def test_the_live_index_equals_one_made_anew(growing: Growing, index_conn: Connection, seed: int) -> None:
    wanderer = Wanderer(growing, seed)
    for _ in range(30):
        wanderer.go()
        for _ in range(wanderer.random.randrange(3)):
            sync.step(index_conn, items=wanderer.random.choice((1, 10, 1000)))
    follow(index_conn)
    live = index_dump(index_conn)
    assert all(live[table] for table in live)
    sync.reset(index_conn, sync.NAMES)
    assert not any(index_dump(index_conn)[table] for table in live)
    follow(index_conn, items=wanderer.random.choice((1, 7, 10**6)))
    assert index_dump(index_conn) == live


def test_one_projection_made_anew_catches_up_with_the_others(growing: Growing, index_conn: Connection) -> None:
    wanderer = Wanderer(growing, 9)
    for _ in range(10):
        wanderer.go()
    follow(index_conn)
    sync.reset(index_conn, ["tokens"])
    # the others go on with the chain while it is far behind
    wanderer.go()
    done = sync.step(index_conn, items=1)
    assert done is not None
    assert "tokens" not in done.projections
    follow(index_conn, items=1)
    assert {place.hash for place in sync.places(index_conn).values()} == {growing.sink}
    whole = index_dump(index_conn)
    sync.reset(index_conn, sync.NAMES)
    follow(index_conn)
    assert index_dump(index_conn) == whole


def test_a_step_that_is_broken_off_leaves_nothing(
    growing: Growing, index_conn: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanderer = Wanderer(growing, 3)
    for _ in range(6):
        wanderer.go()
    sync.step(index_conn, items=3)
    before = index_dump(index_conn)
    moved = sync._move

    def fail(*args: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(sync, "_move", fail)
    with pytest.raises(KeyboardInterrupt):
        sync.step(index_conn, items=1000)
    assert index_dump(index_conn) == before
    monkeypatch.setattr(sync, "_move", moved)
    follow(index_conn)
    live = index_dump(index_conn)
    sync.reset(index_conn, sync.NAMES)
    follow(index_conn)
    assert index_dump(index_conn) == live


def test_another_chain_in_the_same_database_is_indexed_anew(growing: Growing, index_conn: Connection) -> None:
    growing.grow([growing.factory.send(growing.sink, 0, BOB, 1)])
    follow(index_conn)
    index_conn.execute("UPDATE explorer_cursor SET hash = %s", (bytes(32),))
    done = sync.step(index_conn)
    assert done is not None
    assert (done.number, done.applied) == (1, 2)
    assert len(index_dump(index_conn)["explorer_activity"]) == 2


def test_only_one_process_indexes(growing: Growing, index_conn: Connection) -> None:
    other = sync.open_connection()
    try:
        with sync.sole_indexer(index_conn) as first, sync.sole_indexer(other) as second:
            assert (first, second) == (True, False)
        with sync.sole_indexer(other) as again:
            assert again
    finally:
        other.close()
