"""The audit log."""

from __future__ import annotations

from urllib.parse import urlencode

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.guard import page
from admin_ui.roles import Role
from admin_ui.services import trail
from admin_ui.templatetags.operator import as_json
from chain.services import audit
from explorer.amounts import moment
from explorer.exports import MAX_ROWS, csv_response

PAGE = 50
_COLUMNS = ("time", "actor", "door", "address", "action", "target", "before", "after", "outcome", "detail")


@page(Role.VIEWER)
def audit_log(request: HttpRequest) -> HttpResponse:
    """Who did what, newest first; keyset pages, filtered by actor, action and outcome."""
    wanted = _wanted(request)
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
        "export": f"?{urlencode(keep)}" if keep else "",
    }
    return render(request, "admin_ui/audit.html", context)


@page(Role.VIEWER)
def export(request: HttpRequest) -> HttpResponse:
    """The same as CSV, at most ``MAX_ROWS`` of the newest."""
    lines = (
        (
            moment(row.at_ms).isoformat(timespec="milliseconds"), row.actor, row.door, row.address or "", row.action,
            row.target, as_json(row.before), as_json(row.after), row.outcome, row.detail,
        )
        for row in trail.all_actions(_wanted(request), MAX_ROWS)
    )  # fmt: skip
    return csv_response(request, "audit", _COLUMNS, lines)


def _wanted(request: HttpRequest) -> trail.Filter:
    return trail.Filter(
        actor=request.GET.get("actor", "").strip()[:150],
        action=request.GET.get("action", "").strip()[:64],
        outcome=request.GET.get("outcome", "").strip()[:8],
    )


def _place(raw: str) -> int | None:
    return int(raw) if raw.isascii() and raw.isdigit() and len(raw) < 19 else None
