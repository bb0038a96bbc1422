"""Value transfers to accounts without code, run natively (protocol §8, EVM).

Indistinguishable from the EVM's result: 21 000 gas, status 1, no logs, no refund.
"""

from __future__ import annotations

from typing import NamedTuple

from chain.core.execution.overlay import StateOverlay, delegate_of
from chain.core.types import EMPTY_CODE_HASH, Account, Log, Transaction

TRANSFER_GAS = 21_000


class Executed(NamedTuple):
    """The outcome of one transaction, before it has its place in the canonical order.

    ``price`` is the effective gas price in wei; ``gas_used`` its own, after refunds.
    """

    position: int
    status: int
    gas_used: int
    price: int
    logs: tuple[Log, ...]
    contract_address: bytes | None


def effective_gas_price(tx: Transaction, base_fee: int) -> int:
    """EIP-1559: min(max_fee, base fee + max_priority_fee), in wei."""
    price = base_fee + tx.max_priority_fee
    return price if price < tx.max_fee else tx.max_fee


def can_run(tx: Transaction, account: Account | None, overlay: StateOverlay) -> bool:
    """Whether an admitted transaction can still run at its turn (protocol §8, admission).

    Parameters
    ----------
    tx : Transaction
        An admitted transaction.
    account : Account or None
        Its sender's account now.
    overlay : StateOverlay
        Where the sender's code is read (EIP-3607; a delegation does not count as code).
    """
    if account is None:
        return tx.nonce == 0 and tx.upfront == 0
    if account.nonce != tx.nonce or account.balance < tx.upfront:
        return False
    return account.code_hash == EMPTY_CODE_HASH or delegate_of(overlay.code(account.code_hash)) is not None


def is_native(tx: Transaction, overlay: StateOverlay) -> bool:
    """Whether a transaction is a simple transfer to an account that has no code now."""
    if not tx.is_simple or tx.to is None:
        return False
    account = overlay.account(tx.to)
    return account is None or account.code_hash == EMPTY_CODE_HASH


def run_transfer(tx: Transaction, position: int, base_fee: int, overlay: StateOverlay) -> Executed:
    """Run a simple transfer that can run and whose recipient has no code."""
    price = effective_gas_price(tx, base_fee)
    sender = overlay.account(tx.sender)
    nonce, balance, code_hash = sender if sender is not None else (0, 0, EMPTY_CODE_HASH)
    overlay.accounts[tx.sender] = Account(nonce + 1, balance - tx.value - TRANSFER_GAS * price, code_hash)
    assert tx.to is not None
    overlay.credit(tx.to, tx.value)
    return Executed(position, 1, TRANSFER_GAS, price, (), None)
