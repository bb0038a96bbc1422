"""Shares, search sizes and body budgets, by counting alone."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.services.mining.pace import BodyBudget, Courtesy, Pace, SearchSize

BUSY = st.lists(st.floats(0.0001, 0.2), min_size=1, max_size=60)


@settings(deadline=None)
@given(share=st.floats(0.01, 1.0), pieces=BUSY, idle=st.lists(st.floats(0, 2), min_size=60, max_size=60))
def test_work_never_exceeds_the_share(share: float, pieces: list[float], idle: list[float]) -> None:
    """Whatever the calls look like, busy ≤ share × (elapsed + burst) once the last rest is over."""
    burst = 0.1
    now = total = 0.0
    pace = Pace(share, now, burst)
    for busy, calm in zip(pieces, idle):
        now += busy
        total += busy
        now += pace.rest(busy, now)
        assert total <= share * (now + burst) + 1e-9
        now += calm


@given(share=st.floats(0.05, 1.0), busy=st.floats(0.001, 0.1))
def test_steady_work_gets_its_whole_share(share: float, busy: float) -> None:
    now = 0.0
    pace = Pace(share, now)
    for _ in range(50):
        now += busy
        now += pace.rest(busy, now)
    assert 50 * busy == pytest.approx(share * now, rel=0.01) or now <= 50 * busy + 1e-9


def test_an_overslept_rest_is_made_up_for_but_no_more_than_the_burst() -> None:
    pace = Pace(0.5, 0.0, burst=0.1)
    assert pace.rest(0.1, 0.1) == pytest.approx(0.1)
    # woke at 0.25 instead of 0.2: the next rest is shorter by what was overslept
    assert pace.rest(0.1, 0.35) == pytest.approx(0.05)
    # after a long calm, a burst of 0.1 s of time is credit, not the whole calm
    assert pace.rest(0.1, 100.1) == pytest.approx(0.0, abs=1e-9)
    assert pace.rest(0.1, 100.2) == pytest.approx(0.1)


@pytest.mark.parametrize("rate", [10_000, 250_000, 2_000_000])
def test_search_size_settles_below_its_aim(rate: int) -> None:
    size = SearchSize(4096, aim=0.02)
    for _ in range(20):
        size.took(size.count, size.count / rate)
    assert size.count % 4096 == 0
    assert size.count == max(4096, int(0.02 * rate) // 4096 * 4096)


def test_search_size_grows_by_doubling_and_ignores_partial_searches() -> None:
    size = SearchSize(1000, aim=1.0)
    sizes = []
    for _ in range(4):
        sizes.append(size.count)
        size.took(size.count, size.count / 1e9)
    assert sizes == [1000, 2000, 4000, 8000]
    size.took(1, 5.0)  # found at once: says nothing about the rate
    size.took(8000, 0.0)  # a clock too coarse to tell
    assert size.count == 16_000
    size.took(16_000, 16.0)
    assert size.count == 1000


def test_body_budget_keeps_building_within_its_part_of_the_share() -> None:
    budget = BodyBudget(share=0.2, now=0.0, part=0.25, elapsed=0.5)
    cost = 40e-6
    now, spent, count = 0.0, 0.0, 0
    for _ in range(200):  # virtual moves ten times a second
        count = budget.limit(now)
        spent += count * cost
        budget.spent(now, count, count * cost)
        now += 0.1
    assert spent <= 0.2 * 0.25 * now + 500e-6 / 10e-6 * cost + 200 * BodyBudget.LEAST * cost
    assert count == int(0.1 * 0.05 / cost)


def test_body_budget_always_leaves_room_for_a_few() -> None:
    budget = BodyBudget(share=0.01, now=0.0)
    budget.spent(0.0, 1000, 10.0)
    assert budget.limit(0.001) == BodyBudget.LEAST
    assert budget.limit(1_000_000.0) > 1000


def ticks(courtesy: Courtesy, rate: float, seconds: float, start: float = 0.0) -> float:
    """Seconds given while transactions come at a rate, looked at every 50 ms."""
    given, steps = 0.0, round(seconds / 0.05)
    for step in range(steps):
        if courtesy.gives_way(int(rate * step * 0.05), start + step * 0.05):
            given += 0.05
    return given


def test_hashing_gives_way_to_transactions_that_come_fast_and_only_then() -> None:
    assert ticks(Courtesy(0.0, 0.0), 2 * Courtesy.RATE, 2.0) == pytest.approx(2.0, abs=0.15)
    assert ticks(Courtesy(0.0, 0.0), Courtesy.RATE / 2, 60.0) == 0


def test_a_flood_slows_hashing_by_little_in_the_long_run() -> None:
    given = ticks(Courtesy(0.0, 0.0), 100 * Courtesy.RATE, 300.0)
    share = Courtesy.REGAIN / (1 + Courtesy.REGAIN)
    assert Courtesy.MOST_S < given <= Courtesy.MOST_S + share * 300 + 1


def test_what_was_given_lasts_over_slices() -> None:
    courtesy = Courtesy(0.0, 0.0)
    ticks(courtesy, 10 * Courtesy.RATE, 4.0)
    assert courtesy.spent == pytest.approx(4.0, abs=0.15)
    assert ticks(Courtesy(courtesy.spent, 0.0), 10 * Courtesy.RATE, 1.5) == pytest.approx(1.1, abs=0.2)
    # a pool that was emptied counts anew: that is no transaction
    emptied = Courtesy(0.0, 0.0)
    assert not any(emptied.gives_way(count, at) for at, count in enumerate((10_000, 0, 0)))
