"""eth_: sending."""

from __future__ import annotations

from chain.core.errors import PoolCode, PoolRejection
from chain.core.transactions import keccak
from chain.rpc.formats import data
from chain.rpc.node import Node
from chain.rpc.params import Data
from chain.rpc.registry import method
from chain.selectors import rpc as select
from chain.services.submit_transaction import submit_transaction


@method("eth_sendRawTransaction")
async def eth_send_raw_transaction(node: Node, transaction: Data) -> str:
    """Take a signed transaction into the pool; a repeat answers the same hash."""
    try:
        return data(await submit_transaction(transaction, node.spec, node.pool))
    except PoolRejection as rejection:
        if rejection.code == PoolCode.NONCE_TOO_LOW:
            # a caller that repeats itself after the transaction was accepted
            tx_hash = keccak(transaction)
            found = await node.read(select.transaction, tx_hash)
            if found is not None and found.accepted is not None:
                return data(tx_hash)
        raise
