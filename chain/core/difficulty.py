"""Difficulty of the work streams: targets, work and their adjustment (protocol §5).

Each stream keeps an integer account of time, the *drift*: elapsed time is credited, each block of the
stream is debited, and the target is an exponential of the balance (aserti3-2d, Bitcoin Cash 2020).  The
account is carried from selected parent to child, so the target depends on the past alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from chain.core.errors import RuleCode, RuleViolation

# one full half-life of drift doubles the target; exponents are fixed-point with 16 fractional bits
_RADIX_BITS = 16
_RADIX = 1 << _RADIX_BITS
_MAX_DEBIT = 4
_MAX_CREDIT = 80
_LOWEST_HALFLIVES = 250
_TARGET_BITS = 256


@dataclass(frozen=True, slots=True)
class WorkParams:
    """What difficulty needs of a work stream.

    ``interval_ms`` is T_s; targets are integers, a greater one is easier; ``work_factor`` weighs one
    hash of this stream against another's.

    Raises
    ------
    RuleViolation
        ``spec_value`` for values that are not positive, a target of more than 256 bits or an initial
        target above the limit.
    """

    interval_ms: int
    initial_target: int
    pow_limit: int
    halflife_ms: int
    work_factor: int

    def __post_init__(self) -> None:
        if min(self.interval_ms, self.initial_target, self.halflife_ms, self.work_factor) < 1:
            raise RuleViolation(RuleCode.SPEC_VALUE, self, "positive values")
        if self.initial_target > self.pow_limit or self.pow_limit >> _TARGET_BITS:
            raise RuleViolation(RuleCode.SPEC_VALUE, self, "initial_target ≤ pow_limit < 2^256")


@dataclass(frozen=True, slots=True)
class StreamDrift:
    """A block's account of one stream, in ms; both are 0 at genesis.

    ``drift``: time credited less time debited.  ``gap``: time since the last debit.
    """

    drift: int
    gap: int


GENESIS_DRIFT = StreamDrift(0, 0)


def compact(target: int) -> int:
    """A target in Bitcoin's nBits form: one byte of length, a sign bit, 23 bits of mantissa.

    Parameters
    ----------
    target : int
        0 < target < 2^256; low bits beyond the mantissa are dropped.

    Raises
    ------
    RuleViolation
        ``field_range`` for a target that is not positive or does not fit 256 bits.
    """
    if target <= 0 or target >> _TARGET_BITS:
        raise RuleViolation(RuleCode.FIELD_RANGE, target, "0 < target < 2^256")
    size = (target.bit_length() + 7) // 8
    mantissa = target >> 8 * (size - 3) if size > 3 else target << 8 * (3 - size)
    if mantissa & 0x800000:
        mantissa >>= 8
        size += 1
    return size << 24 | mantissa


def expand(bits: int) -> int:
    """The target that an nBits value stands for.

    Only canonical values are taken: a header's must equal ``compact`` of a target in any case.

    Raises
    ------
    RuleViolation
        ``header_target`` for a value that is negative, zero, over 256 bits or not canonical.
    """
    size, mantissa = bits >> 24, bits & 0x7FFFFF
    if 0 <= bits < 1 << 32 and size <= 33 and not bits & 0x800000:
        target = mantissa << 8 * (size - 3) if size > 3 else mantissa >> 8 * (3 - size)
        if target and not target >> _TARGET_BITS and compact(target) == bits:
            return target
    raise RuleViolation(RuleCode.HEADER_TARGET, bits, "a canonical compact target")


def work(target: int, work_factor: int) -> int:
    """Expected hashes to meet a target, ``2^256 // (target + 1)``, times the stream's factor."""
    return (1 << _TARGET_BITS) // (target + 1) * work_factor


def asert(initial_target: int, exponent: int) -> int:
    """``initial_target × 2^(exponent / 65536)`` by aserti3-2d's cubic, without an upper limit.

    Source: the ASERT specification of Bitcoin Cash (2020-11-15); relative error under 0.013 %.

    Parameters
    ----------
    initial_target : int
        Target at exponent 0.
    exponent : int
        Signed, in 1/65536 of a doubling.

    Returns
    -------
    int
        At least 1.  Never falls when ``exponent`` rises.
    """
    shift, e = exponent >> _RADIX_BITS, exponent & (_RADIX - 1)
    factor = _RADIX + ((195766423245049 * e + 971821376 * e * e + 5127 * e * e * e + (1 << 47)) >> 48)
    product = initial_target * factor
    shift -= _RADIX_BITS
    return (product << shift if shift > 0 else product >> -shift) or 1


def target_of(params: WorkParams, drift: int) -> int:
    """target_s: the exact target of a block whose selected parent has this drift in ms."""
    return min(params.pow_limit, asert(params.initial_target, drift * _RADIX // params.halflife_ms))


@lru_cache(maxsize=64)
def drift_bounds(params: WorkParams) -> tuple[int, int]:
    """``(lo_s, hi_s)`` in ms: 250 half-lives down, and the least drift whose target is the limit."""
    low = -_LOWEST_HALFLIVES * params.halflife_ms
    # 256 doublings take any target over any limit, and the target never falls when drift rises
    below, above = low - 1, _TARGET_BITS * params.halflife_ms
    while above - below > 1:
        middle = (below + above) // 2
        if target_of(params, middle) == params.pow_limit:
            above = middle
        else:
            below = middle
    return low, above


def next_drift(parent: StreamDrift, delta_ms: int, targets: Iterable[int], params: WorkParams) -> StreamDrift:
    """The account of block X from that of its selected parent P.

    Parameters
    ----------
    parent : StreamDrift
        P's.
    delta_ms : int
        ts(X) − ts(P), not negative.
    targets : iterable of int
        Expanded header targets of the blocks of this stream in mergeset(X) without P, and of X itself
        when it is one; their order does not matter.
    params : WorkParams
        The stream's.

    Returns
    -------
    StreamDrift
        X's.
    """
    interval = params.interval_ms
    cap = _MAX_CREDIT * interval
    gap = parent.gap + delta_ms
    credit = min(gap, cap) - min(parent.gap, cap)
    expected = interval * target_of(params, parent.drift)
    debit = sum(min(_MAX_DEBIT * interval, expected // target) for target in targets)
    low, high = drift_bounds(params)
    drift = max(low, min(high, parent.drift + credit - debit))
    return StreamDrift(drift, 0 if debit > 0 else gap)
