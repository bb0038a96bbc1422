"""The pool's queues: properties over random histories, and each rule by an example."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.pool import (
    ENTRY_BYTES,
    AccountNews,
    AddCode,
    CodeKind,
    PoolEntry,
    PoolPolicy,
    Queues,
    SenderState,
    admit,
    executable,
    expire,
    follow,
    forget_idle,
    mark_in_flight,
)

ALICE, BOB, CAROL = (bytes([n]) * 20 for n in (1, 2, 3))
RICH = SenderState(0, 10**6, CodeKind.NONE, 5)
RAW = b"\xf0" * 100
POLICY = PoolPolicy(sender_pending=4, sender_queued=2)


def entry(
    sender: bytes, nonce: int, tip: int = 10, cost: int = 10, arrival: int = 0, raw: bytes = RAW, salt: int = 0
) -> PoolEntry:
    name = hashlib.sha256(repr((sender, nonce, tip, cost, arrival, len(raw), salt)).encode()).digest()
    return PoolEntry(name, sender, nonce, tip, tip * 2, cost, arrival, 21_000, True, raw)


def offer(
    queues: Queues, item: PoolEntry, policy: PoolPolicy = POLICY, state: SenderState | None = RICH
) -> tuple[Queues, AddCode]:
    admission = admit(queues, item, item.tip, policy, state)
    return admission.queues, admission.code


def filled(items: Sequence[PoolEntry], policy: PoolPolicy = POLICY) -> Queues:
    queues = Queues(sequence=5)
    for item in items:
        queues, code = offer(queues, item, policy)
        assert code is AddCode.ADDED
    return queues


def run(queues: Queues, sender: bytes = ALICE) -> list[int]:
    return [item.nonce for item in executable(queues).get(sender, ())]


# one step: kind, sender, nonce, tip, a number
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["offer", "offer", "offer", "offer", "commit", "fly", "expire", "forget"]),
        st.integers(0, 3), st.integers(0, 8), st.integers(1, 40), st.integers(0, 60),
    ),
    max_size=40,
)  # fmt: skip
SMALL = PoolPolicy(max_count=7, max_bytes=7 * (ENTRY_BYTES + 120), sender_pending=4, sender_queued=2)


def check(queues: Queues, policy: PoolPolicy) -> None:
    everything = [item.entry for queue in queues.senders.values() for item in queue.held]
    assert queues.places == {item.hash: (item.sender, item.nonce) for item in everything}
    assert queues.size == sum(item.size for item in everything) <= policy.max_bytes
    assert len(everything) <= policy.max_count
    for address, queue in queues.senders.items():
        nonces = [item.nonce for item in queue.held]
        assert nonces == sorted(set(nonces))
        assert all(item.entry.sender == address and item.nonce >= queue.nonce for item in queue.held)
        assert queue.spent <= queue.balance
        assert [item.nonce for item in queue.pending] == list(range(queue.nonce, queue.stop))
        assert all(item.nonce > queue.stop for item in queue.queued)
        assert len(queue.pending) + len(queue.queued) == len(queue.held)
        assert queue.resume >= queue.nonce
        assert len(queue.held) <= policy.sender_pending + policy.sender_queued
    for address, items in executable(queues).items():
        queue = queues.senders[address]
        assert queue.code is not CodeKind.CONTRACT
        assert list(items) == list(queue.pending)[items[0].nonce - queue.nonce :][: len(items)]
        assert items[0].nonce == queue.resume


@settings(max_examples=150, deadline=None, derandomize=True)
@given(steps=STEPS)
def test_any_history_keeps_the_queues_whole(steps: list[tuple[str, int, int, int, int]]) -> None:
    queues, sequence = Queues(), 0
    for now, (kind, who, nonce, tip, number) in enumerate(steps):
        sender = bytes([who + 1]) * 20
        before = queues
        if kind == "offer":
            item = entry(sender, nonce, tip, cost=number % 20, arrival=now, raw=b"\xf0" * (60 + 2 * number))
            code = CodeKind(number % 3 if number > 50 else 0)
            queues, answer = offer(queues, item, SMALL, SenderState(nonce // 3, 10 * number, code, sequence))
            assert (item.hash in queues.places) == (answer in (AddCode.ADDED, AddCode.REPLACED, AddCode.KNOWN))
            lost = set(before.places) - set(queues.places)
            if lost and sequence == before.senders.get(sender, replace_none()).sequence:
                # only for something dearer, or replaced at its own nonce
                assert answer in (AddCode.ADDED, AddCode.REPLACED)
                prices = {i.entry.hash: i.price for q in before.senders.values() for i in q.held}
                owners = {before.places[tx_hash][0] for tx_hash in lost}
                if answer is AddCode.ADDED:
                    assert all(prices[tx_hash] < tip for tx_hash in lost)
                    assert sender not in owners
                else:
                    assert [before.places[tx_hash] for tx_hash in lost] == [(sender, nonce)]
        elif kind == "commit":
            sequence += 1
            code = None if number % 7 == 0 else CodeKind.NONE
            queues = follow(queues, sequence, {sender: AccountNews(nonce, 5 * number, code)}, now)
            assert queues.sequence == sequence
            assert follow(queues, sequence, {sender: AccountNews(0, 0, None)}, now) == queues
        elif kind == "fly":
            flying = sorted(queues.places)[:: 1 + number % 3]
            queues = mark_in_flight(queues, flying, now)
            assert queues.places == before.places
            for address, items in executable(queues).items():
                queue = queues.senders[address]
                assert items[0].hash not in flying
                assert all(i.hash in flying for i in queue.pending if i.nonce < items[0].nonce)
        elif kind == "expire":
            queues = expire(queues, now - tip, now)
            assert set(queues.places) <= set(before.places)
            assert all(i.entry.arrival_ms > now - tip for q in queues.senders.values() for i in q.held)
        else:
            queues = forget_idle(queues, now - tip, number % 3)
            assert queues.places == before.places
        check(queues, SMALL)


def replace_none() -> SenderState:
    return SenderState(0, 0, CodeKind.NONE, -1)


@settings(max_examples=80, deadline=None, derandomize=True)
@given(order=st.permutations(range(6)))
def test_a_run_is_promoted_whatever_order_it_came_in(order: list[int]) -> None:
    queues = Queues()
    policy = PoolPolicy()
    for nonce in order:
        queues, code = offer(queues, entry(ALICE, nonce), policy)
        assert code is AddCode.ADDED
    assert run(queues) == list(range(6))
    assert queues.senders[ALICE].queued == ()


class TestAdmission:
    def test_a_repeat_and_an_unknown_sender_change_nothing(self) -> None:
        queues = filled([entry(ALICE, 0)])
        assert offer(queues, entry(ALICE, 0)) == (queues, AddCode.KNOWN)
        assert offer(queues, entry(BOB, 0), state=None) == (queues, AddCode.UNKNOWN_SENDER)
        assert admit(queues, entry(BOB, 0), 1, POLICY, RICH._replace(sequence=4)).number == 5

    @pytest.mark.parametrize(
        ("item", "state", "code", "number"),
        [
            (entry(BOB, 2), RICH._replace(nonce=3), AddCode.NONCE_LOW, 3),
            (entry(BOB, 5), RICH, AddCode.ADDED, 0),
            (entry(BOB, 6), RICH, AddCode.NONCE_HIGH, 0),
            (entry(BOB, 0, cost=10**6), RICH, AddCode.ADDED, 0),
            (entry(BOB, 0, cost=10**6 + 1), RICH, AddCode.FUNDS, 0),
            (entry(BOB, 0), RICH._replace(code=CodeKind.CONTRACT), AddCode.HAS_CODE, 0),
            (entry(BOB, 0), RICH._replace(code=CodeKind.DELEGATED), AddCode.ADDED, 0),
            (entry(BOB, 0), RICH._replace(sequence=4), AddCode.STALE_STATE, 5),
        ],
    )
    def test_table(self, item: PoolEntry, state: SenderState, code: AddCode, number: int) -> None:
        admission = admit(filled([entry(ALICE, 0)]), item, 1, POLICY, state)
        assert (admission.code, admission.number) == (code, number)

    def test_limits_of_a_sender(self) -> None:
        assert offer(filled([entry(ALICE, n) for n in (0, 1, 2, 3)]), entry(ALICE, 4))[1] is AddCode.SENDER_LIMIT
        assert offer(filled([entry(ALICE, n) for n in (2, 4)]), entry(ALICE, 5))[1] is AddCode.SENDER_LIMIT

    @pytest.mark.parametrize(("tip", "code"), [(109, AddCode.REPLACEMENT), (110, AddCode.REPLACED)])
    def test_a_replacement_raises_both_fees_and_takes_the_new_arrival(self, tip: int, code: AddCode) -> None:
        old, new = entry(ALICE, 0, tip=100), entry(ALICE, 0, tip=tip, arrival=7)
        queues, answer = offer(filled([old]), new)
        assert answer is code
        assert set(queues.places) == {(new if code is AddCode.REPLACED else old).hash}
        one_only = new._replace(max_fee=old.max_fee + 1)
        assert offer(filled([old]), one_only)[1] is AddCode.REPLACEMENT


class TestFull:
    def test_the_cheapest_leaves_and_its_followers_are_queued(self) -> None:
        policy = replace(POLICY, max_count=4)
        queues = filled([entry(ALICE, 0, tip=9), entry(ALICE, 1, tip=3), entry(ALICE, 2, tip=8), entry(BOB, 0)], policy)
        assert offer(queues, entry(CAROL, 0, tip=3), policy) == (
            queues_with_sender(queues, CAROL, policy),
            AddCode.FULL,
        )
        queues, code = offer(queues, entry(CAROL, 0, tip=4), policy)
        assert code is AddCode.ADDED
        assert run(queues) == [0]
        assert [item.nonce for item in queues.senders[ALICE].queued] == [2]

    def test_a_refused_one_evicts_nobody(self) -> None:
        # room for a large one would need more than the one cheaper neighbour
        policy = replace(POLICY, max_bytes=3 * (ENTRY_BYTES + 100))
        queues = filled([entry(BOB, 0, tip=1), entry(ALICE, 0, tip=5), entry(CAROL, 0, tip=90)], policy)
        large = entry(ALICE, 1, tip=50, raw=b"\xf0" * 400)
        assert offer(queues, large, policy) == (queues, AddCode.FULL)

    def test_what_waits_for_a_nonce_evicts_nobody(self) -> None:
        policy = replace(POLICY, max_count=1)
        queues = filled([entry(BOB, 0, tip=1)], policy)
        assert offer(queues, entry(ALICE, 1, tip=50), policy)[1] is AddCode.FULL


def queues_with_sender(queues: Queues, sender: bytes, policy: PoolPolicy) -> Queues:
    """The same pool where the state of one more sender is known."""
    return admit(queues, entry(sender, 99), 1, policy, RICH).queues


class TestChain:
    def test_accepted_ones_leave_and_an_undone_block_gives_the_nonce_back(self) -> None:
        queues = follow(filled([entry(ALICE, n) for n in (0, 1, 2)]), 6, {ALICE: AccountNews(2, 100, CodeKind.NONE)}, 0)
        assert run(queues) == [2]
        queues = follow(queues, 8, {ALICE: AccountNews(1, 100, CodeKind.NONE)}, 0)
        assert run(queues) == []
        queues, _ = offer(queues, entry(ALICE, 1), state=None)
        assert run(queues) == [1, 2]

    def test_what_cannot_be_paid_leaves_last_nonces_first(self) -> None:
        queues = filled([entry(ALICE, n, cost=100) for n in (0, 1, 2, 4)])
        queues = follow(queues, 6, {ALICE: AccountNews(0, 250, CodeKind.NONE)}, 0)
        assert [item.nonce for item in queues.senders[ALICE].held] == [0, 1]

    def test_an_older_commit_counts_only_by_force(self) -> None:
        queues = filled([entry(ALICE, 0)])
        news = {ALICE: AccountNews(1, 100, CodeKind.NONE)}
        assert follow(queues, 5, news, 0) is queues
        assert follow(queues, 3, news, 0, force=True).sequence == 3

    def test_blocks_go_on_behind_those_in_merged_blocks(self) -> None:
        items = [entry(ALICE, n) for n in range(4)]
        queues = mark_in_flight(filled(items), [items[0].hash, items[1].hash, items[3].hash], 0)
        assert run(queues) == [2, 3]
        assert run(mark_in_flight(queues, [], 0)) == [0, 1, 2, 3]

    def test_a_replacement_of_one_in_a_merged_block_waits_behind_it(self) -> None:
        items = [entry(ALICE, n) for n in range(3)]
        queues = mark_in_flight(filled(items), [items[0].hash], 0)
        queues, code = offer(queues, entry(ALICE, 0, tip=99))
        assert code is AddCode.REPLACED
        assert run(queues) == [1, 2]

    def test_a_delegated_sender_has_one_at_a_time(self) -> None:
        queues = follow(filled([entry(ALICE, n) for n in range(3)]), 6, {ALICE: AccountNews(0, 99, None)}, 0)
        assert run(queues) == [0]
        assert run(mark_in_flight(queues, [queues.senders[ALICE].held[0].entry.hash], 0)) == []


def test_expiry_and_idle_senders() -> None:
    queues = filled([entry(ALICE, 0, arrival=10), entry(ALICE, 1, arrival=11), entry(BOB, 0, arrival=12)])
    queues = expire(queues, 10, 100)
    assert run(queues) == []
    queues = expire(queues, 11, 101)
    assert (queues.senders[ALICE].idle_since_ms, queues.size) == (101, ENTRY_BYTES + 100)
    assert ALICE in forget_idle(queues, 100, 9).senders
    assert list(forget_idle(queues, 101, 9).senders) == [BOB]
    assert list(forget_idle(queues, 100, 0).senders) == [BOB]
