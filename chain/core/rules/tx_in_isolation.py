"""What a transaction must satisfy by itself (protocol §3); nonce and balance are judged at execution."""

from __future__ import annotations

from chain.core.errors import RuleCode, RuleViolation
from chain.core.spec import ChainSpec
from chain.core.transactions import intrinsic_gas
from chain.core.types import UINT64_MAX, Transaction

MAX_INITCODE_BYTES = 49_152  # EIP-3860
SET_CODE_TYPE = 4


def check_transaction_in_isolation(tx: Transaction, spec: ChainSpec) -> None:
    """Check a decoded transaction; decoding has recovered its sender.

    Raises
    ------
    RuleViolation
        TX_* with got and expected.
    """
    if tx.chain_id != spec.chain_id:
        raise RuleViolation(RuleCode.TX_CHAIN_ID, tx.chain_id, spec.chain_id)
    if tx.size > spec.max_tx_bytes:
        raise RuleViolation(RuleCode.TX_SIZE, tx.size, spec.max_tx_bytes)
    if tx.nonce >= UINT64_MAX:
        raise RuleViolation(RuleCode.TX_NONCE_MAX, tx.nonce, UINT64_MAX - 1)
    if tx.max_priority_fee > tx.max_fee:
        raise RuleViolation(RuleCode.TX_FEE_ORDER, tx.max_priority_fee, f"at most max_fee {tx.max_fee}")
    if tx.is_simple:
        return
    if tx.to is None and len(tx.data) > MAX_INITCODE_BYTES:
        raise RuleViolation(RuleCode.TX_INITCODE_SIZE, len(tx.data), MAX_INITCODE_BYTES)
    if tx.type == SET_CODE_TYPE:
        if tx.to is None:
            raise RuleViolation(RuleCode.TX_NO_RECIPIENT, None, "a recipient")
        if not tx.authorizations:
            raise RuleViolation(RuleCode.TX_NO_AUTHORIZATIONS, 0, "at least one")
    least = intrinsic_gas(tx)
    if tx.gas_limit < least:
        raise RuleViolation(RuleCode.TX_INTRINSIC_GAS, tx.gas_limit, least)
    if tx.gas_limit > spec.epoch_call_gas:
        raise RuleViolation(RuleCode.TX_GAS_LIMIT, tx.gas_limit, spec.epoch_call_gas)
