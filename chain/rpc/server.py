"""The HTTP protocol of the rpc process: uvicorn's, with a short way for the requests that wallets send all day.

A POST that arrives whole on a quiet connection is dispatched from here; the head of such requests is the same bytes
again and again, so it is parsed once.  Whatever is not as simple takes uvicorn's way through the ASGI application,
whose answers are the same.  It also ends connections that neither ask nor finish asking.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools
import structlog
from django.conf import settings
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from chain.rpc import app
from chain.rpc.caller import Caller, set_caller
from chain.rpc.hosts import host_allowed, origin_allowed
from chain.services.deferred import Deferred

if TYPE_CHECKING:
    from uvicorn.config import Config
    from uvicorn.server import ServerState

log = structlog.get_logger(__name__)

# longer heads and bodies take the long way
MAX_HEAD = 4096
MAX_SHORT_BODY = 256 * 1024
# from the first byte of a request to the last of its headers
HEAD_SECONDS = 20.0
# how often a connection is looked at
LOOK_SECONDS = 5.0
_KNOWN_HEADS = 1024
# what may wait while a request of the connection is being answered
_MAX_HELD = 64 * 1024
_END = b"\r\n\r\n"
# with one of these a request is not simple
_SPECIAL = frozenset({b"transfer-encoding", b"expect", b"upgrade", b"connection", b"content-encoding"})


class Head(NamedTuple):
    """What the head of a simple request says; ``cors`` are header lines for its answer."""

    headers: list[tuple[bytes, bytes]]
    length: int
    cors: bytes


class _Reader:
    """Collects what one head holds."""

    def __init__(self) -> None:
        self.headers: list[tuple[bytes, bytes]] = []
        self.url = b""
        self.is_complete = False

    def on_url(self, url: bytes) -> None:
        self.url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        self.headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        self.is_complete = True


_heads: dict[bytes, Head | None] = {}


def read_head(raw: bytes) -> Head | None:
    """The head of a simple request, without the empty line; None for what takes the long way."""
    try:
        return _heads[raw]
    except KeyError:
        pass  # a new one: it is parsed below
    if len(_heads) >= _KNOWN_HEADS:
        _heads.clear()
    _heads[raw] = found = _read_head(raw)
    return found


def _read_head(raw: bytes) -> Head | None:
    reader = _Reader()
    parser = httptools.HttpRequestParser(reader)
    try:
        parser.feed_data(raw + _END)
    except (httptools.HttpParserError, httptools.HttpParserUpgrade):
        return None
    simple = reader.is_complete and parser.get_http_version() == "1.1" and reader.url.startswith(b"/")
    values: dict[bytes, bytes] = {}
    for name, value in reader.headers:
        if name in values and name in (b"content-length", b"host", b"origin"):
            return None
        values[name] = value
    length = values.get(b"content-length", b"")
    # "connection: keep-alive" is what many clients say that mean nothing special
    special = {name for name in _SPECIAL & values.keys() if (name, values[name].lower()) != _KEEP_ALIVE}
    if not simple or special or not length.isdigit() or not host_allowed(values.get(b"host", b"")):
        return None
    origin = values.get(b"origin")
    allowed = origin is not None and origin_allowed(origin)
    return Head(reader.headers, int(length), b"access-control-allow-origin: *\r\n" if allowed else b"")


_KEEP_ALIVE = (b"connection", b"keep-alive")


class RpcProtocol(HttpToolsProtocol):
    """One connection; made by uvicorn."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        # whether the parser stands before a request, and when the one that it is in began
        self._is_between = True
        self._begun = self._last = 0.0
        self._has_head = False
        # the request that is being answered from here, and what arrived meanwhile
        self._task: asyncio.Task[None] | Deferred[bytes | None] | None = None
        self._held = b""
        self._is_ending = False
        self._caller: tuple[Head, Caller] | None = None
        self._look: asyncio.TimerHandle | None = None

    # ---- the connection ----

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin; too many at once are sent away."""
        super().connection_made(transport)
        if len(self.connections) > settings.MDS_RPC_MAX_CONNECTIONS:
            transport.abort()
            return
        self._last = self.loop.time()
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        super().connection_lost(exc)
        if self._look is not None:
            self._look.cancel()
        self._held = b""

    def handle_websocket_upgrade(self) -> None:
        """Hand the connection to the WebSocket protocol."""
        if self._look is not None:
            self._look.cancel()
        super().handle_websocket_upgrade()

    def shutdown(self) -> None:
        """End, after the answer that is under way."""
        if self._task is not None:
            self._is_ending = True
        else:
            super().shutdown()

    def _look_after(self) -> None:
        """Close a connection that is idle, or whose request does not get on."""
        if self.transport.is_closing():
            return
        now = self.loop.time()
        if self._task is None and not self._is_under_way():
            if self._held:
                stale = now - self._begun > HEAD_SECONDS
            elif self._is_between:
                stale = now - self._last > self.timeout_keep_alive
            else:
                # of a body the application measures the time
                stale = not self._has_head and now - self._begun > HEAD_SECONDS
            if stale:
                self.transport.close()
                return
        self._look = self.loop.call_later(LOOK_SECONDS, self._look_after)

    def _is_under_way(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    # ---- requests ----

    def data_received(self, data: bytes) -> None:
        """Answer a simple request, or hand over to the parser."""
        if self._task is not None:
            self._hold(data)
            return
        is_second = bool(self._held)
        if is_second:
            data, self._held = self._held + data, b""
        if self._is_between and (self.cycle is None or self.cycle.response_complete) and data.startswith(b"POST "):
            end = data.find(_END, 0, MAX_HEAD)
            head = None if end < 0 else read_head(data[:end])
            if head is not None and not self.flow.write_paused and not self._is_ending:
                arrived = len(data) - end - 4
                if arrived == head.length:
                    self._serve(head, data[end + 4 :])
                    return
                if arrived < head.length <= MAX_SHORT_BODY and not is_second:
                    # many clients send head and body in two pieces
                    self._held = data
                    self._begun = self.loop.time()
                    return
        super().data_received(data)

    def _serve(self, head: Head, body: bytes) -> None:
        self._last = self.loop.time()
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self.server_state.total_requests += 1
        known = self._caller
        if known is None or known[0] is not head:
            caller = Caller({"type": "http", "headers": head.headers, "client": self.client})
            self._caller = known = (head, caller)
        set_caller(known[1])
        answer = app.begin(body)
        if answer is None or isinstance(answer, bytes):
            self._write(head, answer)
        elif isinstance(answer, Deferred):
            self._task = answer
            answer.then(lambda found, error: self._conclude(head, found, error))
        else:
            self._task = self.loop.create_task(self._wait(head, answer))
            self.tasks.add(self._task)
            self._task.add_done_callback(self.tasks.discard)

    async def _wait(self, head: Head, answer: Awaitable[bytes | None]) -> None:
        try:
            found = await answer
        except Exception as error:  # noqa: BLE001 - logged below
            self._conclude(head, None, error)
        except BaseException:
            self._task = None
            raise
        else:
            self._conclude(head, found, None)

    def _conclude(self, head: Head, found: bytes | None, error: Exception | None) -> None:
        """The answer that was waited for is there."""
        self._task = None
        self._last = self.loop.time()
        if error is not None:
            # a defect of ours: errors of methods are answers
            log.error("rpc.request_failed", exc_info=error)
            self.transport.abort()
            return
        if self.transport.is_closing():
            return
        self._write(head, found)
        if self._is_ending:
            self.transport.close()
        elif self._held:
            self.flow.resume_reading()
            data, self._held = self._held, b""
            self.data_received(data)

    def _write(self, head: Head, body: bytes | None) -> None:
        lines = _lines_of(self.server_state.default_headers)
        if body is None:
            self.transport.write(b"HTTP/1.1 204 No Content\r\n%b%bcontent-length: 0\r\n\r\n" % (lines, head.cors))
        else:
            self.transport.write(
                b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n%b%bcontent-length: %d\r\n\r\n%b"
                % (lines, head.cors, len(body), body)
            )

    def _hold(self, data: bytes) -> None:
        self._held += data
        if len(self._held) > _MAX_HELD:
            self.flow.pause_reading()

    # ---- what the parser tells ----

    def on_message_begin(self) -> None:
        """Note that a request has begun."""
        self._is_between = self._has_head = False
        self._begun = self.loop.time()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        """Note that its head is there; its body has a time limit of the application's."""
        self._has_head = True
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """Note that it is whole."""
        self._is_between = True
        self._last = self.loop.time()
        super().on_message_complete()


_lines: tuple[Any, bytes] = (None, b"")


def _lines_of(headers: list[tuple[bytes, bytes]]) -> bytes:
    """The server's own header lines; uvicorn makes a new list once a second, for the date."""
    global _lines
    if _lines[0] is not headers:
        _lines = (headers, b"".join([b"%b: %b\r\n" % pair for pair in headers]))
    return _lines[1]
