"""erigon_: what Otterscan asks first, to see whom it talks to."""

from __future__ import annotations

from typing import Any

from chain.rpc import formats
from chain.rpc.methods.eth_blocks import eth_get_block_by_hash, eth_get_block_by_number
from chain.rpc.node import Node
from chain.rpc.params import BlockRef, Hash32
from chain.rpc.registry import method

# of a block object, what a header does not have
_BODY = ("size", "totalDifficulty", "transactions", "uncles")


@method("erigon_getHeaderByNumber")
async def erigon_get_header_by_number(node: Node, block: BlockRef) -> formats.Json | None:
    """The header of a selected-chain block with its epoch's results; null where there is none."""
    return _header(await eth_get_block_by_number(node, block))


@method("erigon_getHeaderByHash")
async def erigon_get_header_by_hash(node: Node, block_hash: Hash32) -> formats.Json | None:
    """The same by hash."""
    return _header(await eth_get_block_by_hash(node, block_hash))


def _header(block: Any) -> formats.Json | None:
    return None if block is None else {name: value for name, value in block.items() if name not in _BODY}
