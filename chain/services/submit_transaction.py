"""A signed transaction into the pool: decode, rules in isolation, sender, policy, admission."""

from __future__ import annotations

from typing import Protocol

import structlog

from chain import metrics
from chain.core.errors import PoolRejection, RuleViolation
from chain.core.rules.tx_in_isolation import check_transaction_in_isolation
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction
from chain.core.types import Transaction
from chain.services.pool.wire import AddResult


class TransactionPool(Protocol):
    """The door of the pool."""

    async def add(self, tx: Transaction, raw: bytes) -> AddResult:
        """Take a transaction or raise ``PoolRejection``."""


async def submit_transaction(raw: bytes, spec: ChainSpec, pool: TransactionPool) -> bytes:
    """Take a transaction into the pool; a repeat answers the same hash.

    Parameters
    ----------
    raw : bytes
        An EIP-2718 envelope, or a legacy transaction's RLP.

    Returns
    -------
    bytes
        The transaction's hash.

    Raises
    ------
    RuleViolation
        The bytes are no transaction of this network.
    PoolRejection
        The pool does not take it.
    """
    try:
        tx = decode_transaction(raw)
        with structlog.contextvars.bound_contextvars(tx=tx.hash.hex()):
            check_transaction_in_isolation(tx, spec)
            await pool.add(tx, raw)
    except (PoolRejection, RuleViolation) as refusal:
        metrics.transaction_refused(refusal.code)
        raise
    return tx.hash
