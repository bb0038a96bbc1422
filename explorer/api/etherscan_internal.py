"""Etherscan's txlistinternal: of a transaction, of an address, of a stretch of blocks."""

from __future__ import annotations

from typing import Any

from django.conf import settings

from chain.core.errors import RequestCode, RequestError
from chain.selectors.transactions import ACCEPTANCE
from chain.stores.connection import Connection
from explorer.api.etherscan_rows import Window
from explorer.pages.internal import why_beyond, why_untraced
from explorer.selectors.internal import COVERAGE, MOVED_OF_TX, InternalView, internal_window

Json = dict[str, Any]
MAX_OF_TX = 10_000


def of_transaction(conn: Connection, tx_hash: bytes) -> list[Json]:
    """Of one accepted transaction.

    Raises
    ------
    RequestError
        not_found where its block has not been traced.
    """
    taken = ACCEPTANCE.one(conn, tx_hash)
    if taken is None:
        return []
    reason = why_untraced(conn, taken.number, is_tracing=bool(settings.MDS_INDEX_TRACE_SHARE))
    if reason:
        raise _refused(reason)
    return [_row(view) for view in MOVED_OF_TX.all(conn, taken.number, taken.index, -1, MAX_OF_TX)]


def of_window(conn: Connection, address: bytes | None, window: Window) -> list[Json]:
    """Of an address, or of all, as far as blocks are traced."""
    _require(conn, window.first)
    every, own = internal_window(window.is_descending)
    if address is None:
        found = every.all(conn, window.first, window.last, window.skip, window.size)
    else:
        side = (address, window.first, window.last, window.skip + window.size)
        found = own.all(conn, *side, *side, window.skip, window.size)
    return [_row(view) for view in found]


def _require(conn: Connection, number: int) -> None:
    reason = why_beyond(COVERAGE.one(conn), number, is_tracing=bool(settings.MDS_INDEX_TRACE_SHARE))
    if reason:
        raise _refused(reason)


def _refused(reason: str) -> RequestError:
    return RequestError(RequestCode.NOT_FOUND, f"Error! {reason}")


def _row(view: InternalView) -> Json:
    is_creation = view.name.startswith("create")
    recipient = "0x" + view.recipient.hex()
    return {
        "blockNumber": str(view.number),
        "timeStamp": str(view.timestamp_ms // 1000),
        "hash": "0x" + view.tx.hex(),
        "from": "0x" + view.sender.hex(),
        "to": "" if is_creation else recipient,
        "value": str(view.value),
        "contractAddress": recipient if is_creation else "",
        "input": "",
        "type": "suicide" if view.name == "selfdestruct" else view.name,
        "gas": "",
        "gasUsed": "",
        "traceId": str(view.ordinal),
        "isError": "0",
        "errCode": "",
    }
