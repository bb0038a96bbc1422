"""The scripts against the core's definition of the pool, and the orders in which blocks take from it."""

from __future__ import annotations

from typing import Any

import pytest
import redis
import redis.asyncio
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule, run_state_machine_as_test

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
from chain.core.types import EMPTY_CODE_HASH, Account
from chain.services.pool import Pool
from chain.services.pool.client import IDLE_MS, MAX_IDLE
from chain.services.pool.wire import HEAD
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


ADDRESSES = [bytes([n]) * 20 for n in range(1, 5)]


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
