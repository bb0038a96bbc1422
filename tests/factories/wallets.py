"""Deterministic accounts and signed transfers."""

from __future__ import annotations

from functools import lru_cache

import coincurve

from chain.core import rlp
from chain.core.transactions import decode_transaction, keccak
from chain.core.types import Transaction

GWEI = 10**9
# the first ten accounts of the mnemonic that development chains share; devnet's genesis funds them
DEVNET_KEYS = (
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "7c852118294e51e653712a81e05800f419141751be58f605c371e15141b007a6",
    "47e179ec197488593b187f80a00eb0da91f1b9d0b13f8733639f19c30a34926a",
    "8b3a350cf5c34c9194ca85829a2df0ec3153be0318b5e2d3348e872092edffba",
    "92db14e403b83dfe3df233f83dfa3a0d7096f21ca9b0d6d6b8d88b2b4ec1564e",
    "4bbbf85ce3377467afe5d46f804f221813b2bb87f24d81f60f1fcdbf7cbf4356",
    "dbda1821b80551c9d65939329250298aa3472ba22feea921c0cf5d620ea67b97",
    "2a871d0798f97d79848a013d4936a73bf4cc922c825d33c1cf7073dff6d409c6",
)


@lru_cache(maxsize=20_000)
def private_key(index: int) -> coincurve.PrivateKey:
    """Key number ``index``: a devnet account's below 10, keccak of its text above."""
    if index < len(DEVNET_KEYS):
        return coincurve.PrivateKey(bytes.fromhex(DEVNET_KEYS[index]))
    return coincurve.PrivateKey(keccak(b"wallet %d" % index))


@lru_cache(maxsize=20_000)
def address(index: int) -> bytes:
    """Address of key number ``index``."""
    return keccak(private_key(index).public_key.format(compressed=False)[1:])[12:]


def transfer(
    index: int,
    nonce: int,
    to: bytes | None,
    value: int,
    *,
    chain_id: int,
    data: bytes = b"",
    gas_limit: int = 21_000,
    max_fee: int = 10 * GWEI,
    max_priority_fee: int = GWEI,
) -> tuple[bytes, Transaction]:
    """A signed type 2 transaction of wallet ``index``: its envelope and its decoded form."""
    fields = [chain_id, nonce, max_priority_fee, max_fee, gas_limit, to or b"", value, data, []]
    message = keccak(b"\x02" + rlp.encode(fields))
    signature = private_key(index).sign_recoverable(message, hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    envelope = b"\x02" + rlp.encode([*fields, signature[64], r, s])
    return envelope, decode_transaction(envelope, address(index))
