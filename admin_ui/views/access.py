"""API keys of the JSON-RPC's operator methods."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from contextlib import suppress

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from redis.exceptions import RedisError

from admin_ui import inputs
from admin_ui.database import hand_back
from admin_ui.doors import program_of
from admin_ui.guard import action, ask_first, form, keep_refusal, page
from admin_ui.roles import Role
from admin_ui.services.settings import wait_until_followed
from chain.core.errors import RequestError
from chain.services import api_keys
from chain.services.network import now_ms

_BACK = "operator:keys"
# the processes that know keys
_DOORS = ("rpc", "web")
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
    return render(request, "admin_ui/keys.html", {"keys": rows, "scopes": _scopes(())})


@action(Role.ADMIN, _BACK, "api_key.create")
def create(request: HttpRequest) -> HttpResponse:
    """Make a key and show its secret, this once."""
    name = inputs.text(request, "name", 80)
    secret = api_keys.create_key(
        name,
        tuple(request.POST.getlist("scopes")),
        inputs.whole(inputs.text(request, "days", 12), "a number of days"),
        **_limits(request),
    )
    return render(
        request, "admin_ui/secret.html", {"title": f"Key {name}", "secret": secret, "back": _BACK, "kind": "key"}
    )


@form(Role.ADMIN, "api_key.change")
def change(request: HttpRequest) -> HttpResponse:
    """Give a key other scopes and limits, and wait until the processes that know keys work with them."""
    name = inputs.text(request, "name", 80) if request.method == "POST" else request.GET.get("name", "")[:80]
    known = api_keys.find_key(name)
    if request.method != "POST" and known is not None:
        typed = {"rate": known.rate or "", "burst": known.burst or ""}
        return _change_page(request, name, known.scopes, typed)
    scopes = request.POST.getlist("scopes")
    try:
        if request.method != "POST":
            raise RequestError("not_found", "no such key, or it is revoked", got=name)
        limits = _limits(request)
        version = api_keys.change_key(name, tuple(scopes), **limits)
    except RequestError as refused:
        if request.method == "POST":
            keep_refusal("api_key.change", refused)
        if known is None:
            messages.error(request, f"Refused: {refused.message}")
            return redirect(_BACK)
        typed = {field: inputs.text(request, field, 12) for field in ("rate", "burst")}
        return _change_page(request, name, scopes, typed, refused.message)
    rate, burst = (limits[field] or "the node's" for field in ("rate", "burst"))
    said = f"Key {name}: scopes {', '.join(sorted(scopes))}; points a second: {rate}, points at once: {burst}."
    messages.success(request, f"{said} {_in_force(version)}")
    return redirect(_BACK)


@action(Role.ADMIN, _BACK, "api_key.revoke")
def revoke(request: HttpRequest) -> HttpResponse | None:
    """End a key, after a question."""
    name = inputs.text(request, "name", 80)
    what = [f"Requests with key {name} are refused at once; its limits end within seconds.",
            "It cannot be brought back; its name stays in the audit log."]  # fmt: skip
    asked = ask_first(request, f"Revoke key {name}?", what, "Revoke it", _BACK)
    if asked is not None:
        return asked
    api_keys.revoke_key(name)
    messages.success(request, f"Key {name} is revoked.")
    return None


def _limits(request: HttpRequest) -> dict[str, int | None]:
    """The key's own limits as a form names them; None where those of the node hold."""
    return {field: inputs.whole(inputs.text(request, field, 12), f"a {field}") for field in ("rate", "burst")}


def _scopes(chosen: Collection[str]) -> list[tuple[str, str, bool]]:
    """Every scope, its meaning, and whether it is chosen."""
    return [(scope, SCOPES.get(scope, ""), scope in chosen) for scope in api_keys.SCOPES]


def _change_page(
    request: HttpRequest, name: str, scopes: Collection[str], typed: Mapping[str, object], error: str = ""
) -> HttpResponse:
    context = {"name": name, "scopes": _scopes(scopes), "typed": typed, "error": error}
    return render(request, "admin_ui/key.html", context, status=400 if error else 200)


def _in_force(version: int | None) -> str:
    """Who works with it, by their own word."""
    names: list[str] = []
    if version is not None:
        hand_back()
        # the change is made: that nobody can be asked about it is no failure
        with suppress(RedisError):
            names = wait_until_followed(version, _DOORS)
    if not names:
        return "No process has confirmed it yet; they follow within half a minute."
    heard = f"In force in {', '.join(names)}"
    is_all = {program_of(name) for name in names} >= set(_DOORS)
    return f"{heard}." if is_all else f"{heard}; others follow within half a minute."


def _state(revoked_ms: int | None, expires_ms: int | None, now: int) -> str:
    if revoked_ms:
        return "revoked"
    return "expired" if expires_ms and expires_ms <= now else "valid"
