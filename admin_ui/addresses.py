"""Where a request comes from, by the same rule as the JSON-RPC's limits."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any


def client_address(request: Any) -> str | None:
    """The socket's other end, or whom a proxy on this machine names last; None where there is no address."""
    meta = getattr(request, "META", None) or {}
    return named_address(meta.get("REMOTE_ADDR"), meta.get("HTTP_X_FORWARDED_FOR"))


def named_address(peer: str | None, forwarded: str | None) -> str | None:
    """The rule on plain values; a header is believed from this machine only, and of it the last entry."""
    try:
        found = ip_address(peer or "")
    except ValueError:
        return None
    if found.is_loopback and forwarded:
        try:
            return str(ip_address(forwarded.rpartition(",")[2].strip()))
        except ValueError:
            return None
    return str(found)
