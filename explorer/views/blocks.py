"""Blocks: along the selected chain, in the DAG, one of them, and as CSV."""

from __future__ import annotations

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.stores.connection import database_errors, raw_connection
from explorer.pages.block import block_page
from explorer.pages.mark import source_of
from explorer.paging import MAX_NUMBER, hash_place_of, page_of, place_of
from explorer.selectors.lists import CHAIN_ABOVE, CHAIN_FROM, DAG_ABOVE, DAG_BELOW
from explorer.views.common import at_home, hash_of, number_of

_LAST = b"\xff" * 32


@require_safe
def blocks(request: HttpRequest) -> HttpResponse:
    """The selected chain's blocks, newest first; ``?before=N``, ``?after=N``."""
    before, after = place_of(request.GET.get("before", "")), place_of(request.GET.get("after", ""))
    conn = raw_connection()
    with database_errors():
        source = None if before or after else source_of(conn)
        start = before[0] - 1 if before else MAX_NUMBER
        page = page_of(
            None if after else lambda limit: CHAIN_FROM.all(conn, start, limit),
            (lambda limit: CHAIN_ABOVE.all(conn, after[0], limit)) if after else None,
            lambda row: str(row.number),
            is_first=before is None,
        )
    mark = source.mark(page.rows[0].number if page.rows else -1) if source else None
    return render(request, "explorer/blocks/chain.html", {"page": page, "mark": mark})


@require_safe
def dag(request: HttpRequest) -> HttpResponse:
    """All blocks of the DAG by blue score, newest first; ``?before=score-hash``, ``?after=score-hash``."""
    before, after = hash_place_of(request.GET.get("before", "")), hash_place_of(request.GET.get("after", ""))
    conn = raw_connection()
    with database_errors():
        source = None if before or after else source_of(conn)
        page = page_of(
            None if after else lambda limit: DAG_BELOW.all(conn, *(before or (MAX_NUMBER, _LAST)), limit),
            (lambda limit: DAG_ABOVE.all(conn, *after, limit)) if after else None,
            lambda row: f"{row.blue_score}-{row.hash.hex()}",
            is_first=before is None,
        )
    newest = max([row.seq for row in page.rows], default=0)
    # a reorganisation takes blocks out of the order, and gives them another colour
    merged = max([-1 if row.merged_by is None else row.merged_by for row in page.rows], default=-1)
    mark = source.mark(merged) if source else None
    return render(request, "explorer/blocks/dag.html", {"page": page, "newest": newest, "mark": mark})


@require_safe
def block(request: HttpRequest, ref: str) -> HttpResponse:
    """A block by hash, or by number on the selected chain; ``?from=N`` goes on in its transactions."""
    key = number_of(ref)
    if key is None:
        key = hash_of(ref)
    if key is None:
        raise Http404
    first_index = number_of(request.GET.get("from", "")) or 0
    page = block_page(raw_connection(), key, min(first_index, 2**31 - 1))
    if page is None:
        return render(
            request, "explorer/blocks/missing.html", {"ref": ref, "is_number": isinstance(key, int)}, status=404
        )
    if isinstance(key, bytes) and ref != "0x" + key.hex():
        return at_home(request, "explorer:block", "0x" + key.hex())
    return render(request, "explorer/blocks/block.html", {"page": page, "first_index": first_index})
