"""The pool's rules once more, plainly and slowly: what the scripts must agree with."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

from chain.core.pool import CodeKind, PoolPolicy, SenderState
from chain.core.types import Transaction
from chain.services.pool.wire import AddCode


def make_tx(  # one transaction without a signature: the pool never looks at it
    sender: bytes = b"\x01" * 20,
    nonce: int = 0,
    tip: int = 10**9,
    max_fee: int = 10**10,
    value: int = 0,
    gas_limit: int = 21_000,
    data: bytes = b"",
    salt: int = 0,
) -> Transaction:
    text = repr((sender, nonce, tip, max_fee, value, gas_limit, data, salt)).encode()
    return Transaction(
        type=2, chain_id=1, nonce=nonce, max_priority_fee=tip, max_fee=max_fee, gas_limit=gas_limit, to=b"\x99" * 20,
        value=value, data=data, access_list=(), authorizations=(), v=0, r=1, s=1, hash=hashlib.sha256(text).digest(),
        sender=sender, size=110 + len(data), is_simple=gas_limit == 21_000 and not data,
    )  # fmt: skip


def raw_of(tx: Transaction) -> bytes:
    """Bytes that stand for the envelope: as long as it says."""
    return tx.hash + bytes(max(0, tx.size - 32))


@dataclass
class ModelSender:
    nonce: int
    balance: int
    code: CodeKind
    txs: dict[int, Transaction] = field(default_factory=dict)

    @property
    def stop(self) -> int:
        nonce = self.nonce
        while nonce in self.txs:
            nonce += 1
        return nonce

    @property
    def spent(self) -> int:
        return sum(tx.upfront for tx in self.txs.values())


@dataclass
class ModelPool:
    policy: PoolPolicy
    senders: dict[bytes, ModelSender] = field(default_factory=dict)
    flight: set[bytes] = field(default_factory=set)

    def all(self) -> dict[bytes, Transaction]:
        return {tx.hash: tx for sender in self.senders.values() for tx in sender.txs.values()}

    def add(self, tx: Transaction, state: SenderState | None) -> AddCode:
        if tx.hash in self.all():
            return AddCode.KNOWN
        sender = self.senders.get(tx.sender)
        if sender is None:
            if state is None:
                return AddCode.UNKNOWN_SENDER
            sender = self.senders[tx.sender] = ModelSender(state.nonce, state.balance, state.code)
        if sender.code == CodeKind.CONTRACT:
            return AddCode.HAS_CODE
        if tx.nonce < sender.nonce:
            return AddCode.NONCE_LOW
        if tx.nonce >= sender.nonce + self.policy.sender_pending + self.policy.sender_queued:
            return AddCode.NONCE_HIGH
        old = sender.txs.get(tx.nonce)
        if sender.spent - (old.upfront if old else 0) + tx.upfront > sender.balance:
            return AddCode.FUNDS
        if old is not None:
            bump = 100 + self.policy.bump_percent
            if tx.max_fee * 100 < old.max_fee * bump or tx.max_priority_fee * 100 < old.max_priority_fee * bump:
                return AddCode.REPLACEMENT
            sender.txs[tx.nonce] = tx
            return AddCode.REPLACED
        run = sender.stop - sender.nonce
        if tx.nonce > sender.stop and len(sender.txs) - run >= self.policy.sender_queued:
            return AddCode.SENDER_LIMIT
        if tx.nonce == sender.stop and run >= self.policy.sender_pending:
            return AddCode.SENDER_LIMIT
        sender.txs[tx.nonce] = tx
        return AddCode.ADDED

    def update(self, states: dict[bytes, tuple[int, int]]) -> None:
        for address, (nonce, balance) in states.items():
            sender = self.senders.get(address)
            if sender is None:
                continue
            sender.nonce, sender.balance = nonce, balance
            sender.txs = {n: tx for n, tx in sender.txs.items() if n >= nonce}
            for last in sorted(sender.txs, reverse=True):
                if sender.spent <= balance:
                    break
                del sender.txs[last]

    def runs(self) -> dict[bytes, list[Transaction]]:
        """Executable transactions behind those in flight, by sender."""
        found = {}
        for address, sender in self.senders.items():
            start = sender.nonce
            while start in sender.txs and sender.txs[start].hash in self.flight:
                start += 1
            run = [sender.txs[n] for n in range(start, sender.stop)]
            if run and sender.code == CodeKind.NONE:
                found[address] = run
        return found
