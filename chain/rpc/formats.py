"""Answers as Ethereum's tools expect them, to the letter: hex quantities, null or missing, names and order.

Sources: execution-apis; EIP-1559, 2718, 2930, 7702; protocol §9 for what a block is.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Sequence
from typing import Any

from chain.core.consensus.model import VirtualSnapshot
from chain.core.execution.receipts import logs_bloom
from chain.core.spec import ChainSpec, stream_name
from chain.core.types import Transaction
from chain.selectors.rpc import ChainBlock, StoredLog
from chain.selectors.transactions import AcceptanceView

# keccak-256 of the RLP of the empty list: there are no uncles
EMPTY_UNCLES = "0x1dcc4de8dec75d7aab85b567b6ccd41ad312451b948a7413f0a142fd40d49347"
ZERO_NONCE = "0x0000000000000000"

Json = dict[str, Any]


def data(value: bytes) -> str:
    """Bytes as 0x hex, two digits each."""
    return "0x" + value.hex()


def maybe(value: bytes | None) -> str | None:
    """Bytes, or null."""
    return None if value is None else "0x" + value.hex()


def gas_limit(spec: ChainSpec) -> int:
    """GASLIMIT of every block (protocol §8)."""
    return spec.epoch_call_gas + 21_000 * spec.epoch_max_txs


def transaction(tx: Transaction, accepted: AcceptanceView | None) -> Json:
    """A transaction object; without ``accepted`` it is pending and its place is null."""
    answer: Json = {
        "blockHash": None if accepted is None else data(accepted.chain_block),
        "blockNumber": None if accepted is None else hex(accepted.number),
        "blockTimestamp": None if accepted is None else hex(accepted.timestamp_ms // 1000),
        "from": data(tx.sender),
        "gas": hex(tx.gas_limit),
        "gasPrice": hex(tx.max_fee if accepted is None else accepted.effective_gas_price),
        "hash": data(tx.hash),
        "input": data(tx.data),
        "nonce": hex(tx.nonce),
        "to": maybe(tx.to),
        "transactionIndex": None if accepted is None else hex(accepted.index),
        "value": hex(tx.value),
        "type": hex(tx.type),
        "chainId": hex(tx.chain_id),
        "v": hex(tx.v),
        "r": hex(tx.r),
        "s": hex(tx.s),
    }
    if tx.type == 0:
        return answer
    answer["yParity"] = hex(tx.v)
    answer["accessList"] = [
        {"address": data(entry.address), "storageKeys": [data(key.to_bytes(32, "big")) for key in entry.slots]}
        for entry in tx.access_list
    ]
    if tx.type >= 2:
        answer["maxFeePerGas"] = hex(tx.max_fee)
        answer["maxPriorityFeePerGas"] = hex(tx.max_priority_fee)
    if tx.type == 4:
        answer["authorizationList"] = [
            {
                "chainId": hex(part.chain_id),
                "address": data(part.address),
                "nonce": hex(part.nonce),
                "yParity": hex(part.y_parity),
                "r": hex(part.r),
                "s": hex(part.s),
            }
            for part in tx.authorizations
        ]
    return answer


def log(stored: StoredLog, *, removed: bool = False) -> Json:
    """A log object; ``logIndex`` counts within the block."""
    return {
        "address": data(stored.log.address),
        "topics": [data(topic) for topic in stored.log.topics],
        "data": data(stored.log.data),
        "blockNumber": hex(stored.number),
        "transactionHash": data(stored.tx),
        "transactionIndex": hex(stored.tx_index),
        "blockHash": data(stored.chain_hash),
        "blockTimestamp": hex(stored.timestamp),
        "logIndex": hex(stored.index),
        "removed": removed,
    }


def receipt(tx: Transaction, accepted: AcceptanceView, logs: Sequence[StoredLog]) -> Json:
    """A receipt object."""
    return {
        "transactionHash": data(tx.hash),
        "transactionIndex": hex(accepted.index),
        "blockHash": data(accepted.chain_block),
        "blockNumber": hex(accepted.number),
        "from": data(tx.sender),
        "to": maybe(tx.to),
        "cumulativeGasUsed": hex(accepted.cumulative_gas_used),
        "gasUsed": hex(accepted.gas_used),
        "contractAddress": maybe(accepted.contract_address),
        "logs": [log(part) for part in logs],
        "logsBloom": data(logs_bloom([part.log for part in logs])),
        "status": hex(accepted.status),
        "effectiveGasPrice": hex(accepted.effective_gas_price),
        "type": hex(tx.type),
    }


def block(found: ChainBlock, spec: ChainSpec, transactions: Iterable[Any]) -> Json:
    """A selected-chain block with its epoch (protocol §9), and the fields that only a DAG has."""
    header, epoch = found.header, found.epoch
    mergeset = [*found.blues[1:], *found.reds]
    return {
        "number": hex(epoch.number),
        "hash": data(found.hash),
        "parentHash": data(epoch.parent or bytes(32)),
        "nonce": ZERO_NONCE,
        "sha3Uncles": EMPTY_UNCLES,
        "logsBloom": data(epoch.logs_bloom),
        "transactionsRoot": data(header.tx_root),
        "stateRoot": data(epoch.summary.state_root),
        "receiptsRoot": data(epoch.summary.receipts_root),
        "miner": data(header.coinbase),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": data(header.extra),
        "size": hex(found.size),
        "gasLimit": hex(gas_limit(spec)),
        "gasUsed": hex(epoch.summary.gas_used),
        "timestamp": hex(header.timestamp_ms // 1000),
        "mixHash": data(found.lot),
        "baseFeePerGas": hex(epoch.base_fee),
        "transactions": list(transactions),
        "uncles": [],
        "stream": stream_name(header.stream),
        "parents": [data(parent) for parent in header.parents],
        "blueScore": hex(header.blue_score),
        "timestampMs": hex(header.timestamp_ms),
        "mergeset": [data(merged) for merged in mergeset],
        "shardRoots": [data(digest) for digest in epoch.lattice_digests],
    }


def pending_block(virtual: VirtualSnapshot, spec: ChainSpec, transactions: Iterable[Any]) -> Json:
    """Virtual as a block: what is not known yet is null."""
    return {
        "number": hex(virtual.number),
        "hash": None,
        "parentHash": data(virtual.sink),
        "nonce": None,
        "sha3Uncles": EMPTY_UNCLES,
        "logsBloom": None,
        "transactionsRoot": None,
        "stateRoot": None,
        "receiptsRoot": None,
        "miner": None,
        "difficulty": "0x0",
        "totalDifficulty": None,
        "extraData": "0x",
        "size": None,
        "gasLimit": hex(gas_limit(spec)),
        "gasUsed": "0x0",
        "timestamp": hex(max(virtual.latest_parent_timestamp, virtual.sink_timestamp_ms) // 1000),
        "mixHash": None,
        "baseFeePerGas": hex(virtual.base_fee),
        "transactions": list(transactions),
        "uncles": [],
        "stream": None,
        "parents": [data(parent) for parent in virtual.parents],
        "blueScore": hex(virtual.blue_score),
        "timestampMs": hex(virtual.latest_parent_timestamp),
        "mergeset": [],
        "shardRoots": [],
    }


def new_identity() -> str:
    """32 hex digits nobody can guess, the first not 0: as a quantity it has no leading zeros."""
    return f"{1 << 127 | secrets.randbits(127):x}"
