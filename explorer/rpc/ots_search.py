"""ots_searchTransactionsBefore and …After: an address's history in pages that never break within a block."""

from __future__ import annotations

import asyncio
from itertools import groupby

from chain.core.errors import RequestCode, RequestError
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.node import Node
from chain.rpc.params import Address, Quantity
from chain.rpc.registry import method
from chain.selectors import rpc as select
from explorer.rpc.ots import check_page_size
from explorer.selectors.activity import ACTIVITY_AFTER, ACTIVITY_BEFORE, ActivityPlace
from explorer.selectors.lag import TRUSTED

# transactions in one answer, however many of them one block holds
MAX_ROWS = 5000
# how long a search waits for the index to reach the head that its caller may know of
_WAIT_SECONDS = 5.0
# seconds between two looks: a moment at first, and more the longer the index stands still
_FIRST_STEP, _STEP_GROWTH, _LONGEST_STEP = 0.02, 1.5, 0.25
_END = 2**62


@method("ots_searchTransactionsBefore", cost=20)
async def ots_search_transactions_before(
    node: Node, address: Address, block_number: Quantity, page_size: Quantity
) -> formats.Json:
    """Transactions that concern an address in blocks below a number, newest first; 0: from the newest block."""
    return await _search(node, address, block_number, page_size, forward=False)


@method("ots_searchTransactionsAfter", cost=20)
async def ots_search_transactions_after(
    node: Node, address: Address, block_number: Quantity, page_size: Quantity
) -> formats.Json:
    """The same in blocks above a number, newest first too; 0: from genesis."""
    return await _search(node, address, block_number, page_size, forward=True)


async def _search(node: Node, address: bytes, number: int, size: int, *, forward: bool) -> formats.Json:
    check_page_size(size)
    await _await_index(node)
    async with node.snapshot() as conn:
        newest = min(await TRUSTED.aone(conn, "addresses") or 0, node.head.latest)
        places, is_end = await _page(conn, address, number, size, newest, forward=forward)
        keys = sorted([(place.number, place.index) for place in places])
        accepted = await select.accepted_places(conn, keys) if keys else []
        logged = [(item.number, item.index) for item in accepted if item.log_count]
        logs = await select.logs_at(conn, logged) if logged else []
    logs_of = {key: list(group) for key, group in groupby(logs, lambda log: (log.number, log.tx_index))}
    txs, receipts = [], []
    for item in reversed(accepted):
        tx = decode_transaction(item.raw, item.sender)
        txs.append(formats.transaction(tx, item))
        receipt = formats.receipt(tx, item, logs_of.get((item.number, item.index), []))
        receipts.append({**receipt, "timestamp": item.timestamp_ms // 1000})
    return {
        "txs": txs,
        "receipts": receipts,
        "firstPage": is_end if forward else number == 0,
        "lastPage": number == 0 if forward else is_end,
    }


async def _page(
    conn: select.AsyncConnection, address: bytes, number: int, size: int, newest: int, *, forward: bool
) -> tuple[list[ActivityPlace], bool]:
    """At least ``size`` places, to the end of a block; and whether these are the last in this direction."""
    wanted = size + 1
    while True:
        if forward:
            above = (number, _END) if number else (-1, -1)
            found = await ACTIVITY_AFTER.aall(conn, address, *_clip(above), newest, wanted)
        else:
            below = (min(number, newest + 1) if number else newest + 1, 0)
            found = await ACTIVITY_BEFORE.aall(conn, address, *_clip(below), wanted)
        if len(found) <= size:
            return found, True
        last = found[size - 1].number
        whole = [place for place in found if (place.number <= last if forward else place.number >= last)]
        if len(whole) < len(found):
            return whole, False
        if len(found) < wanted:
            return found, True
        if wanted > MAX_ROWS:
            message = f"more than {MAX_ROWS} transactions of this address in one block"
            raise RequestError(RequestCode.LIMIT_EXCEEDED, message, number=last, limit=MAX_ROWS)
        wanted = min(4 * wanted, MAX_ROWS + 1)


def _clip(place: tuple[int, int]) -> tuple[int, int]:
    return max(-1, min(place[0], _END)), max(-1, min(place[1], 2**31 - 1))


async def _await_index(node: Node) -> None:
    """Give an index that is nearly there the moment that it needs, so that nobody misses what he saw accepted."""
    wanted, waited, step = node.head.latest, 0.0, _FIRST_STEP
    while waited < _WAIT_SECONDS:
        indexed = await node.read(TRUSTED.aone, "addresses") or 0
        if not wanted - 20 < indexed < wanted:
            return
        step = min(step, _WAIT_SECONDS - waited)
        await asyncio.sleep(step)
        waited += step
        step = min(step * _STEP_GROWTH, _LONGEST_STEP)
