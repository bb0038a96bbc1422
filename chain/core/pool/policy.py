"""What the pool takes at all, and the plain data that its rules speak of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import NamedTuple

from chain.core.errors import PoolCode, PoolRejection
from chain.core.types import Transaction

# the pool counts wei in 96 bits (eight times the token's cap); whatever needs more is not affordable
AMOUNT_BITS = 96
MAX_AMOUNT = 2**AMOUNT_BITS - 1
# nonces are counted in doubles by the store; no account gets there by sending transactions
MAX_NONCE = 2**48 - 1


@dataclass(frozen=True, slots=True)
class PoolPolicy:
    """Limits of the pool.

    ``max_count`` transactions and ``max_bytes`` of stored entries in all; a sender may have
    ``sender_pending`` executable and ``sender_queued`` transactions beyond a nonce gap.  Fees are wei
    per gas; a replacement raises both fees by ``bump_percent``.  ``max_call_gas`` is the largest call
    gas limit of any stream: beyond it no block could take a call.
    """

    max_count: int = 50_000
    max_bytes: int = 64 * 1024 * 1024
    sender_pending: int = 4_096
    sender_queued: int = 64
    min_tip: int = 0
    min_max_fee: int = 10**9
    bump_percent: int = 10
    lifetime_ms: int = 3 * 3600 * 1000
    max_call_gas: int = 30_000_000


# what one entry takes besides its envelope
ENTRY_BYTES = 113


class CodeKind(IntEnum):
    """What code a sender's account has (EIP-3607, EIP-7702)."""

    NONE = 0
    DELEGATED = 1
    CONTRACT = 2


class SenderState(NamedTuple):
    """A sender's account as the chain has it after the commit numbered ``sequence``."""

    nonce: int
    balance: int
    code: CodeKind
    sequence: int


class PoolEntry(NamedTuple):
    """One pooled transaction; fees in wei per gas, ``upfront`` in wei, ``raw`` its envelope."""

    hash: bytes
    sender: bytes
    nonce: int
    tip: int
    max_fee: int
    upfront: int
    arrival_ms: int
    gas_limit: int
    is_simple: bool
    raw: bytes

    @property
    def size(self) -> int:
        """Bytes that count towards ``PoolPolicy.max_bytes``."""
        return ENTRY_BYTES + len(self.raw)


class BlockLimits(NamedTuple):
    """What one block may hold: transactions, Σ gas limits of calls, bytes of the body's RLP."""

    txs: int
    call_gas: int
    body_bytes: int


def check_policy(tx: Transaction, policy: PoolPolicy) -> None:
    """Refuse what no state of the sender could make welcome.

    Raises
    ------
    PoolRejection
        UNDERPRICED, EXCEEDS_STREAM_GAS, NONCE_TOO_HIGH or INSUFFICIENT_FUNDS (more than can exist).
    """
    if tx.max_fee < policy.min_max_fee:
        raise PoolRejection(
            PoolCode.UNDERPRICED, "max fee per gas below the network's least base fee", got=tx.max_fee,
            expected=policy.min_max_fee,
        )  # fmt: skip
    if tx.max_priority_fee < policy.min_tip:
        raise PoolRejection(
            PoolCode.UNDERPRICED, "gas tip cap below the minimum", got=tx.max_priority_fee, expected=policy.min_tip
        )
    if not tx.is_simple and tx.gas_limit > policy.max_call_gas:
        raise PoolRejection(PoolCode.EXCEEDS_STREAM_GAS, got=tx.gas_limit, expected=policy.max_call_gas)
    if tx.nonce > MAX_NONCE:
        raise PoolRejection(PoolCode.NONCE_TOO_HIGH, got=tx.nonce, expected=MAX_NONCE)
    if tx.upfront > MAX_AMOUNT:
        raise PoolRejection(PoolCode.INSUFFICIENT_FUNDS, got=tx.upfront, expected=MAX_AMOUNT)


def pool_entry(tx: Transaction, raw: bytes, arrival_ms: int) -> PoolEntry:
    """A decoded transaction as the pool holds it; ``raw`` is its envelope."""
    return PoolEntry(
        tx.hash, tx.sender, tx.nonce, tx.max_priority_fee, tx.max_fee, tx.upfront, arrival_ms, tx.gas_limit,
        tx.is_simple, raw,
    )  # fmt: skip


def effective_tip(tip: int, max_fee: int, base_fee: int) -> int:
    """EIP-1559's tip at this base fee; negative where the transaction cannot run now."""
    return min(tip, max_fee - base_fee)


def replaceable_fee(fee: int, bump_percent: int) -> int:
    """The greatest fee that ``fee`` replaces: old ≤ this iff fee ≥ old × (100 + bump) / 100."""
    return fee * 100 // (100 + bump_percent)
