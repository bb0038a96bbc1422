"""The one door for blocks, whoever made them: a miner of ours, a stranger's, a peer, a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import structlog
from django.conf import settings

from chain import metrics
from chain.core.codec import decode_block, header_hash
from chain.core.errors import NotYet, RequestCode, RequestError
from chain.core.rules.body_in_isolation import check_body_bounds, check_body_delivery, check_body_in_isolation
from chain.core.rules.header_in_isolation import check_header_arrival
from chain.core.types import Header
from chain.kick import TaskName, kick
from chain.services.network import current_spec, now_ms
from chain.services.validation import check_header
from chain.stores import candidates
from chain.stores.connection import raw_connection

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class SubmitResult:
    """``status``: "queued" for the writer, "validating" by a worker, "parked" until its time, "known"."""

    hash: bytes
    status: str


def submit_block(raw: bytes, source: str, senders: Sequence[bytes] | None = None, origin: str = "") -> SubmitResult:
    """Check a block in isolation, store it as a candidate and wake who goes on with it.

    Parameters
    ----------
    raw : bytes
        RLP [header, body].
    source : str
        "mined", "rpc", "peer" or "import".
    senders : sequence of bytes, optional
        Senders of the body that this node recovered before (its own pool's); never a stranger's.
    origin : str
        The stranger who brings it ("ip:…", "key:…"), for whom parked blocks are bounded; "" for this node itself.

    Raises
    ------
    RuleViolation
        The bytes or the block are invalid; nothing is stored.
    BadDelivery
        The body is not the header's; nothing is stored.
    RequestError
        LIMIT_EXCEEDED: it would have to be parked, and its origin has as many blocks parked as one may.
    """
    # the name is bound as soon as the bytes give one, and unbound here
    with structlog.contextvars.bound_contextvars(source=source, block=""):
        return _submit(raw, source, senders, origin)


def _submit(raw: bytes, source: str, senders: Sequence[bytes] | None, origin: str) -> SubmitResult:
    spec = current_spec()
    packed: bytes | None
    with metrics.block_checked("isolation"):
        block = decode_block(raw)
        block_hash = header_hash(block.header)
        structlog.contextvars.bind_contextvars(block=block_hash.hex())
        check_header(block.header, spec)
        until_ms = _earliest(block.header)
        inline = senders is not None or len(block.transactions) <= settings.MDS_VALIDATE_INLINE_TXS
        if senders is not None:
            # its transactions passed on their way into the pool; the writer, who decodes them, looks at the whole
            check_body_bounds(block, spec)
            packed = b"".join(senders)
        elif inline:
            transactions = check_body_in_isolation(block, spec)
            packed = b"".join([tx.sender for tx in transactions])
        else:
            check_body_delivery(block)
            check_body_bounds(block, spec)
            packed = None
    if origin:
        _check_allowance(block.header, len(raw), until_ms is not None, origin)
    fresh = candidates.add_candidate(
        raw_connection(),
        block_hash,
        raw,
        senders=packed,
        source=source,
        received_ms=now_ms(),
        until_ms=until_ms,
        origin=origin,
    )
    if not fresh:
        return SubmitResult(block_hash, "known")
    metrics.block_received(source, len(raw))
    if not inline:
        kick(TaskName.VALIDATE, block_hash.hex())
        return SubmitResult(block_hash, "validating")
    if until_ms is not None:
        return SubmitResult(block_hash, "parked")
    kick(TaskName.VIRTUAL)
    return SubmitResult(block_hash, "queued")


def _check_allowance(header: Header, size: int, is_early: bool, origin: str) -> None:
    """What goes into the DAG at once is always welcome; what must wait takes one of few places."""
    used = candidates.is_allowance_used(raw_connection(), origin, size)
    if used is None:
        return
    missing = candidates.unknown_among(raw_connection(), header.parents)
    if is_early or missing:
        raise RequestError(
            RequestCode.LIMIT_EXCEEDED,
            "too many of your blocks wait for their time or for parents that nobody knows",
            parked=used[0],
            parkedBytes=used[1],
            missing=missing,
        )


def take_validated(block_hash: bytes, raw: bytes, header: Header, senders: bytes, source: str) -> bool:
    """The door's last step for a block that passed in isolation elsewhere in this node; the writer is not woken.

    Parameters
    ----------
    senders : bytes
        20 bytes a transaction, recovered by this node.

    Returns
    -------
    bool
        False when the block is known.
    """
    fresh = candidates.add_candidate(
        raw_connection(),
        block_hash,
        raw,
        senders=senders,
        source=source,
        received_ms=now_ms(),
        until_ms=_earliest(header),
    )
    if fresh:
        metrics.block_received(source, len(raw))
    return fresh


def _earliest(header: Header) -> int | None:
    """The time in ms before which a block is too early; None where it is not."""
    try:
        check_header_arrival(header, current_spec(), now_ms())
    except NotYet as early:
        return early.until
    return None
