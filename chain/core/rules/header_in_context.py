"""What a header must satisfy beside its parents, and what its commitments must match (protocol §4, §6)."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.errors import RuleCode, RuleViolation
from chain.core.types import EpochSummary, Header, Stream


@dataclass(frozen=True, slots=True)
class HeaderContext:
    """What the past of a header says that its fields must be.

    ``target`` is compact, 0 for C.  ``latest_parent_slot`` is over every parent's timestamp.
    """

    version: int
    latest_parent_timestamp: int
    latest_parent_slot: int
    slot_ms: int
    target: int
    stream_counts: tuple[int, int, int]
    blue_score: int
    blue_work: int
    number: int


def check_header_in_context(header: Header, context: HeaderContext) -> None:
    """Past-derived fields and times.

    Raises
    ------
    RuleViolation
        HEADER_VERSION, TIMESTAMP_NOT_AFTER_PARENTS, SLOT_NOT_AFTER_PARENTS or WRONG_*.
    """
    if header.version != context.version:
        raise RuleViolation(RuleCode.HEADER_VERSION, header.version, context.version)
    if header.timestamp_ms <= context.latest_parent_timestamp:
        raise RuleViolation(
            RuleCode.TIMESTAMP_NOT_AFTER_PARENTS, header.timestamp_ms, f"> {context.latest_parent_timestamp}"
        )
    if header.stream == Stream.C and header.timestamp_ms // context.slot_ms <= context.latest_parent_slot:
        slot = header.timestamp_ms // context.slot_ms
        raise RuleViolation(RuleCode.SLOT_NOT_AFTER_PARENTS, slot, f"> {context.latest_parent_slot}")
    for code, got, expected in (
        (RuleCode.WRONG_TARGET, header.target, context.target),
        (RuleCode.WRONG_STREAM_COUNTS, header.stream_counts, context.stream_counts),
        (RuleCode.WRONG_BLUE_SCORE, header.blue_score, context.blue_score),
        (RuleCode.WRONG_BLUE_WORK, header.blue_work, context.blue_work),
        (RuleCode.WRONG_NUMBER, header.number, context.number),
    ):
        if got != expected:
            raise RuleViolation(code, got, expected)


def check_commitments(header: Header, parent: EpochSummary) -> None:
    """The deferred commitments against the selected parent's executed epoch.

    Raises
    ------
    RuleViolation
        WRONG_STATE_ROOT, WRONG_RECEIPTS_ROOT, WRONG_GAS_USED or WRONG_BASE_FEE: the block is then
        disqualified from the chain, not invalid.
    """
    for code, got, expected in (
        (RuleCode.WRONG_STATE_ROOT, header.state_root, parent.state_root),
        (RuleCode.WRONG_RECEIPTS_ROOT, header.receipts_root, parent.receipts_root),
        (RuleCode.WRONG_GAS_USED, header.gas_used, parent.gas_used),
        (RuleCode.WRONG_BASE_FEE, header.base_fee, parent.next_base_fee),
    ):
        if got != expected:
            raise RuleViolation(code, got, expected)


def commitments_match(header: Header, parent: EpochSummary) -> bool:
    """Whether ``check_commitments`` passes."""
    try:
        check_commitments(header, parent)
    except RuleViolation:
        return False
    return True
