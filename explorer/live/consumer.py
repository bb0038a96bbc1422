"""The socket of the live pages: a snapshot, then numbered deltas."""

from __future__ import annotations

import asyncio
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from redis.exceptions import RedisError

from chain import metrics
from chain.core.errors import BlockchainError
from explorer.live.feed import Feed, process_feed
from explorer.live.hub import Listener

log = structlog.get_logger(__name__)

# close codes
BAD_MESSAGE = 4400
TOO_SLOW = 4408
TOO_MANY = 4429
NOT_READY = 4503

MAX_MESSAGE = 512
# what a page may say in one period: an acknowledgement every few deltas, and a resumption after a gap
TALK_S = 10.0
MAX_TALK = 60

_open = 0


class LiveConsumer(AsyncWebsocketConsumer):
    """One visitor.

    The address may name a feed and the last number that the visitor knows (``?feed=…&seq=…``).  A page
    says ``{"type": "ack", "seq": n}`` every now and then, and ``{"type": "resume", "seq": n}`` after a gap.
    """

    # nothing reaches it but through the hub: no subscription of its own in Redis for each visitor
    channel_layer_alias = ""

    _feed: Feed | None = None
    _listener: Listener | None = None
    _writer: asyncio.Task[None] | None = None
    _counted = False
    _talk = 0
    _talk_since = 0.0

    async def connect(self) -> None:
        """Let the visitor in, or close with a code that tells why not."""
        global _open
        await self.accept()
        if _open >= settings.MDS_LIVE_MAX_SOCKETS:
            await self.close(TOO_MANY)
            return
        _open += 1
        metrics.LIVE_CONNECTIONS.set(_open)
        self._counted = True
        name, seq = _place(self.scope.get("query_string", b""))
        try:
            self._feed = await process_feed()
        except (BlockchainError, RedisError, OSError) as error:
            log.warning("live.not_ready", error=str(error))
            await self.close(NOT_READY)
            return
        self._listener = Listener()
        self._feed.welcome(self._listener, name, seq)
        self._writer = asyncio.create_task(self._write(self._listener))

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """An acknowledgement or a wish to hear something again."""
        if self._feed is None or self._listener is None:
            return
        clock = asyncio.get_running_loop().time()
        if clock - self._talk_since > TALK_S:
            self._talk, self._talk_since = 0, clock
        self._talk += 1
        message = _message(text_data)
        if message is None or self._talk > MAX_TALK:
            await self.close(BAD_MESSAGE)
            return
        kind, seq = message
        if kind == "ack":
            self._listener.acknowledged = max(self._listener.acknowledged, min(seq, self._feed.hub.seq))
        else:
            self._listener.acknowledged = self._feed.hub.seq
            self._feed.resume(self._listener, seq)

    async def disconnect(self, code: int) -> None:
        """The visitor has gone."""
        global _open
        if self._counted:
            self._counted = False
            _open -= 1
            metrics.LIVE_CONNECTIONS.set(_open)
        if self._feed is not None and self._listener is not None:
            self._feed.hub.remove(self._listener)
        if self._writer is not None:
            self._writer.cancel()

    async def _write(self, listener: Listener) -> None:
        while (text := await listener.queue.get()) is not None:
            await self.send(text_data=text)
        await self.close(TOO_SLOW)


def _place(query: bytes) -> tuple[str, int]:
    """Feed and number of a query, none and -1 where it names none."""
    values = parse_qs(query.decode("ascii", "replace")) if len(query) < 200 else {}
    seq = values.get("seq", [""])[0]
    return values.get("feed", [""])[0], int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 16 else -1


def _message(text: str | None) -> tuple[str, int] | None:
    """Kind and number of what a page said; None for anything else."""
    if text is None or len(text) > MAX_MESSAGE:
        return None
    try:
        message: Any = orjson.loads(text)
    except orjson.JSONDecodeError:
        return None
    if not isinstance(message, dict) or message.get("type") not in ("ack", "resume"):
        return None
    seq = message.get("seq")
    return (message["type"], seq) if isinstance(seq, int) and not isinstance(seq, bool) and seq >= 0 else None
