"""Base fee (protocol §4), room (§7) and the parameter k (§2)."""

from __future__ import annotations

import math
from decimal import Decimal, localcontext
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.base_fee import next_base_fee
from chain.core.errors import RuleCode, RuleViolation
from chain.core.ghostdag_k import MAX_MEAN, k_for_rate
from chain.core.room import gas_room, tx_room

# the same examples on every run, and no clock: the machine may be busy
steady = settings(deadline=None, derandomize=True)

GWEI = 10**9
RATES = {"call_gas_per_s": 30_000_000, "tx_per_s": 20_000, "min_base_fee": GWEI}


def fee(base_fee: int, delta_ms: int, gas: int, count: int) -> int:
    return next_base_fee(base_fee, delta_ms, gas, count, **RATES)


# ---- base fee --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("delta_ms", "gas", "count", "expected"),
    [
        (12_000, 0, 0, 87_500_000_000),  # idle for 12 s: one eighth down
        (60_000, 0, 0, 87_500_000_000),  # and no further than that in one block
        (1_000, 15_000_000, 0, 100_000_000_000),  # half load keeps the fee
        (1_000, 0, 10_000, 100_000_000_000),
        (1_000, 30_000_000, 0, 101_041_666_666),  # 1000/96000 up, floored
        (1_000, 15_000_000, 20_000, 101_041_666_666),  # the scarcer of the two counts
        (1_000, 0, 0, 98_958_333_333),  # a fall is floored downwards
        (1, 1_000_000_000, 0, 112_500_000_000),  # the greatest rise
        (0, 0, 0, 100_000_000_000),
    ],
)
def test_base_fee_by_hand(delta_ms: int, gas: int, count: int, expected: int) -> None:
    assert fee(100 * GWEI, delta_ms, gas, count) == expected


millions = st.integers(0, 10**6)


@steady
@given(st.integers(GWEI, 10**24), millions, st.integers(0, 10**9), millions, st.integers(1, 10**6))
def test_base_fee_bounds_and_direction(base: int, delta_ms: int, gas: int, count: int, more: int) -> None:
    after = fee(base, delta_ms, gas, count)
    load = max(Fraction(gas * 1000 // 30_000_000), Fraction(count * 1000 // 20_000))
    pressure = max(-12_000, min(12_000, 2 * load - min(delta_ms, 12_000)))
    assert after == max(GWEI, base + math.floor(Fraction(base * pressure, 96_000)))
    assert max(GWEI, base - -(-base // 8)) <= after <= base + base // 8
    assert fee(base, delta_ms, gas + more, count) >= after
    assert fee(base, delta_ms, gas, count + more) >= after
    assert fee(base, delta_ms + more, gas, count) <= after


def test_base_fee_moves_by_time_and_not_by_blocks() -> None:
    """12 s of full load raise the fee alike in one block, in 12 or in 120."""
    ends = []
    for blocks in (1, 12, 120):
        step_ms = 12_000 // blocks
        value = 100 * GWEI
        for _ in range(blocks):
            value = fee(value, step_ms, 30_000 * step_ms, 0)
        ends.append(value)
    assert ends[0] == 112_500_000_000
    # e^(1/8) = 1.1331 is the limit of ever shorter blocks
    assert all(112 * GWEI < end < 113_400_000_000 for end in ends)
    assert ends == sorted(ends)


def test_base_fee_of_genesis_children() -> None:
    assert fee(GWEI, 0, 0, 0) == GWEI


# ---- room ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("left", "delta_ms", "expected"),
    [
        (0, 0, 0),
        (0, 1, 1_500),
        (100, 91, 136_600),
        (30_000_000, 10, 30_000_000),
        (29_999_999, 1, 30_000_000),
        (0, 10_000, 15_000_000),
        (0, 86_400_000, 15_000_000),  # time beyond 10 s gives nothing
    ],
)
def test_gas_room_by_hand(left: int, delta_ms: int, expected: int) -> None:
    assert gas_room(left, delta_ms, 30_000_000, 1_500_000) == expected


def test_tx_room_by_hand() -> None:
    assert tx_room(50_000, 100, 50_000, 20_000) == 50_000
    assert tx_room(10, 100, 50_000, 20_000) == 2_010
    assert tx_room(10, 100_000, 50_000, 4_000) == 40_010


@steady
@given(
    st.lists(st.tuples(st.integers(1, 30_000), st.integers(0, 100)), min_size=1, max_size=50),
    st.integers(0, 30_000_000),
    st.integers(1, 60_000_000),
)
def test_room_bounds_what_time_allows(steps: list[tuple[int, int]], left: int, per_second: int) -> None:
    """Whatever admission takes, no stretch of blocks spends more than one ceiling plus the rate's share."""
    ceiling, spent, elapsed, first = 30_000_000, 0, 0, left
    for delta_ms, percent in steps:
        room = gas_room(left, delta_ms, ceiling, per_second)
        assert min(left, ceiling) <= room <= ceiling
        taken = room * percent // 100
        left = room - taken
        spent += taken
        elapsed += delta_ms
        assert 1000 * spent <= 1000 * first + elapsed * per_second


# ---- k ---------------------------------------------------------------------------------------------------------


def test_k_of_the_protocol() -> None:
    assert k_for_rate(5, "1.1", "0.01") == 19
    assert k_for_rate(5, 1.1, 0.01) == 19
    assert k_for_rate(Fraction(5), Decimal("1.1"), Fraction(1, 100)) == 19


@pytest.mark.parametrize(
    ("delay", "rate", "k"),
    # Kaspa's published values for δ 0.01 and D 5 s: 18 at one block a second, 124 at ten
    [(5, 1, 18), (5, 10, 124)],
)
def test_k_as_published(delay: int, rate: int, k: int) -> None:
    assert k_for_rate(delay, rate, "0.01") == k


@pytest.mark.parametrize("mean", [Fraction(1, 1000), Fraction(1, 3), 1, 7, 11, 40, 200])
@pytest.mark.parametrize("risk", [Fraction(1, 10**9), Fraction(1, 100), Fraction(1, 2), Fraction(99, 100)])
def test_k_is_the_least(mean: Fraction | int, risk: Fraction) -> None:
    """Against the tail summed in 60 digits, from the far end."""
    k = k_for_rate(Fraction(mean, 2), 1, risk)

    def tail(beyond: int) -> Decimal:
        with localcontext() as context:
            context.prec = 60
            x = Decimal(mean.numerator) / Decimal(mean.denominator)
            term, total = (-x).exp(), Decimal(0)
            for j in range(1, 2000):
                term = term * x / j
                if j > beyond:
                    total += term
            return total + ((-x).exp() if beyond < 0 else 0)

    limit = Decimal(risk.numerator) / Decimal(risk.denominator)
    assert tail(k) < limit
    assert k == 0 or tail(k - 1) >= limit


def test_k_rises_with_delay_and_caution() -> None:
    ks = [k_for_rate(delay, "1.1", "0.01") for delay in range(20)]
    assert ks[0] == 0
    assert ks == sorted(ks)
    assert k_for_rate(5, "1.1", "1e-9") > k_for_rate(5, "1.1", "1e-3") > k_for_rate(5, "1.1", "0.5")
    # far more digits than the first precision holds
    assert k_for_rate(1, 1, "1e-300") > k_for_rate(1, 1, "1e-100")


@pytest.mark.parametrize(
    "args",
    [(-1, 1, "0.1"), (1, -1, "0.1"), (5, 1, 0), (5, 1, 1), (5, 1, -1), (5, "x", "0.1"), (5, float("nan"), 0.1),
     (5, float("inf"), 0.1), (5, 1, "1/0"), (MAX_MEAN, 1, "0.1")],
)  # fmt: skip
def test_k_refuses(args: tuple) -> None:
    with pytest.raises(RuleViolation) as caught:
        k_for_rate(*args)
    assert caught.value.code == RuleCode.SPEC_VALUE
