"""What the chain does to the pool, what blocks take of it, and what time takes."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest
import redis
import redis.asyncio

from chain.core.errors import PoolCode, PoolRejection
from chain.core.pool import (
    AddCode,
    BlockLimits,
    CodeKind,
    PoolPolicy,
    SenderState,
)
from chain.core.types import EMPTY_CODE_HASH, Account
from chain.services.pool import AsyncPool, Pool
from tests.chain import pool_bench
from tests.chain.pool_bench import ALICE, BASE_FEE, BOB, CAROL, ETHER, GWEI, NOW, RICH, WIDE, hashes, offer, update
from tests.chain.pool_model import make_tx, raw_of

client = pool_bench.client
pool = pool_bench.pool


class TestChain:
    def test_accepted_ones_leave_and_the_rest_stays(self, pool: Pool) -> None:
        txs = [make_tx(ALICE, n) for n in range(3)]
        for tx in txs:
            offer(pool, tx)
        pool.on_update(update(6, {ALICE: (2, 500 * ETHER), BOB: (0, ETHER)}), NOW)
        assert hashes(pool) == [txs[2].hash]
        assert (pool.sums().count, pool.sums().pending) == (1, 1)
        # the state stays known: nothing must be read for the next one
        assert offer(pool, make_tx(ALICE, 3), None) is AddCode.ADDED

    def test_an_update_counts_once(self, pool: Pool) -> None:
        offer(pool, make_tx(ALICE, 0))
        pool.on_update(update(7, {ALICE: (0, 2 * ETHER)}), NOW)
        pool.on_update(update(7, {ALICE: (9, ETHER)}), NOW)
        pool.on_update(update(6, {ALICE: (9, ETHER)}), NOW)
        assert pool.sums().count == 1

    def test_a_reorganisation_brings_back(self, pool: Pool) -> None:
        first, second = make_tx(ALICE, 0), make_tx(ALICE, 1)
        offer(pool, second)
        pool.on_update(update(6, {ALICE: (1, 500 * ETHER)}), NOW)
        assert hashes(pool) == [second.hash]
        pool.on_update(update(7, {ALICE: (0, 900 * ETHER)}, returned=[first]), NOW)
        assert hashes(pool) == [first.hash, second.hash]

    def test_a_returned_one_of_a_stranger_enters_with_its_state(self, pool: Pool) -> None:
        back = make_tx(ALICE, 4)
        pool.on_update(update(7, {ALICE: (4, 900 * ETHER)}, returned=[back]), NOW)
        assert hashes(pool) == [back.hash]

    def test_what_cannot_be_paid_any_more_leaves_last_nonces_first(self, pool: Pool) -> None:
        txs = [make_tx(ALICE, n, value=ETHER) for n in range(4)]
        for tx in txs:
            offer(pool, tx)
        pool.on_update(update(6, {ALICE: (0, 2 * txs[0].upfront)}), NOW)
        assert hashes(pool) == [tx.hash for tx in txs[:2]]

    def test_those_in_merged_blocks_are_passed_over_until_undone(self, pool: Pool) -> None:
        txs = [make_tx(ALICE, n) for n in range(4)]
        for tx in txs:
            offer(pool, tx)
        pool.on_update(update(6, {}, in_flight=[txs[0].hash, txs[1].hash, txs[3].hash, b"\xee" * 32]), NOW)
        assert hashes(pool) == [txs[2].hash, txs[3].hash]
        pool.on_update(update(7, {}), NOW)
        assert hashes(pool) == [tx.hash for tx in txs]

    def test_a_delegated_sender_has_one_at_a_time(self, pool: Pool) -> None:
        txs = [make_tx(ALICE, n) for n in range(3)]
        for tx in txs:
            offer(pool, tx, RICH._replace(code=CodeKind.DELEGATED))
        assert hashes(pool) == [txs[0].hash]
        pool.on_update(update(6, {}, in_flight=[txs[0].hash]), NOW)
        assert hashes(pool) == []

    def test_a_delegation_made_on_the_way_is_noticed(self, pool: Pool) -> None:
        for n in range(2):
            offer(pool, make_tx(ALICE, n))
        code = b"\xef\x01\x00" + BOB
        pool.on_update(update(6, {ALICE: (0, ETHER)}, codes={b"\x07" * 32: code}, code_hash=b"\x07" * 32), NOW)
        assert len(hashes(pool)) == 1
        pool.on_update(update(7, {ALICE: (0, ETHER)}), NOW)
        assert len(hashes(pool)) == 2
        pool.on_update(update(8, {ALICE: (0, ETHER)}, code_hash=b"\x07" * 32), NOW)
        assert len(hashes(pool)) == 1

    def test_resync_takes_every_state_anew_even_with_a_lower_sequence(self, pool: Pool) -> None:
        for n in range(3):
            offer(pool, make_tx(ALICE, n), RICH._replace(sequence=40))
        pool.on_update(update(50, {}), NOW)
        known = pool.resync(3, lambda addresses: {ALICE: Account(2, ETHER, EMPTY_CODE_HASH)}, [], NOW)
        assert known == 1
        assert [entry.nonce for entry in pool.select(WIDE, BASE_FEE)] == [2]
        assert offer(pool, make_tx(BOB), RICH._replace(sequence=3)) is AddCode.ADDED

    def test_a_restarted_redis_without_scripts_is_served(self, pool: Pool, client: redis.Redis) -> None:
        offer(pool, make_tx(ALICE))
        client.script_flush()
        pool.on_update(update(6, {}), NOW)
        client.script_flush()
        assert len(hashes(pool)) == 1


class TestSelection:
    def test_best_tip_first_each_sender_in_order(self, pool: Pool) -> None:
        a0, a1 = make_tx(ALICE, 0, tip=3 * GWEI), make_tx(ALICE, 1, tip=9 * GWEI)
        b0, b1 = make_tx(BOB, 0, tip=5 * GWEI), make_tx(BOB, 1, tip=2 * GWEI)
        for tx in (b1, a1, b0, a0):
            offer(pool, tx)
        assert hashes(pool) == [tx.hash for tx in (b0, a0, a1, b1)]

    def test_limits_of_the_block(self, pool: Pool) -> None:
        big = make_tx(ALICE, 0, gas_limit=3_000_000, tip=9 * GWEI)
        calls = [make_tx(BOB, n, gas_limit=900_000) for n in range(3)]
        plain = make_tx(CAROL, 0, tip=1)
        for tx in (big, *calls, plain):
            offer(pool, tx)
        assert hashes(pool, BlockLimits(1000, 2_000_000, 200_000)) == [calls[0].hash, calls[1].hash, plain.hash]
        assert hashes(pool, BlockLimits(2, 30_000_000, 200_000)) == [big.hash, calls[0].hash]
        assert len(hashes(pool, BlockLimits(1000, 30_000_000, 2 * 112 + 4))) == 2

    def test_below_the_base_fee_waits_and_does_not_block_others(self, pool: Pool) -> None:
        low = [make_tx(bytes([n]) * 20, max_fee=2 * GWEI, tip=2 * GWEI) for n in range(1, 40)]
        high = make_tx(ALICE, max_fee=9 * GWEI, tip=1)
        for tx in (*low, high):
            offer(pool, tx)
        assert hashes(pool, BlockLimits(2, 10**6, 10**6), base_fee=3 * GWEI) == [high.hash]
        assert len(hashes(pool, base_fee=GWEI)) == 40

    def test_waiters_wake_once_for_what_is_executable(self, pool: Pool) -> None:
        offer(pool, make_tx(ALICE, 1))
        assert not pool.wait_for_arrival(0.01)
        offer(pool, make_tx(ALICE, 0))
        offer(pool, make_tx(BOB, 0))
        assert pool.wait_for_arrival(0.01)
        assert not pool.wait_for_arrival(0.01)


def test_expiry_takes_the_old_and_forgets_idle_senders(pool: Pool, client: redis.Redis) -> None:
    old, young = make_tx(ALICE), make_tx(BOB)
    offer(pool, old)
    pool.add(young, raw_of(young), BASE_FEE, NOW + 1, RICH)
    assert pool.expire(NOW + PoolPolicy().lifetime_ms) == 1
    assert hashes(pool) == [young.hash]
    assert offer(pool, make_tx(ALICE), None) is AddCode.ADDED
    pool.on_update(update(6, {ALICE: (1, ETHER)}), NOW)
    pool.expire(NOW + 600_000)
    assert offer(pool, make_tx(ALICE, 1), None) is AddCode.UNKNOWN_SENDER


def test_concurrent_offers_are_joined_and_unknown_senders_read_once(redis_url: str) -> None:
    reads: list[list[bytes]] = []

    async def read_states(addresses: Sequence[bytes]) -> dict[bytes, SenderState]:
        reads.append(list(addresses))
        return dict.fromkeys(addresses, RICH)

    async def scenario() -> None:
        async with redis.asyncio.Redis.from_url(redis_url) as client:
            pool = AsyncPool(client, PoolPolicy(), read_states, lambda: NOW)
            txs = [make_tx(sender, n) for n in range(5) for sender in (ALICE, BOB)]
            results = await asyncio.gather(*[pool.add(tx, raw_of(tx)) for tx in txs])
            assert {result.code for result in results} == {AddCode.ADDED}
            assert reads == [[ALICE, BOB]]
            with pytest.raises(PoolRejection) as caught:
                await pool.add(make_tx(ALICE, 0, salt=1), b"\x01")
            assert caught.value.code == PoolCode.REPLACEMENT_UNDERPRICED
            assert (await pool.add(txs[0], raw_of(txs[0]))).code is AddCode.KNOWN
            entry = await pool.get(txs[3].hash)
            assert entry is not None
            assert entry.raw == raw_of(txs[3])
            await pool.add(make_tx(ALICE, 9), raw_of(make_tx(ALICE, 9)))
            pending, queued = await pool.content()
            assert [entry.nonce for entry in pending[ALICE]] == [0, 1, 2, 3, 4]
            assert [entry.nonce for entry in queued[ALICE]] == [9]
            sender = await pool.sender(ALICE)
            assert sender is not None
            assert (sender.nonce, sender.next_nonce, sender.count) == (0, 5, 6)
            assert (await pool.sums()).pending == 10

    asyncio.run(scenario())
