"""eth_: sending."""

from __future__ import annotations

import asyncio

from chain.core.errors import PoolCode, PoolRejection
from chain.core.transactions import keccak
from chain.rpc.formats import data
from chain.rpc.node import Node
from chain.rpc.params import Data
from chain.rpc.registry import method
from chain.selectors import rpc as select
from chain.services.deferred import Deferred
from chain.services.submit_transaction import submit_transaction

_lookups: set[asyncio.Task[None]] = set()


@method("eth_sendRawTransaction")
def eth_send_raw_transaction(node: Node, transaction: Data) -> Deferred[str]:
    """Take a signed transaction into the pool; a repeat answers the same hash."""
    answer: Deferred[str] = Deferred()

    def conclude(tx_hash: bytes | None, error: Exception | None) -> None:
        if tx_hash is not None:
            answer.give(data(tx_hash))
        elif isinstance(error, PoolRejection) and error.code == PoolCode.NONCE_TOO_LOW:
            lookup = asyncio.get_running_loop().create_task(_answer_repeat(node, transaction, error, answer))
            _lookups.add(lookup)
            lookup.add_done_callback(_lookups.discard)
        elif error is not None:
            answer.fail(error)

    submit_transaction(transaction, node.spec, node.pool).then(conclude)
    return answer


async def _answer_repeat(node: Node, raw: bytes, rejection: PoolRejection, answer: Deferred[str]) -> None:
    """A caller that repeats itself after the transaction was accepted gets the hash again."""
    tx_hash = keccak(raw)
    try:
        found = await node.read(select.transaction, tx_hash)
    except Exception as error:  # noqa: BLE001 - whatever it is belongs to the caller
        answer.fail(error)
        return
    if found is not None and found.accepted is not None:
        answer.give(data(tx_hash))
    else:
        answer.fail(rejection)
