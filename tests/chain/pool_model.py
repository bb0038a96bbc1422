"""Transactions for tests of the pool."""

from __future__ import annotations

import hashlib

from chain.core.types import Transaction


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
