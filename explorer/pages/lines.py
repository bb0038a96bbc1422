"""A transaction as a row of a list."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.transactions import decode_transaction
from chain.selectors.transactions import AcceptanceView
from explorer.decoding import method_name


@dataclass(frozen=True, slots=True)
class TransactionLine:
    """An accepted transaction; amounts in wei.  ``to`` is what it made where it made a contract."""

    hash: bytes
    number: int
    index: int
    timestamp_ms: int
    sender: bytes
    to: bytes | None
    is_creation: bool
    value: int
    fee: int
    is_success: bool
    phase: int
    method: str
    nonce: int

    @property
    def cursor(self) -> str:
        """Its place as a page's cursor."""
        return f"{self.number}-{self.index}"


def transaction_line(view: AcceptanceView) -> TransactionLine:
    """Make the row; the stored envelope is decoded with its known sender."""
    tx = decode_transaction(bytes(view.raw), bytes(view.sender))
    is_creation = tx.to is None
    return TransactionLine(
        hash=view.tx,
        number=view.number,
        index=view.index,
        timestamp_ms=view.timestamp_ms,
        sender=view.sender,
        to=view.contract_address if is_creation else tx.to,
        is_creation=is_creation,
        value=tx.value,
        fee=view.gas_used * view.effective_gas_price,
        is_success=bool(view.status),
        phase=view.phase,
        method="create" if is_creation else method_name(tx.data),
        nonce=tx.nonce,
    )
