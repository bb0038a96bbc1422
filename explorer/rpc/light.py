"""Transactions and receipts without what lists do not show."""

from __future__ import annotations

from chain.core.types import Transaction
from chain.rpc import formats
from chain.selectors.transactions import AcceptanceView

_SELECTOR = 2 + 2 * 4


def light_transaction(tx: Transaction, accepted: AcceptanceView) -> formats.Json:
    """A transaction of whose input only the selector is left."""
    answer = formats.transaction(tx, accepted)
    answer["input"] = answer["input"][:_SELECTOR]
    return answer


def light_receipt(tx: Transaction, accepted: AcceptanceView) -> formats.Json:
    """A receipt whose logs are null."""
    return {**formats.receipt(tx, accepted, ()), "logs": None, "logsBloom": None}
