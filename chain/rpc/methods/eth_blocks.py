"""eth_: blocks, transactions, receipts, logs."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from chain.core.errors import RequestCode, RequestError
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.node import Node
from chain.rpc.params import BlockRef, Hash32, LogFilter, Quantity
from chain.rpc.registry import method
from chain.selectors import rpc as select
from chain.services.snapshot import VIRTUAL_KEY, load_virtual


@method("eth_getBlockByNumber")
async def eth_get_block_by_number(node: Node, block: BlockRef, full_transactions: bool = False) -> Any:
    """A block of the selected chain with its epoch; null where there is none yet."""
    if block.tag == "pending":
        return await _pending(node, full=full_transactions)
    number = await _number(node, block)
    return None if number is None else await _block(node, number, full=full_transactions)


@method("eth_getBlockByHash")
async def eth_get_block_by_hash(node: Node, block_hash: Hash32, full_transactions: bool = False) -> Any:
    """The same by hash; null for a block that is merged, undone or unknown."""
    return await _block(node, block_hash, full=full_transactions)


@method("eth_getBlockTransactionCountByNumber")
async def eth_get_block_transaction_count_by_number(node: Node, block: BlockRef) -> str | None:
    """How many transactions a block's epoch accepted."""
    if block.tag == "pending":
        pending = await _pending(node, full=False)
        return None if pending is None else hex(len(pending["transactions"]))
    number = await _number(node, block)
    found = None if number is None else await node.read(select.block, number)
    return None if found is None else hex(found.epoch.tx_count)


@method("eth_getBlockTransactionCountByHash")
async def eth_get_block_transaction_count_by_hash(node: Node, block_hash: Hash32) -> str | None:
    """The same by hash."""
    found = await node.read(select.block, block_hash)
    return None if found is None else hex(found.epoch.tx_count)


@method("eth_getUncleCountByBlockNumber")
async def eth_get_uncle_count_by_block_number(node: Node, block: BlockRef) -> str | None:
    """None: blocks beside the selected chain are merged, not uncles (see ``mergeset``)."""
    return None if await _number(node, block) is None else "0x0"


@method("eth_getUncleCountByBlockHash")
async def eth_get_uncle_count_by_block_hash(node: Node, block_hash: Hash32) -> str | None:
    """The same by hash."""
    return None if await node.read(select.chain_number, block_hash) is None else "0x0"


@method("eth_getUncleByBlockNumberAndIndex")
async def eth_get_uncle_by_block_number_and_index(node: Node, block: BlockRef, index: Quantity) -> None:
    """Null: there are no uncles."""


@method("eth_getUncleByBlockHashAndIndex")
async def eth_get_uncle_by_block_hash_and_index(node: Node, block_hash: Hash32, index: Quantity) -> None:
    """Null: there are no uncles."""


@method("eth_getTransactionByHash")
async def eth_get_transaction_by_hash(node: Node, tx_hash: Hash32) -> Any:
    """A transaction: accepted, or waiting in the pool or in a block that is not executed."""
    found = await node.read(select.transaction, tx_hash)
    if found is not None:
        accepted = found.accepted
        if accepted is not None and not await node.visible(accepted.number, found.sequence):
            accepted = None
        if accepted is not None:
            return formats.transaction(decode_transaction(found.raw, found.sender), accepted)
    entry = await node.pool.get(tx_hash)
    if entry is not None:
        return formats.transaction(decode_transaction(entry.raw, entry.sender), None)
    if found is not None and (found.accepted is not None or await _is_in_flight(node, tx_hash)):
        return formats.transaction(decode_transaction(found.raw, found.sender), None)
    return None


@method("eth_getTransactionByBlockNumberAndIndex")
async def eth_get_transaction_by_block_number_and_index(node: Node, block: BlockRef, index: Quantity) -> Any:
    """The transaction at a place of a block's canonical order."""
    number = await _number(node, block)
    return None if number is None else await _transaction_at(node, number, index)


@method("eth_getTransactionByBlockHashAndIndex")
async def eth_get_transaction_by_block_hash_and_index(node: Node, block_hash: Hash32, index: Quantity) -> Any:
    """The same by hash."""
    number = await node.read(select.chain_number, block_hash)
    return None if number is None else await _transaction_at(node, number, index)


@method("eth_getTransactionReceipt")
async def eth_get_transaction_receipt(node: Node, tx_hash: Hash32) -> Any:
    """The receipt of an accepted transaction; null before."""
    found = await node.read(select.transaction, tx_hash)
    logs: list[select.StoredLog] = []
    if found is not None and found.accepted is not None and found.accepted.log_count:
        async with node.snapshot() as conn:
            found = await select.transaction(conn, tx_hash)
            place = None if found is None else found.accepted
            if place is not None:
                logs = await select.logs_between(conn, place.number, place.first_log, place.log_count)
    if found is None or found.accepted is None:
        return None
    accepted = found.accepted
    if not await node.visible(accepted.number, found.sequence):
        return None
    return formats.receipt(decode_transaction(found.raw, found.sender), accepted, logs)


@method("eth_getBlockReceipts", cost=10)
async def eth_get_block_receipts(node: Node, block: BlockRef) -> Any:
    """All receipts of a block in canonical order; null where there is no such block."""
    number = await _number(node, block)
    if number is None:
        return None
    async with node.snapshot() as conn:
        found = await select.block(conn, number)
        if found is None:
            return None
        accepted = await select.accepted_of(conn, number)
        logs = await select.logs_between(conn, number, 0, found.epoch.log_count) if found.epoch.log_count else []
    return [
        formats.receipt(
            decode_transaction(item.raw, item.sender), item, logs[item.first_log : item.first_log + item.log_count]
        )
        for item in accepted
    ]


@method("eth_getLogs", cost=20)
async def eth_get_logs(node: Node, log_filter: LogFilter) -> list[Any]:
    """Logs of a range of blocks that fit a filter."""
    if log_filter.block_hash is not None:
        first = last = (await node.resolve(BlockRef(hash=log_filter.block_hash))).number
    else:
        first, last = await _range(node, log_filter)
        if first > last:
            return []
        await node.kept.require(first)
    limit = settings.MDS_RPC_MAX_LOG_ROWS
    rows = await node.read(select.logs, first, last, log_filter.addresses, log_filter.topics, limit + 1)
    if len(rows) > limit:
        raise RequestError(
            RequestCode.LIMIT_EXCEEDED, f"query returned more than {limit} results", limit=limit, last=rows[-1].number
        )
    return [formats.log(row) for row in rows]


async def _range(node: Node, log_filter: LogFilter) -> tuple[int, int]:
    head = node.head
    first, last = _log_number(node, log_filter.from_block), _log_number(node, log_filter.to_block)
    if first > last and log_filter.from_block.number is not None and log_filter.to_block.number is not None:
        raise RequestError(RequestCode.INVALID_PARAMS, "invalid block range params", got=(first, last))
    limit = settings.MDS_RPC_MAX_LOG_BLOCKS
    last = min(last, head.latest)
    if last - first >= limit:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, f"block range exceeds {limit}", got=last - first + 1)
    return first, last


def _log_number(node: Node, ref: BlockRef) -> int:
    head = node.head
    if ref.number is not None:
        return ref.number
    if ref.hash is not None:
        raise RequestError(RequestCode.INVALID_PARAMS, "a range is given by numbers or tags")
    tags = {"earliest": 0, "finalized": head.finalized, "safe": head.safe}
    return tags.get(str(ref.tag), head.latest)


async def _number(node: Node, ref: BlockRef) -> int | None:
    try:
        return (await node.resolve(ref)).number
    except RequestError as error:
        if error.code == RequestCode.NOT_FOUND:
            return None
        raise


async def _block(node: Node, key: int | bytes, *, full: bool) -> Any:
    if full:
        async with node.snapshot() as conn:
            found = await select.block(conn, key)
            accepted = [] if found is None else await select.accepted_of(conn, found.epoch.number)
        transactions: list[Any] = [
            formats.transaction(decode_transaction(item.raw, item.sender), item) for item in accepted
        ]
    else:
        found = await node.read(select.block, key)
        transactions = [] if found is None else [formats.data(tx) for tx in found.transactions]
    if found is None:
        return None
    number = found.epoch.number
    await node.kept.require(number)
    if number > node.head.latest:
        await node.heads.reload()
        if number > node.head.latest:
            return None
    return formats.block(found, node.spec, transactions)


async def _transaction_at(node: Node, number: int, index: int) -> Any:
    if index >= 2**31:
        return None
    await node.kept.require(number)
    item = await node.read(select.accepted_at, number, index)
    return None if item is None else formats.transaction(decode_transaction(item.raw, item.sender), item)


async def _virtual(node: Node) -> Any:
    raw = await node.redis.get(VIRTUAL_KEY)
    return None if raw is None else load_virtual(raw)


async def _is_in_flight(node: Node, tx_hash: bytes) -> bool:
    virtual = await _virtual(node)
    return virtual is not None and tx_hash in virtual.in_flight


async def _pending(node: Node, *, full: bool) -> Any:
    virtual = await _virtual(node)
    if virtual is None:
        return None
    transactions: list[Any] = [formats.data(tx) for tx in virtual.in_flight]
    if full:
        stored = await node.read(select.raw_transactions, virtual.in_flight)
        transactions = [
            formats.transaction(decode_transaction(*stored[tx]), None) for tx in virtual.in_flight if tx in stored
        ]
    return formats.pending_block(virtual, node.spec, transactions)
