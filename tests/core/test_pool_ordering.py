"""The five ordering policies: what each promises, and a table of small pools."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.pool import (
    AGE_WEIGHT,
    FEE_WEIGHT,
    TIME_WEIGHT,
    BlockLimits,
    Ordering,
    PoolEntry,
    effective_tip,
    order_for_block,
    ranking,
)

WIDE = BlockLimits(10**6, 10**9, 10**9)
SEED = b"\x05" * 32
POLICIES = list(Ordering)


def entry(name: int, sender: int, nonce: int, tip: int, arrival: int, spare: int = 10**12) -> PoolEntry:
    return PoolEntry(
        name.to_bytes(32, "big"), bytes([sender]) * 20, nonce, tip, tip + spare, 0, arrival, 21_000, True, b"\xf0" * 110
    )


PARTS = st.lists(
    st.tuples(st.integers(0, 5), st.integers(0, 9), st.integers(0, 9), st.integers(0, 30)), min_size=1, max_size=24
)


def pool_of(parts: list[tuple[int, int, int, int]], unit: int = TIME_WEIGHT) -> list[PoolEntry]:
    """Runs from (sender, tip in units, arrival, spare fee in units)."""
    heights: dict[int, int] = {}
    entries = []
    for name, (sender, tip, arrival, spare) in enumerate(parts):
        nonce = heights.get(sender, 0)
        heights[sender] = nonce + 1
        entries.append(entry(name, sender, nonce, tip * unit, arrival, spare * unit))
    return entries


def is_payable(item: PoolEntry, base_fee: int) -> bool:
    return item.max_fee >= base_fee


@pytest.mark.parametrize("ordering", POLICIES)
@settings(max_examples=80, deadline=None, derandomize=True)
@given(parts=PARTS, base=st.integers(0, 20), txs=st.integers(0, 24))
def test_each_sender_keeps_its_nonce_order_and_all_that_can_run_do(
    ordering: Ordering, parts: list, base: int, txs: int
) -> None:
    entries, base_fee = pool_of(parts), base * TIME_WEIGHT
    chosen = order_for_block(entries, base_fee, WIDE, ordering, SEED)
    possible = 0
    for sender in {e.sender for e in entries}:
        run = [e for e in entries if e.sender == sender]
        stop = next((i for i, e in enumerate(run) if not is_payable(e, base_fee)), len(run))
        assert [e for e in chosen if e.sender == sender] == run[:stop]
        possible += stop
    assert len(chosen) == possible
    # a smaller block holds the beginning of a larger one
    assert order_for_block(entries, base_fee, WIDE._replace(txs=txs), ordering, SEED) == chosen[:txs]


@pytest.mark.parametrize("ordering", POLICIES)
@settings(max_examples=60, deadline=None, derandomize=True)
@given(parts=PARTS, order=st.randoms(use_true_random=False))
def test_how_the_store_lists_senders_does_not_matter(ordering: Ordering, parts: list, order: object) -> None:
    entries = pool_of(parts)
    runs = {e.sender: [x for x in entries if x.sender == e.sender] for e in entries}
    senders = list(runs)
    order.shuffle(senders)  # type: ignore[attr-defined]
    shuffled = [e for sender in senders for e in runs[sender]]
    assert order_for_block(shuffled, 0, WIDE, ordering, SEED) == order_for_block(entries, 0, WIDE, ordering, SEED)


def heads_at_each_place(entries: list[PoolEntry], chosen: list[PoolEntry]) -> list[tuple[PoolEntry, list[PoolEntry]]]:
    """For each place: who got it, and every sender's head at that moment."""
    waiting = {sender: [e for e in entries if e.sender == sender] for sender in sorted({e.sender for e in entries})}
    found = []
    for item in chosen:
        found.append((item, [run[0] for run in waiting.values() if run]))
        waiting[item.sender].pop(0)
    return found


@settings(max_examples=120, deadline=None, derandomize=True)
@given(parts=PARTS)
def test_fee_never_prefers_a_lower_tip_and_fifo_never_a_later_arrival(parts: list) -> None:
    entries = pool_of(parts)
    for item, heads in heads_at_each_place(entries, order_for_block(entries, 0, WIDE, Ordering.FEE)):
        assert effective_tip(item.tip, item.max_fee, 0) == max(effective_tip(e.tip, e.max_fee, 0) for e in heads)
    for item, heads in heads_at_each_place(entries, order_for_block(entries, 0, WIDE, Ordering.FIFO)):
        assert item.arrival_ms == min(e.arrival_ms for e in heads)


@pytest.mark.parametrize("ordering", [Ordering.FEE, Ordering.FIFO, Ordering.HYBRID, Ordering.TIME_WEIGHTED])
@settings(max_examples=120, deadline=None, derandomize=True)
@given(parts=PARTS)
def test_nobody_goes_before_a_head_that_pays_more_and_waits_longer(ordering: Ordering, parts: list) -> None:
    entries = pool_of(parts)
    for item, heads in heads_at_each_place(entries, order_for_block(entries, 0, WIDE, ordering)):
        assert not any(e.tip > item.tip and e.arrival_ms < item.arrival_ms for e in heads)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(parts=PARTS)
def test_time_weighted_takes_the_greatest_tip_plus_weight_of_the_wait(parts: list) -> None:
    entries = pool_of(parts)
    now = 1000
    for item, heads in heads_at_each_place(entries, order_for_block(entries, 0, WIDE, Ordering.TIME_WEIGHTED)):
        weights = [e.tip + TIME_WEIGHT * (now - e.arrival_ms) for e in heads]
        assert item.tip + TIME_WEIGHT * (now - item.arrival_ms) == max(weights)


@settings(max_examples=120, deadline=None, derandomize=True)
@given(parts=PARTS)
def test_hybrid_takes_the_least_weighted_sum_of_places(parts: list) -> None:
    entries = pool_of(parts)

    def places(item: PoolEntry) -> int:
        dearer = sum(e.tip > item.tip for e in entries)
        older = sum(e.arrival_ms < item.arrival_ms for e in entries)
        return FEE_WEIGHT * dearer + AGE_WEIGHT * older

    for item, heads in heads_at_each_place(entries, order_for_block(entries, 0, WIDE, Ordering.HYBRID)):
        assert places(item) == min(map(places, heads))


def test_an_old_cheap_one_overtakes_after_the_stated_wait() -> None:
    # tips differ by 1 gwei: at 100 000 wei a ms that is worth ten seconds
    cheap = entry(1, 1, 0, 10**9, 0)
    for arrival, first in ((9_999, 2), (10_001, 1)):
        dear = entry(2, 2, 0, 2 * 10**9, arrival)
        chosen = order_for_block([dear, cheap], 0, WIDE, Ordering.TIME_WEIGHTED)
        assert chosen[0].sender == bytes([first]) * 20
        assert order_for_block([dear, cheap], 0, WIDE, Ordering.FEE)[0] == dear


def test_random_is_the_same_for_a_seed_and_another_for_another() -> None:
    entries = [entry(i, i, 0, i, i) for i in range(60)]
    orders = {seed: tuple(order_for_block(entries, 0, WIDE, Ordering.RANDOM, bytes([seed]) * 32)) for seed in range(20)}
    assert all(
        order == tuple(order_for_block(entries[::-1], 0, WIDE, Ordering.RANDOM, bytes([seed]) * 32))
        for seed, order in orders.items()
    )
    assert len(set(orders.values())) == 20


def test_random_favours_nobody() -> None:
    # 400 seeds, 10 senders: each is expected to be first 40 times; 3-in-a-million bounds of the binomial
    entries = [entry(i, i, 0, i * 10**9, i) for i in range(10)]
    wins = [0] * 10
    for number in range(400):
        first = order_for_block(entries, 0, WIDE._replace(txs=1), Ordering.RANDOM, number.to_bytes(32, "big"))[0]
        wins[first.sender[0]] += 1
    assert sum(wins) == 400
    assert all(14 <= count <= 75 for count in wins), wins


# (name, sender, nonce, tip in gwei, arrival in ms); five senders, sender 2 has three
EXAMPLE = [(1, 1, 0, 5, 3_000), (2, 2, 0, 1, 0), (3, 2, 1, 9, 4_000), (4, 2, 2, 9, 5_000), (5, 3, 0, 3, 1_000),
           (6, 4, 0, 5, 2_000), (7, 5, 0, 4, 60_000)]  # fmt: skip


@pytest.mark.parametrize(
    ("ordering", "expected"),
    [
        # the dear ones of sender 2 stand behind its cheap first one
        (Ordering.FEE, [6, 1, 7, 5, 2, 3, 4]),
        (Ordering.FIFO, [2, 5, 6, 1, 3, 4, 7]),
        # places by tip 2 6 0 0 5 2 4, by arrival 3 0 4 5 1 2 6, so 12 18 8 10 17 10 24
        (Ordering.HYBRID, [6, 1, 5, 2, 3, 4, 7]),
        # tip + 0.1 gwei for each second: 5.0-0.3, 1.0, 8.6, 8.5, 2.9, 4.8, 4-6
        (Ordering.TIME_WEIGHTED, [6, 1, 5, 2, 3, 4, 7]),
    ],
)
def test_an_example_by_hand(ordering: Ordering, expected: list[int]) -> None:
    entries = [entry(name, sender, nonce, tip * 10**9, arrival) for name, sender, nonce, tip, arrival in EXAMPLE]
    chosen = order_for_block(entries, 0, WIDE, ordering)
    assert [int.from_bytes(item.hash, "big") for item in chosen] == expected


def test_ranks_of_the_documented_formulas() -> None:
    item = entry(7, 1, 0, 3 * 10**9, 2_000)
    assert ranking(Ordering.FEE, [item], 0)(item) == (-3 * 10**9, 2_000, item.hash)
    assert ranking(Ordering.FIFO, [item], 0)(item) == (2_000, -3 * 10**9, item.hash)
    assert ranking(Ordering.TIME_WEIGHTED, [item], 0)(item) == (2_000 * 100_000 - 3 * 10**9, 2_000, item.hash)
    assert ranking(Ordering.HYBRID, [item], 0)(item) == (0, -3 * 10**9, item.hash)
    first, _, _ = ranking(Ordering.RANDOM, [item], 0, SEED)(item)
    assert 0 <= first < 2**64
    # the base fee eats into the tip
    assert ranking(Ordering.FEE, [item], item.max_fee - 5)(item)[0] == -5
