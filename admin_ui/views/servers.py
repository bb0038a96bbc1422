"""PostgreSQL and Redis of the node's next start, and the restart of the whole node."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from admin_ui.doors import door
from admin_ui.guard import action, ask_first
from admin_ui.inputs import server_urls
from admin_ui.roles import Role
from admin_ui.services import first_run
from chain.services import audit

_BACK = "operator:settings"


@action(Role.ADMIN, _BACK, "servers.choose")
def choose(request: HttpRequest) -> HttpResponse:
    """Try other servers and keep them for the next start."""
    with audit.operation("servers.choose") as trail:
        trail.after = door().choose_servers(server_urls(request), first_run.carry(request.user))
    for said in trail.after:
        messages.success(request, f"{said}.")
    messages.warning(request, "The node takes them when all of it starts again.")
    return redirect(reverse(_BACK) + "#servers")


@action(Role.ADMIN, _BACK, "servers.forget")
def forget(request: HttpRequest) -> HttpResponse:
    """Stay with the present ones."""
    with audit.operation("servers.forget"):
        door().forget_servers()
    messages.success(request, "The node stays with its present servers.")
    return redirect(reverse(_BACK) + "#servers")


@action(Role.ADMIN, "operator:processes", "node.restart")
def restart(request: HttpRequest) -> HttpResponse | None:
    """Stop everything in order and begin anew, after a question; the page that follows waits for the node."""
    what = [
        "Every process ends in order and starts again.",
        "For half a minute or so nobody gets an answer, and nothing is mined.",
        "Transactions that wait stay in the pool as long as Redis is the same.",
    ]
    waiting = [choice for choice in door().server_choices() or [] if choice.waiting]
    if waiting:
        what.append("From then on: " + ", ".join(f"{choice.label} {choice.waiting}" for choice in waiting) + ".")
        what.append(
            "Chain, users, keys and settings are in the database. One that is empty begins at genesis, with you as its "
            "admin and with the present settings."
        )
    asked = ask_first(request, "Restart the whole node?", what, "Restart the node", "operator:processes")
    if asked is not None:
        return asked
    with audit.operation("node.restart"):
        door().restart_node()
    return render(request, "admin_ui/restarting.html")
