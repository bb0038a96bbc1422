"""eth_: sending."""

from __future__ import annotations

from chain.rpc.node import Node
from chain.rpc.params import Data
from chain.rpc.registry import method
from chain.services.submit_transaction import submit_transaction


@method("eth_sendRawTransaction")
async def eth_send_raw_transaction(node: Node, transaction: Data) -> str:
    """Take a signed transaction into the pool; a repeat answers the same hash."""
    return "0x" + (await submit_transaction(transaction, node.spec, node.pool)).hex()
