"""The page at the root: the live dashboard."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.templatetags.static import static
from django.urls import reverse
from django.views.decorators.http import require_safe

from chain.selectors.front import front
from chain.services.network import current_spec
from chain.stores.connection import raw_connection

# fetched at once, where the browser would find them one behind the other
_MODULES = ("socket", "model", "view", "draw", "minimap", "panel", "figures", "charts", "input", "rows", "dashboard")


@require_safe
def front_page(request: HttpRequest) -> HttpResponse:
    """The picture of the DAG and the figures beside it; without script a table of the newest blocks."""
    found = front(raw_connection())
    totals = found.blocks_by_stream if found else (0, 0, 0)
    context = {
        "front": found,
        "streams": [
            {"name": name, "key": name.lower(), "total": total} for name, total in zip("ABC", totals, strict=True)
        ],
        "shards": range(current_spec().shard_count),
        "block_path": reverse("explorer:live-block", args=[0]).removesuffix("0"),
        "modules": [static(f"explorer/js/live/{name}.js") for name in _MODULES],
    }
    return render(request, "explorer/dashboard.html", context)


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Where the sign is that browsers ask for beside what names none: JSON, plain text."""
    return redirect(static("explorer/icon.svg"))
