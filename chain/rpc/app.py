"""The JSON-RPC ASGI application: HTTP POST, CORS preflight, WebSocket, lifespan.

Under uvicorn it is all of :8545; under Daphne it serves /rpc and /ws/rpc beside Django.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from importlib import import_module
from typing import Any

import structlog
from django.apps import apps
from django.conf import settings

from chain import metrics
from chain.core.errors import RequestCode, RequestError
from chain.rpc import dispatch
from chain.rpc.caller import Caller, set_caller
from chain.rpc.hosts import host_allowed, origin_allowed
from chain.rpc.meter import METER
from chain.rpc.node import Node, NodeHolder
from chain.rpc.registry import METHODS
from chain.rpc.sockets import TRY_LATER, Socket
from chain.services.deferred import Deferred

log = structlog.get_logger(__name__)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]

MAX_BODY = 5 * 1024 * 1024
# from a body's first part to its last: who sends slower holds nothing here
BODY_SECONDS = 30
METHOD_MODULES = (
    *("eth_chain", "eth_blocks", "eth_fees", "eth_send", "eth_call", "eth_filters", "eth_subscribe", "eth_simulate"),
    *("debug", "net", "txpool", "mds", "mds_mining", "mds_dag", "mds_operator", "discover"),
)
# requests of one socket that may be under way at once
SOCKET_WIDTH = 16

for _module in METHOD_MODULES:
    import_module(f"chain.rpc.methods.{_module}")
for _config in apps.get_app_configs():
    # what other apps add
    for _module in getattr(_config, "rpc_modules", ()):
        import_module(_module)

_JSON = (b"content-type", b"application/json")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"POST, GET, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, authorization, x-api-key"),
    (b"access-control-max-age", b"86400"),
)
_holder = NodeHolder()
_sockets: set[Socket] = set()
# a container that was killed comes back with the files of its first life
metrics.WS_CONNECTIONS.set(0)


async def application(scope: Scope, receive: Receive, send: Send) -> None:
    """The ASGI entry point."""
    kind = scope["type"]
    if kind == "http":
        await _http(scope, receive, send)
    elif kind == "websocket":
        await _websocket(scope, receive, send)
    elif kind == "lifespan":
        await _lifespan(receive, send)


async def process_node() -> Node:
    """What methods of this process work on, for its other readers of the same head."""
    return await _holder.get()


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            try:
                await _holder.get()
            except Exception as error:  # noqa: BLE001 - the first request tries again
                log.warning("rpc.not_ready_at_start", error=str(error))
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            await _holder.close()
            METER.flush()
            await send({"type": "lifespan.shutdown.complete"})
            return


async def _http(scope: Scope, receive: Receive, send: Send) -> None:
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    cors = [(b"access-control-allow-origin", b"*")] if origin is not None and origin_allowed(origin) else []
    if not host_allowed(headers.get(b"host", b"")):
        await _respond(send, 403, _refusal(RequestCode.FORBIDDEN, "invalid host specified"), [_JSON])
        return
    verb = scope["method"]
    if verb == "OPTIONS":
        await _respond(send, 204, b"", [*cors, *(_PREFLIGHT if cors else ())])
        return
    if verb in ("GET", "HEAD"):
        # what load balancers and browsers ask: is somebody there?
        await _respond(send, 200, b"", cors)
        return
    if verb != "POST":
        await _respond(send, 405, b"", [*cors, (b"allow", b"POST, GET, OPTIONS")])
        return
    try:
        body = await _body(headers, receive)
    except RequestError as error:
        await _respond(send, 413, dispatch.failure_body(error), [_JSON, *cors])
        return
    if body is None:
        return
    set_caller(Caller(scope))
    answer = begin(body)
    if answer is not None and not isinstance(answer, bytes):
        answer = await answer
    if answer is None:
        await _respond(send, 204, b"", cors)
    else:
        await _respond(send, 200, answer, [_JSON, *cors])


def begin(body: bytes) -> bytes | Deferred[bytes | None] | Awaitable[bytes | None] | None:
    """Answer a body for the current caller, at once where that can be; None where there is nothing to say."""
    node = _holder.ready
    if node is None:
        return _begin_late(body)
    return dispatch.begin(node, body, settings.MDS_RPC_MAX_BATCH)


async def _begin_late(body: bytes) -> bytes | None:
    try:
        node = await _holder.get()
    except Exception as error:  # noqa: BLE001 - logged and answered with an id
        return dispatch.failure_body(error)
    return await dispatch.handle(node, body, settings.MDS_RPC_MAX_BATCH)


async def _body(headers: dict[bytes, bytes], receive: Receive) -> bytes | None:
    """The request's body within its limit; None when the client went away."""
    message = await receive()
    if message["type"] != "http.request":
        return None
    first: bytes = message.get("body", b"")
    if not message.get("more_body"):
        if len(first) > MAX_BODY:
            _check_size(len(first), first)
        return first
    declared = headers.get(b"content-length", b"0")
    if declared.isdigit():
        _check_size(int(declared), first)
    parts, size = [first], len(first)
    try:
        async with asyncio.timeout(BODY_SECONDS):
            while message.get("more_body"):
                message = await receive()
                if message["type"] != "http.request":
                    return None
                part = message.get("body", b"")
                parts.append(part)
                size += len(part)
                _check_size(size, parts[0])
    except TimeoutError:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, "request body too slow", seconds=BODY_SECONDS) from None
    return b"".join(parts)


def _check_size(size: int, start: bytes) -> None:
    """Methods that carry more than others say so when they register, and their name stands at the start."""
    limit = MAX_BODY
    if size > limit:
        limit = max(
            (m.body_limit or 0 for m in METHODS.values() if m.body_limit and m.name.encode() in start[:400]),
            default=limit,
        )
    if size > limit:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, "request body too large", got=size, limit=limit)


async def _respond(send: Send, status: int, body: bytes, headers: Iterable[tuple[bytes, bytes]]) -> None:
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [*headers, (b"content-length", b"%d" % len(body))],
        }
    )
    await send({"type": "http.response.body", "body": body})


def _refusal(code: RequestCode, message: str) -> bytes:
    return dispatch.failure_body(RequestError(code, message))


async def _websocket(scope: Scope, receive: Receive, send: Send) -> None:
    headers = dict(scope["headers"])
    origin = headers.get(b"origin")
    await receive()
    if not host_allowed(headers.get(b"host", b"")) or (origin is not None and not origin_allowed(origin)):
        await send({"type": "websocket.close", "code": 4403})
        return
    if len(_sockets) >= settings.MDS_RPC_MAX_SOCKETS:
        await send({"type": "websocket.close", "code": TRY_LATER})
        return
    await send({"type": "websocket.accept"})
    socket = Socket(send)
    set_caller(Caller(scope, socket))
    _sockets.add(socket)
    metrics.WS_CONNECTIONS.set(len(_sockets))
    listening = asyncio.create_task(_listen(socket, receive))
    dropped = asyncio.create_task(socket.dropped.wait())
    try:
        await asyncio.wait({listening, dropped}, return_when=asyncio.FIRST_COMPLETED)
        if socket.dropped.is_set():
            # it was dropped because it does not read: it may not take this either
            with contextlib.suppress(TimeoutError, OSError, RuntimeError):
                await asyncio.wait_for(send({"type": "websocket.close", "code": TRY_LATER}), 1)
    finally:
        _sockets.discard(socket)
        metrics.WS_CONNECTIONS.set(len(_sockets))
        for task in (listening, dropped):
            task.cancel()
        await asyncio.gather(listening, dropped, return_exceptions=True)
        await socket.close()


async def _listen(socket: Socket, receive: Receive) -> None:
    """Answer requests, a few at a time, until the caller goes."""
    width = asyncio.Semaphore(SOCKET_WIDTH)
    running: set[asyncio.Task[None]] = set()
    try:
        while True:
            message = await receive()
            if message["type"] != "websocket.receive":
                return
            text, raw = message.get("text"), message.get("bytes")
            body = text.encode() if text is not None else raw or b""
            try:
                _check_size(len(body), body[:400])
            except RequestError as error:
                await socket.reply(dispatch.failure_body(error).decode())
                continue
            await width.acquire()
            task = asyncio.create_task(_answer_socket(body, socket, width))
            running.add(task)
            task.add_done_callback(running.discard)
    finally:
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)


async def _answer_socket(body: bytes, socket: Socket, width: asyncio.Semaphore) -> None:
    try:
        answer = begin(body)
        if answer is not None and not isinstance(answer, bytes):
            answer = await answer
        if answer is not None:
            await socket.reply(answer.decode())
    finally:
        socket.release()
        width.release()
