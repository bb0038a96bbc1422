"""What a body must satisfy beside its own header (protocol §3, §4)."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.codec import encode_body, tx_root
from chain.core.errors import BadDelivery, DeliveryCode, RuleCode, RuleViolation
from chain.core.rules.tx_in_isolation import check_transaction_in_isolation
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction, keccak
from chain.core.types import Block, Header, Stream, Transaction


def check_body_delivery(block: Block) -> None:
    """Whether the body is the one that the header names; if not, the bytes are dropped, not the block.

    Raises
    ------
    BadDelivery
        TX_ROOT_MISMATCH.
    """
    root = tx_root([keccak(envelope) for envelope in block.transactions])
    if root != block.header.tx_root:
        raise BadDelivery(DeliveryCode.TX_ROOT_MISMATCH, got=root, expected=block.header.tx_root)


def check_body_bounds(block: Block, spec: ChainSpec) -> None:
    """Counts, size and distinctness, before anything is decoded.

    Raises
    ------
    RuleViolation
        BODY_EMPTY, BODY_TOO_MANY_TXS, BODY_TOO_LARGE or BODY_DUPLICATE_TX.
    """
    stream = spec.stream(block.header.stream)
    count = len(block.transactions)
    if block.header.stream == Stream.C and count == 0:
        raise RuleViolation(RuleCode.BODY_EMPTY, 0, "at least 1")
    if count > stream.max_txs:
        raise RuleViolation(RuleCode.BODY_TOO_MANY_TXS, count, stream.max_txs)
    size = len(encode_body(block.transactions))
    if size > stream.max_bytes:
        raise RuleViolation(RuleCode.BODY_TOO_LARGE, size, stream.max_bytes)
    # equal envelopes have equal hashes, and unequal ones unequal hashes
    if len(set(block.transactions)) != count:
        raise RuleViolation(RuleCode.BODY_DUPLICATE_TX, count - len(set(block.transactions)), 0)


def decode_body_transactions(
    envelopes: Sequence[bytes], spec: ChainSpec, senders: Sequence[bytes] | None = None
) -> tuple[Transaction, ...]:
    """Decode envelopes, recover senders where not given, and check each transaction by itself."""
    decoded = []
    for position, envelope in enumerate(envelopes):
        if len(envelope) > spec.max_tx_bytes:  # before the cost of decoding it
            raise RuleViolation(RuleCode.TX_SIZE, len(envelope), spec.max_tx_bytes)
        tx = decode_transaction(envelope, senders[position] if senders is not None else None)
        check_transaction_in_isolation(tx, spec)
        decoded.append(tx)
    return tuple(decoded)


def check_decoded_body(header: Header, transactions: Sequence[Transaction], spec: ChainSpec) -> None:
    """Hold decoded transactions to their header: what ``check_body_in_isolation`` does beyond bounds and decoding.

    Raises
    ------
    BadDelivery
        TX_ROOT_MISMATCH.
    RuleViolation
        TX_STREAM_GAS_LIMIT or BODY_CALL_GAS.
    """
    root = tx_root([tx.hash for tx in transactions])
    if root != header.tx_root:
        raise BadDelivery(DeliveryCode.TX_ROOT_MISMATCH, got=root, expected=header.tx_root)
    check_body_gas(transactions, header.stream, spec)


def check_body_gas(transactions: Sequence[Transaction], stream: int, spec: ChainSpec) -> None:
    """Calls are bounded by gas too: each and in sum at most the stream's call gas limit.

    Raises
    ------
    RuleViolation
        TX_STREAM_GAS_LIMIT or BODY_CALL_GAS.
    """
    limit = spec.stream(stream).call_gas_limit
    total = 0
    for tx in transactions:
        if tx.is_simple:
            continue
        if tx.gas_limit > limit:
            raise RuleViolation(RuleCode.TX_STREAM_GAS_LIMIT, tx.gas_limit, limit, tx=tx.hash)
        total += tx.gas_limit
    if total > limit:
        raise RuleViolation(RuleCode.BODY_CALL_GAS, total, limit)


def check_body_in_isolation(
    block: Block, spec: ChainSpec, senders: Sequence[bytes] | None = None
) -> tuple[Transaction, ...]:
    """All of it, cheap first; returns the decoded transactions with their senders."""
    check_body_delivery(block)
    check_body_bounds(block, spec)
    transactions = decode_body_transactions(block.transactions, spec, senders)
    check_body_gas(transactions, block.header.stream, spec)
    return transactions
