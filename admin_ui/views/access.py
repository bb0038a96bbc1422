"""API keys of the JSON-RPC's operator methods."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from admin_ui import inputs
from admin_ui.guard import action, ask_first, page
from admin_ui.roles import Role
from chain.services import api_keys
from chain.services.network import now_ms

_BACK = "operator:keys"
SCOPES = {
    "mining": "start and stop streams, shares, coinbase, ordering",
    "network": "peers, once the node has a network",
    "log": "what the process logs",
}


@page(Role.VIEWER)
def keys(request: HttpRequest) -> HttpResponse:
    """Who has a key, for what, until when; never the secrets."""
    now = now_ms()
    used = api_keys.last_used()
    rows = [(key, _state(key.revoked_ms, key.expires_ms, now), used.get(key.name)) for key in api_keys.list_keys()]
    scopes = [(scope, SCOPES.get(scope, "")) for scope in api_keys.SCOPES]
    return render(request, "admin_ui/keys.html", {"keys": rows, "scopes": scopes})


@action(Role.ADMIN, _BACK, "api_key.create")
def create(request: HttpRequest) -> HttpResponse:
    """Make a key and show its secret, this once."""
    name = inputs.text(request, "name", 80)
    secret = api_keys.create_key(
        name,
        tuple(request.POST.getlist("scopes")),
        inputs.whole(inputs.text(request, "days", 12), "a number of days"),
        rate=inputs.whole(inputs.text(request, "rate", 12), "a rate"),
        burst=inputs.whole(inputs.text(request, "burst", 12), "a burst"),
    )
    return render(
        request, "admin_ui/secret.html", {"title": f"Key {name}", "secret": secret, "back": _BACK, "kind": "key"}
    )


@action(Role.ADMIN, _BACK, "api_key.revoke")
def revoke(request: HttpRequest) -> HttpResponse | None:
    """End a key, after a question."""
    name = inputs.text(request, "name", 80)
    what = [f"Requests with key {name} are refused at once, or within half a minute as far as limits go.",
            "It cannot be brought back; its name stays in the audit log."]  # fmt: skip
    asked = ask_first(request, f"Revoke key {name}?", what, "Revoke it", _BACK)
    if asked is not None:
        return asked
    api_keys.revoke_key(name)
    messages.success(request, f"Key {name} is revoked.")
    return None


def _state(revoked_ms: int | None, expires_ms: int | None, now: int) -> str:
    if revoked_ms:
        return "revoked"
    return "expired" if expires_ms and expires_ms <= now else "valid"
