"""A decoded transaction back to its envelope, byte for byte (EIP-2718; the inverse of decoding)."""

from __future__ import annotations

from chain.core import rlp
from chain.core.rlp import Encodable
from chain.core.types import Transaction


def encode_transaction(tx: Transaction) -> bytes:
    """The EIP-2718 envelope; a legacy transaction's RLP.

    Decoding accepts canonical bytes only, so the result hashes to ``tx.hash`` again.
    """
    to = tx.to or b""
    if tx.type == 0:
        return rlp.encode([tx.nonce, tx.max_fee, tx.gas_limit, to, tx.value, tx.data, tx.v, tx.r, tx.s])
    fees: list[Encodable] = [tx.max_fee] if tx.type == 1 else [tx.max_priority_fee, tx.max_fee]
    access: Encodable = [
        [entry.address, [slot.to_bytes(32, "big") for slot in entry.slots]] for entry in tx.access_list
    ]
    items: list[Encodable] = [tx.chain_id, tx.nonce, *fees, tx.gas_limit, to, tx.value, tx.data, access]
    if tx.type == 4:
        items.append([[a.chain_id, a.address, a.nonce, a.y_parity, a.r, a.s] for a in tx.authorizations])
    items += [tx.v, tx.r, tx.s]
    return bytes((tx.type,)) + rlp.encode(items)
