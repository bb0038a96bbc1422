"""Targets, work and the adjustment of difficulty (protocol §5)."""

from __future__ import annotations

import json
from decimal import Decimal, getcontext
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.difficulty import (
    GENESIS_DRIFT,
    StreamDrift,
    WorkParams,
    asert,
    compact,
    drift_bounds,
    expand,
    next_drift,
    target_of,
    work,
)
from chain.core.errors import RuleCode, RuleViolation

# the same examples on every run, and no clock: the machine may be busy
steady = settings(deadline=None, derandomize=True)

A_DEV = WorkParams(10_000, 1 << 236, 1 << 246, 600_000, 1)
B_DEV = WorkParams(1_000, 1 << 242, 1 << 250, 120_000, 256)
A_TEST = WorkParams(10_000, 1 << 224, 1 << 240, 3_600_000, 1)
FAST = WorkParams(1_000, 1 << 200, 1 << 210, 7_919, 3)
STREAMS = [A_DEV, B_DEV, A_TEST, FAST]

streams = st.sampled_from(STREAMS)
targets = st.integers(1, (1 << 256) - 1)


# ---- compact targets -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        # Bitcoin's genesis and the example of its developer reference
        (0x1D00FFFF, 0xFFFF << 208),
        (0x181BC330, 0x1BC330 << 168),
        (0x01010000, 1),
        (0x017F0000, 0x7F),
        (0x02008000, 0x80),
        (0x0300FFFF, 0xFFFF),
        (0x04123456, 0x12345600),
        (0x2100FFFF, 0xFFFF << 240),
    ],
)
def test_known_compact_targets(bits: int, target: int) -> None:
    assert expand(bits) == target
    assert compact(target) == bits


@steady
@given(targets)
def test_compact_drops_low_bits_only(target: int) -> None:
    bits = compact(target)
    back = expand(bits)
    assert back <= target
    assert compact(back) == bits
    # at least 16 significant bits are kept
    assert target - back <= target >> 15


@steady
@given(targets, targets)
def test_compact_keeps_the_order(one: int, other: int) -> None:
    if one <= other:
        assert expand(compact(one)) <= expand(compact(other))


@pytest.mark.parametrize(
    "bits",
    [
        0,  # C's and genesis' field, no target of work
        0x1D000000,
        0x01003456,  # a mantissa shifted out to zero
        0x01800000,  # sign bit, zero mantissa
        0x04923456,  # negative
        0x2200FFFF,  # 2^256 and more
        0x21010000,
        0x23000001,
        0xFF123456,
        0x1E0000FF,  # Bitcoin takes it, but 0x1c00ff00 is shorter
        0x03000080,
        0x02123456,  # bits below one
        -1,
        1 << 32 | 0x1D00FFFF,
    ],
)
def test_expand_refuses(bits: int) -> None:
    with pytest.raises(RuleViolation) as caught:
        expand(bits)
    assert caught.value.code == RuleCode.HEADER_TARGET


@steady
@given(st.integers(0, (1 << 32) - 1))
def test_expand_takes_canonical_values_only(bits: int) -> None:
    try:
        target = expand(bits)
    except RuleViolation:
        # what it stands for by Bitcoin's rules has another form, or is no target at all
        size, mantissa = bits >> 24, bits & 0x7FFFFF
        meant = mantissa * 256 ** (size - 3) if size > 3 else mantissa // 256 ** (3 - size)
        assert bits & 0x800000 or not 0 < meant < 1 << 256 or compact(meant) != bits
    else:
        assert 0 < target < 1 << 256
        assert compact(target) == bits


@pytest.mark.parametrize("target", [0, -1, 1 << 256])
def test_compact_refuses(target: int) -> None:
    with pytest.raises(RuleViolation) as caught:
        compact(target)
    assert caught.value.code == RuleCode.FIELD_RANGE


@steady
@given(targets, st.integers(1, 1000))
def test_work_is_the_expected_number_of_hashes(target: int, factor: int) -> None:
    exact = Fraction(1 << 256, target + 1)
    assert work(target, factor) == exact.__floor__() * factor
    assert work(target, factor) >= factor


@pytest.mark.parametrize(
    "values",
    [
        (0, 1, 1, 1, 1),
        (1, 0, 1, 1, 1),
        (1, 2, 1, 1, 1),
        (1, 1, 1 << 256, 1, 1),
        (1, 1, 1, 0, 1),
        (1, 1, 1, 1, 0),
    ],
)
def test_params_are_checked(values: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(RuleViolation) as caught:
        WorkParams(*values)
    assert caught.value.code == RuleCode.SPEC_VALUE


# ---- aserti3-2d ------------------------------------------------------------------------------------------------


def slow_asert(initial: int, exponent: int) -> int:
    """The specification's formula over exact rationals, floored once."""
    whole, part = divmod(exponent, 65536)
    cubic = 195766423245049 * part + 971821376 * part**2 + 5127 * part**3 + 2**47
    factor = Fraction(65536 + cubic // 2**48, 65536)
    return max(1, int(initial * factor * Fraction(2) ** whole))


def load_runs() -> list[dict]:
    return json.loads((Path(__file__).parents[1] / "vectors" / "asert.json").read_text())["runs"]


@pytest.mark.parametrize("run", load_runs(), ids=lambda run: run["description"].split(":")[0])
def test_asert_vectors(run: dict) -> None:
    limit = expand(0x1D00FFFF)
    anchor = expand(int(run["anchor_bits"], 16))
    for height, time, bits in run["points"]:
        late = time - run["anchor_parent_time"] - 600 * (height - run["anchor_height"] + 1)
        # Bitcoin Cash divides as C does; the protocol floors, so the exponent is computed here
        exponent = int(Fraction(late * 65536, 172_800))
        assert hex(compact(min(limit, asert(anchor, exponent)))) == hex(int(bits, 16)), height


@steady
@given(targets, st.integers(-300 * 65536, 300 * 65536))
def test_asert_equals_the_rational_formula(initial: int, exponent: int) -> None:
    assert asert(initial, exponent) == slow_asert(initial, exponent)


@steady
@given(st.integers(0, 65535))
def test_asert_follows_the_exponential(part: int) -> None:
    getcontext().prec = 40
    exact = Decimal(2) ** (Decimal(part) / 65536)
    ours = Decimal(asert(1 << 200, part)) / (1 << 200)
    assert abs(ours / exact - 1) < Decimal("0.00013")


@steady
@given(st.one_of(targets, st.integers(1, 100)), st.integers(-300 * 65536, 300 * 65536), st.integers(1, 70_000))
def test_asert_never_falls(initial: int, exponent: int, more: int) -> None:
    assert asert(initial, exponent) <= asert(initial, exponent + more)


def test_asert_never_falls_across_one_doubling() -> None:
    values = [asert(1 << 100, e) for e in range(-3, 65536 + 3)]
    assert all(a <= b for a, b in pairwise(values))
    assert values[3 + 65536] == 2 * values[3] > values[3 + 65535]


# ---- drift -----------------------------------------------------------------------------------------------------


def slow_next(parent: StreamDrift, delta: int, merged: list[int], params: WorkParams) -> StreamDrift:
    """Protocol §5 letter by letter."""
    T, halflife = params.interval_ms, params.halflife_ms
    exact = min(params.pow_limit, slow_asert(params.initial_target, parent.drift * 65536 // halflife))
    cap = 80 * T
    credit = min(parent.gap + delta, cap) - min(parent.gap, cap)
    debit = 0
    for target in merged:
        debit += min(4 * T, T * exact // target)
    low, high = drift_bounds(params)
    drift = min(max(parent.drift + credit - debit, low), high)
    return StreamDrift(drift, 0 if debit > 0 else parent.gap + delta)


drifts = st.builds(StreamDrift, drift=st.integers(-1_900_000, 2_000_000), gap=st.integers(0, 2_000_000))
easy_or_hard = st.integers(180, 256).flatmap(lambda bits: st.integers(1, (1 << bits) - 1))


@steady
@given(drifts, st.integers(0, 2_000_000), st.lists(easy_or_hard, max_size=6), streams)
def test_next_drift_equals_the_letter(start, delta, merged, params) -> None:
    assert next_drift(start, delta, merged, params) == slow_next(start, delta, merged, params)
    assert next_drift(start, delta, iter(merged[::-1]), params) == slow_next(start, delta, merged, params)


@pytest.mark.parametrize("params", [*STREAMS, WorkParams(1000, 5, 5, 1000, 1), WorkParams(1000, 1, 1, 100_000, 1)])
def test_bounds_of_drift(params: WorkParams) -> None:
    low, high = drift_bounds(params)
    assert low == -250 * params.halflife_ms
    assert target_of(params, high) == params.pow_limit
    assert high == low or target_of(params, high - 1) < params.pow_limit
    assert target_of(params, high + 10 * params.halflife_ms) == params.pow_limit


@pytest.mark.parametrize(
    ("gap", "delta", "credit"),
    [
        (0, 79_999, 79_999),
        (0, 80_000, 80_000),
        (0, 80_001, 80_000),
        (79_000, 5_000, 1_000),
        (80_000, 1_000, 0),
        (10**9, 10**9, 0),
    ],
)
def test_credit_ends_at_eighty_intervals(gap: int, delta: int, credit: int) -> None:
    assert next_drift(StreamDrift(-500_000, gap), delta, (), B_DEV) == StreamDrift(-500_000 + credit, gap + delta)


def test_debits_by_hand() -> None:
    own = target_of(B_DEV, -500_000)
    start = StreamDrift(-500_000, 700)
    assert next_drift(start, 300, [own], B_DEV) == StreamDrift(-500_700, 0)
    assert next_drift(start, 300, [own, 2 * own, own // 3], B_DEV).drift == -500_000 + 300 - 1_000 - 500 - 3_000
    # a block 100 times harder than needed counts as four
    assert next_drift(start, 300, [own // 100], B_DEV).drift == -500_000 + 300 - 4_000


def test_initial_target_at_genesis() -> None:
    for params in STREAMS:
        assert target_of(params, GENESIS_DRIFT.drift) == params.initial_target
        assert target_of(params, params.halflife_ms) == 2 * params.initial_target
        assert target_of(params, -params.halflife_ms) == params.initial_target // 2


@steady
@given(drifts, st.lists(st.integers(0, 400_000), min_size=1, max_size=8), streams)
def test_splitting_time_changes_nothing(start: StreamDrift, deltas: list[int], params: WorkParams) -> None:
    """Blocks of other streams pass the time on without rounding, whatever their number."""
    step = start
    for delta in deltas:
        step = next_drift(step, delta, (), params)
    assert step == next_drift(start, sum(deltas), (), params)


@steady
@given(drifts, st.integers(0, 400_000), st.lists(easy_or_hard, max_size=4), easy_or_hard, streams)
def test_time_eases_and_blocks_harden(start, delta, merged, extra, params) -> None:
    usual = next_drift(start, delta, merged, params).drift
    assert next_drift(start, delta + 1, merged, params).drift >= usual
    assert next_drift(start, delta, [*merged, extra], params).drift <= usual


@steady
@given(streams, st.integers(-1_000_000, 0), st.lists(easy_or_hard, min_size=1, max_size=20))
def test_reds_cost_what_they_weigh(params: WorkParams, drift: int, reds: list[int]) -> None:
    """Merged blocks lower drift by no more than an interval per expected block's worth of their own work."""
    expected = target_of(params, drift)
    start = StreamDrift(drift, 0)
    lost = drift - next_drift(start, 0, reds, params).drift
    assert lost <= sum(Fraction(params.interval_ms * expected, target) for target in reds)
    assert lost <= 4 * params.interval_ms * len(reds)


def test_blocks_at_the_limit_do_not_raise_difficulty() -> None:
    drift = -10 * A_TEST.halflife_ms
    start = StreamDrift(drift, 0)
    # 2^26 times easier than the chain's own: each floors to nothing, so the gap runs on as well
    assert next_drift(start, 500, [A_TEST.pow_limit] * 256, A_TEST) == StreamDrift(drift + 500, 500)


@pytest.mark.parametrize("params", STREAMS)
def test_rate_one_is_a_steady_state(params: WorkParams) -> None:
    """A block an interval at the chain's own target leaves the target within the header's rounding."""
    state = GENESIS_DRIFT
    for _ in range(2_000):
        header_target = expand(compact(target_of(params, state.drift)))
        state = next_drift(state, params.interval_ms, [header_target], params)
    assert abs(state.drift) <= params.interval_ms // 100 + params.halflife_ms // 10_000
    assert state.gap == 0


def mine(state: StreamDrift, params: WorkParams, hashes_per_ms: Fraction, until_ms: int) -> tuple[StreamDrift, list]:
    """A lone miner who always needs exactly the expected time; returns the state and (start, length) of intervals."""
    now, times = 0, []
    while now < until_ms:
        header_target = expand(compact(target_of(params, state.drift)))
        length = max(1, int(Fraction(1 << 256, header_target + 1) / hashes_per_ms))
        state = next_drift(state, length, [header_target], params)
        times.append((now, length))
        now += length
    return state, times


def rate_for(params: WorkParams, doublings: int) -> Fraction:
    """Hash rate that needs the initial target shifted by ``doublings`` for one block an interval."""
    return Fraction(1 << 256, params.initial_target + 1) / params.interval_ms * Fraction(2) ** doublings


@pytest.mark.parametrize("params", [A_DEV, B_DEV, FAST])
@pytest.mark.parametrize("doublings", [-3, 0, 3])
def test_interval_is_reached_from_any_hash_rate(params: WorkParams, doublings: int) -> None:
    _, times = mine(GENESIS_DRIFT, params, rate_for(params, doublings), 12 * params.halflife_ms)
    late = [length for start, length in times if start > 9 * params.halflife_ms]
    mean = Fraction(sum(late), len(late))
    assert abs(mean - params.interval_ms) <= params.interval_ms / Fraction(50)


@pytest.mark.parametrize("params", [A_DEV, B_DEV, A_TEST])
@pytest.mark.parametrize("pieces", [1, 1_000])
def test_a_stopped_stream_resumes_without_a_flood(params: WorkParams, pieces: int) -> None:
    """After a day without a block, in one step or seen by other streams' blocks, at most 80 blocks are made up."""
    hash_rate = rate_for(params, 0)
    state, _ = mine(GENESIS_DRIFT, params, hash_rate, 20 * params.interval_ms)
    day = 86_400_000
    for _ in range(pieces):
        state = next_drift(state, day // pieces, (), params)
    assert state.gap == day
    span = 10 * params.halflife_ms
    _, times = mine(state, params, hash_rate, span)
    assert len(times) <= span // params.interval_ms + 80 + 2


@settings(steady, max_examples=50)
@given(st.lists(st.tuples(st.integers(1, 5_000), st.integers(0, 3)), min_size=1, max_size=60), streams)
def test_drift_is_the_exact_balance(steps: list[tuple[int, int]], params: WorkParams) -> None:
    """Within the bounds drift is elapsed time less debits to the millisecond, whatever the pattern."""
    state, elapsed, debits = GENESIS_DRIFT, 0, 0
    low, high = drift_bounds(params)
    for delta, count in steps:
        exact = target_of(params, state.drift)
        merged = [expand(compact(exact))] * count
        debits += sum(min(4 * params.interval_ms, params.interval_ms * exact // target) for target in merged)
        elapsed += delta
        state = next_drift(state, delta, merged, params)
        if not low < state.drift < high or state.gap >= 80 * params.interval_ms:
            return
        assert state.drift == elapsed - debits
