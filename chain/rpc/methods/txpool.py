"""txpool_: what waits."""

from __future__ import annotations

from typing import Any

from chain.core.pool import PoolEntry
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.node import Node
from chain.rpc.registry import method


@method("txpool_status")
async def txpool_status(node: Node) -> dict[str, str]:
    """Counts of executable and of queued transactions."""
    sums = await node.pool.sums()
    return {"pending": hex(sums.pending), "queued": hex(sums.queued)}


@method("txpool_content")
async def txpool_content(node: Node) -> dict[str, Any]:
    """Waiting transactions by sender and nonce."""
    pending, queued = await node.pool.content()
    return {"pending": _by_sender(pending), "queued": _by_sender(queued)}


def _by_sender(content: dict[bytes, list[PoolEntry]]) -> dict[str, dict[str, Any]]:
    return {
        formats.data(sender): {
            str(entry.nonce): formats.transaction(decode_transaction(entry.raw, entry.sender), None)
            for entry in entries
        }
        for sender, entries in content.items()
    }
