"""Transactions: the newest, and one in whatever state it is."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.selectors.stats import STANDING
from chain.selectors.transactions import ACCEPTANCES_AFTER, NEWEST_ACCEPTANCES
from chain.services.redis_client import redis_client
from chain.stores.connection import database_errors, raw_connection
from explorer.pages.lines import transaction_lines
from explorer.pages.mark import Source
from explorer.pages.transaction import InsidePlace, transaction_page
from explorer.paging import MAX_INDEX, MAX_NUMBER, page_of, place_of
from explorer.views.common import at_home, hash_of, number_of


@require_safe
def transactions(request: HttpRequest) -> HttpResponse:
    """Accepted transactions in canonical order, newest first; ``?before=number-index``, ``?after=number-index``."""
    before, after = place_of(request.GET.get("before", "")), place_of(request.GET.get("after", ""))
    conn = raw_connection()
    with database_errors():
        # before the rows, so that what comes between counts as new
        standing = STANDING.one(conn) if before is None and after is None else None
        page = page_of(
            None
            if after
            else lambda limit: transaction_lines(
                conn, NEWEST_ACCEPTANCES.all(conn, *(before or (MAX_NUMBER, MAX_INDEX)), limit)
            ),
            (lambda limit: transaction_lines(conn, ACCEPTANCES_AFTER.all(conn, *after, limit))) if after else None,
            lambda row: row.cursor,
            is_first=before is None,
        )
    context: dict[str, Any] = {"page": page, "accepted": standing.accepted if standing else None}
    if standing:
        source = Source(standing.reorgs, standing.number)
        context["mark"] = source.mark(page.rows[0].number if page.rows else -1)
    return render(request, "explorer/transactions/list.html", context)


@require_safe
def transaction(request: HttpRequest, ref: str) -> HttpResponse:
    """A transaction by hash; of the calls inside it those after ``?inside=ordinal``, with ``?moved=1`` with value."""
    tx_hash = hash_of(ref)
    if tx_hash is None:
        raise Http404
    canonical = "0x" + tx_hash.hex()
    if ref != canonical:
        return at_home(request, "explorer:transaction", canonical)
    after = number_of(request.GET.get("inside", ""))
    place = InsidePlace(-1 if after is None else min(after, MAX_INDEX), request.GET.get("moved") == "1")
    page = transaction_page(raw_connection(), redis_client(), tx_hash, place)
    if page is None:
        context = {"hash": canonical, "watch": f"tx={canonical}"}
        return render(request, "explorer/transactions/missing.html", context, status=404)
    context = {"page": page, "place": place, "watch": f"tx={canonical}"}
    return render(request, "explorer/transactions/transaction.html", context)
