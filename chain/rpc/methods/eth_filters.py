"""eth_: filters that callers poll."""

from __future__ import annotations

from typing import Any, NewType

from django.conf import settings

from chain.core.errors import RequestCode, RequestError
from chain.rpc import formats
from chain.rpc.caller import current_caller
from chain.rpc.changes import log_changes
from chain.rpc.filters import Stored
from chain.rpc.methods.eth_blocks import eth_get_logs
from chain.rpc.node import Node
from chain.rpc.params import PARSERS, LogFilter, bad, quantity
from chain.rpc.registry import method
from chain.selectors import rpc as select
from chain.selectors.path import path_since
from chain.services.pool.client import PREFIX as POOL

FilterId = NewType("FilterId", str)

MAX_BLOCKS = 10_000
MAX_PENDING = 10_000
_NEW = f"{POOL}new"
# another poll of the same filter may be faster so often before this one gives up
_TRIES = 3


def _filter_id(value: Any) -> str:
    quantity_text = value if isinstance(value, str) else ""
    if len(quantity_text) == 34 and quantity_text.startswith("0x"):
        try:
            return f"0x{int(quantity_text, 16):032x}"
        except ValueError:
            raise bad("invalid filter id") from None
    # ids of other nodes: well-formed, and unknown here
    return f"0x{quantity(value) % 2**128:032x}"


PARSERS[FilterId] = _filter_id


@method("eth_newFilter", cost=5)
async def eth_new_filter(node: Node, log_filter: LogFilter) -> str:
    """Watch logs; the id to poll with.  ``eth_getFilterChanges`` tells logs of undone blocks as removed."""
    if log_filter.block_hash is not None:
        raise bad("a filter of one block never changes: use eth_getLogs")
    first, last = log_filter.from_block.number, log_filter.to_block.number
    if first is not None and last is not None and first > last:
        raise RequestError(RequestCode.INVALID_PARAMS, "invalid block range params", got=(first, last))
    return await node.filters.create("logs", await _told(node), current_caller().address, log_filter)


@method("eth_newBlockFilter", cost=5)
async def eth_new_block_filter(node: Node) -> str:
    """Watch the selected chain; the id to poll with."""
    return await node.filters.create("blocks", await _told(node), current_caller().address)


@method("eth_newPendingTransactionFilter", cost=5)
async def eth_new_pending_transaction_filter(node: Node) -> str:
    """Watch the pool; the id to poll with."""
    newest = await node.redis.xrevrange(_NEW, count=1)
    cursor = newest[0][0] if newest else b"0-0"
    return await node.filters.create("pending", cursor, current_caller().address)


@method("eth_getFilterChanges", cost=5)
async def eth_get_filter_changes(node: Node, filter_id: FilterId) -> list[Any]:
    """What happened since the last poll: logs, hashes of blocks, or hashes of transactions."""
    for _ in range(_TRIES):
        stored = await node.filters.get(filter_id)
        answer, cursor = await (_pending(node, stored) if stored.kind == "pending" else _chain(node, stored))
        if await node.filters.advance(stored, cursor):
            return answer
    return []


@method("eth_getFilterLogs", cost=20)
async def eth_get_filter_logs(node: Node, filter_id: FilterId) -> list[Any]:
    """All logs of a log filter's range."""
    stored = await node.filters.get(filter_id)
    if stored.criteria is None:
        raise RequestError("filter_not_found", "filter not found")
    return await eth_get_logs(node, stored.criteria)


@method("eth_uninstallFilter")
async def eth_uninstall_filter(node: Node, filter_id: FilterId) -> bool:
    """Forget a filter; whether there was one."""
    return await node.filters.remove(filter_id)


async def _told(node: Node) -> list[Any]:
    number = node.head.latest
    block = await node.read(select.chain_hash, number)
    if block is None:
        # the chain became shorter in between
        await node.heads.reload()
        return [node.head.number, node.head.hash]
    return [number, block]


async def _pending(node: Node, stored: Stored) -> tuple[list[str], bytes]:
    entries = await node.redis.xrange(_NEW, min=b"(" + stored.cursor, count=MAX_PENDING)
    return [formats.data(fields[b"h"]) for _, fields in entries], entries[-1][0] if entries else stored.cursor


async def _chain(node: Node, stored: Stored) -> tuple[list[Any], list[Any]]:
    number, block = stored.cursor
    async with node.snapshot() as conn:
        path = await path_since(conn, (number, block), node.head.latest, MAX_BLOCKS)
        if stored.criteria is None:
            return [formats.data(added) for _, added in path.added], list(path.end)
        logs, end = await log_changes(conn, path, stored.criteria, settings.MDS_RPC_MAX_LOG_ROWS)
    return [formats.log(entry, removed=removed) for entry, removed in logs], list(end)
