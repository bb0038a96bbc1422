"""Which transactions of an epoch run: decided once, over the state before it (protocol §8, admission)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chain.core.execution.overlay import CachedReader, delegate_of
from chain.core.types import EMPTY_CODE_HASH, EpochBlock, EpochEnv, Skipped, SkipReason, Transaction


class Admitted(NamedTuple):
    """A transaction that will run, and the block that includes it first."""

    tx: Transaction
    block: EpochBlock


class Admission(NamedTuple):
    """The outcome; an admitted transaction's epoch position is its index in ``admitted``."""

    admitted: list[Admitted]
    skipped: list[Skipped]
    call_gas: int  # Σ gas_limit of admitted calls
    reserved_gas: int  # Σ gas_limit of everything admitted


class _Sender:
    """What is known of a sender while the epoch is read."""

    __slots__ = ("balance", "delegated", "has_code", "has_one", "nonce")

    def __init__(self, address: bytes, reader: CachedReader) -> None:
        account = reader.get_account(address)
        self.nonce = 0
        self.balance = 0
        self.has_code = False
        self.delegated = False
        self.has_one = False
        if account is not None:
            self.nonce = account.nonce
            self.balance = account.balance
            if account.code_hash != EMPTY_CODE_HASH:
                self.delegated = delegate_of(reader.get_code(account.code_hash)) is not None
                self.has_code = not self.delegated


def admit(env: EpochEnv, blocks: Sequence[EpochBlock], reader: CachedReader) -> Admission:
    """Read the epoch in order and take what fits.

    Parameters
    ----------
    env : EpochEnv
        Gives the base fee and the room.
    blocks : sequence of EpochBlock
        mergeset(X) \\ {SP} ascending, then X; red C blocks hold no transactions.
    reader : CachedReader
        The state before the epoch.

    Returns
    -------
    Admission
        Skipped transactions take no room and defer nobody; repeats of a hash are dropped silently.
    """
    admitted: list[Admitted] = []
    skipped: list[Skipped] = []
    seen: set[bytes] = set()
    senders: dict[bytes, _Sender] = {}
    base_fee, gas_left, tx_left = env.base_fee, env.gas_room, env.tx_room
    call_gas = reserved_gas = 0
    for block in blocks:
        for tx in block.transactions:
            if tx.hash in seen:
                continue
            seen.add(tx.hash)
            address = tx.sender
            sender = senders.get(address)
            if sender is None:
                sender = senders[address] = _Sender(address, reader)
            gas_limit, max_fee = tx.gas_limit, tx.max_fee
            cost = tx.value + gas_limit * max_fee
            reason: SkipReason | None = None
            if tx.nonce != sender.nonce:
                reason = SkipReason.NONCE
            elif cost > sender.balance:
                reason = SkipReason.FUNDS
            elif max_fee < base_fee:
                reason = SkipReason.BASE_FEE
            elif sender.has_code:
                reason = SkipReason.SENDER_CODE
            elif sender.delegated and sender.has_one:
                reason = SkipReason.DELEGATED
            elif tx_left <= 0 or (gas_limit > gas_left and not tx.is_simple):
                reason = SkipReason.ROOM
            if reason is not None:
                skipped.append(Skipped(tx.hash, reason, block.hash, address))
                continue
            sender.nonce += 1
            sender.balance -= cost
            sender.has_one = True
            tx_left -= 1
            reserved_gas += gas_limit
            if not tx.is_simple:
                gas_left -= gas_limit
                call_gas += gas_limit
            admitted.append(Admitted(tx, block))
    return Admission(admitted, skipped, call_gas, reserved_gas)
