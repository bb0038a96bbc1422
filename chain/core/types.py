"""The frozen data that every rule speaks about.

Hashes, addresses, keys and roots are ``bytes``; amounts are wei; times are milliseconds unless the
name says otherwise.  Nothing here computes: hashing and encoding live in ``chain.core.codec``.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum
from typing import NamedTuple

ZERO_HASH = bytes(32)
ZERO_ADDRESS = bytes(20)
# keccak-256 of the empty string: the code hash of an account without code
EMPTY_CODE_HASH = bytes.fromhex("c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470")
UINT64_MAX = 2**64 - 1
UINT256_MAX = 2**256 - 1


class Stream(IntEnum):
    """A mining stream; the value is the header's ``stream`` field."""

    GENESIS = 0
    A = 1
    B = 2
    C = 3

    @property
    def is_work(self) -> bool:
        """Whether blocks of this stream carry proof of work."""
        return self in (Stream.A, Stream.B)


class BlockStatus(StrEnum):
    """The status ladder of a block; parked blocks have no status yet."""

    HEADER_ONLY = "header_only"
    BODY_VALID = "body_valid"
    CHAIN_VALID = "chain_valid"
    DISQUALIFIED = "disqualified"
    INVALID = "invalid"

    @property
    def has_body(self) -> bool:
        """Body-valid or further: may be a tip and be merged."""
        return self in (BlockStatus.BODY_VALID, BlockStatus.CHAIN_VALID, BlockStatus.DISQUALIFIED)


class Phase(IntEnum):
    """The phase of an epoch in which a transaction ran."""

    LOCAL = 1
    TRANSFER = 2
    CROSS = 3


class SkipReason(StrEnum):
    """Why a transaction of an epoch had no effect and may be included again."""

    NONCE = "nonce"
    FUNDS = "funds"
    BASE_FEE = "base_fee"
    SENDER_CODE = "sender_code"
    DELEGATED = "delegated"
    ROOM = "room"
    UNRUNNABLE = "unrunnable"


@dataclass(frozen=True)
class Header:
    """A block header; ``target`` is compact (nBits), ``seal`` the stream's list of byte strings."""

    version: int
    chain_id: int
    stream: int
    parents: tuple[bytes, ...]
    timestamp_ms: int
    target: int
    stream_counts: tuple[int, int, int]
    blue_score: int
    blue_work: int
    number: int
    coinbase: bytes
    vrf_key: bytes
    tx_root: bytes
    state_root: bytes
    receipts_root: bytes
    gas_used: int
    base_fee: int
    extra: bytes
    seal: tuple[bytes, ...]


@dataclass(frozen=True)
class Block:
    """A header and its body: EIP-2718 envelopes (legacy transactions: their RLP)."""

    header: Header
    transactions: tuple[bytes, ...]


class AccessEntry(NamedTuple):
    """One EIP-2930 access-list entry; slots are integers."""

    address: bytes
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Authorization:
    """One EIP-7702 authorization tuple as signed (not yet checked)."""

    chain_id: int
    address: bytes
    nonce: int
    y_parity: int
    r: int
    s: int


@dataclass(frozen=True, slots=True)
class Transaction:
    """A decoded transaction with its recovered sender.

    Legacy and type 1 have ``max_fee == max_priority_fee ==`` their gas price.  ``v`` is the legacy
    EIP-155 v or the y parity of a typed transaction, as it stands in the envelope.
    """

    type: int
    chain_id: int
    nonce: int
    max_priority_fee: int
    max_fee: int
    gas_limit: int
    to: bytes | None
    value: int
    data: bytes
    access_list: tuple[AccessEntry, ...]
    authorizations: tuple[Authorization, ...]
    v: int
    r: int
    s: int
    hash: bytes
    sender: bytes
    size: int
    is_simple: bool

    @property
    def upfront(self) -> int:
        """The most wei that the sender may owe: value + gas_limit × max_fee."""
        return self.value + self.gas_limit * self.max_fee


class Account(NamedTuple):
    """A state account; EIP-161-empty ones are represented by absence (``None``)."""

    nonce: int
    balance: int
    code_hash: bytes

    @property
    def is_empty(self) -> bool:
        """EIP-161: no nonce, no balance, no code."""
        return self.nonce == 0 and self.balance == 0 and self.code_hash == EMPTY_CODE_HASH


class Log(NamedTuple):
    """An EVM log; topics are 32 bytes each."""

    address: bytes
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Receipt:
    """The outcome of an accepted transaction at its place in the canonical order."""

    tx_hash: bytes
    status: int
    gas_used: int  # its own, after refunds
    cumulative_gas_used: int  # within the epoch
    effective_gas_price: int
    contract_address: bytes | None
    logs: tuple[Log, ...]
    phase: Phase
    lane: int  # source shard: the sender's
    block_hash: bytes  # the including block, first in consensus order
    position: int  # epoch position (the order of admission)


@dataclass(frozen=True, slots=True)
class Skipped:
    """A transaction that the epoch left out."""

    tx_hash: bytes
    reason: SkipReason
    block_hash: bytes
    sender: bytes


@dataclass(frozen=True, slots=True)
class EpochBlock:
    """What an epoch needs of one block of mergeset(X) \\ {SP} or of X itself.

    ``is_blue``: its colour in X's view.  ``earns``: blue, and not judged wrong by the commitments
    rule (protocol: after the last transaction); only then tips and rewards are paid for it.
    ``reward`` is its stream's reward in wei (0 for C).
    """

    hash: bytes
    stream: int
    coinbase: bytes
    is_blue: bool
    earns: bool
    reward: int
    transactions: tuple[Transaction, ...]  # () for a red C block


@dataclass(frozen=True, slots=True)
class EpochEnv:
    """The environment of an epoch; depends on the selected-chain block X alone."""

    number: int
    timestamp_ms: int
    prevrandao: bytes  # lot(X)
    base_fee: int
    coinbase: bytes  # X's
    gas_room: int
    tx_room: int
    minted: int  # before this epoch


@dataclass(frozen=True, slots=True)
class StateDiff:
    """New values of what changed.  ``None`` deletes an account; 0 deletes a slot."""

    accounts: dict[bytes, Account | None]
    slots: dict[tuple[bytes, int], int]
    codes: dict[bytes, bytes]  # code hash → code, new ones only


@dataclass(frozen=True, slots=True)
class SupplyChange:
    """Wei created and destroyed by one epoch; after = before + rewards − the rest."""

    rewards: int
    base_fees_burned: int
    tips_burned: int
    destroyed: int  # by SELFDESTRUCT


@dataclass(frozen=True, slots=True)
class EpochResult:
    """Everything an epoch produced.

    ``undo`` holds the values before of every key in ``diff`` (for undoing and for lattices);
    ``rewards`` is (coinbase, wei) in consensus order, zero amounts left out.
    """

    receipts: tuple[Receipt, ...]
    skipped: tuple[Skipped, ...]
    diff: StateDiff
    undo: StateDiff
    lattices: tuple[bytes, ...]  # 2048 bytes a shard
    state_root: bytes
    receipts_root: bytes
    gas_used: int
    logs_bloom: bytes  # 256 bytes
    admitted_count: int
    admitted_gas: int  # Σ gas_limit of admitted calls
    reserved_gas: int  # Σ gas_limit of all admitted transactions
    minted: int  # after
    supply: SupplyChange
    rewards: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class EpochSummary:
    """What later blocks need to remember of an executed epoch."""

    state_root: bytes
    receipts_root: bytes
    gas_used: int
    minted: int
    gas_left: int
    tx_left: int
    admitted_gas: int
    admitted_count: int
    next_base_fee: int
