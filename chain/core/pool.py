"""Policy of the transaction pool: what is taken, what replaces what, in which order blocks take it.

Policy binds this node only.  The pool itself lives outside the core and applies these rules in one
atomic step a transaction; here they are stated on plain data.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Sequence
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

    ``max_count`` transactions and ``max_bytes`` of envelopes in all; a sender may have
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


def effective_tip(tip: int, max_fee: int, base_fee: int) -> int:
    """EIP-1559's tip at this base fee; negative where the transaction cannot run now."""
    return min(tip, max_fee - base_fee)


def replaceable_fee(fee: int, bump_percent: int) -> int:
    """The greatest fee that ``fee`` replaces: old ≤ this iff fee ≥ old × (100 + bump) / 100."""
    return fee * 100 // (100 + bump_percent)


def rlp_length(size: int, first: int) -> int:
    """Bytes of a byte string of ``size`` in RLP; ``first`` is its first byte."""
    if size == 1 and first < 0x80:
        return 1
    return size + (1 if size < 56 else 1 + (size.bit_length() + 7) // 8)


def list_prefix_length(payload: int) -> int:
    """Bytes of the prefix of an RLP list."""
    return 1 if payload < 56 else 1 + (payload.bit_length() + 7) // 8


def order_for_block(entries: Iterable[PoolEntry], base_fee: int, limits: BlockLimits) -> list[PoolEntry]:
    """Choose a block's transactions: best tip first, each sender's in nonce order, oldest first among equals.

    Parameters
    ----------
    entries : iterable of PoolEntry
        Executable runs: each sender's entries ascending and without a gap.
    base_fee : int
        Wei per gas of the block's own epoch.
    limits : BlockLimits
        A call that does not fit ends its sender's run; others go on.

    Returns
    -------
    list of PoolEntry
    """
    runs: dict[bytes, list[PoolEntry]] = {}
    for entry in entries:
        runs.setdefault(entry.sender, []).append(entry)
    heap = [_rank(run, 0, base_fee) for run in runs.values()]
    heapq.heapify(heap)
    chosen: list[PoolEntry] = []
    gas_left, payload = limits.call_gas, 0
    while heap and len(chosen) < limits.txs:
        negative_tip, _, _, index, run = heap[0]
        entry = run[index]
        size = payload + rlp_length(len(entry.raw), entry.raw[0])
        fits = (
            negative_tip <= 0
            and (entry.is_simple or entry.gas_limit <= gas_left)
            and size + list_prefix_length(size) <= limits.body_bytes
        )
        if not fits:
            heapq.heappop(heap)
            continue
        chosen.append(entry)
        payload = size
        if not entry.is_simple:
            gas_left -= entry.gas_limit
        if index + 1 < len(run):
            heapq.heapreplace(heap, _rank(run, index + 1, base_fee))
        else:
            heapq.heappop(heap)
    return chosen


def _rank(run: Sequence[PoolEntry], index: int, base_fee: int) -> tuple[int, int, bytes, int, Sequence[PoolEntry]]:
    entry = run[index]
    # the hash is unique, so that the comparison ends before it reaches the run
    return -effective_tip(entry.tip, entry.max_fee, base_fee), entry.arrival_ms, entry.hash, index, run
