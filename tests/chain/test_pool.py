"""Admission to the pool in a real Redis, rule by rule, and what leaves a full one."""

from __future__ import annotations

import pytest
import redis
import redis.asyncio

from chain.core.errors import PoolCode, PoolRejection
from chain.core.pool import (
    AddCode,
    CodeKind,
    Ordering,
    PoolPolicy,
)
from chain.services.pool import Pool
from tests.chain import pool_bench
from tests.chain.pool_bench import (
    ALICE,
    BASE_FEE,
    BOB,
    CAROL,
    ETHER,
    GWEI,
    NOW,
    RICH,
    SEED,
    WIDE,
    hashes,
    offer,
    update,
)
from tests.chain.pool_model import make_tx, raw_of

client = pool_bench.client
pool = pool_bench.pool


class TestAdmission:
    def test_a_taken_transaction_is_found_counted_and_selected(self, pool: Pool) -> None:
        tx = make_tx(ALICE)
        assert offer(pool, tx) is AddCode.ADDED
        entry = pool.get(tx.hash)
        assert entry is not None
        assert (entry.sender, entry.nonce, entry.upfront, entry.raw) == (ALICE, 0, tx.upfront, raw_of(tx))
        assert (pool.sums().count, pool.sums().pending, pool.sums().queued) == (1, 1, 0)
        assert hashes(pool) == [tx.hash]

    def test_a_repeat_changes_nothing(self, pool: Pool) -> None:
        tx = make_tx(ALICE)
        offer(pool, tx)
        before = pool.sums()
        assert offer(pool, tx, None) is AddCode.KNOWN
        assert pool.sums() == before

    def test_an_unknown_sender_asks_for_its_state(self, pool: Pool) -> None:
        assert offer(pool, make_tx(ALICE), None) is AddCode.UNKNOWN_SENDER
        assert pool.sums().count == 0

    def test_a_state_older_than_the_last_commit_is_refused(self, pool: Pool) -> None:
        pool.on_update(update(9, {}), NOW)
        result = pool.add(make_tx(ALICE), b"\x01", BASE_FEE, NOW, RICH)
        assert (result.code, result.number) == (AddCode.STALE_STATE, 9)
        assert offer(pool, make_tx(ALICE), RICH._replace(sequence=9)) is AddCode.ADDED

    def test_nonce_too_low_tells_the_next_one(self, pool: Pool) -> None:
        result = pool.add(make_tx(ALICE, 3), b"\x01", BASE_FEE, NOW, RICH._replace(nonce=5))
        rejection = result.rejection(make_tx(ALICE, 3))
        assert rejection is not None
        assert (rejection.code, rejection.data) == (PoolCode.NONCE_TOO_LOW, {"got": 3, "expected": 5})

    def test_nonce_too_far_ahead(self, pool: Pool) -> None:
        policy = PoolPolicy()
        last = policy.sender_pending + policy.sender_queued - 1
        assert offer(pool, make_tx(ALICE, last)) is AddCode.ADDED
        assert offer(pool, make_tx(ALICE, last + 1)) is AddCode.NONCE_HIGH

    def test_funds_are_counted_over_all_of_the_sender(self, pool: Pool) -> None:
        state = RICH._replace(balance=2 * make_tx(value=ETHER).upfront - 1)
        assert offer(pool, make_tx(ALICE, 0, value=ETHER), state) is AddCode.ADDED
        assert offer(pool, make_tx(ALICE, 1, value=ETHER), None) is AddCode.FUNDS
        assert offer(pool, make_tx(ALICE, 1, value=ETHER - 1), None) is AddCode.ADDED

    def test_amounts_beyond_doubles_are_exact(self, pool: Pool) -> None:
        big = 2**95 + 1
        upfront = make_tx(value=big).upfront
        assert offer(pool, make_tx(ALICE, 0, value=big), RICH._replace(balance=upfront - 1)) is AddCode.FUNDS
        assert offer(pool, make_tx(BOB, 0, value=big), RICH._replace(balance=upfront)) is AddCode.ADDED

    def test_contracts_cannot_send(self, pool: Pool) -> None:
        assert offer(pool, make_tx(ALICE), RICH._replace(code=CodeKind.CONTRACT)) is AddCode.HAS_CODE

    def test_queued_are_limited_per_sender(self, client: redis.Redis) -> None:
        pool = Pool(client, PoolPolicy(sender_queued=2, sender_pending=2))
        assert [offer(pool, make_tx(ALICE, n)) for n in (1, 3, 2)] == [
            AddCode.ADDED,
            AddCode.ADDED,
            AddCode.SENDER_LIMIT,
        ]
        assert offer(pool, make_tx(ALICE, 0)) is AddCode.ADDED
        assert offer(pool, make_tx(ALICE, 2)) is AddCode.SENDER_LIMIT

    def test_a_filled_gap_makes_the_rest_executable(self, pool: Pool) -> None:
        txs = [make_tx(ALICE, n) for n in range(4)]
        for n in (1, 2, 3):
            offer(pool, txs[n])
        assert (pool.sums().pending, hashes(pool)) == (0, [])
        offer(pool, txs[0])
        assert (pool.sums().pending, hashes(pool)) == (4, [tx.hash for tx in txs])

    @pytest.mark.parametrize(
        ("tip", "fee", "code"),
        [
            (110, 1100, AddCode.REPLACED),
            (109, 1100, AddCode.REPLACEMENT),
            (110, 1099, AddCode.REPLACEMENT),
            (500, 500, AddCode.REPLACEMENT),
        ],
    )
    def test_replacement_needs_ten_percent_on_both_fees(self, pool: Pool, tip: int, fee: int, code: AddCode) -> None:
        old = make_tx(ALICE, 0, tip=100 * GWEI, max_fee=1000 * GWEI)
        new = make_tx(ALICE, 0, tip=tip * GWEI, max_fee=fee * GWEI)
        offer(pool, old)
        assert offer(pool, new) is code
        assert hashes(pool) == [(new if code is AddCode.REPLACED else old).hash]
        assert pool.sums().count == 1
        assert (pool.get(old.hash) is None) == (code is AddCode.REPLACED)

    def test_policy_refuses_before_the_pool_is_asked(self, pool: Pool) -> None:
        cases = {
            PoolCode.UNDERPRICED: make_tx(ALICE, max_fee=GWEI - 1, tip=0),
            PoolCode.EXCEEDS_STREAM_GAS: make_tx(ALICE, gas_limit=30_000_001),
            PoolCode.INSUFFICIENT_FUNDS: make_tx(ALICE, value=2**96),
            PoolCode.NONCE_TOO_HIGH: make_tx(ALICE, nonce=2**48),
        }
        for code, tx in cases.items():
            with pytest.raises(PoolRejection) as caught:
                offer(pool, tx)
            assert caught.value.code == code

    def test_rejections_are_counted_by_code(self, pool: Pool) -> None:
        offer(pool, make_tx(ALICE, 0), RICH._replace(nonce=1))
        offer(pool, make_tx(ALICE, 0), None)
        assert pool.sums().rejected == {"nonce_too_low": 2}


class TestFullPool:
    def test_the_cheapest_leave_for_dearer_ones(self, client: redis.Redis) -> None:
        pool = Pool(client, PoolPolicy(max_count=3))
        cheap = [make_tx(bytes([n]) * 20, tip=n * GWEI) for n in (1, 2, 3)]
        for tx in cheap:
            offer(pool, tx)
        assert offer(pool, make_tx(ALICE, tip=GWEI)) is AddCode.FULL
        dear = make_tx(ALICE, tip=5 * GWEI)
        assert offer(pool, dear) is AddCode.ADDED
        assert hashes(pool) == [dear.hash, cheap[2].hash, cheap[1].hash]
        assert pool.get(cheap[0].hash) is None

    def test_nobody_evicts_own_or_with_a_gap(self, client: redis.Redis) -> None:
        pool = Pool(client, PoolPolicy(max_count=1))
        offer(pool, make_tx(ALICE, 0, tip=GWEI))
        assert offer(pool, make_tx(ALICE, 1, tip=9 * GWEI)) is AddCode.FULL
        assert offer(pool, make_tx(BOB, 1, tip=9 * GWEI)) is AddCode.FULL
        assert offer(pool, make_tx(BOB, 0, tip=9 * GWEI)) is AddCode.ADDED

    @pytest.mark.parametrize("ordering", Ordering)
    def test_an_evicted_head_takes_its_sender_out_of_every_queue(self, client: redis.Redis, ordering: Ordering) -> None:
        pool = Pool(client, PoolPolicy(max_count=3))
        for sender, nonce, tip in ((ALICE, 0, 1), (ALICE, 1, 9), (BOB, 0, 5)):
            offer(pool, make_tx(sender, nonce, tip=tip * GWEI))
        assert offer(pool, make_tx(CAROL, tip=3 * GWEI)) is AddCode.ADDED
        assert {entry.sender for entry in pool.select(WIDE, BASE_FEE, ordering, SEED)} == {BOB, CAROL}
        assert (pool.sums().pending, pool.sums().queued) == (2, 1)

    def test_bytes_are_bounded_and_given_back(self, client: redis.Redis) -> None:
        pool = Pool(client, PoolPolicy(max_bytes=1000))
        offer(pool, make_tx(ALICE, 0, data=bytes(500), gas_limit=100_000))
        assert offer(pool, make_tx(BOB, 0, data=bytes(500), gas_limit=100_000)) is AddCode.FULL
        pool.on_update(update(6, {ALICE: (1, ETHER)}), NOW)
        assert pool.sums().bytes == 0
        assert (
            offer(pool, make_tx(BOB, 0, data=bytes(500), gas_limit=100_000), RICH._replace(sequence=6)) is AddCode.ADDED
        )
