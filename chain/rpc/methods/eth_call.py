"""eth_: calls that nobody signed."""

from __future__ import annotations

from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.core.execution.revert import revert_reason
from chain.core.shards import shard_of
from chain.core.transactions import TRANSFER_GAS, is_simple_transfer
from chain.core.types import EMPTY_CODE_HASH
from chain.rpc.call_params import BlockOverrides
from chain.rpc.formats import data
from chain.rpc.node import Node, Point
from chain.rpc.params import LATEST, BlockRef, CallObject, StateOverrides
from chain.rpc.registry import method
from chain.selectors import rpc as select


@method("eth_call", cost=20)
async def eth_call(
    node: Node,
    call: CallObject,
    block: BlockRef = LATEST,
    overrides: StateOverrides | None = None,
    block_overrides: BlockOverrides | None = None,
) -> str:
    """What a message would return."""
    point = await node.resolve(block)
    limit = node.spec.epoch_call_gas
    gas = limit if not call.gas else min(call.gas, limit)
    return data(_output(await node.calls.run(call_request("call", call, gas, point, overrides, block_overrides))))


@method("eth_estimateGas", cost=20)
async def eth_estimate_gas(
    node: Node,
    call: CallObject,
    block: BlockRef = LATEST,
    overrides: StateOverrides | None = None,
    block_overrides: BlockOverrides | None = None,
) -> str:
    """The least gas limit with which a message succeeds, nearly."""
    point = await node.resolve(block)
    number = None if point.is_current else point.number
    plain = overrides is None and block_overrides is None and not call.authorizations
    if plain and is_simple_transfer(call.to, call.data, call.access_list, (), TRANSFER_GAS):
        assert call.to is not None
        count = node.spec.shard_count
        recipient = await node.read(select.account, shard_of(call.to, count), call.to, number)
        if recipient is None or recipient.code_hash == EMPTY_CODE_HASH:
            # no code can run: what a transfer takes is known, if it can be paid
            sender = await node.read(select.account, shard_of(call.sender, count), call.sender, number)
            have = 0 if sender is None else sender.balance
            if have < call.value + TRANSFER_GAS * call.price_cap:
                raise RequestError("insufficient_funds", "insufficient funds for transfer", have=have, want=call.value)
            return hex(TRANSFER_GAS)
    answer = await node.calls.run(call_request("estimate", call, call.gas or None, point, overrides, block_overrides))
    if "success" in answer or "error" in answer:
        _output(answer)
    return hex(answer["gas"])


@method("eth_createAccessList", cost=60)
async def eth_create_access_list(
    node: Node, call: CallObject, block: BlockRef = LATEST, overrides: StateOverrides | None = None
) -> dict[str, Any]:
    """The access list that fits a message, and the gas that it takes with it."""
    point = await node.resolve(block)
    limit = node.spec.epoch_call_gas
    gas = limit if not call.gas else min(call.gas, limit)
    answer = await node.calls.run(call_request("access_list", call, gas, point, overrides))
    if "error" in answer:
        raise failure(answer)
    found: dict[str, Any] = {
        "accessList": [
            {"address": data(address), "storageKeys": [data(slot) for slot in slots]}
            for address, slots in answer["access_list"]
        ],
        "gasUsed": hex(answer["gas"]),
    }
    if not answer["success"]:
        found["error"] = str(answer["failure"]).replace("_", " ")
    return found


def call_request(
    kind: str,
    call: CallObject,
    gas: int | None,
    point: Point,
    overrides: StateOverrides | None = None,
    block: BlockOverrides | None = None,
) -> dict[str, Any]:
    """A request to the call workers."""
    return {
        "op": kind,
        "number": point.number,
        "hash": point.hash,
        "overrides": overrides,
        "block": block,
        "call": {
            **call_fields(call, gas),
            "access_list": _entries(call),
            "authorizations": [
                [_wide(a.chain_id), a.address, a.nonce, a.y_parity, _wide(a.r), _wide(a.s)] for a in call.authorizations
            ],
        },
    }


def call_fields(call: CallObject, gas: int | None) -> dict[str, Any]:
    """A message as the workers take it."""
    return {
        "from": call.sender,
        "to": call.to,
        "value": call.value.to_bytes(32, "big"),
        "data": call.data,
        "gas": gas if gas is None else min(gas, 2**63),
        "price": call.price_cap.to_bytes(32, "big"),
    }


def failure(answer: dict[str, Any]) -> RequestError:
    """The error that a worker answered."""
    code, message, details = answer["error"]
    return RequestError(code, message, **details)


def _entries(call: CallObject) -> list[Any]:
    return [[entry.address, [slot.to_bytes(32, "big") for slot in entry.slots]] for entry in call.access_list]


def _wide(number: int) -> bytes:
    return number.to_bytes(32, "big")


def _output(answer: dict[str, Any]) -> bytes:
    if "error" in answer:
        raise failure(answer)
    if answer["success"]:
        return bytes(answer["output"])
    raise execution_error(answer)


def execution_error(answer: dict[str, Any]) -> RequestError:
    """What became of a call that ran and failed, in Ethereum's words."""
    if answer["failure"] == "execution_reverted":
        reason = revert_reason(answer["output"])
        message = f"execution reverted: {reason}" if reason else "execution reverted"
        return RequestError(RequestCode.EXECUTION_REVERTED, message, output=answer["output"])
    text = str(answer["failure"])
    return RequestError(RequestCode.EXECUTION_FAILED, text.replace("_", " "), failure=text, gas=answer["gas"])
