"""One WebSocket: answers and notifications in one line, and an end for those who do not read."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from typing import Any

from django.conf import settings

from chain.core.errors import RequestCode, RequestError
from chain.rpc.formats import new_identity

# RFC 6455 section 7.4 and its registry: try again later
TRY_LATER = 1013
# notifications that may wait for a reader
MAX_WAITING = 4_000
MAX_WAITING_CHARS = 16 * 1024 * 1024


class Subscription:
    """What a socket follows; ``detail`` is what the kind needs to know (criteria, or a flag)."""

    __slots__ = ("detail", "held", "identity", "kind", "socket")

    def __init__(self, socket: Socket, kind: str, detail: Any) -> None:
        self.socket, self.kind, self.detail = socket, kind, detail
        self.identity = "0x" + new_identity()
        # what happens before the caller has been told the id waits
        self.held: list[str] | None = []

    def notify(self, payload: str) -> None:
        """Send a notification; ``payload`` is JSON."""
        if self.held is not None:
            self.held.append(payload)
        else:
            self.socket.push(
                f'{{"jsonrpc":"2.0","method":"eth_subscription","params":{{"subscription":"{self.identity}",'
                f'"result":{payload}}}}}'
            )


class Socket:
    """A connection's outgoing side.

    Parameters
    ----------
    send : callable
        The ASGI server's.
    """

    def __init__(self, send: Callable[[dict[str, Any]], Awaitable[None]]) -> None:
        self._send = send
        self._line: asyncio.Queue[tuple[str, asyncio.Future[None] | None]] = asyncio.Queue()
        self._waiting = self._chars = 0
        self._pump = asyncio.create_task(self._run())
        self._on_close: list[Callable[[Subscription], None]] = []
        self.subscriptions: dict[str, Subscription] = {}
        self.dropped = asyncio.Event()

    def subscribe(self, kind: str, detail: Any) -> Subscription:
        """A new subscription; it is silent until ``release``.

        Raises
        ------
        RequestError
            limit_exceeded.
        """
        limit = settings.MDS_RPC_MAX_SUBSCRIPTIONS
        if len(self.subscriptions) >= limit:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "too many subscriptions", limit=limit)
        subscription = Subscription(self, kind, detail)
        self.subscriptions[subscription.identity] = subscription
        return subscription

    def release(self) -> None:
        """Let subscriptions speak whose ids have been told."""
        for subscription in list(self.subscriptions.values()):
            if subscription.held is not None:
                held, subscription.held = subscription.held, None
                for payload in held:
                    subscription.notify(payload)

    def push(self, text: str) -> None:
        """Queue a notification; who lets too many wait is dropped."""
        if self.dropped.is_set():
            return
        if self._waiting >= MAX_WAITING or self._chars + len(text) > MAX_WAITING_CHARS:
            self.dropped.set()
            return
        self._waiting += 1
        self._chars += len(text)
        self._line.put_nowait((text, None))

    async def reply(self, text: str) -> None:
        """Send an answer after all that waits before it; returns when the server has taken it."""
        sent: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._line.put_nowait((text, sent))
        await sent

    def on_close(self, callback: Callable[[Subscription], None]) -> None:
        """Call back with each subscription when the connection ends."""
        if callback not in self._on_close:
            self._on_close.append(callback)

    async def close(self) -> None:
        """End; what waits is lost."""
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)
        for subscription in self.subscriptions.values():
            for callback in self._on_close:
                callback(subscription)
        self.subscriptions.clear()

    async def _run(self) -> None:
        while True:
            text, sent = await self._line.get()
            # a connection that is gone shows at the receiving side
            with contextlib.suppress(OSError, RuntimeError):
                await self._send({"type": "websocket.send", "text": text})
            if sent is None:
                self._waiting -= 1
                self._chars -= len(text)
            elif not sent.done():
                sent.set_result(None)
