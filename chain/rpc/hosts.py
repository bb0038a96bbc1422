"""Which Host and Origin headers the RPC answers to: a page that rebinds its name to this machine must not.

Reference: DNS rebinding; go-ethereum's ``--http.vhosts`` is the same defence.
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import ip_address

from django.conf import settings


@lru_cache(maxsize=1024)
def host_allowed(header: bytes) -> bool:
    """Whether a Host header names this node: by address, or by a name that the settings list."""
    if not header:
        # HTTP/1.0 and raw clients: no browser leaves it out
        return True
    name = header.decode("latin-1").lower()
    host = name[: name.rfind("]") + 1] if name.startswith("[") else name.partition(":")[0]
    if is_address(host.strip("[]")):
        return True
    allowed = [entry.lower() for entry in settings.ALLOWED_HOSTS]
    return any(
        entry in ("*", host) or (entry.startswith(".") and (host.endswith(entry) or host == entry[1:]))
        for entry in allowed
    )


@lru_cache(maxsize=1024)
def origin_allowed(header: bytes) -> bool:
    """Whether a page of this origin may read answers."""
    allowed = settings.MDS_RPC_CORS_ORIGINS
    return "*" in allowed or header.decode("latin-1") in allowed


def is_address(host: str) -> bool:
    """Whether a host is a literal address, which no page can rebind."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
