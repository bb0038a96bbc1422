"""A stored block on its way into a replay: judged like one that a stranger sent."""

from __future__ import annotations

from chain.core.codec import pre_hash
from chain.core.consensus.engine import Arrival
from chain.core.difficulty import expand
from chain.core.rules.body_in_isolation import check_body_in_isolation
from chain.core.rules.header_in_isolation import check_header_in_isolation
from chain.core.seals.checks import check_work_seal
from chain.core.spec import ChainSpec
from chain.core.types import Block, Header, Stream
from chain.stores.audit import AuditedBlock


def arrival_of(stored: AuditedBlock, header: Header, spec: ChainSpec, *, seals: bool) -> Arrival:
    """Check a block in isolation and recover its senders; nothing of its rows is believed.

    Parameters
    ----------
    header : Header
        The stored one, without the hash that its row claims.
    seals : bool
        Check the proofs of work of A and B.

    Raises
    ------
    RuleViolation, BadDelivery
        The rows do not hold a valid block; a transaction that is missing counts as empty bytes.
    """
    check_header_of(header, spec, seals=seals)
    envelopes = tuple([row.raw or b"" for row in stored.body])
    transactions = check_body_in_isolation(Block(header, envelopes), spec)
    return Arrival(header, transactions, envelopes, stored.source, stored.received_ms)


def check_header_of(header: Header, spec: ChainSpec, *, seals: bool) -> None:
    """Check a header in isolation; errors as ``arrival_of``."""
    check_header_in_isolation(header, spec)
    if seals and Stream(header.stream).is_work:
        check_work_seal(header.stream, pre_hash(header), header.timestamp_ms, expand(header.target), header.seal)
