"""Who asks: the connection behind a request, for limits, grants and subscriptions."""

from __future__ import annotations

import secrets
from contextvars import ContextVar
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any

# headers by which a proxy says that it speaks for somebody else
_FORWARDING = frozenset({b"forwarded", b"x-forwarded-for", b"x-real-ip", b"via"})
# all that anything here asks for: most requests have none of them
_ASKED = _FORWARDING | {b"origin", b"authorization", b"x-api-key"}
UNKNOWN = "unknown"


class Caller:
    """One connection's facts, worked out only when something asks.

    Parameters
    ----------
    scope : dict
        The ASGI scope.
    socket : object, optional
        What takes notifications: a WebSocket's; None over HTTP.
    """

    __slots__ = ("_found", "_identity", "_scope", "socket")

    def __init__(self, scope: dict[str, Any], socket: Any = None) -> None:
        self._scope = scope
        self._found: dict[bytes, bytes] | None = None
        self._identity: str | None = None
        self.socket = socket

    @property
    def identity(self) -> str:
        """The name of this request, or of this socket, in the logs; made when something is logged."""
        if self._identity is None:
            self._identity = secrets.token_hex(6)
        return self._identity

    @property
    def peer(self) -> str:
        """The socket's other end."""
        client = self._scope.get("client")
        return str(client[0]) if client else UNKNOWN

    @property
    def is_loopback(self) -> bool:
        """Whether the other end is this machine; it may be a proxy."""
        return _is_loopback(self.peer)

    @property
    def is_forwarded(self) -> bool:
        """Whether a proxy says that it speaks for somebody else."""
        return not _FORWARDING.isdisjoint(self._headers)

    @property
    def is_page(self) -> bool:
        """Whether a browser's page asks."""
        return b"origin" in self._headers

    @property
    def address(self) -> str:
        """Whom limits count: the peer, or whom a proxy on this machine names last."""
        if self.is_loopback and (forwarded := self._headers.get(b"x-forwarded-for")):
            last = forwarded.decode("latin-1").rpartition(",")[2].strip()
            try:
                return str(unmapped(last))
            except ValueError:
                return UNKNOWN
        try:
            return str(unmapped(self.peer))
        except ValueError:
            return self.peer

    @property
    def key(self) -> str | None:
        """The API key that the request carries."""
        headers = self._headers
        if not headers:
            return None
        scheme, _, value = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and value:
            return value.strip()
        own = headers.get(b"x-api-key")
        return None if own is None else own.decode("latin-1")

    @property
    def _headers(self) -> dict[bytes, bytes]:
        """Those that matter, read once; of one that comes more than once the last, which the nearest proxy wrote."""
        if self._found is None:
            self._found = {name: value for name, value in self._scope["headers"] if name in _ASKED}
        return self._found


@lru_cache(maxsize=4096)
def unmapped(text: str) -> IPv4Address | IPv6Address:
    """An address, of IPv4 also where a socket of both families names it ``::ffff:127.0.0.1``; ValueError for none."""
    found = ip_address(text)
    return getattr(found, "ipv4_mapped", None) or found


@lru_cache(maxsize=4096)
def _is_loopback(peer: str) -> bool:
    try:
        return unmapped(peer).is_loopback
    except ValueError:
        return False


NOBODY = Caller({"headers": [], "client": None})
_current: ContextVar[Caller] = ContextVar("rpc_caller", default=NOBODY)
set_caller = _current.set
current_caller = _current.get
