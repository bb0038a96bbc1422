"""The pool in a real Redis: each rule by itself, then all of them against the core's definition."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

from chain.core.errors import PoolCode, PoolRejection
from chain.core.pool import (
    ENTRY_BYTES,
    TIME_WEIGHT,
    AccountNews,
    AddCode,
    BlockLimits,
    CodeKind,
    Ordering,
    PoolPolicy,
    Queues,
    SenderState,
    admit,
    effective_tip,
    executable,
    expire,
    follow,
    forget_idle,
    mark_in_flight,
    order_for_block,
    pool_entry,
)
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff, Transaction
from chain.services.pool import AsyncPool, Pool
from chain.services.pool.client import IDLE_MS, MAX_IDLE
from chain.services.pool.wire import HEAD
from tests.chain.pool_model import make_tx, raw_of

GWEI = 10**9
ETHER = 10**18
BASE_FEE = GWEI
NOW = 1_800_000_000_000
ALICE, BOB, CAROL = (bytes([n]) * 20 for n in (0xA1, 0xB2, 0xC3))
RICH = SenderState(0, 1000 * ETHER, CodeKind.NONE, 5)
WIDE = BlockLimits(10_000, 30_000_000, 4_000_000)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture
def pool(client: redis.Redis) -> Pool:
    return Pool(client, PoolPolicy())


def offer(pool: Pool, tx: Transaction, state: SenderState | None = RICH) -> AddCode:
    return pool.add(tx, raw_of(tx), BASE_FEE, NOW, state).code


def update(
    sequence: int,
    accounts: dict[bytes, tuple[int, int]],
    in_flight: Sequence[bytes] = (),
    returned: Sequence[Transaction] = (),
    codes: Mapping[bytes, bytes] | None = None,
    code_hash: bytes = EMPTY_CODE_HASH,
) -> Any:
    """The part of a ChainUpdate that the pool reads."""
    diff = StateDiff({a: Account(n, b, code_hash) for a, (n, b) in accounts.items()}, {}, dict(codes or {}))
    virtual = SimpleNamespace(in_flight=tuple(in_flight), base_fee=BASE_FEE)
    return SimpleNamespace(sequence=sequence, state=diff, returned=tuple(returned), virtual=virtual)


def hashes(pool: Pool, limits: BlockLimits = WIDE, base_fee: int = BASE_FEE) -> list[bytes]:
    return [entry.hash for entry in pool.select(limits, base_fee)]


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


ADDRESSES = [bytes([n]) * 20 for n in range(1, 5)]
SEED = b"\x07" * 32


def machine(client: redis.Redis) -> type[RuleBasedStateMachine]:
    """Random histories on the scripts and on the core's definition of the pool alike."""

    class PoolMachine(RuleBasedStateMachine):
        @initialize(large=st.booleans())
        def start(self, large: bool) -> None:
            client.flushall()
            bounds = {} if large else {"max_count": 6, "max_bytes": 6 * 250}
            self.policy = PoolPolicy(sender_pending=4, sender_queued=2, lifetime_ms=9, **bounds)
            self.pool = Pool(client, self.policy)
            self.now, self.sequence = NOW, 5
            self.pool.on_update(update(5, {}), NOW)
            self.core = follow(Queues(), 5, {}, NOW)

        @rule(
            sender=st.sampled_from(ADDRESSES),
            nonce=st.sampled_from([0, 0, 0, 1, 1, 2, 3, 4, 8]),
            tip=st.integers(0, 9),
            value=st.sampled_from([0, 0, 1, 3]),
            balance=st.sampled_from([14, 14, 14, 3, 0]),
            code=st.sampled_from([CodeKind.NONE] * 12 + [CodeKind.DELEGATED, CodeKind.CONTRACT]),
            told=st.sampled_from([None, 0, 0, 0, 1, -1]),
            data=st.sampled_from([0, 0, 30, 900]),
            wait=st.integers(0, 1),
        )
        def add(
            self, sender: bytes, nonce: int, tip: int, value: int, balance: int, code: CodeKind, told: int | None,
            data: int, wait: int,
        ) -> None:  # fmt: skip
            self.now += wait
            tx = make_tx(
                sender, nonce, tip=tip * GWEI // 4, max_fee=tip * GWEI // 3 + GWEI, value=value * ETHER,
                data=bytes(data), gas_limit=100_000 if data else 21_000,
            )  # fmt: skip
            state = SenderState(nonce // 3, balance * ETHER, code, self.sequence + told) if told is not None else None
            result = self.pool.add(tx, raw_of(tx), BASE_FEE, self.now, state)
            price = effective_tip(tx.max_priority_fee, tx.max_fee, BASE_FEE)
            entry = pool_entry(tx, raw_of(tx), self.now)
            self.core, verdict, number = admit(self.core, entry, price, self.policy, state)
            assert result == (verdict, number)

        @rule(
            moves=st.dictionaries(
                st.sampled_from(ADDRESSES),
                st.tuples(st.integers(0, 6), st.integers(0, 14), st.sampled_from([False] * 4 + [True])),
                max_size=3,
            ),
            flying=st.sets(st.integers(0, 30), max_size=8),
            step=st.sampled_from([1, 1, 1, 1, 0]),
        )
        def commit(self, moves: dict[bytes, tuple[int, int, bool]], flying: set[int], step: int) -> None:
            self.sequence += step
            here = sorted(self.core.places)
            flight = [tx_hash for i, tx_hash in enumerate(here) if i in flying]
            news = {
                address: AccountNews(nonce, balance * ETHER, None if coded else CodeKind.NONE)
                for address, (nonce, balance, coded) in moves.items()
            }
            told = update(self.sequence, {}, in_flight=flight)
            for address, (nonce, balance, coded) in moves.items():
                code_hash = b"\x07" * 32 if coded else EMPTY_CODE_HASH
                told.state.accounts[address] = Account(nonce, balance * ETHER, code_hash)
            self.pool.on_update(told, self.now)
            self.core = mark_in_flight(follow(self.core, self.sequence, news, self.now), flight, self.now)

        @rule(wait=st.sampled_from([0, 3, 600_000]))
        def expire(self, wait: int) -> None:
            self.now += wait
            self.pool.expire(self.now)
            self.core = expire(self.core, self.now - self.policy.lifetime_ms, self.now)
            self.core = forget_idle(self.core, self.now - IDLE_MS, MAX_IDLE)

        @invariant()
        def same(self) -> None:
            if not hasattr(self, "core"):
                return
            sums = self.pool.sums()
            assert (sums.count, sums.pending, sums.bytes) == (len(self.core.places), self.core.pending, self.core.size)
            assert all(self.pool.get(tx_hash) is not None for tx_hash in self.core.places)
            runs = [entry for run in executable(self.core).values() for entry in run]
            for ordering in Ordering:
                for base_fee, limits in ((BASE_FEE, WIDE), (2 * GWEI, WIDE._replace(txs=3, call_gas=150_000))):
                    wanted = order_for_block(runs, base_fee, limits, ordering, SEED)
                    chosen = self.pool.select(limits, base_fee, ordering, SEED)
                    if limits is WIDE:
                        assert chosen == wanted, ordering
                    else:
                        # a part of the pool was offered: the policy chose rightly from it
                        assert len(chosen) == len(wanted)
                        assert chosen == order_for_block(chosen, base_fee, limits, ordering, SEED)

    return PoolMachine


def test_scripts_agree_with_the_core(client: redis.Redis) -> None:
    run_state_machine_as_test(
        machine(client),
        settings=settings(
            max_examples=60, stateful_step_count=30, deadline=None, derandomize=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_a_run_of_a_thousand_keeps_its_order(pool: Pool) -> None:
    txs = [make_tx(ALICE, n) for n in range(1000)]
    pool.add_many([(tx, raw_of(tx), RICH) for tx in txs], BASE_FEE, NOW)
    assert hashes(pool, WIDE._replace(txs=1000)) == [tx.hash for tx in txs]


def test_an_entry_weighs_as_the_core_says() -> None:
    assert HEAD.size == ENTRY_BYTES


class TestOrderings:
    """A pool much larger than the block: what is offered is enough for the policy."""

    COUNT = 3_000
    SMALL = BlockLimits(100, 2_000_000, 1_000_000)

    @pytest.fixture
    def entries(self, pool: Pool) -> list[Any]:
        """One transaction of each sender; arrivals and tips are unrelated."""
        taken = []
        for n in range(self.COUNT):
            tip = (n * 7919 % self.COUNT + 1) * 10**6
            tx = make_tx((n + 1).to_bytes(20, "big"), tip=tip, max_fee=100 * GWEI)
            pool.add(tx, raw_of(tx), BASE_FEE, NOW + n, RICH)
            taken.append(pool_entry(tx, raw_of(tx), NOW + n))
        return taken

    def test_the_right_ones_of_many_are_chosen(self, pool: Pool, entries: list[Any]) -> None:
        for ordering in (Ordering.FEE, Ordering.FIFO, Ordering.TIME_WEIGHTED):
            wanted = order_for_block(entries, BASE_FEE, self.SMALL, ordering)
            assert pool.select(self.SMALL, BASE_FEE, ordering) == wanted
        arrivals = {entry.hash: entry.arrival_ms for entry in entries}
        # the whole pool came within 3 s, worth 0.3 gwei: a tenth of what the tips differ by
        chosen = {entry.hash for entry in pool.select(self.SMALL, BASE_FEE, Ordering.TIME_WEIGHTED)}
        assert chosen != {entry.hash for entry in pool.select(self.SMALL, BASE_FEE)}
        assert max(arrivals.values()) - min(arrivals.values()) == (self.COUNT - 1)
        assert TIME_WEIGHT * self.COUNT == 300_000_000

    def test_random_is_reproducible_and_takes_from_all_of_the_pool(self, pool: Pool, entries: list[Any]) -> None:
        first = pool.select(self.SMALL, BASE_FEE, Ordering.RANDOM, SEED)
        assert pool.select(self.SMALL, BASE_FEE, Ordering.RANDOM, SEED) == first
        taken: set[bytes] = set()
        for number in range(30):
            chosen = pool.select(self.SMALL, BASE_FEE, Ordering.RANDOM, bytes([number]) * 32)
            assert len(chosen) == 100
            taken |= {entry.hash for entry in chosen}
        # 30 draws of 100 out of 3 000 leave about 37 % untouched
        assert 1_500 < len(taken) < 2_300
        by_tip = sorted(entries, key=lambda entry: entry.tip)
        assert {by_tip.index(entry) * 3 // self.COUNT for entry in entries if entry.hash in taken} == {0, 1, 2}

    def test_hybrid_offers_the_best_and_the_oldest(self, pool: Pool, entries: list[Any]) -> None:
        chosen = pool.select(self.SMALL, BASE_FEE, Ordering.HYBRID)
        best = {entry.hash for entry in order_for_block(entries, BASE_FEE, self.SMALL)}
        oldest = {entry.hash for entry in order_for_block(entries, BASE_FEE, self.SMALL, Ordering.FIFO)}
        assert len(chosen) == 100
        assert {entry.hash for entry in chosen} & best
        assert {entry.hash for entry in chosen} & oldest

    def test_queues_by_age_are_made_when_needed_and_dropped_when_not(
        self, pool: Pool, client: redis.Redis, entries: list[Any]
    ) -> None:
        assert not client.exists("mds:pool:line", "mds:pool:boost")
        wanted = pool.select(self.SMALL, BASE_FEE, Ordering.FIFO)
        assert client.zcard("mds:pool:line") == client.zcard("mds:pool:boost") == self.COUNT
        # the mark ran out, and the oldest sender's transaction was accepted unseen by the queues
        client.delete("mds:pool:ranked")
        pool.on_update(update(9, {entries[0].sender: (1, ETHER)}), NOW)
        assert pool.select(self.SMALL, BASE_FEE, Ordering.FIFO)[:-1] == wanted[1:]
        client.delete("mds:pool:ranked")
        pool.expire(NOW)
        assert not client.exists("mds:pool:line", "mds:pool:boost")


def test_a_long_run_fills_a_block_beside_many_short_ones(pool: Pool) -> None:
    for n in range(40):
        offer(pool, make_tx(bytes([n + 1]) * 20, tip=2 * GWEI))
    long = [make_tx(ALICE, n, tip=GWEI) for n in range(400)]
    pool.add_many([(tx, raw_of(tx), RICH) for tx in long], BASE_FEE, NOW)
    for ordering in Ordering:
        assert len(pool.select(WIDE._replace(txs=400), BASE_FEE, ordering, SEED)) == 400


def test_an_offer_that_is_refused_in_a_full_pool_evicts_nobody(client: redis.Redis) -> None:
    pool = Pool(client, PoolPolicy(max_bytes=4 * 250))
    for sender, tip in ((BOB, 1), (ALICE, 5), (CAROL, 90)):
        assert offer(pool, make_tx(sender, tip=tip * GWEI, max_fee=100 * GWEI)) is AddCode.ADDED
    large = make_tx(ALICE, 1, tip=50 * GWEI, max_fee=100 * GWEI, data=bytes(600), gas_limit=100_000)
    assert offer(pool, large) is AddCode.FULL
    assert pool.sums().count == 3
