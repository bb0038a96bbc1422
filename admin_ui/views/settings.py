"""Settings: those of the database, and the environment as it is."""

from __future__ import annotations

from itertools import groupby

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse

from admin_ui import inputs
from admin_ui.database import hand_back
from admin_ui.doors import door
from admin_ui.guard import keep_refusal, page, requires
from admin_ui.roles import Role
from admin_ui.services.settings import needing_restart, wait_until_followed
from chain.core.errors import ConfigError, RequestError
from chain.services import node_settings


@page(Role.VIEWER)
def settings(request: HttpRequest) -> HttpResponse:
    """Everything that can be set, where its value comes from, and what waits for a restart."""
    return _page(request)


@requires(Role.ADMIN, ("POST",), "setting.change")
def change(request: HttpRequest) -> HttpResponse:
    """Change one; a refusal comes back beside its field with what was typed."""
    key, typed = inputs.text(request, "key", 64), inputs.text(request, "value", 2_000)
    try:
        version = node_settings.change_setting(key, typed)
    except (RequestError, ConfigError) as refused:
        keep_refusal("setting.change", refused)
        return _page(request, {key: (refused.message, typed)}, 400)
    view = next(view for view in node_settings.settings_table() if view.key == key)
    hand_back()
    names = wait_until_followed(version)
    said = f"{view.variable} is {_shown(view.value)} now"
    if view.restart:
        messages.warning(request, f"{said}. It takes effect with the next start of {', '.join(view.restart)}.")
    else:
        messages.success(request, f"{said}, in force in {', '.join(names) or 'no process yet'}.")
    return redirect(reverse("operator:settings") + "#" + key.removeprefix("node."))


def _page(request: HttpRequest, errors: dict[str, tuple[str, str]] | None = None, status: int = 200) -> HttpResponse:
    table = node_settings.settings_table()
    waiting = needing_restart(table, door().processes() or [])
    rows = [
        (view, _shown(view.value), _shown(view.default), waiting.get(view.key, []), (errors or {}).get(view.key))
        for view in table
    ]
    known = {view.variable for view in table}
    context = {
        "groups": [(group, list(members)) for group, members in groupby(rows, key=lambda row: row[0].group)],
        "restart": sorted({name for names in waiting.values() for name in names}),
        "environment": [variable for variable in door().environment() if variable.name not in known],
        "services": door().services(),
        "facts": door().facts(),
        "servers": door().server_choices(),
        "refused": door().refused_servers(),
    }
    return render(request, "admin_ui/settings.html", context, status=status)


def _shown(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
