"""Supervised processes and task queues."""

from __future__ import annotations

import time

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.database import hand_back
from admin_ui.doors import Process, door, program_of
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import Role
from admin_ui.services.queues import queue_lines
from chain.services import audit

_BACK = "operator:processes"
# longer than an orderly end may take before it is cut short
PATIENCE_S = 25.0
_WITHOUT = {
    "web": "These pages are away for some seconds, sockets reconnect by themselves.",
    "rpc": "Wallets get no answer for some seconds; their sockets are closed.",
    "virtual": "Blocks wait for the writer for some seconds; it warms up from the database.",
    "mine": "No blocks of this node for some seconds.",
    "validate": "Large blocks wait for some seconds.",
    "shards": "The writer runs all lanes itself for some seconds.",
    "index": "The explorer falls behind for some seconds and catches up.",
    "beat": "Nothing is swept for some seconds.",
}


@page(Role.VIEWER)
def processes(request: HttpRequest) -> HttpResponse:
    """State, memory and age of each process; depth of each queue."""
    queues, tasks = queue_lines(door().queues(), door().queue_ages())
    context = {"processes": door().processes(), "queues": queues, "tasks": tasks}
    return render(request, "admin_ui/processes.html", context)


@action(Role.OPERATOR, _BACK, "process.restart")
def restart(request: HttpRequest) -> HttpResponse | None:
    """Restart one process, after a question, and wait until the supervisor shows another one in its place."""
    name = inputs.text(request, "name", 40)
    what = ["Its running tasks are finished or handed back, then it ends and the supervisor starts it again."]
    what.append(_WITHOUT.get(program_of(name), "What needs it waits for some seconds."))
    asked = ask_first(request, f"Restart {name}?", what, f"Restart {name}", _BACK)
    if asked is not None:
        return asked
    before = _named(name)
    with audit.operation("process.restart", name) as trail:
        trail.before = {"pid": before.pid} if before else None
        door().restart(name)
    if name == "web":
        messages.success(request, "The web process ends now and comes back in some seconds.")
        return None
    hand_back()
    end = time.monotonic() + PATIENCE_S
    while (now := _named(name)) is None or not now.runs or (before and now.pid == before.pid):
        if time.monotonic() > end:
            messages.warning(request, f"Asked, but {name} is not back yet: {now.state if now else 'unknown'}.")
            return None
        time.sleep(0.5)
    messages.success(request, f"Done: {name} runs again as process {now.pid}.")
    return None


def _named(name: str) -> Process | None:
    return next((process for process in door().processes() or [] if process.name == name), None)
