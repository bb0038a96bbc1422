"""Shards, miners, the fee market and the supply."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.selectors.transactions import ACCEPTANCES_AT
from chain.services.network import now_ms
from chain.stores.connection import database_errors, raw_connection
from explorer.pages import figures
from explorer.pages import streams as stream_pages
from explorer.pages.lines import transaction_lines
from explorer.pages.mark import source_of
from explorer.paging import MAX_INDEX, MAX_NUMBER, page_of, place_of
from explorer.selectors.miners import MINED_AFTER, MINED_BEFORE, MINER
from explorer.selectors.shards import PLACES_OF_SHARD, SHARD_TOTAL
from explorer.views.common import address_of


@require_safe
def shards(request: HttpRequest) -> HttpResponse:
    """Ten slices of the state: how many accounts, how much they do now, how much of it leaves them."""
    with database_errors():
        return render(request, "explorer/figures/shards.html", {"page": figures.shards(raw_connection())})


@require_safe
def shard(request: HttpRequest, shard: int) -> HttpResponse:
    """One shard: its newest transactions and the commitment to its state."""
    conn = raw_connection()
    with database_errors():
        found = figures.shards(conn)
        if shard >= len(found.shards):
            raise Http404
        before = place_of(request.GET.get("before", ""))
        # before the rows, so that what comes between counts as new
        source = source_of(conn, "shards")
        total = SHARD_TOTAL.one(conn, shard) or 0
        number, index = before or (MAX_NUMBER, MAX_INDEX)
        page = page_of(
            lambda limit: PLACES_OF_SHARD.all(conn, shard, number, number, index, limit),
            None,
            lambda place: f"{place[0]}-{place[1]}",
            is_first=before is None,
        )
        numbers, indexes = [number for number, _ in page.rows], [index for _, index in page.rows]
        found_there = ACCEPTANCES_AT.all(conn, numbers, indexes, len(numbers)) if numbers else []
        rows = transaction_lines(conn, found_there)
    context = {"page": found, "shard": found.shards[shard], "rows": rows, "newer": before is not None, "pages": page}
    context |= {"total": total, "watch": f"shard={shard}", "is_first": before is None}
    context["mark"] = source.mark(rows[0].number if rows else -1)
    return render(request, "explorer/figures/shard.html", context)


@require_safe
def streams(request: HttpRequest) -> HttpResponse:
    """The three streams side by side: how fast, how hard, by whom, for how much."""
    span = figures.span_of(request.GET.get("span", ""))
    with database_errors():
        found = stream_pages.streams(raw_connection(), span, now_ms())
    return render(request, "explorer/figures/streams.html", {"page": found, "spans": figures.SPANS})


@require_safe
def miners(request: HttpRequest) -> HttpResponse:
    """Streams as they run, and who mined how much, most earned first, with their rank and hashrate."""
    before = figures.rank_place_of(request.GET.get("before", ""))
    with database_errors():
        source = source_of(raw_connection(), "miners")
        found = stream_pages.miners(raw_connection(), before, now_ms())
    return render(request, "explorer/figures/miners.html", {"page": found, "mark": source.mark(None)})


@require_safe
def miner(request: HttpRequest, ref: str) -> HttpResponse:
    """One coinbase: its sums and its blocks."""
    coinbase = address_of(ref)
    if coinbase is None:
        raise Http404
    conn = raw_connection()
    before, after = place_of(request.GET.get("before", "")), place_of(request.GET.get("after", ""))
    with database_errors():
        source = source_of(conn, "miners")
        totals = MINER.one(conn, coinbase)
        ranked = stream_pages.miner(conn, totals, now_ms()) if totals else None
        page = page_of(
            None
            if after
            else lambda limit: MINED_BEFORE.all(conn, coinbase, *(before or (MAX_NUMBER, MAX_INDEX)), limit),
            (lambda limit: MINED_AFTER.all(conn, coinbase, *after, limit)) if after else None,
            lambda row: f"{row.number}-{row.position}",
            is_first=before is None,
        )
    context = {"coinbase": coinbase, "totals": totals, "ranked": ranked, "page": page}
    context |= {"watch": f"miner=0x{coinbase.hex()}", "is_first": before is None and after is None}
    context["mark"] = source.mark(page.rows[0].number if page.rows else -1)
    return render(request, "explorer/figures/miner.html", context, status=200 if totals else 404)


@require_safe
def fees(request: HttpRequest) -> HttpResponse:
    """What a user pays now, what waits, and how that came."""
    span = figures.span_of(request.GET.get("span", ""))
    with database_errors():
        found = figures.fees(raw_connection(), span, now_ms())
    return render(request, "explorer/figures/fees.html", {"page": found, "spans": figures.SPANS})


@require_safe
def supply(request: HttpRequest) -> HttpResponse:
    """How much there is, how much was made and burned, and how that goes on."""
    span = figures.span_of(request.GET.get("span", ""))
    with database_errors():
        found = figures.supply(raw_connection(), span, now_ms())
    return render(request, "explorer/figures/supply.html", {"page": found, "spans": figures.SPANS})
