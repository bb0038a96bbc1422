"""The parameter k of GHOSTDAG for a rate of blocks (protocol §2)."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

from chain.core.errors import RuleCode, RuleViolation

Number = int | str | float | Decimal | Fraction

MAX_MEAN = 10_000
_FIRST_PRECISION = 128


def k_for_rate(delay_s: Number, rate: Number, risk: Number) -> int:
    """The least k with ``P[Poisson(2·D·λ) > k] < δ``.

    An honest block's anticone is what others made during one delay before and one after it, so its size
    is Poisson of mean 2·D·λ at most (Sompolinsky, Wyborski, Zohar, eprint 2018/104, §4.2).  The answer is
    exact: sums are kept between integer bounds that are tightened until they decide.

    Parameters
    ----------
    delay_s : number
        D, an upper bound of the network's delay in seconds.  Floats are read by their decimal digits.
    rate : number
        λ, work blocks a second over all streams.
    risk : number
        δ, 0 < δ < 1: how often an honest block may exceed k.

    Returns
    -------
    int
        k ≥ 0; 19 for 5 s, 1.1/s, 0.01.

    Raises
    ------
    RuleViolation
        ``spec_value`` for negative, unreadable or out-of-range arguments (2·D·λ at most 10 000).
    """
    delay, speed, delta = (_fraction(value) for value in (delay_s, rate, risk))
    mean = 2 * delay * speed
    if delay < 0 or speed < 0 or mean > MAX_MEAN:
        raise RuleViolation(RuleCode.SPEC_VALUE, str(mean), f"0 ≤ 2·D·λ ≤ {MAX_MEAN}")
    if not 0 < delta < 1:
        raise RuleViolation(RuleCode.SPEC_VALUE, str(delta), "0 < δ < 1")
    if mean == 0:
        return 0
    precision = _FIRST_PRECISION
    # e^mean is irrational, so no bound is ever met exactly and enough bits always decide
    while (k := _least_k(mean, delta, precision)) is None:
        precision *= 2
    return k


def _least_k(mean: Fraction, risk: Fraction, precision: int) -> int | None:
    """The answer, or None when ``precision`` bits leave it open."""
    lows, highs = _exponential_sums(mean, precision)
    # P[N ≤ k] = sum_k / e^mean, so the condition reads sum_k > (1 − risk)·e^mean
    share, unit = (1 - risk).as_integer_ratio()
    for k, (low, high) in enumerate(zip(lows, highs)):
        if low * unit > share * highs[-1]:
            return k
        if high * unit > share * lows[-1]:
            return None
    return None


def _exponential_sums(mean: Fraction, precision: int) -> tuple[list[int], list[int]]:
    """Bounds of the partial sums of Σ mean^j / j!, times 2^precision; the last pair bounds e^mean."""
    above, below = mean.as_integer_ratio()
    low = high = low_sum = high_sum = 1 << precision
    lows, highs = [low_sum], [high_sum]
    j = 0
    # from j ≥ 2·mean on every term is at most half of the one before: the rest is at most the last term
    while j < 2 * mean or high > 1:
        j += 1
        low = low * above // (below * j)
        high = -(-high * above // (below * j))
        low_sum += low
        high_sum += high
        lows.append(low_sum)
        highs.append(high_sum)
    lows.append(low_sum)
    highs.append(high_sum + high)
    return lows, highs


def _fraction(value: Number) -> Fraction:
    try:
        return Fraction(str(value) if isinstance(value, float) else value)
    except (ValueError, ZeroDivisionError, OverflowError):
        raise RuleViolation(RuleCode.SPEC_VALUE, str(value), "a finite number") from None
