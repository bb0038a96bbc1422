"""The read side, on both kinds of connection."""

from __future__ import annotations

import asyncio
from typing import Any

import psycopg
import pytest
from django.db import connection

from chain.core.transactions import keccak
from chain.core.types import Log, SkipReason
from chain.selectors import blocks, stats, transactions
from chain.stores.connection import raw_connection
from tests.factories import wallets
from tests.factories.chain import ChainFactory, Effects
from tests.factories.database import StoredChain

TOPIC, CONTRACT = keccak(b"topic"), keccak(b"contract")[12:]


def _grow(stored: StoredChain) -> tuple[list[bytes], list[Any]]:
    """Three chain blocks; the third merges a blue and a red one, and skips a transaction."""
    factory: ChainFactory = stored.factory
    root = factory.genesis.hash
    one = factory.extend(
        root,
        [factory.send(root, i, wallets.address(9)) for i in range(3)],
        Effects(logs={1: (Log(CONTRACT, (TOPIC,), b"x"), Log(CONTRACT, (), b""))}),
    )
    carried = factory.send(one, 0, wallets.address(9))
    blue = factory.block(root, [carried], stream=1)
    red = factory.block(root, [carried], stream=3)
    late = factory.send(one, 1, wallets.address(9), nonce=77)
    two = factory.extend(one, [late], Effects(skipped=((late[1], SkipReason.NONCE),)))
    three = factory.block(two, [carried], blues=[blue.record.hash], reds=[red.record.hash])
    factory.execute(three)
    chain = [root, one, two, three.record.hash]
    new = [*[factory.blocks[h] for h in chain[1:3]], blue, red, three]
    stored.apply(factory.update(new, sink=chain[-1], added=chain[1:]))
    return chain, [blue, red, carried[1], late[1]]


def test_blocks(stored: StoredChain) -> None:
    conn, factory = stored.conn, stored.factory
    chain, (blue, red, _, _) = _grow(stored)
    top = blocks.BLOCK_BY_HASH.one(conn, chain[3])
    assert top is not None
    assert top.record == factory.records[chain[3]]
    assert (top.chain_number, top.merged_by, top.position, top.is_blue) == (3, 3, 2, True)
    assert blocks.BLOCK_BY_NUMBER.one(conn, 3) == top
    assert blocks.BLOCK_BY_NUMBER.one(conn, 4) is None
    merged = blocks.BLOCK_BY_HASH.one(conn, red.record.hash)
    assert merged is not None
    assert (merged.chain_number, merged.merged_by, merged.is_blue, merged.tx_count) == (None, 3, False, 1)
    children = sorted([chain[1], blue.record.hash, red.record.hash])
    assert blocks.CHILDREN.all(conn, chain[0], 10) == [(child, 3) for child in children]
    assert blocks.CHILDREN.all(conn, chain[0], 1) == [(children[0], 3)]


def test_transactions(stored: StoredChain) -> None:
    conn, factory = stored.conn, stored.factory
    chain, (blue, red, carried, late) = _grow(stored)
    found = transactions.ACCEPTANCE.one(conn, carried.hash)
    receipt = factory.epochs[chain[3]].result.receipts[0]
    assert found is not None
    assert (found.number, found.index, found.chain_block) == (3, 0, chain[3])
    assert (found.block, found.effective_gas_price) == (blue.record.hash, receipt.effective_gas_price)
    places = transactions.INCLUDING_BLOCKS.all(conn, carried.hash, 10)
    assert {(p.hash, p.merged_by, p.is_blue) for p in places} == {
        (blue.record.hash, 3, True),
        (red.record.hash, 3, False),
        (chain[3], 3, True),
    }
    skipped = transactions.SKIPS_OF.all(conn, late.hash, 10)
    assert [(skip.number, skip.reason) for skip in skipped] == [(2, SkipReason.NONCE)]
    assert transactions.SKIPPED.all(conn, 2, 10) == skipped
    stored_late = transactions.TRANSACTION.one(conn, late.hash)
    assert stored_late is not None
    assert (stored_late.number, stored_late.nonce, stored_late.sender) == (None, 77, wallets.address(1))
    assert transactions.BY_SENDER_AND_NONCE.one(conn, late.sender, 77) == stored_late
    newest = transactions.NEWEST_ACCEPTANCES.all(conn, 2**62, 0, 2)
    assert [(a.number, a.index) for a in newest] == [(3, 0), (1, 2)]
    assert [(a.number, a.index) for a in transactions.NEWEST_ACCEPTANCES.all(conn, 1, 2, 9)] == [(1, 1), (1, 0)]


def test_figures(stored: StoredChain) -> None:
    conn, factory = stored.conn, stored.factory
    before = stats.STANDING.one(conn)
    assert before is not None
    assert (before.number, before.accepted, before.supply) == (0, 0, factory.spec.minted_at_genesis)
    chain, _ = _grow(stored)
    now = stats.STANDING.one(conn)
    assert now is not None
    assert (now.sink, now.number, now.accepted) == (chain[3], 3, 4)
    assert (now.blocks_a, now.blocks_b, now.blocks_c, now.genesis_blocks) == (1, 3, 1, 1)
    assert (now.supply, now.minted) == (factory.supplies[chain[3]], factory.summaries[chain[3]].minted)
    loads = stats.EPOCH_LOADS.all(conn, 0, 10)
    assert [(load.number, load.tx_count) for load in loads] == [(3, 1), (2, 0), (1, 3), (0, 0)]
    assert all(sum(load.lane_txs) == sum(load.phase_txs) == load.tx_count for load in loads)


@pytest.mark.django_db(transaction=True)
def test_both_kinds_of_connection_answer_the_same() -> None:
    stored = StoredChain(raw_connection(), joined=False)
    chain, _ = _grow(stored)
    info = connection.get_connection_params()
    for name in ("cursor_factory", "context"):
        info.pop(name, None)

    async def ask() -> tuple[Any, Any, Any]:
        async with await psycopg.AsyncConnection.connect(**info) as conn:
            return (
                await blocks.BLOCK_BY_HASH.aone(conn, chain[1]),
                await transactions.ACCEPTANCES_OF.aall(conn, 1, 0, 100),
                await stats.STANDING.aone(conn),
            )

    block, accepted, standing = asyncio.run(ask())
    assert block == blocks.BLOCK_BY_HASH.one(stored.conn, chain[1])
    assert accepted == transactions.ACCEPTANCES_OF.all(stored.conn, 1, 0, 100)
    assert len(accepted) == 3
    assert standing == stats.STANDING.one(stored.conn)
