"""debug_: traces, run again in killable workers, and raw bytes."""

from __future__ import annotations

from typing import Any

import orjson

from chain.core import rlp
from chain.core.codec import encode_header
from chain.core.errors import RequestCode, RequestError
from chain.rpc.call_params import TraceOptions
from chain.rpc.formats import data
from chain.rpc.methods.eth_call import call_request, failure
from chain.rpc.node import Node
from chain.rpc.params import LATEST, BlockRef, CallObject, Hash32
from chain.rpc.registry import method
from chain.selectors import rpc as select

_PLAIN = TraceOptions("structLogger", {}, None, None, None)
_GENESIS = "genesis is not traceable"


@method("debug_traceTransaction", cost=100)
async def debug_trace_transaction(node: Node, tx_hash: Hash32, options: TraceOptions = _PLAIN) -> Any:
    """Run an accepted transaction again, watched, over the state that it found."""
    return await _trace(node, node.head.latest, None, tx_hash, options)


@method("debug_traceBlockByNumber", cost=200)
async def debug_trace_block_by_number(node: Node, block: BlockRef, options: TraceOptions = _PLAIN) -> Any:
    """Run all that a block's epoch accepted again, watched."""
    point = await node.resolve(block)
    if point.number == 0:
        raise RequestError("genesis_not_traceable", _GENESIS)
    return await _trace(node, point.number, point.hash, None, options)


@method("debug_traceBlockByHash", cost=200)
async def debug_trace_block_by_hash(node: Node, block_hash: Hash32, options: TraceOptions = _PLAIN) -> Any:
    """The same by hash."""
    return await debug_trace_block_by_number(node, BlockRef(hash=block_hash), options)


@method("debug_traceCall", cost=100)
async def debug_trace_call(
    node: Node, call: CallObject, block: BlockRef = LATEST, options: TraceOptions = _PLAIN
) -> Any:
    """Run a call that nobody signed, watched."""
    point = await node.resolve(block)
    limit = node.spec.epoch_call_gas
    gas = limit if not call.gas else min(call.gas, limit)
    request = call_request("trace_call", call, gas, point, options.overrides, options.block)
    traced = {"tracer": options.tracer, "options": options.options}
    return _fragment(await node.calls.run({**request, **traced}, options.seconds))


@method("debug_getRawTransaction")
async def debug_get_raw_transaction(node: Node, tx_hash: Hash32) -> str | None:
    """The envelope of a stored or waiting transaction."""
    found = await node.read(select.transaction, tx_hash)
    if found is not None:
        return data(found.raw)
    entry = await node.pool.get(tx_hash)
    return None if entry is None else data(entry.raw)


@method("debug_getRawHeader")
async def debug_get_raw_header(node: Node, block: BlockRef) -> str:
    """The header of a selected-chain block in this network's own RLP."""
    return data((await _stored(node, block))[0])


@method("debug_getRawBlock")
async def debug_get_raw_block(node: Node, block: BlockRef) -> str:
    """A selected-chain block as it travels: RLP [header, [envelope…]]; its own body, not its epoch's."""
    header, block_hash = await _stored(node, block)
    body = await node.read(select.body, block_hash)
    return data(rlp.encode([rlp.decode_list(header), body]))


@method("debug_getRawReceipts")
async def debug_get_raw_receipts(node: Node, block: BlockRef) -> list[str]:
    """Receipts of a block in canonical order as Ethereum encodes them (EIP-2718, consensus form)."""
    point = await node.resolve(block)
    async with node.snapshot() as conn:
        found = await select.block(conn, point.number)
        if found is None or (point.hash is not None and found.hash != point.hash):
            raise RequestError(RequestCode.NOT_FOUND, "header not found", number=point.number)
        accepted = await select.accepted_of(conn, point.number)
        logs = await select.logs_between(conn, point.number, 0, found.epoch.log_count) if found.epoch.log_count else []
    return [data(_receipt(item, logs[item.first_log : item.first_log + item.log_count])) for item in accepted]


def _receipt(item: select.AcceptanceView, logs: list[select.StoredLog]) -> bytes:
    from chain.core.execution.receipts import logs_bloom

    entries = [part.log for part in logs]
    written = [[log.address, list(log.topics), log.data] for log in entries]
    payload = rlp.encode([item.status, item.cumulative_gas_used, logs_bloom(entries), written])
    kind = item.raw[0]
    return payload if kind >= 0xC0 else bytes([kind]) + payload


async def _stored(node: Node, block: BlockRef) -> tuple[bytes, bytes]:
    point = await node.resolve(block)
    found = await node.read(select.block, point.number)
    if found is None or (point.hash is not None and found.hash != point.hash):
        raise RequestError(RequestCode.NOT_FOUND, "header not found", number=point.number)
    return encode_header(found.header), found.hash


async def _trace(
    node: Node, number: int, block_hash: bytes | None, tx_hash: bytes | None, options: TraceOptions
) -> Any:
    request = {
        "op": "trace_transactions",
        "number": number,
        "hash": block_hash,
        "tx": tx_hash,
        "tracer": options.tracer,
        "options": options.options,
    }
    return _fragment(await node.calls.run(request, options.seconds))


def _fragment(answer: dict[str, Any]) -> Any:
    """The worker's JSON as it is: this process need not read it."""
    if "error" in answer:
        raise failure(answer)
    return orjson.Fragment(answer["json"])
