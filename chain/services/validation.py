"""Stateless validation of a block: what needs neither its parents nor the database (house: life of a block).

A small block is validated where it arrives; a large one by a `validate` worker, so that several
are decoded and their senders recovered in parallel.  Both ways run ``check_body_in_isolation``.
"""

from __future__ import annotations

from collections.abc import Sequence

import structlog

from chain import metrics
from chain.core.codec import decode_block, header_hash, pre_hash
from chain.core.difficulty import expand
from chain.core.errors import RuleViolation
from chain.core.rules.body_in_isolation import check_body_in_isolation
from chain.core.rules.header_in_isolation import check_header_in_isolation
from chain.core.seals.checks import check_work_seal
from chain.core.spec import ChainSpec
from chain.core.types import Block, Header, Stream, Transaction
from chain.kick import TaskName, kick
from chain.services.network import current_spec
from chain.stores import candidates
from chain.stores.connection import raw_connection

log = structlog.get_logger(__name__)


def check_header(header: Header, spec: ChainSpec) -> None:
    """Structure and, for A and B, the seal: cheap first.

    Raises
    ------
    RuleViolation
        HEADER_* or SEAL_ABOVE_TARGET.
    """
    check_header_in_isolation(header, spec)
    if Stream(header.stream).is_work:
        check_work_seal(header.stream, pre_hash(header), header.timestamp_ms, expand(header.target), header.seal)


def validate_block(block: Block, spec: ChainSpec, senders: Sequence[bytes] | None = None) -> tuple[Transaction, ...]:
    """Everything in isolation; returns the decoded transactions.

    Raises
    ------
    RuleViolation
        The block is invalid.
    BadDelivery
        The body is not the header's.
    """
    check_header(block.header, spec)
    return check_body_in_isolation(block, spec, senders)


def validate_candidate(block_hash: bytes) -> bool:
    """Validate a waiting candidate and keep its senders; False where there is nothing to do.

    Idempotent: a repeated call finds the candidate validated, refused or gone.
    """
    with structlog.contextvars.bound_contextvars(block=block_hash.hex()):
        return _validate_candidate(block_hash)


def _validate_candidate(block_hash: bytes) -> bool:
    raw = candidates.unvalidated(raw_connection(), block_hash)
    if raw is None:
        return False
    block = decode_block(raw)
    assert header_hash(block.header) == block_hash
    try:
        with metrics.block_checked("body"):
            transactions = check_body_in_isolation(block, current_spec())
    except RuleViolation as violation:
        log.info("block refused", code=violation.code, stage="validate")
        candidates.mark_refused(raw_connection(), block_hash, violation.code)
    else:
        senders = b"".join([tx.sender for tx in transactions])
        candidates.set_senders(raw_connection(), block_hash, senders)
    kick(TaskName.VIRTUAL)
    return True
