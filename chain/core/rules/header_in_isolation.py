"""What a header must satisfy by itself, without its parents (protocol §4)."""

from __future__ import annotations

from itertools import pairwise

from chain.core.difficulty import expand
from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.seals.checks import check_seal_shape
from chain.core.spec import ChainSpec
from chain.core.types import Header, Stream


def check_header_in_isolation(header: Header, spec: ChainSpec) -> None:
    """Structure of a header; the version is exact only in context, where the work_score is known.

    Raises
    ------
    RuleViolation
        HEADER_* naming what is wrong, with got and expected.
    """
    versions = (spec.version, *[upgrade.version for upgrade in spec.upgrades])
    if header.version not in versions:
        raise RuleViolation(RuleCode.HEADER_VERSION, header.version, versions)
    if header.chain_id != spec.chain_id:
        raise RuleViolation(RuleCode.HEADER_CHAIN_ID, header.chain_id, spec.chain_id)
    if header.stream not in (Stream.A, Stream.B, Stream.C):
        raise RuleViolation(RuleCode.HEADER_STREAM, header.stream, (1, 2, 3))
    if not 1 <= len(header.parents) <= spec.max_parents:
        raise RuleViolation(RuleCode.HEADER_PARENT_COUNT, len(header.parents), f"1 to {spec.max_parents}")
    for one, other in pairwise(header.parents):
        if one >= other:
            raise RuleViolation(RuleCode.HEADER_PARENT_ORDER, (one, other), "distinct, ascending")
    if len(header.extra) > 32:
        raise RuleViolation(RuleCode.HEADER_EXTRA_LENGTH, len(header.extra), 32)
    check_seal_shape(header.stream, header.seal)
    _check_target(header, spec)


def check_header_arrival(header: Header, spec: ChainSpec, now_ms: int) -> None:
    """Park a header whose time lies more than ``future_drift_ms`` ahead of the local clock.

    Raises
    ------
    NotYet
        TOO_EARLY with the time at which it may be tried again.
    """
    until = header.timestamp_ms - spec.future_drift_ms
    if until > now_ms:
        raise NotYet(WaitCode.TOO_EARLY, until=until)


def _check_target(header: Header, spec: ChainSpec) -> None:
    if header.stream == Stream.C:
        if header.target != 0:
            raise RuleViolation(RuleCode.HEADER_TARGET, header.target, 0)
        return
    limit = spec.stream(header.stream).pow_limit
    target = expand(header.target)
    if not 0 < target <= limit:
        raise RuleViolation(RuleCode.HEADER_TARGET, target, f"1 to {limit}")
