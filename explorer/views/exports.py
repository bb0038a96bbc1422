"""CSV of what lists show."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.http import Http404, HttpRequest, StreamingHttpResponse
from django.views.decorators.http import require_safe

from chain.stores.connection import raw_connection
from explorer.amounts import moment
from explorer.exports import csv_response, pages
from explorer.pages import address as address_pages
from explorer.paging import MAX_INDEX, MAX_NUMBER
from explorer.selectors.lists import CHAIN_FROM
from explorer.selectors.tokens import TOKEN, TRANSFERS_OF_TOKEN
from explorer.views.common import address_of

_TRANSACTION = ("hash", "block", "index", "time", "from", "to", "value_wei", "fee_wei", "status", "phase", "method")
_BLOCK = ("number", "hash", "time", "stream", "coinbase", "transactions", "gas_used", "base_fee_wei", "merged", "size")
_TRANSFER = ("transaction", "block", "log_index", "time", "from", "to", "amount", "id")


def _time(ms: int) -> str:
    return moment(ms).isoformat(timespec="milliseconds")


@require_safe
def address_transactions(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """An address's newest transactions, at most 10 000."""
    address = _address(ref)
    conn = raw_connection()

    def read(cursor: Any, limit: int) -> tuple[Sequence[Sequence[Any]], Any]:
        _, rows = address_pages.transactions(conn, address, cursor, None, limit)
        lines = [
            (
                row.hash,
                row.number,
                row.index,
                _time(row.timestamp_ms),
                row.sender,
                row.to,
                row.value,
                row.fee,
                "success" if row.is_success else "failed",
                row.phase,
                row.method,
            )
            for row in rows
        ]
        return lines, (rows[-1].number, rows[-1].index) if len(rows) == limit else None

    return csv_response(request, f"transactions-0x{address.hex()}", _TRANSACTION, pages(read))


@require_safe
def blocks(request: HttpRequest) -> StreamingHttpResponse:
    """The newest blocks of the selected chain, at most 10 000."""
    conn = raw_connection()

    def read(cursor: Any, limit: int) -> tuple[Sequence[Sequence[Any]], Any]:
        rows = CHAIN_FROM.all(conn, MAX_NUMBER if cursor is None else cursor, limit)
        lines = [
            (
                row.number,
                row.hash,
                _time(row.timestamp_ms),
                "-ABC"[row.stream],
                row.coinbase,
                row.tx_count,
                row.gas_used,
                row.base_fee,
                row.merged,
                row.size,
            )
            for row in rows
        ]
        return lines, rows[-1].number - 1 if rows and rows[-1].number else None

    return csv_response(request, "blocks", _BLOCK, pages(read))


@require_safe
def token_transfers(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """A token's newest transfers, at most 10 000."""
    token = _address(ref)
    conn = raw_connection()
    if TOKEN.one(conn, token) is None:
        raise Http404

    def read(cursor: Any, limit: int) -> tuple[Sequence[Sequence[Any]], Any]:
        rows = TRANSFERS_OF_TOKEN.all(conn, token, *(cursor or (MAX_NUMBER, MAX_INDEX, MAX_INDEX)), limit)
        lines = [
            (
                row.tx,
                row.number,
                row.log_index,
                _time(row.timestamp_ms),
                row.sender,
                row.recipient,
                row.amount,
                row.token_id,
            )
            for row in rows
        ]
        return lines, (rows[-1].number, rows[-1].log_index, rows[-1].ordinal) if rows else None

    return csv_response(request, f"transfers-0x{token.hex()}", _TRANSFER, pages(read))


def _address(ref: str) -> bytes:
    address = address_of(ref)
    if address is None:
        raise Http404
    return address
