"""Addresses: history, tokens, transfers, code."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.selectors.stats import STANDING
from chain.stores.connection import database_errors, raw_connection
from explorer import published
from explorer.indexers.internal import PLAIN_OF_EPOCH, PLAIN_OF_TX
from explorer.pages import address as pages
from explorer.pages import internal as inside
from explorer.pages.figures import rank_place_of
from explorer.pages.mark import source_of
from explorer.paging import PAGE, place3_of, place_of
from explorer.selectors.internal import COVERAGE
from explorer.views.common import address_of, at_home

_ROUTES = {
    "transactions": "explorer:address",
    "transfers": "explorer:address-transfers",
    "holdings": "explorer:address-tokens",
    "internal": "explorer:address-internal",
    "contract": "explorer:address-contract",
}
# the index behind each tab's list
_SOURCES = {"transactions": "addresses", "transfers": "tokens", "holdings": "tokens", "internal": "internal"}
Tab = Callable[[HttpRequest, pages.AddressHead], dict[str, Any]]


def _tab(name: str) -> Callable[[Tab], Callable[[HttpRequest, str], HttpResponse]]:
    """Make a view of what one tab adds to the head that all have; other spellings lead to the canonical one.

    ``name`` is the tab's and its template's.
    """
    route, template = _ROUTES[name], f"explorer/addresses/{name}.html"

    def view_of(tab: Tab) -> Callable[[HttpRequest, str], HttpResponse]:
        @require_safe
        @wraps(tab)
        def view(request: HttpRequest, ref: str) -> HttpResponse:
            raw = address_of(ref)
            if raw is None:
                raise Http404
            canonical = "0x" + raw.hex()
            if ref != canonical:
                return at_home(request, route, canonical)
            with database_errors():
                source = source_of(raw_connection(), _SOURCES.get(name, "addresses"))
                head = pages.address_head(raw_connection(), raw)
                extra = tab(request, head)
            context = {"head": head, "tab": name, "ref": canonical, "watch": f"address={canonical}", **extra}
            # what an address holds is the sum of all, its other lists are of their rows
            rows = extra.get("rows", ())
            context["mark"] = source.mark(None if name == "holdings" else rows[0].number if rows else -1)
            return render(request, template, context)

        return view

    return view_of


@_tab("transactions")
def address(request: HttpRequest, head: pages.AddressHead) -> dict[str, Any]:
    """What it is and its history; ``?before=number-index``, ``?after=number-index``."""
    before, after = place_of(request.GET.get("before", "")), place_of(request.GET.get("after", ""))
    page, rows = pages.transactions(raw_connection(), head.address, before, after, PAGE)
    return {"page": page, "rows": rows}


@_tab("transfers")
def transfers(request: HttpRequest, head: pages.AddressHead) -> dict[str, Any]:
    """Its token transfers; ``?before=number-log-ordinal``."""
    before = place3_of(request.GET.get("before", ""))
    rows, older = pages.transfers(raw_connection(), head.address, before, PAGE)
    return {"rows": rows, "older": older, "is_first": before is None}


@_tab("holdings")
def holdings(request: HttpRequest, head: pages.AddressHead) -> dict[str, Any]:
    """The tokens that it holds, ``?before=holders-token``, and ids of them, ``?items=id-token``."""
    before, after = rank_place_of(request.GET.get("before", "")), rank_place_of(request.GET.get("items", ""))
    tokens, older = pages.holdings(raw_connection(), head.address, before, PAGE)
    items, more = pages.items(raw_connection(), head.address, after, PAGE)
    is_first = before is None and after is None
    return {"tokens": tokens, "older": older, "items": items, "more": more, "is_first": is_first}


@_tab("internal")
def internal(request: HttpRequest, head: pages.AddressHead) -> dict[str, Any]:
    """Calls from or to it inside transactions; ``?before=number-index-ordinal``, ``?moved=1`` for those with value."""
    conn = raw_connection()
    before, only_moved = place3_of(request.GET.get("before", "")), request.GET.get("moved") == "1"
    rows, following = inside.calls_of_address(conn, head.address, before, PAGE, only_moved=only_moved)
    coverage, standing = COVERAGE.one(conn), STANDING.one(conn)
    older = f"?{'moved=1&' if only_moved else ''}before={following}" if following else ""
    return {
        "rows": rows,
        "older": older,
        "is_first": before is None,
        "only_moved": only_moved,
        "coverage": coverage,
        "behind": standing.number - coverage.number if coverage and standing else 0,
        "is_traced": bool(settings.MDS_INDEX_TRACE_SHARE),
        "plain_of_tx": PLAIN_OF_TX,
        "plain_of_epoch": PLAIN_OF_EPOCH,
    }


@_tab("contract")
def contract(request: HttpRequest, head: pages.AddressHead) -> dict[str, Any]:
    """Its code, and reading and writing it by an ABI: one that an operator published, or the visitor's own."""
    conn = raw_connection()
    known = published.published(conn, head.address)
    abi = published.abis_of(conn, [head.address]).get(head.address) if known else None
    return {"published": known, "abi": orjson.loads(abi.text) if abi else None}
