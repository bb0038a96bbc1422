"""Health as plain statements, each a link to where it can be changed."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.doors import door
from admin_ui.guard import page
from admin_ui.roles import Role
from admin_ui.services import alerts, health
from admin_ui.services.trail import newest


@page(Role.VIEWER)
def overview(request: HttpRequest) -> HttpResponse:
    """The first page: what is wrong, then what is right, then what was done lately."""
    facts = health.gather(door())
    alerts.refresh(health.findings(facts))
    context = {
        "statements": health.statements(facts),
        "streams": facts.streams,
        "alerts": alerts.open_alerts(),
        "actions": newest(6),
        "facts": door().facts(),
    }
    return render(request, "admin_ui/overview.html", context)
