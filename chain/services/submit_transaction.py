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
from chain.services.deferred import Deferred
from chain.services.pool.wire import AddResult

log = structlog.get_logger(__name__)


class TransactionPool(Protocol):
    """The door of the pool."""

    def offer(self, tx: Transaction, raw: bytes) -> Deferred[AddResult]:
        """Take a transaction or raise ``PoolRejection``, at once or later."""


def submit_transaction(raw: bytes, spec: ChainSpec, pool: TransactionPool) -> Deferred[bytes]:
    """Take a transaction into the pool; a repeat answers the same hash.

    Parameters
    ----------
    raw : bytes
        An EIP-2718 envelope, or a legacy transaction's RLP.

    Returns
    -------
    Deferred of bytes
        The transaction's hash, once the pool has it; its error where the pool does not take it.

    Raises
    ------
    RuleViolation
        The bytes are no transaction of this network.
    PoolRejection
        The node's policy is against it.
    """
    try:
        tx = decode_transaction(raw)
        check_transaction_in_isolation(tx, spec)
        answer = pool.offer(tx, raw)
    except (PoolRejection, RuleViolation) as refusal:
        metrics.transaction_refused(refusal.code)
        raise

    def conclude(_result: AddResult | None, error: Exception | None) -> bytes:
        if error is None:
            return tx.hash
        if isinstance(error, PoolRejection):
            metrics.transaction_refused(error.code)
        else:
            # many are taken in one step, so the step's own lines name none of them
            log.warning("transaction not taken", tx=tx.hash.hex(), error=str(error))
        raise error

    return answer.map(conclude)
