"""WebSocket routes, and the JSON-RPC application beside Django."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from channels.auth import AuthMiddlewareStack
from channels.routing import URLRouter
from channels.security.websocket import AllowedHostsOriginValidator

RPC_MODULE = "chain.rpc.app"
RPC_PATHS = {"http": frozenset({"/rpc", "/rpc/"}), "websocket": frozenset({"/ws/rpc"})}

Scope = dict[str, Any]
AsgiApp = Callable[[Scope, Any, Any], Awaitable[Any]]


def present(module: str) -> bool:
    """Whether a module exists, without importing it; its parents are imported."""
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:
        return False


def rpc_application() -> AsgiApp | None:
    """The JSON-RPC ASGI application, or None in a build without it."""
    return import_module(RPC_MODULE).application if present(RPC_MODULE) else None


def websocket_application() -> AsgiApp:
    """Sockets of the pages: ``websocket_urlpatterns`` of each app's ``routing``, with session and origin check."""
    patterns: list[Any] = []
    for app in ("explorer", "admin_ui"):
        if present(f"{app}.routing"):
            patterns += import_module(f"{app}.routing").websocket_urlpatterns
    return _RefuseUnknown(AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(patterns))), patterns)


class WithRpc:
    """Send the paths of the JSON-RPC to its own application and everything else on.

    It stands before Django, so a call pays for no middleware; tokens and CORS are the RPC's own.
    """

    def __init__(self, kind: str, rpc: AsgiApp | None, otherwise: AsgiApp) -> None:
        self._paths = RPC_PATHS[kind] if rpc is not None else frozenset[str]()
        self._rpc = rpc
        self._otherwise = otherwise

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> Any:
        if self._rpc is not None and scope["path"] in self._paths:
            return await self._rpc(scope, receive, send)
        return await self._otherwise(scope, receive, send)


class _RefuseUnknown:
    """Close a socket on an unknown path quietly, where the router would raise."""

    def __init__(self, inner: AsgiApp, patterns: list[Any]) -> None:
        self._inner = inner
        self._patterns = patterns

    async def __call__(self, scope: Scope, receive: Any, send: Any) -> Any:
        path = scope["path"].removeprefix("/")
        if any(pattern.pattern.match(path) for pattern in self._patterns):
            return await self._inner(scope, receive, send)
        message = await receive()
        if message["type"] == "websocket.connect":
            await send({"type": "websocket.close", "code": 4404})
        return None
