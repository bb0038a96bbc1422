"""ots_: Otterscan's own methods, level 8 of its interface (docs.otterscan.io), but for searching.

Traces run in the killable workers and have their limits.
"""

from __future__ import annotations

from typing import Any

import orjson

from chain.core.errors import RequestCode, RequestError
from chain.core.shards import shard_of
from chain.core.transactions import decode_transaction
from chain.core.types import EMPTY_CODE_HASH, Stream
from chain.rpc import formats
from chain.rpc.methods.eth_call import failure
from chain.rpc.node import Node
from chain.rpc.params import LATEST, Address, BlockRef, Hash32, Quantity
from chain.rpc.registry import method
from chain.selectors import follow
from chain.selectors import rpc as select
from chain.selectors.transactions import BY_SENDER_AND_NONCE
from explorer.rpc.light import light_receipt, light_transaction
from explorer.selectors.contracts import CONTRACT
from explorer.selectors.lag import TRUSTED

API_LEVEL = 8
MAX_PAGE = 1000
_MAX_REMEMBERED = 10_000


@method("ots_getApiLevel")
def ots_get_api_level(node: Node) -> int:
    """The level of Otterscan's interface that this node has."""
    return API_LEVEL


@method("ots_hasCode")
async def ots_has_code(node: Node, address: Address, block: BlockRef = LATEST) -> bool:
    """Whether an account has code."""
    point = await node.resolve(block)
    shard = shard_of(address, node.spec.shard_count)
    account = await node.read(select.account, shard, address, None if point.is_current else point.number)
    return account is not None and account.code_hash != EMPTY_CODE_HASH


@method("ots_getInternalOperations", cost=100)
async def ots_get_internal_operations(node: Node, tx_hash: Hash32) -> Any:
    """Transfers of value, creations and destructions inside a transaction; what was undone is left out."""
    return await _trace(node, tx_hash, "operations", {})


@method("ots_traceTransaction", cost=100)
async def ots_trace_transaction(node: Node, tx_hash: Hash32) -> Any:
    """Every frame of a transaction with its depth, in the order in which they began."""
    return await _trace(node, tx_hash, "entries", {})


@method("ots_getTransactionError", cost=100)
async def ots_get_transaction_error(node: Node, tx_hash: Hash32) -> Any:
    """What a failed transaction returned; `0x` for one that succeeded."""
    found = await node.read(select.transaction, tx_hash)
    if found is not None and found.accepted is not None and found.accepted.status:
        return "0x"
    return await _trace(node, tx_hash, "error", {"onlyTopCall": True})


@method("ots_getBlockDetails")
async def ots_get_block_details(node: Node, block: BlockRef) -> formats.Json | None:
    """A block without its transactions, with what was issued and what its senders paid."""
    number = await _number(node, block)
    return None if number is None else await _details(node, number)


@method("ots_getBlockDetailsByHash")
async def ots_get_block_details_by_hash(node: Node, block_hash: Hash32) -> formats.Json | None:
    """The same by hash."""
    return await _details(node, block_hash)


@method("ots_getBlockTransactions", cost=5)
async def ots_get_block_transactions(
    node: Node, block: BlockRef, page_number: Quantity, page_size: Quantity
) -> formats.Json | None:
    """A page of a block's transactions and receipts; page 0 holds the last ones, in canonical order."""
    check_page_size(page_size)
    number = await _number(node, block)
    if number is None:
        return None
    async with node.snapshot() as conn:
        found = await select.block(conn, number)
        if found is None:
            return None
        end = max(0, found.epoch.tx_count - page_number * page_size)
        places = [(number, index) for index in range(max(0, end - page_size), end)]
        accepted = await select.accepted_places(conn, places) if places else []
    decoded = [(decode_transaction(item.raw, item.sender), item) for item in accepted]
    whole = _plain_block(found, node)
    whole["transactions"] = [light_transaction(tx, item) for tx, item in decoded]
    return {"fullblock": whole, "receipts": [light_receipt(tx, item) for tx, item in decoded]}


@method("ots_getTransactionBySenderAndNonce")
async def ots_get_transaction_by_sender_and_nonce(node: Node, sender: Address, nonce: Quantity) -> str | None:
    """The hash of the accepted transaction of a sender with a nonce."""
    if nonce >= 2**64:
        return None
    found = await node.read(BY_SENDER_AND_NONCE.aone, sender, nonce)
    if found is None or found.number is None or found.number > node.head.latest:
        return None
    return formats.data(found.hash)


@method("ots_getContractCreator", cost=20)
async def ots_get_contract_creator(node: Node, address: Address) -> formats.Json | None:
    """The transaction that made a contract, and who did; null for what is no contract, or one of genesis."""
    async with node.snapshot() as conn:
        made = await CONTRACT.aone(conn, address)
        trusted = await TRUSTED.aone(conn, "contracts") or 0
        if made is None or made.number == 0 or made.number > min(trusted, node.head.latest):
            return None
        chain_hash = await select.chain_hash(conn, made.number)
        direct = None if made.index is None else await select.accepted_at(conn, made.number, made.index)
    if direct is not None:
        return {"hash": formats.data(direct.tx), "creator": formats.data(direct.sender)}
    key = ("ots_creator", address, chain_hash)
    if key not in _remembered:
        request = {"op": "creation", "number": made.number, "hash": chain_hash, "tx": None, "address": address}
        answer = await node.calls.run(request)
        if "error" in answer:
            raise failure(answer)
        if len(_remembered) >= _MAX_REMEMBERED:
            _remembered.clear()
        _remembered[key] = (answer["tx"], answer["creator"])
    tx, creator = _remembered[key]
    return None if tx is None else {"hash": formats.data(tx), "creator": formats.data(creator)}


# (address, block) → who made it there: no reorganisation makes it untrue
_remembered: dict[Any, tuple[bytes | None, bytes | None]] = {}


def check_page_size(size: int) -> None:
    """Pages are neither empty nor huge.

    Raises
    ------
    RequestError
        invalid_params, limit_exceeded.
    """
    if size < 1:
        raise RequestError(RequestCode.INVALID_PARAMS, "page size must be positive")
    if size > MAX_PAGE:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, f"max allowed page size: {MAX_PAGE}", got=size, limit=MAX_PAGE)


async def _number(node: Node, block: BlockRef) -> int | None:
    try:
        return (await node.resolve(block)).number
    except RequestError as error:
        if error.code == RequestCode.NOT_FOUND:
            return None
        raise


async def _details(node: Node, key: int | bytes) -> formats.Json | None:
    async with node.snapshot() as conn:
        found = await select.block(conn, key)
        if found is None or found.epoch.number > node.head.latest:
            return None
        fees = await follow.FEES_OF.aone(conn, found.epoch.number) or 0
    own = found.epoch.rewards[-1][1] if found.epoch.rewards and found.header.stream in (Stream.A, Stream.B) else 0
    issued = found.epoch.change.rewards
    return {
        "block": _plain_block(found, node),
        "issuance": {"blockReward": hex(own), "uncleReward": hex(issued - own), "issuance": hex(issued)},
        "totalFees": hex(fees),
    }


def _plain_block(found: select.ChainBlock, node: Node) -> formats.Json:
    block = formats.block(found, node.spec, ())
    del block["transactions"]
    block["logsBloom"] = None
    block["transactionCount"] = found.epoch.tx_count
    return block


async def _trace(node: Node, tx_hash: bytes, shape: str, options: dict[str, Any]) -> Any:
    request = {
        "op": "trace_transactions",
        "number": node.head.latest,
        "tx": tx_hash,
        "tracer": "callTracer",
        "options": options,
        "shape": shape,
    }
    answer = await node.calls.run(request)
    if "error" in answer:
        raise failure(answer)
    return orjson.Fragment(answer["json"])
