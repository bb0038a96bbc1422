"""The page at the root: where the chain stands."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from chain.selectors.front import Front, front
from chain.stores.connection import raw_connection
from explorer.amounts import grouped


def _figures(found: Front) -> list[tuple[str, str]]:
    """Names and values at the head of the page, as they are shown."""
    streams = zip("ABC", found.blocks_by_stream, strict=True)
    named = {
        "Chain block": found.number,
        **{f"Stream {name} blocks": count for name, count in streams},
        "Accepted transactions": found.accepted,
        "Tips": found.tips,
        "Reorganisations": found.reorgs,
    }
    return [(name, grouped(value)) for name, value in named.items()]


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """Where the chain stands and its newest blocks."""
    found = front(raw_connection())
    return render(request, "explorer/front.html", {"front": found, "figures": _figures(found) if found else []})
