"""A small world for random epochs: users and contracts in every shard, and a strategy for their transactions.

The forwarders make random call chains: each takes the first word of its input as the next address and passes the
rest on, so a list of addresses in the data of a transaction is a path through accounts of any shard.
"""

from __future__ import annotations

import random
from typing import Any

from hypothesis import strategies as st

from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.shards import shard_of
from chain.core.transactions import intrinsic_gas
from chain.core.types import AccessEntry, Authorization, EpochBlock, Transaction
from tests.core.execution import asm
from tests.core.execution.build import (
    COINBASE_X,
    ETHER,
    GWEI,
    SHARDS,
    address_in,
    make_block,
    make_tx,
    sign_authorization,
    signer_in,
)

_SUB = 0x03
_COUNT = asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD)


def forwarder(op: int, tail: bytes) -> bytes:
    """Calls the account in word 0 with the rest of the input (and the value, if ``op`` takes one), then ``tail``."""
    value = bytes((asm.CALLVALUE,)) if op in (asm.CALL, asm.CALLCODE) else b""
    rest = asm.asm(asm.push(32), asm.CALLDATASIZE, _SUB)
    body = asm.asm(rest, asm.push(32), asm.push(0), asm.CALLDATACOPY)
    body += asm.asm(asm.push(0), asm.push(0), rest, asm.push(0), value, asm.push(0), asm.CALLDATALOAD, asm.GAS, op)
    body += bytes((asm.POP,))
    head_size = 5
    head = asm.asm(asm.CALLDATASIZE, asm.ISZERO, asm.push(head_size + len(body)), asm.JUMPI)
    assert len(head) == head_size
    return asm.asm(head, body, asm.JUMPDEST, tail)


_WORD = asm.asm(asm.push(0), asm.CALLDATALOAD)
_CHILD = asm.deployer(_COUNT)
_DOOMED = asm.asm(asm.sstore(1, asm.push(5)), asm.ADDRESS, asm.SELFDESTRUCT)
CONTRACTS = {
    "count": _COUNT,
    "forward": forwarder(asm.CALL, _COUNT),
    "borrow": forwarder(asm.DELEGATECALL, _COUNT),
    "look": forwarder(asm.STATICCALL, b""),
    "code": forwarder(asm.CALLCODE, _COUNT),
    "fail": forwarder(asm.CALL, asm.asm(asm.push(0), asm.push(0), asm.REVERT)),
    "burn": forwarder(asm.CALL, bytes((asm.INVALID,))),
    "read": asm.asm(_WORD, asm.BALANCE, asm.push(1), asm.SSTORE, _WORD, asm.EXTCODEHASH, asm.push(2), asm.SSTORE),
    "end": asm.asm(_WORD, asm.SELFDESTRUCT),
    "make": asm.asm(asm.create(_CHILD), asm.push(3), asm.SSTORE),
    "make2": asm.asm(asm.create(_CHILD, value=1, salt=7), asm.push(3), asm.SSTORE),
    "doom": asm.asm(asm.create(_DOOMED, value=3), asm.push(3), asm.SSTORE),
    "log": asm.asm(asm.CALLER, asm.push(0), asm.push(0), asm.LOG1, asm.push(0), asm.push(1), asm.SSTORE),
    "idle": b"\x00",
}
SIGNERS = [signer_in(shard, f"signer{n}") for shard in range(SHARDS) for n in range(2)]
USERS = [address for address, _ in SIGNERS]
KEYS = dict(SIGNERS)
POOR = [address_in(shard, "poor") for shard in range(SHARDS)]
DELEGATED = [address_in(shard, "delegated") for shard in range(SHARDS)]
SENDERS = USERS + POOR + DELEGATED
NAMES = sorted(CONTRACTS)
DEPLOYED = {(shard, name): address_in(shard, name) for shard in range(SHARDS) for name in NAMES}
PRECOMPILES = [number.to_bytes(20, "big") for number in (1, 2, 4)]
ACCOUNTS = SENDERS + list(DEPLOYED.values()) + [address_in(shard, "ghost") for shard in range(SHARDS)] + PRECOMPILES
BY_SHARD = [[a for a in ACCOUNTS if shard_of(a, SHARDS) == shard] for shard in range(SHARDS)]
START_NONCE = {**dict.fromkeys(USERS, 0), **dict.fromkeys(POOR, 2), **dict.fromkeys(DELEGATED, 1)}


def make_world() -> MemoryState:
    """The state before an epoch."""
    state = MemoryState()
    for address in USERS:
        state.put(address, 5 * ETHER)
    for address in POOR:
        state.put(address, 3 * 21_000 * 3 * GWEI, 2)
    for shard, address in enumerate(DELEGATED):
        target = DEPLOYED[shard if shard % 2 else (shard + 1) % SHARDS, "forward"]
        state.put(address, ETHER, 1, DELEGATION_PREFIX + target)
    for (_, name), address in DEPLOYED.items():
        state.put(address, 1_000, 1, CONTRACTS[name], {0: 1} if name == "count" else None)
    return state


def word(address: bytes) -> bytes:
    return address.rjust(32, b"\x00")


VALUES = [0, 0, 0, 1, 1, 5, 1_000, ETHER // 3, ETHER, 4 * ETHER]
GAS_LIMITS = [25_000, 60_000, 150_000, 400_000, 400_000, 400_000]
FEES = [(3 * GWEI, GWEI)] * 5 + [(GWEI, 0), (GWEI, GWEI), (2 * GWEI, 2 * GWEI), (5, 1)]


_WORLD = make_world()


class _Writer:
    """Writes one epoch from a seeded generator."""

    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.nonces = dict(START_NONCE)
        self.balances = {address: _WORLD.accounts[address].balance for address in SENDERS}
        self.active = self.rng.sample(USERS, self.rng.randint(1, 8)) * 4
        self.active += self.rng.sample(POOR, 1) + self.rng.sample(DELEGATED, 1) * 2

    def address(self, sender: bytes) -> bytes:
        """Any account, half of the time one of the sender's shard."""
        if self.rng.random() < 0.5:
            return self.rng.choice(BY_SHARD[shard_of(sender, SHARDS)])
        return self.rng.choice(ACCOUNTS)

    def transaction(self) -> Transaction:
        rng = self.rng
        sender = rng.choice(self.active)
        nonce = self.nonces[sender]
        slips = rng.random() < 0.04
        if slips:
            nonce = max(nonce + rng.choice([-1, 1]), 0)
        max_fee, priority = rng.choice(FEES)
        fields: dict[str, Any] = {"max_fee": max_fee, "max_priority_fee": priority, "gas_limit": 21_000}
        to, value, data = self.address(sender), rng.choice(VALUES), b""
        kind = rng.choice(["simple"] * 4 + ["call"] * 6 + ["create", "auth", "list"])
        if kind == "create":
            to, fields["gas_limit"] = None, 400_000
            data = rng.choice([_CHILD, _DOOMED, CONTRACTS["burn"]])
        elif kind != "simple":
            if rng.random() < 0.7:
                shards = [shard_of(sender, SHARDS), rng.randrange(SHARDS)]
                to = DEPLOYED[rng.choice(shards), rng.choice(NAMES)]
            data = b"".join(word(self.address(sender)) for _ in range(rng.randint(0, 4)))
            fields["gas_limit"] = rng.choice(GAS_LIMITS)
        if kind == "list":
            fields["access_list"] = [
                AccessEntry(self.address(sender), tuple(rng.sample(range(4), rng.randint(0, 2))))
                for _ in range(rng.randint(1, 2))
            ]
        if kind == "auth":
            fields["authorizations"] = [self.authorization(sender, nonce) for _ in range(rng.randint(1, 2))]
        tx = make_tx(sender, nonce, to, value, data, **fields)
        least = intrinsic_gas(tx)
        if tx.gas_limit < least:
            tx = make_tx(sender, nonce, to, value, data, **{**fields, "gas_limit": least})
        # later nonces go on from this one only if it will be admitted
        if not slips and max_fee >= GWEI and tx.upfront <= self.balances[sender]:
            self.nonces[sender] += 1
            self.balances[sender] -= tx.upfront
        return tx

    def authorization(self, sender: bytes, nonce: int) -> Authorization:
        rng = self.rng
        authority = rng.choice(USERS)
        at = nonce + 1 if authority == sender else self.nonces[authority]
        delegate = rng.choice([bytes(20), *DEPLOYED.values(), PRECOMPILES[0]])
        return sign_authorization(KEYS[authority], delegate, at + rng.choice([0, 0, 0, 1]))


def write_epoch(seed: int) -> list[EpochBlock]:
    """Three blocks of up to 24 random transactions with mostly right nonces, some repeated across blocks."""
    writer = _Writer(seed)
    rng = writer.rng
    txs = [writer.transaction() for _ in range(rng.randint(1, 24))]
    first, second = sorted(rng.randint(0, len(txs)) for _ in range(2))
    repeated = rng.sample(txs, min(len(txs), rng.choice([0, 0, 2])))
    return [
        make_block("m1", txs[:first], address_in(3, "miner"), is_blue=rng.random() < 0.5),
        make_block("m2", [*txs[first:second], *repeated], rng.choice(ACCOUNTS), earns=rng.random() < 0.5, reward=50),
        make_block("x", [*repeated, *txs[second:]], COINBASE_X),
    ]


def epochs() -> st.SearchStrategy[list[EpochBlock]]:
    """Random epochs."""
    return st.integers(0, 2**64 - 1).map(write_epoch)
