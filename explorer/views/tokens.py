"""Tokens: all of them, one of them, its holders."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.stores.connection import database_errors, raw_connection
from explorer.pages.figures import rank_place_of
from explorer.pages.mark import source_of
from explorer.paging import MAX_NUMBER, NEWEST, PAGE, place3_of
from explorer.selectors.tokens import (
    HOLDERS_BELOW,
    TOKEN,
    TOKEN_TOTALS,
    TOKENS_BELOW,
    TOKENS_OF_STANDARD,
    TRANSFERS_OF_TOKEN,
)
from explorer.views.common import address_of, at_home

STANDARDS = {"20": 20, "721": 721, "1155": 1155}
# beyond every holding
MOST = 10**160 - 1


@require_safe
def tokens(request: HttpRequest) -> HttpResponse:
    """Token contracts, most held first; ``?standard=20``, ``?before=holders-address``."""
    standard = STANDARDS.get(request.GET.get("standard", ""))
    before = rank_place_of(request.GET.get("before", ""))
    holders, below = (max(-1, min(before[0], MAX_NUMBER)), before[1]) if before else (MAX_NUMBER, b"")
    with database_errors():
        conn = raw_connection()
        # before the rows, so that what comes between counts as new
        source = source_of(conn, "tokens") if before is None else None
        counted = [standard] if standard else list(STANDARDS.values())
        known, moves = (TOKEN_TOTALS.one(conn, counted) if source else None) or (0, 0)
        if standard is None:
            found = TOKENS_BELOW.all(conn, holders, below, PAGE + 1)
        else:
            found = TOKENS_OF_STANDARD.all(conn, standard, holders, below, PAGE + 1)
    rows = found[:PAGE]
    kept = f"standard={standard}&" if standard else ""
    older = f"?{kept}before={rows[-1].holders}-{rows[-1].address.hex()}" if len(found) > PAGE else ""
    context = {"rows": rows, "older": older, "standard": standard, "is_first": before is None}
    context |= {"known": known, "moves": moves, "mark": source.mark(None) if source else None}
    context["watch"] = f"tokens={standard or 'all'}"
    return render(request, "explorer/tokens/list.html", context)


@require_safe
def token(request: HttpRequest, ref: str) -> HttpResponse:
    """One token: what it says of itself and its transfers; ``?tab=holders`` for who holds it."""
    raw = address_of(ref)
    if raw is None:
        raise Http404
    canonical = "0x" + raw.hex()
    if ref != canonical:
        return at_home(request, "explorer:token", canonical)
    conn = raw_connection()
    tab = "holders" if request.GET.get("tab") == "holders" else "transfers"
    cursor = request.GET.get("before", "")
    older, is_first = "", True
    with database_errors():
        source = source_of(conn, "tokens")
        found = TOKEN.one(conn, raw)
        if found is None:
            return render(request, "explorer/tokens/missing.html", {"ref": canonical}, status=404)
        rows: list[object]
        newest: int | None = None
        if tab == "holders":
            place = rank_place_of(cursor)
            amount, below = place or (MOST, b"")
            holders = HOLDERS_BELOW.all(conn, raw, amount, below, PAGE + 1)
            rows, is_first = [*holders[:PAGE]], place is None
            if len(holders) > PAGE:
                last = holders[PAGE - 1]
                older = f"?tab=holders&before={last.amount}-{last.address.hex()}"
        else:
            start = place3_of(cursor)
            moved = TRANSFERS_OF_TOKEN.all(conn, raw, *(start or NEWEST), PAGE + 1)
            rows, is_first = [*moved[:PAGE]], start is None
            newest = moved[0].number if moved else -1
            older = f"?before={moved[PAGE - 1].cursor}" if len(moved) > PAGE else ""
    context = {"token": found, "tab": tab, "rows": rows, "older": older, "is_first": is_first}
    context |= {"watch": f"token={canonical}", "mark": source.mark(newest)}
    return render(request, "explorer/tokens/token.html", context)
