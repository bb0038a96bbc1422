"""eth_: blocks of calls that were never made (execution-apis, eth_simulateV1)."""

from __future__ import annotations

from typing import Any

from chain.core.errors import RequestError
from chain.core.execution.receipts import logs_bloom
from chain.core.transactions import keccak
from chain.core.types import Log
from chain.rpc.call_params import Plan, Simulation
from chain.rpc.errors import error_object
from chain.rpc.formats import EMPTY_UNCLES, ZERO_NONCE, data, maybe
from chain.rpc.methods.eth_call import call_fields, execution_error, failure
from chain.rpc.node import Node
from chain.rpc.params import LATEST, BlockRef
from chain.rpc.registry import method
from chain.selectors import rpc as select

_ZERO = "0x" + bytes(32).hex()


@method("eth_simulateV1", cost=100)
async def eth_simulate_v1(node: Node, payload: Simulation, block: BlockRef = LATEST) -> list[dict[str, Any]]:
    """Blocks of calls one after another on top of a block; nothing is kept.

    Roots of simulated blocks are zero, and their hashes stand for them within this answer only.
    """
    point = await node.resolve(block)
    request = {
        "op": "simulate",
        "number": point.number,
        "hash": point.hash,
        "validation": payload.validation,
        "transfers": payload.transfers,
        "plans": [_plan(plan) for plan in payload.plans],
    }
    answer = await node.calls.run(request)
    if "error" in answer:
        raise failure(answer)
    parent = point.hash or await node.read(select.chain_hash, point.number)
    if parent is None:
        raise RequestError("not_found", "header not found", number=point.number)
    blocks = []
    for part in answer["blocks"]:
        plan = None if part["plan"] is None else payload.plans[part["plan"]]
        made = _block(part, parent, plan, full=payload.full, chain_id=node.spec.chain_id)
        parent = bytes.fromhex(made["hash"][2:])
        blocks.append(made)
    return blocks


def _plan(plan: Plan) -> dict[str, Any]:
    calls = [{**call_fields(call, call.gas), "nonce": nonce} for call, nonce in plan.calls]
    return {"block": plan.block, "state": plan.state, "calls": calls}


def _block(part: dict[str, Any], parent: bytes, plan: Plan | None, *, full: bool, chain_id: int) -> dict[str, Any]:
    number, base_fee = part["number"], int.from_bytes(part["base_fee"], "big")
    seed = b"".join([parent, number.to_bytes(8, "big"), part["timestamp"].to_bytes(8, "big"), part["coinbase"]])
    block_hash = keccak(seed + b"".join([keccak(call["output"]) for call in part["calls"]]))
    logs: list[Log] = []
    calls, transactions = [], []
    for index, call in enumerate(part["calls"]):
        tx_hash = keccak(block_hash + index.to_bytes(4, "big"))
        entries = [Log(address, tuple(topics), payload) for address, topics, payload in call["logs"]]
        calls.append(_call(call, entries, len(logs), (number, block_hash, tx_hash, index, part["timestamp"])))
        logs += entries
        transactions.append(_transaction(plan, index, number, block_hash, tx_hash, chain_id) if full else data(tx_hash))
    return {
        "number": hex(number),
        "hash": data(block_hash),
        "parentHash": data(parent),
        "nonce": ZERO_NONCE,
        "sha3Uncles": EMPTY_UNCLES,
        "logsBloom": data(logs_bloom(logs)),
        "transactionsRoot": _ZERO,
        "stateRoot": _ZERO,
        "receiptsRoot": _ZERO,
        "miner": data(part["coinbase"]),
        "difficulty": "0x0",
        "totalDifficulty": "0x0",
        "extraData": "0x",
        "size": "0x0",
        "gasLimit": hex(part["gas_limit"]),
        "gasUsed": hex(part["gas_used"]),
        "timestamp": hex(part["timestamp"]),
        "mixHash": data(part["prevrandao"]),
        "baseFeePerGas": hex(base_fee),
        "transactions": transactions,
        "uncles": [],
        "calls": calls,
    }


def _call(
    call: dict[str, Any], logs: list[Log], first: int, place: tuple[int, bytes, bytes, int, int]
) -> dict[str, Any]:
    number, block_hash, tx_hash, index, timestamp = place
    answer: dict[str, Any] = {
        "status": "0x1" if call["success"] else "0x0",
        "returnData": data(call["output"]),
        "gasUsed": hex(call["gas"]),
        "logs": [
            {
                "address": data(log.address),
                "topics": [data(topic) for topic in log.topics],
                "data": data(log.data),
                "blockNumber": hex(number),
                "transactionHash": data(tx_hash),
                "transactionIndex": hex(index),
                "blockHash": data(block_hash),
                "blockTimestamp": hex(timestamp),
                "logIndex": hex(first + at),
                "removed": False,
            }
            for at, log in enumerate(logs)
        ],
    }
    if not call["success"]:
        error = error_object(execution_error(call))
        # within a simulation a failure of the machine has a code of its own
        answer["error"] = {**error, "code": 3 if call["failure"] == "execution_reverted" else -32015}
    return answer


def _transaction(
    plan: Plan | None, index: int, number: int, block_hash: bytes, tx_hash: bytes, chain_id: int
) -> dict[str, Any]:
    assert plan is not None
    call, nonce = plan.calls[index]
    return {
        "type": "0x2",
        "hash": data(tx_hash),
        "blockHash": data(block_hash),
        "blockNumber": hex(number),
        "transactionIndex": hex(index),
        "from": data(call.sender),
        "to": maybe(call.to),
        "nonce": hex(nonce or 0),
        "gas": hex(call.gas or 0),
        "gasPrice": hex(call.price_cap),
        "maxFeePerGas": hex(call.max_fee or 0),
        "maxPriorityFeePerGas": hex(call.max_priority_fee or 0),
        "value": hex(call.value),
        "input": data(call.data),
        "accessList": [],
        "chainId": hex(chain_id),
        "v": "0x0",
        "r": "0x0",
        "s": "0x0",
        "yParity": "0x0",
    }
