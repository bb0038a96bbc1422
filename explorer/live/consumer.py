"""The socket of the live pages: a snapshot, then numbered deltas."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any
from urllib.parse import parse_qs

import orjson
import structlog
from channels.generic.websocket import AsyncWebsocketConsumer
from django.conf import settings
from redis.exceptions import RedisError

from chain import metrics
from chain.core.errors import BlockchainError
from chain.rpc.caller import Caller
from chain.services.rates import bucket_of
from explorer.live.feed import Feed, process_feed
from explorer.live.heads import ALL_STANDARDS, HeadLine, Watched
from explorer.live.hub import Listener
from explorer.views.common import bytes_of

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

_STANDARDS = {"all": ALL_STANDARDS, "20": 20, "721": 721, "1155": 1155}

_open = 0
_addresses: Counter[str] = Counter()


class LiveConsumer(AsyncWebsocketConsumer):
    """One visitor.

    The address may name a feed and the last number that the visitor knows (``?feed=…&seq=…``).  With ``view=head``
    it is the light line, which may name what it watches: ``tx=0x…``, ``address=0x…``, ``token=0x…``, ``miner=0x…``,
    ``shard=3``, ``tokens=all`` or ``tokens=20``.  A page says ``{"type": "ack", "seq": n}`` every now and then, and
    ``{"type": "resume", "seq": n}`` after a gap.
    """

    # nothing reaches it but through the hub: no subscription of its own in Redis for each visitor
    channel_layer_alias = ""

    # what it listens to: all of it, or the light line
    _source: Feed | HeadLine | None = None
    _listener: Listener | None = None
    _writer: asyncio.Task[None] | None = None
    _counted = False
    _address = ""
    _talk = 0
    _talk_since = 0.0

    async def connect(self) -> None:
        """Let the visitor in, or close with a code that tells why not."""
        global _open
        await self.accept()
        if _open >= settings.MDS_LIVE_MAX_SOCKETS:
            await self.close(TOO_MANY)
            return
        if not self._fits_address():
            await self.close(TOO_MANY)
            return
        _open += 1
        metrics.LIVE_CONNECTIONS.set(_open)
        self._counted = True
        asked = _asked(self.scope.get("query_string", b""))
        try:
            feed = await process_feed()
        except (BlockchainError, RedisError, OSError) as error:
            log.warning("live.not_ready", error=str(error))
            await self.close(NOT_READY)
            return
        self._listener = Listener()
        if asked.get("view") == "head":
            feed.wake()
            self._source = feed.line
            feed.line.welcome(self._listener, *_place(asked), _watched(asked))
        else:
            self._source = feed
            feed.welcome(self._listener, *_place(asked))
        self._writer = asyncio.create_task(self._write(self._listener))

    def _fits_address(self) -> bool:
        """Count the visitor with its address; whether there is room for it.  This machine's own are not counted."""
        caller = Caller(self.scope)
        if caller.is_loopback and not caller.is_forwarded:
            return True
        address = bucket_of(caller.address)
        if _addresses[address] >= settings.MDS_LIVE_ADDRESS_SOCKETS:
            return False
        self._address = address
        _addresses[address] += 1
        return True

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """An acknowledgement or a wish to hear something again."""
        if self._source is None or self._listener is None:
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
            self._listener.acknowledged = max(self._listener.acknowledged, min(seq, self._source.hub.seq))
        else:
            self._listener.acknowledged = self._source.hub.seq
            self._source.resume(self._listener, seq)

    async def disconnect(self, code: int) -> None:
        """The visitor has gone."""
        global _open
        if self._counted:
            self._counted = False
            _open -= 1
            if self._address:
                _addresses[self._address] -= 1
                if not _addresses[self._address]:
                    del _addresses[self._address]
            metrics.LIVE_CONNECTIONS.set(_open)
        if self._source is not None and self._listener is not None:
            self._source.remove(self._listener)
        if self._writer is not None:
            self._writer.cancel()

    async def _write(self, listener: Listener) -> None:
        while (text := await listener.queue.get()) is not None:
            await self.send(text_data=text)
        await self.close(TOO_SLOW)


def _asked(query: bytes) -> dict[str, str]:
    """The parameters of an address, the first of each name; nothing of one that is too long."""
    values = parse_qs(query.decode("ascii", "replace")) if len(query) < 200 else {}
    return {name: texts[0] for name, texts in values.items()}


def _place(asked: dict[str, str]) -> tuple[str, int]:
    """Feed and number that the visitor knows, none and -1 where it names none."""
    seq = asked.get("seq", "")
    return asked.get("feed", ""), int(seq) if seq.isascii() and seq.isdigit() and len(seq) < 16 else -1


def _watched(asked: dict[str, str]) -> Watched | None:
    """What a page watches; None for what is no hash, address, standard or number of a shard."""
    shard = asked.get("shard", "")
    if shard.isascii() and shard.isdigit() and len(shard) < 5:
        return Watched("shard", int(shard).to_bytes(2, "big"))
    if (standard := asked.get("tokens", "")) in _STANDARDS:
        return Watched("tokens", _STANDARDS[standard].to_bytes(2, "big"))
    for kind, length in (("tx", 32), ("address", 20), ("token", 20), ("miner", 20)):
        key = bytes_of(asked.get(kind, ""), length)
        if key is not None:
            return Watched(kind, key)
    return None


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
