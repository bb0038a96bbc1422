"""Search by anything: a number, a hash, an address, a token's name."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_safe

from chain.services.redis_client import redis_client
from chain.stores.connection import database_errors, raw_connection
from explorer.pages.search import find


@require_safe
def search(request: HttpRequest) -> HttpResponse:
    """Go to the one thing that ``?q=`` names, or list what it may be."""
    # PostgreSQL's texts hold no NUL
    query = request.GET.get("q", "").replace("\0", "").strip()[:100]
    with database_errors():
        found = find(raw_connection(), redis_client(), query)
    if len(found.targets) == 1:
        target = found.targets[0]
        return redirect(target.route, target.ref)
    return render(request, "explorer/search/results.html", {"found": found, "query": query})
