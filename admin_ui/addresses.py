"""Where a request comes from, by the same rule as the JSON-RPC's limits."""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_network
from typing import Any

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from chain.rpc.caller import unmapped

PATHS = ("/operator/", "/admin/")


def client_address(request: Any) -> str | None:
    """The socket's other end, or whom a proxy on this machine names last; None where there is no address."""
    meta = getattr(request, "META", None) or {}
    return named_address(meta.get("REMOTE_ADDR"), meta.get("HTTP_X_FORWARDED_FOR"))


def named_address(peer: str | None, forwarded: str | None) -> str | None:
    """The rule on plain values; a header is believed from this machine only, and of it the last entry."""
    try:
        found = unmapped(peer or "")
    except ValueError:
        return None
    if found.is_loopback and forwarded:
        try:
            return str(unmapped(forwarded.rpartition(",")[2].strip()))
        except ValueError:
            return None
    return str(found)


def is_allowed(address: str | None) -> bool:
    """Whether the operator's web is open to this client; one whose address cannot be told is not."""
    if address is None:
        return False
    found = unmapped(address)
    return any(found in ip_network(network) for network in settings.MDS_OPERATOR_ALLOW)


class AllowedNetworks:
    """Keeps clients of other networks out of the operator's web before anybody asks who they are."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if request.path.startswith(PATHS) and not is_allowed(client_address(request)):
            return render(request, "admin_ui/elsewhere.html", status=403)
        return self._get_response(request)
