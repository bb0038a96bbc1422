"""txpool_: what waits."""

from __future__ import annotations

from typing import Any

from chain.core.pool import PoolEntry
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.node import Node
from chain.rpc.params import Address
from chain.rpc.registry import method


@method("txpool_status")
async def txpool_status(node: Node) -> dict[str, str]:
    """Counts of executable and of queued transactions."""
    sums = await node.pool.sums()
    return {"pending": hex(sums.pending), "queued": hex(sums.queued)}


@method("txpool_content", cost=50)
async def txpool_content(node: Node) -> dict[str, Any]:
    """Waiting transactions by sender and nonce."""
    pending, queued = await node.pool.content()
    return {"pending": _by_sender(pending), "queued": _by_sender(queued)}


@method("txpool_contentFrom", cost=5)
async def txpool_content_from(node: Node, address: Address) -> dict[str, Any]:
    """One sender's waiting transactions by nonce."""
    pending, queued = await node.pool.content([address])
    sender = formats.data(address)
    return {"pending": _by_sender(pending).get(sender, {}), "queued": _by_sender(queued).get(sender, {})}


@method("txpool_inspect", cost=50)
async def txpool_inspect(node: Node) -> dict[str, Any]:
    """The same in a line each: recipient, value, gas limit and price."""
    pending, queued = await node.pool.content()
    return {"pending": _lines(pending), "queued": _lines(queued)}


def _lines(content: dict[bytes, list[PoolEntry]]) -> dict[str, dict[str, str]]:
    return {
        formats.data(sender): {str(entry.nonce): _line(entry) for entry in entries}
        for sender, entries in content.items()
    }


def _line(entry: PoolEntry) -> str:
    tx = decode_transaction(entry.raw, entry.sender)
    target = "contract creation" if tx.to is None else formats.data(tx.to)
    return f"{target}: {tx.value} wei + {tx.gas_limit} gas × {tx.max_fee} wei"


def _by_sender(content: dict[bytes, list[PoolEntry]]) -> dict[str, dict[str, Any]]:
    return {
        formats.data(sender): {
            str(entry.nonce): formats.transaction(decode_transaction(entry.raw, entry.sender), None)
            for entry in entries
        }
        for sender, entries in content.items()
    }
