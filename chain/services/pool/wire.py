"""Bytes between Python and the pool's scripts: records, states, answers."""

from __future__ import annotations

import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chain.core.codec import blake3_hash
from chain.core.errors import PoolCode, PoolRejection
from chain.core.pool import (
    MAX_AMOUNT,
    MAX_NONCE,
    AddCode,
    CodeKind,
    PoolEntry,
    PoolPolicy,
    SenderState,
    effective_tip,
    replaceable_fee,
)
from chain.core.types import EMPTY_CODE_HASH, Account, Transaction

# hash, sender, nonce, tip, max fee, upfront, arrival, gas limit, simple; then the envelope
HEAD = struct.Struct(">32s20sQ12s12s12sQQB")
# sequence, nonce, stop, from, count, code, balance, spent
SENDER = struct.Struct(">QQQQIB12s12s")
_TERMS = struct.Struct(">12s12sd")
_STATE = struct.Struct(">QQ12sB")
_ACCOUNT = struct.Struct(">20sQ12sB")
_PLACE = struct.Struct(">20sQ")
UNTOLD_CODE = 255
DELEGATION_PREFIX = b"\xef\x01\x00"


REJECTIONS = {
    AddCode.NONCE_LOW: PoolCode.NONCE_TOO_LOW,
    AddCode.NONCE_HIGH: PoolCode.NONCE_TOO_HIGH,
    AddCode.FUNDS: PoolCode.INSUFFICIENT_FUNDS,
    AddCode.REPLACEMENT: PoolCode.REPLACEMENT_UNDERPRICED,
    AddCode.HAS_CODE: PoolCode.SENDER_HAS_CODE,
    AddCode.SENDER_LIMIT: PoolCode.SENDER_LIMIT,
    AddCode.FULL: PoolCode.POOL_FULL,
}


class AddResult(NamedTuple):
    """One answer of the add script; ``number`` explains it (the sender's next nonce, a sequence)."""

    code: AddCode
    number: int

    @property
    def needs_state(self) -> bool:
        """The sender's account must be read and the transaction offered again."""
        return self.code in (AddCode.UNKNOWN_SENDER, AddCode.STALE_STATE)

    @property
    def is_doubtful(self) -> bool:
        """A refusal that the newest commit may have made wrong: the pool follows it a moment later."""
        return self.code in (AddCode.FUNDS, AddCode.REPLACEMENT, AddCode.SENDER_LIMIT, AddCode.NONCE_HIGH)

    def rejection(self, tx: Transaction) -> PoolRejection | None:
        """The coded error, None where the transaction is in the pool."""
        code = REJECTIONS.get(self.code)
        if code is None:
            return None
        if code in (PoolCode.NONCE_TOO_LOW, PoolCode.NONCE_TOO_HIGH):
            return PoolRejection(code, got=tx.nonce, expected=self.number)
        return PoolRejection(code, sender=tx.sender, nonce=tx.nonce)


@dataclass(frozen=True, slots=True)
class Sums:
    """What the pool holds."""

    count: int
    bytes: int
    pending: int
    rejected: dict[str, int]

    @property
    def queued(self) -> int:
        """Transactions beyond a nonce gap."""
        return self.count - self.pending


@dataclass(frozen=True, slots=True)
class PooledSender:
    """The pool's view of a sender: state nonce, first missing nonce after its executable run."""

    nonce: int
    next_nonce: int
    count: int


def amount(value: int) -> bytes:
    """Wei in 96 bits, more counts as the most."""
    return min(value, MAX_AMOUNT).to_bytes(12, "big")


def pack_record(tx: Transaction, raw: bytes, now_ms: int) -> bytes:
    """One transaction as the pool stores it; ``check_policy`` has passed, so that its amounts fit."""
    return (
        HEAD.pack(
            tx.hash,
            tx.sender,
            tx.nonce,
            amount(tx.max_priority_fee),
            amount(tx.max_fee),
            amount(tx.upfront),
            now_ms,
            tx.gas_limit,
            tx.is_simple,
        )
        + raw
    )


def unpack_record(record: bytes) -> PoolEntry:
    """The inverse of ``pack_record``."""
    tx_hash, sender, nonce, tip, max_fee, upfront, arrival, gas, simple = HEAD.unpack_from(record)
    return PoolEntry(
        tx_hash,
        sender,
        nonce,
        int.from_bytes(tip, "big"),
        int.from_bytes(max_fee, "big"),
        int.from_bytes(upfront, "big"),
        arrival,
        gas,
        simple == 1,
        record[HEAD.size :],
    )


def unpack_place(place: bytes) -> tuple[bytes, bytes]:
    """Sender and field of a transaction."""
    return place[:20], place[20:]


def unpack_sender(raw: bytes) -> PooledSender:
    """A sender's state field."""
    _, nonce, stop, _, count, _, _, _ = SENDER.unpack(raw)
    return PooledSender(nonce, stop, count)


def pack_terms(tx: Transaction, base_fee: int, bump_percent: int) -> bytes:
    """What it may replace, and its place among those that leave a full pool."""
    return _TERMS.pack(
        amount(replaceable_fee(tx.max_priority_fee, bump_percent)),
        amount(replaceable_fee(tx.max_fee, bump_percent)),
        float(effective_tip(tx.max_priority_fee, tx.max_fee, base_fee)),
    )


def sample_seed(seed: bytes) -> int:
    """48 even bits of a seed, for the choice of what a large pool offers."""
    return int.from_bytes(blake3_hash(b"mds/sample" + seed)[:6])


def pack_state(state: SenderState | None) -> bytes:
    """A sender's state as the add script takes it; empty for none."""
    if state is None:
        return b""
    return _STATE.pack(state.sequence, min(state.nonce, MAX_NONCE), amount(state.balance), state.code)


def pack_accounts(accounts: Mapping[bytes, Account | None], codes: Mapping[bytes, bytes]) -> bytes:
    """Accounts after a commit; ``codes`` are those that the commit brought."""
    parts = []
    pack, most = _ACCOUNT.pack, MAX_AMOUNT
    for address, account in accounts.items():
        if account is None:
            parts.append(pack(address, 0, bytes(12), CodeKind.NONE))
            continue
        nonce, balance, code_hash = account
        kind = 0
        if code_hash != EMPTY_CODE_HASH:
            kind = code_kind(codes[code_hash]) if code_hash in codes else UNTOLD_CODE
        parts.append(pack(address, min(nonce, MAX_NONCE), min(balance, most).to_bytes(12, "big"), kind))
    return b"".join(parts)


def code_kind(code: bytes) -> CodeKind:
    """Nothing, an EIP-7702 delegation, or a contract."""
    if not code:
        return CodeKind.NONE
    if len(code) == 23 and code.startswith(DELEGATION_PREFIX):
        return CodeKind.DELEGATED
    return CodeKind.CONTRACT


def add_arguments(
    items: Sequence[tuple[Transaction, bytes, SenderState | None]], base_fee: int, now_ms: int, policy: PoolPolicy
) -> list[bytes | int]:
    """Arguments of the add script."""
    arguments: list[bytes | int] = [
        now_ms,
        policy.max_count,
        policy.max_bytes,
        policy.sender_pending,
        policy.sender_queued,
    ]
    for tx, raw, state in items:
        arguments.append(pack_record(tx, raw, now_ms))
        arguments.append(pack_terms(tx, base_fee, policy.bump_percent))
        arguments.append(pack_state(state))
    return arguments


def add_results(answer: Sequence[int]) -> list[AddResult]:
    """Answers of the add script."""
    return [AddResult(AddCode(answer[i]), answer[i + 1]) for i in range(0, len(answer), 2)]


def sums(count: int, stats: Mapping[bytes, bytes]) -> Sums:
    """The pool's totals from its hash of counters."""
    rejected = {
        str(REJECTIONS[AddCode(int(name[9:]))]): int(value)
        for name, value in sorted(stats.items())
        if name.startswith(b"rejected:")
    }
    return Sums(count, int(stats.get(b"bytes", 0)), int(stats.get(b"pending", 0)), rejected)
