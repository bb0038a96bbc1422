"""The audit log."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.guard import page
from admin_ui.roles import Role
from admin_ui.services import trail
from chain.services import audit

PAGE = 50


@page(Role.VIEWER)
def audit_log(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first; keyset pages, filtered by actor, action and outcome."""
    wanted = trail.Filter(
        actor=request.GET.get("actor", "").strip()[:150],
        action=request.GET.get("action", "").strip()[:64],
        outcome=request.GET.get("outcome", "").strip()[:8],
    )
    before, after = (_place(request.GET.get(name, "")) for name in ("before", "after"))
    found = trail.actions_page(wanted, PAGE, before=before, after=after)
    keep = {name: value for name, value in request.GET.items() if name in ("actor", "action", "outcome") and value}
    context = {
        "rows": found.rows,
        "wanted": wanted,
        "outcomes": (audit.DONE, audit.REFUSED, audit.FAILED),
        "actions": trail.known_actions(),
        "newer": f"?{urlencode({**keep, 'after': found.rows[0].id})}" if found.has_newer else "",
        "older": f"?{urlencode({**keep, 'before': found.rows[-1].id})}" if found.has_older else "",
    }
    return render(request, "admin_ui/audit.html", context)


def _place(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
