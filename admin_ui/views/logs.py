"""The log viewer."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui.doors import door
from admin_ui.guard import page
from admin_ui.roles import Role
from admin_ui.services import logs as service
from chain.core.errors import RequestError

LINES = 400


@page(Role.VIEWER)
def logs(request: HttpRequest) -> HttpResponse:
    """The end of one process's log, filtered; a socket follows it."""
    files = door().logs()
    name = request.GET.get("process", "") or next(iter([n for n in ("virtual", "web") if n in files] or files), "")
    level = request.GET.get("level", "debug")
    wanted = service.Wanted(level if level in service.LEVELS else "debug", request.GET.get("text", "")[:100])
    error, lines = "", ()
    try:
        lines = service.tail(service.log_of(files, name), wanted, LINES, service.Redactor(door().secrets())).lines
    except RequestError as refused:
        error = refused.message
    context = {
        "names": list(files), "name": name, "wanted": wanted, "lines": lines, "levels": service.LEVELS, "error": error,
    }  # fmt: skip
    return render(request, "admin_ui/logs.html", context, status=404 if error else 200)
