"""eth_: calls that nobody signed."""

from __future__ import annotations

from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.core.shards import shard_of
from chain.core.transactions import TRANSFER_GAS, is_simple_transfer
from chain.core.types import EMPTY_CODE_HASH
from chain.rpc.formats import data
from chain.rpc.node import Node
from chain.rpc.params import LATEST, BlockRef, CallObject, StateOverrides
from chain.rpc.registry import method
from chain.rpc.revert import revert_reason
from chain.selectors import rpc as select


@method("eth_call")
async def eth_call(
    node: Node, call: CallObject, block: BlockRef = LATEST, overrides: StateOverrides | None = None
) -> str:
    """What a message would return."""
    point = await node.resolve(block)
    limit = node.spec.epoch_call_gas
    gas = limit if not call.gas else min(call.gas, limit)
    return data(_output(await node.calls.run(_request("call", call, gas, point.number, overrides))))


@method("eth_estimateGas")
async def eth_estimate_gas(
    node: Node, call: CallObject, block: BlockRef = LATEST, overrides: StateOverrides | None = None
) -> str:
    """The least gas limit with which a message succeeds, nearly."""
    point = await node.resolve(block)
    number = None if point.is_current else point.number
    if overrides is None and is_simple_transfer(call.to, call.data, call.access_list, (), TRANSFER_GAS):
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
    answer = await node.calls.run(_request("estimate", call, call.gas or None, point.number, overrides))
    if "success" in answer or "error" in answer:
        _output(answer)
    return hex(answer["gas"])


def _request(
    kind: str, call: CallObject, gas: int | None, number: int, overrides: StateOverrides | None
) -> dict[str, Any]:
    return {
        "op": kind,
        "number": number,
        "overrides": overrides,
        "call": {
            "from": call.sender,
            "to": call.to,
            "value": call.value.to_bytes(32, "big"),
            "data": call.data,
            "gas": gas if gas is None else min(gas, 2**63),
            "price": call.price_cap.to_bytes(32, "big"),
            "access_list": [
                [entry.address, [slot.to_bytes(32, "big") for slot in entry.slots]] for entry in call.access_list
            ],
        },
    }


def _output(answer: dict[str, Any]) -> bytes:
    if "error" in answer:
        code, message, details = answer["error"]
        raise RequestError(code, message, **details)
    if answer["success"]:
        return bytes(answer["output"])
    if answer["failure"] == "execution_reverted":
        reason = revert_reason(answer["output"])
        message = f"execution reverted: {reason}" if reason else "execution reverted"
        raise RequestError(RequestCode.EXECUTION_REVERTED, message, output=answer["output"])
    failure = str(answer["failure"])
    raise RequestError(RequestCode.EXECUTION_FAILED, failure.replace("_", " "), failure=failure, gas=answer["gas"])
