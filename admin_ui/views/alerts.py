"""Alerts: what is wrong, what was."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.doors import door
from admin_ui.guard import action, page
from admin_ui.roles import Role
from admin_ui.services import alerts as service
from admin_ui.services import health
from chain.core.errors import RequestError


@page(Role.VIEWER)
def alerts(request: HttpRequest) -> HttpResponse:
    """As of now: the node is asked again for this page."""
    service.refresh(health.findings(health.gather(door())))
    context = {"open": service.open_alerts(), "past": service.past_alerts()}
    return render(request, "admin_ui/alerts.html", context)


@action(Role.OPERATOR, "operator:alerts", "alert.acknowledge")
def acknowledge(request: HttpRequest) -> None:
    """Say that somebody knows."""
    wanted = inputs.whole(inputs.text(request, "alert", 12), "an alert")
    if wanted is None:
        raise RequestError("invalid_params", "no alert is named")
    service.acknowledge(wanted)
    messages.success(request, "Acknowledged in your name; it stays until the node finds it right again.")
