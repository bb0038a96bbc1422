"""A transaction as a row of a list."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from chain.core.transactions import decode_transaction
from chain.selectors.transactions import AcceptanceView
from chain.stores.connection import Connection
from explorer.contract_abi import ContractAbi
from explorer.decoding import method_name
from explorer.published import abis_of


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


def transaction_lines(conn: Connection, views: Iterable[AcceptanceView]) -> list[TransactionLine]:
    """Rows of a list; calls whose function is not known to everybody are named by published ABIs, if there are any."""
    lines = [transaction_line(view) for view in views]
    unnamed = [line for line in lines if _is_selector(line.method)]
    if not unnamed:
        return lines
    abis = abis_of(conn, [line.to for line in unnamed])
    return [_named(line, abis) for line in lines] if abis else lines


def _is_selector(method: str) -> bool:
    return method.startswith("0x") and len(method) == 10


def _named(line: TransactionLine, abis: Mapping[bytes, ContractAbi]) -> TransactionLine:
    abi = abis.get(line.to) if line.to is not None and _is_selector(line.method) else None
    found = abi.functions.get(bytes.fromhex(line.method[2:])) if abi else None
    return replace(line, method=found.name) if found else line


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
