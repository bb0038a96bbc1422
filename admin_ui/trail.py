"""Logins and logouts in the trail of operators' actions."""

from __future__ import annotations

from typing import Any

from axes.signals import user_locked_out
from django.contrib.auth import get_user_model
from django.contrib.auth.signals import user_logged_in, user_logged_out, user_login_failed
from django.dispatch import receiver

from admin_ui.addresses import client_address
from chain.services import audit


def _record(request: Any, action: str, name: str, refusal: str = "") -> None:
    with audit.acting(audit.Actor(name, "web", client_address(request))), audit.operation(action, name) as trail:
        if refusal:
            trail.outcome, trail.detail = audit.REFUSED, refusal


def _known(name: str) -> str:
    """A user's name; what is none may be a password in the wrong field and is not written down."""
    return name if get_user_model().objects.filter(username=name).exists() else "unknown"


@receiver(user_logged_in)
def _logged_in(request: Any, user: Any, **_: Any) -> None:
    _record(request, "login", user.get_username())


@receiver(user_logged_out)
def _logged_out(request: Any, user: Any, **_: Any) -> None:
    if user is not None:
        _record(request, "logout", user.get_username())


@receiver(user_login_failed)
def _login_failed(credentials: dict[str, Any], request: Any = None, **_: Any) -> None:
    _record(request, "login", _known(str(credentials.get("username", ""))), "wrong name or password")


@receiver(user_locked_out)
def _locked_out(request: Any, username: str | None, **_: Any) -> None:
    _record(request, "login.locked", _known(username or ""), "too many failures, the door is closed for a while")
