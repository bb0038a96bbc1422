"""Users and their roles."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import MEANING, Role
from admin_ui.services import first_run
from admin_ui.services import users as service

_BACK = "operator:users"


@page(Role.ADMIN)
def users(request: HttpRequest) -> HttpResponse:
    """Everybody who may come in."""
    roles = [(role.group, meaning) for role, meaning in MEANING.items()]
    return render(request, "admin_ui/users.html", {"users": service.users(), "roles": roles})


@action(Role.ADMIN, _BACK, "user.create")
def create(request: HttpRequest) -> HttpResponse:
    """Make a user and show the first password, this once."""
    name = inputs.text(request, "name", 80)
    secret = service.create_user(name, inputs.role(inputs.text(request, "role", 20)))
    context = {"title": f"User {name}", "secret": secret, "back": _BACK, "kind": "password"}
    return render(request, "admin_ui/secret.html", context)


@action(Role.ADMIN, _BACK, "user.set_role")
def role(request: HttpRequest) -> None:
    """Give another role."""
    name, wanted = inputs.text(request, "name", 80), inputs.role(inputs.text(request, "role", 20))
    service.set_role(name, wanted)
    messages.success(request, f"{name} is {wanted.group} now, with the next request.")


@action(Role.ADMIN, _BACK, "user.set_active")
def active(request: HttpRequest) -> HttpResponse | None:
    """Keep somebody out, after a question, or let them in again."""
    name, wanted = inputs.text(request, "name", 80), inputs.text(request, "active", 3) == "yes"
    if not wanted:
        what = [f"{name} is logged out with the next request and cannot log in until somebody lets them in again."]
        asked = ask_first(request, f"Keep {name} out?", what, f"Keep {name} out", _BACK)
        if asked is not None:
            return asked
    service.set_active(name, wanted)
    messages.success(request, f"{name} may log in." if wanted else f"{name} is kept out.")
    return None


@action(Role.ADMIN, _BACK, "user.reset_password")
def reset(request: HttpRequest) -> HttpResponse | None:
    """Give a new first password, after a question, and show it, this once."""
    name = inputs.text(request, "name", 80)
    what = [f"The present password of {name} ends, and with it every session.",
            "The new one is shown once and must be changed at the next login."]  # fmt: skip
    asked = ask_first(request, f"Give {name} a new password?", what, "Give a new password", _BACK)
    if asked is not None:
        return asked
    context = {"title": f"User {name}", "secret": first_run.reset_password(name), "back": _BACK, "kind": "password"}
    return render(request, "admin_ui/secret.html", context)
