"""CSV of what lists show: the same rows in the same order, from the same place (``?before=``) on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, TypeVar

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotFound, StreamingHttpResponse
from django.views.decorators.http import require_safe

from chain.selectors.transactions import ACCEPTANCE, ACCEPTANCES_AT, ACCEPTANCES_OF, NEWEST_ACCEPTANCES
from chain.services.network import now_ms
from chain.stores.connection import database_errors, raw_connection
from explorer import csv_rows
from explorer.csv_rows import Columns
from explorer.exports import csv_response, pages
from explorer.pages import address as address_pages
from explorer.pages import figures
from explorer.pages.block import chain_number_of
from explorer.pages.figures import rank_place_of
from explorer.pages.internal import calls_of_address, rows_of_transaction, why_untraced, with_left
from explorer.pages.lines import transaction_lines
from explorer.paging import MAX_INDEX, MAX_NUMBER, NEWEST, hash_place_of, place3_of, place_of
from explorer.selectors import lists, miners, tokens
from explorer.selectors.internal import TRACED_TX
from explorer.selectors.shards import PLACES_OF_SHARD
from explorer.views.common import address_of, hash_of, number_of
from explorer.views.tokens import MOST, STANDARDS

Row = TypeVar("Row")
_LAST_HASH = b"\xff" * 32


def _file(
    request: HttpRequest,
    name: str,
    columns: Columns[Row],
    read: Callable[[Any, int], Sequence[Row]],
    place: Callable[[Row], Any],
    start: Any,
) -> StreamingHttpResponse:
    """The file of a list.

    Parameters
    ----------
    read : callable
        Takes a place and a limit; rows beyond the place.
    place : callable
        Where a row stands.
    start : Any
        Where the file begins, before its first row.
    """

    def lines(cursor: Any, limit: int) -> tuple[Sequence[Sequence[Any]], Any]:
        rows = read(start if cursor is None else cursor, limit)
        return [columns.cells(row) for row in rows], place(rows[-1]) if len(rows) == limit else None

    return csv_response(request, name, columns.names, pages(lines))


@require_safe
def blocks(request: HttpRequest) -> StreamingHttpResponse:
    """Blocks of the selected chain, newest first."""
    conn, before = raw_connection(), place_of(_before(request))

    def read(number: int, limit: int) -> Sequence[lists.ChainLine]:
        return lists.CHAIN_FROM.all(conn, number - 1, limit)

    start = before[0] if before else MAX_NUMBER
    return _file(request, "blocks", csv_rows.CHAIN_BLOCK, read, lambda row: row.number, start)


@require_safe
def dag(request: HttpRequest) -> StreamingHttpResponse:
    """Blocks of the DAG by blue score, newest first."""
    conn = raw_connection()

    def read(place: tuple[int, bytes], limit: int) -> Sequence[lists.DagLine]:
        return lists.DAG_BELOW.all(conn, *place, limit)

    start = hash_place_of(_before(request)) or (MAX_NUMBER, _LAST_HASH)
    return _file(request, "dag", csv_rows.DAG_BLOCK, read, lambda row: (row.blue_score, row.hash), start)


@require_safe
def transactions(request: HttpRequest) -> StreamingHttpResponse:
    """Accepted transactions, newest first."""
    conn = raw_connection()

    def read(place: tuple[int, int], limit: int) -> Sequence[Any]:
        return transaction_lines(conn, NEWEST_ACCEPTANCES.all(conn, *place, limit))

    return _file(request, "transactions", csv_rows.TRANSACTION, read, _place2, _place_or_newest(request))


@require_safe
def block_transactions(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """What a block of the selected chain made take effect, in canonical order; ``?from=N`` begins there."""
    conn, key = raw_connection(), number_of(ref)
    with database_errors():
        number = chain_number_of(conn, hash_of(ref) or b"" if key is None else key)
    if number is None:
        raise Http404

    def read(index: int, limit: int) -> Sequence[Any]:
        return transaction_lines(conn, ACCEPTANCES_OF.all(conn, number, index, limit))

    start = min(number_of(request.GET.get("from", "")) or 0, MAX_INDEX - 1)
    return _file(request, f"block-{number}", csv_rows.TRANSACTION, read, lambda row: row.index + 1, start)


@require_safe
def transaction_internal(request: HttpRequest, ref: str) -> StreamingHttpResponse | HttpResponse:
    """Calls inside an accepted transaction in order; ``?inside=ordinal`` begins after one, ``?moved=1``: with value.

    ``left_out`` says how many more without value were too many to be kept.  404 with the reason where its block is not
    traced: a file without rows would say that there are none.
    """
    conn, tx_hash = raw_connection(), hash_of(ref)
    with database_errors():
        taken = ACCEPTANCE.one(conn, tx_hash) if tx_hash else None
        if taken is None:
            raise Http404
        reason = why_untraced(conn, taken.number, is_tracing=bool(settings.MDS_INDEX_TRACE_SHARE))
    if reason:
        refused = {"Cache-Control": "no-store"}
        return HttpResponseNotFound(f"{reason}\n", content_type="text/plain; charset=utf-8", headers=refused)
    only_moved, known = _only_moved(request), TRACED_TX.one(conn, taken.number, taken.index)
    left = known.left if known else 0
    after = number_of(request.GET.get("inside", ""))
    start = -1 if after is None else min(after, MAX_INDEX)

    def read(cursor: int | None, limit: int) -> tuple[Sequence[Sequence[Any]], Any]:
        found = rows_of_transaction(conn, taken, start if cursor is None else cursor, limit, only_moved=only_moved)
        if not found and cursor is None and start < 0 and left:
            # no row that could say it
            return [csv_rows.only_left(taken.tx, taken.number, taken.index, left)], None
        rows = [csv_rows.INTERNAL.cells(replace(row, left=left)) for row in found]
        return rows, found[-1].ordinal if len(found) == limit else None

    return csv_response(request, f"calls-0x{taken.tx.hex()}", csv_rows.INTERNAL.names, pages(read))


@require_safe
def address_transactions(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """An address's transactions, newest first."""
    address, conn = _address(ref), raw_connection()

    def read(place: tuple[int, int], limit: int) -> Sequence[Any]:
        return address_pages.transactions(conn, address, place, None, limit)[1]

    name = f"transactions-0x{address.hex()}"
    return _file(request, name, csv_rows.TRANSACTION, read, _place2, _place_or_newest(request))


@require_safe
def address_transfers(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """An address's token transfers, newest first."""
    address, conn = _address(ref), raw_connection()

    def read(place: Any, limit: int) -> Sequence[Any]:
        return address_pages.transfers(conn, address, place, limit)[0]

    name = f"transfers-0x{address.hex()}"
    return _file(request, name, csv_rows.TRANSFER, read, _place3, place3_of(_before(request)) or NEWEST)


@require_safe
def address_tokens(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """The tokens that an address holds, most widely held first."""
    address, conn = _address(ref), raw_connection()

    def read(place: Any, limit: int) -> Sequence[Any]:
        return address_pages.holdings(conn, address, place, limit)[0]

    name, start = f"tokens-0x{address.hex()}", rank_place_of(_before(request)) or (MAX_NUMBER, b"")
    return _file(request, name, csv_rows.HOLDING, read, lambda row: (row.holders, row.token), start)


@require_safe
def address_items(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """The ids that an address holds of tokens that have ids, by contract; ``?items=id-token`` begins after one."""
    address, conn = _address(ref), raw_connection()

    def read(place: Any, limit: int) -> Sequence[Any]:
        return address_pages.items(conn, address, place, limit)[0]

    name, start = f"items-0x{address.hex()}", rank_place_of(request.GET.get("items", "")) or (-1, b"")
    return _file(request, name, csv_rows.ITEM, read, lambda row: (row.token_id, row.token), start)


@require_safe
def address_internal(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """Calls from or to an address inside transactions, newest first; ``?moved=1`` for those with value."""
    address, conn, only_moved = _address(ref), raw_connection(), _only_moved(request)

    def read(place: Any, limit: int) -> Sequence[Any]:
        return with_left(conn, calls_of_address(conn, address, place, limit, only_moved=only_moved)[0])

    name, start = f"calls-0x{address.hex()}", place3_of(_before(request)) or NEWEST
    return _file(request, name, csv_rows.INTERNAL, read, lambda row: (row.number, row.index, row.ordinal), start)


@require_safe
def all_tokens(request: HttpRequest) -> StreamingHttpResponse:
    """Token contracts, most held first; ``?standard=20`` for one kind."""
    conn, standard = raw_connection(), STANDARDS.get(request.GET.get("standard", ""))

    def read(place: tuple[int, bytes], limit: int) -> Sequence[tokens.TokenView]:
        below = (max(-1, min(place[0], MAX_NUMBER)), place[1])
        if standard is None:
            return tokens.TOKENS_BELOW.all(conn, *below, limit)
        return tokens.TOKENS_OF_STANDARD.all(conn, standard, *below, limit)

    start = rank_place_of(_before(request)) or (MAX_NUMBER, b"")
    return _file(request, "tokens", csv_rows.TOKEN, read, lambda row: (row.holders, row.address), start)


@require_safe
def token_transfers(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """A token's transfers, newest first."""
    token, conn = _token(ref), raw_connection()

    def read(place: Any, limit: int) -> Sequence[tokens.TransferView]:
        return tokens.TRANSFERS_OF_TOKEN.all(conn, token, *place, limit)

    name = f"transfers-0x{token.hex()}"
    return _file(request, name, csv_rows.TRANSFER, read, _place3, place3_of(_before(request)) or NEWEST)


@require_safe
def token_holders(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """Who holds a token, most first."""
    token, conn = _token(ref), raw_connection()

    def read(place: tuple[int, bytes], limit: int) -> Sequence[tokens.HolderView]:
        return tokens.HOLDERS_BELOW.all(conn, token, *place, limit)

    name, start = f"holders-0x{token.hex()}", rank_place_of(_before(request)) or (MOST, b"")
    return _file(request, name, csv_rows.HOLDER, read, lambda row: (row.amount, row.address), start)


@require_safe
def all_miners(request: HttpRequest) -> StreamingHttpResponse:
    """Miners, most earned first."""
    conn = raw_connection()

    def read(place: tuple[int, bytes] | None, limit: int) -> Sequence[miners.MinerView]:
        return miners.MINERS_BELOW.all(conn, *place, limit) if place else miners.MINERS_FIRST.all(conn, limit)

    start = rank_place_of(_before(request))
    return _file(request, "miners", csv_rows.MINER, read, lambda row: (row.income, row.coinbase), start)


@require_safe
def miner_blocks(request: HttpRequest, ref: str) -> StreamingHttpResponse:
    """A coinbase's blocks, newest first."""
    coinbase, conn = _address(ref), raw_connection()

    def read(place: tuple[int, int], limit: int) -> Sequence[miners.MinedView]:
        return miners.MINED_BEFORE.all(conn, coinbase, *place, limit)

    start = _place_or_newest(request)
    name = f"blocks-0x{coinbase.hex()}"
    return _file(request, name, csv_rows.MINED, read, lambda row: (row.number, row.position), start)


@require_safe
def all_shards(request: HttpRequest) -> StreamingHttpResponse:
    """Every shard over the newest epochs."""
    with database_errors():
        found = figures.shards(raw_connection()).shards
    return csv_response(request, "shards", csv_rows.SHARD.names, map(csv_rows.SHARD.cells, found))


@require_safe
def shard_transactions(request: HttpRequest, shard: int) -> StreamingHttpResponse:
    """Transactions of a shard's senders, newest first."""
    conn = raw_connection()

    def read(place: tuple[int, int], limit: int) -> Sequence[Any]:
        places = PLACES_OF_SHARD.all(conn, min(shard, 2**15 - 1), place[0], *place, limit)
        numbers, indexes = [number for number, _ in places], [index for _, index in places]
        return transaction_lines(conn, ACCEPTANCES_AT.all(conn, numbers, indexes, limit)) if places else []

    name = f"shard-{shard}"
    return _file(request, name, csv_rows.TRANSACTION, read, _place2, _place_or_newest(request))


@require_safe
def chart(request: HttpRequest, name: str) -> StreamingHttpResponse:
    """The figures of a page's chart over its span, oldest first; ``?span=hour``, ``day``, ``month`` or ``year``."""
    span = figures.span_of(request.GET.get("span", ""))
    with database_errors():
        shown = figures.points(raw_connection(), span, now_ms())
    columns = csv_rows.CHARTS[name]
    heads, rows = columns.names, [columns.cells(point) for point in shown]
    if name == "fees":
        waiting = figures.waiting_at(span, [point.start for point in shown])
        heads, rows = (*heads, "most_waited"), [(*row, most) for row, most in zip(rows, waiting, strict=True)]
    return csv_response(request, f"{name}-{span.name}", heads, rows)


def _place2(row: Any) -> tuple[int, int]:
    return row.number, row.index


def _place3(row: tokens.TransferView) -> tuple[int, int, int]:
    return row.number, row.log_index, row.ordinal


def _before(request: HttpRequest) -> str:
    return request.GET.get("before", "")


def _place_or_newest(request: HttpRequest) -> tuple[int, int]:
    return place_of(_before(request)) or (MAX_NUMBER, MAX_INDEX)


def _only_moved(request: HttpRequest) -> bool:
    return request.GET.get("moved") == "1"


def _address(ref: str) -> bytes:
    address = address_of(ref)
    if address is None:
        raise Http404
    return address


def _token(ref: str) -> bytes:
    token = _address(ref)
    with database_errors():
        if tokens.TOKEN.one(raw_connection(), token) is None:
            raise Http404
    return token
