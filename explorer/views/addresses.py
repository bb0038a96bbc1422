"""Addresses: history, tokens, transfers, code."""

from __future__ import annotations

from typing import Any

import orjson
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from chain.selectors.stats import STANDING
from chain.stores.connection import database_errors, raw_connection
from explorer import published
from explorer.pages import address as pages
from explorer.pages.figures import rank_place_of
from explorer.paging import PAGE, place_of
from explorer.selectors.internal import COVERAGE
from explorer.views.common import address_of


def _head(request: HttpRequest, ref: str, name: str) -> tuple[pages.AddressHead | None, HttpResponse | None]:
    """The head of the page, or a way to the canonical spelling of the address.

    Raises
    ------
    Http404
    """
    raw = address_of(ref)
    if raw is None:
        raise Http404
    canonical = "0x" + raw.hex()
    if ref != canonical:
        return None, redirect(name, canonical)
    with database_errors():
        return pages.address_head(raw_connection(), raw), None


def _show(request: HttpRequest, tab: str, head: pages.AddressHead, **extra: Any) -> HttpResponse:
    ref = "0x" + head.address.hex()
    context = {"head": head, "tab": tab, "ref": ref, "watch": f"address={ref}", **extra}
    return render(request, f"explorer/addresses/{tab}.html", context)


@require_safe
def address(request: HttpRequest, ref: str) -> HttpResponse:
    """What it is and its history; ``?before=number-index``, ``?after=number-index``."""
    head, other = _head(request, ref, "explorer:address")
    if head is None:
        assert other is not None
        return other
    before, after = place_of(request.GET.get("before", "")), place_of(request.GET.get("after", ""))
    with database_errors():
        page, rows = pages.transactions(raw_connection(), head.address, before, after, PAGE)
    return _show(request, "transactions", head, page=page, rows=rows)


@require_safe
def transfers(request: HttpRequest, ref: str) -> HttpResponse:
    """Its token transfers; ``?before=number-log-ordinal``."""
    head, other = _head(request, ref, "explorer:address-transfers")
    if head is None:
        assert other is not None
        return other
    before = pages.place3_of(request.GET.get("before", ""))
    with database_errors():
        rows, older = pages.transfers(raw_connection(), head.address, before, PAGE)
    return _show(request, "transfers", head, rows=rows, older=older, is_first=before is None)


@require_safe
def holdings(request: HttpRequest, ref: str) -> HttpResponse:
    """The tokens that it holds, ``?before=holders-token``, and ids of them, ``?items=id-token``."""
    head, other = _head(request, ref, "explorer:address-tokens")
    if head is None:
        assert other is not None
        return other
    with database_errors():
        before, after = rank_place_of(request.GET.get("before", "")), rank_place_of(request.GET.get("items", ""))
        tokens, older = pages.holdings(raw_connection(), head.address, before, PAGE)
        items, more = pages.items(raw_connection(), head.address, after, PAGE)
    extra = {"tokens": tokens, "older": older, "items": items, "more": more}
    return _show(request, "holdings", head, is_first=before is None and after is None, **extra)


@require_safe
def internal(request: HttpRequest, ref: str) -> HttpResponse:
    """Value that moved to or from it inside transactions; ``?before=number-index-ordinal``."""
    head, other = _head(request, ref, "explorer:address-internal")
    if head is None:
        assert other is not None
        return other
    before = pages.place3_of(request.GET.get("before", ""))
    with database_errors():
        conn = raw_connection()
        rows, older = pages.internal_calls(conn, head.address, before, PAGE)
        coverage, standing = COVERAGE.one(conn), STANDING.one(conn)
    behind = standing.number - coverage.number if coverage and standing else 0
    extra = {"rows": rows, "older": older, "is_first": before is None, "coverage": coverage, "behind": behind}
    return _show(request, "internal", head, **extra, is_traced=bool(settings.MDS_INDEX_TRACE_SHARE))


@require_safe
def contract(request: HttpRequest, ref: str) -> HttpResponse:
    """Its code, and reading and writing it by an ABI: one that an operator published, or the visitor's own."""
    head, other = _head(request, ref, "explorer:address-contract")
    if head is None:
        assert other is not None
        return other
    with database_errors():
        conn = raw_connection()
        known = published.published(conn, head.address)
        abi = published.abis_of(conn, [head.address]).get(head.address) if known else None
    return _show(request, "contract", head, published=known, abi=orjson.loads(abi.text) if abi else None)
