"""The chain's head in memory: follows the writer's events, asks again where they stay away."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from chain.core.errors import NotYet, StoreError, WaitCode
from chain.core.spec import ChainSpec
from chain.selectors import rpc as select
from chain.services.publish import SAFE_DEPTH
from chain.services.snapshot import HEAD_KEY, events_channel

log = structlog.get_logger(__name__)

POLL_S = 1.0


@dataclass(frozen=True, slots=True)
class Head:
    """Where the chain stands after one commit; numbers are of the selected chain, fees wei per gas."""

    sequence: int
    hash: bytes
    number: int
    latest: int
    safe: int
    finalized: int
    timestamp_ms: int
    blue_score: int
    work_score: int
    stream: int
    base_fee: int
    next_base_fee: int
    tips: int
    published_ms: int


class HeadFollower:
    """Keeps ``Head``; never goes back behind one that it has shown, but for a restored database.

    Parameters
    ----------
    redis : redis.asyncio.Redis
    spec : ChainSpec
    connection : callable
        An asynchronous context manager with a connection to PostgreSQL.
    prepare : callable
        Awaited with each new head before it is shown.
    """

    def __init__(
        self,
        redis: Redis,
        spec: ChainSpec,
        connection: Callable[[], Any],
        prepare: Callable[[Head], Awaitable[None]],
    ) -> None:
        self._redis = redis
        self._prepare = prepare
        self._turn = asyncio.Lock()
        self._spec = spec
        self._connection = connection
        self._head: Head | None = None
        self._listeners: list[Callable[[Head], Any]] = []
        self._task: asyncio.Task[None] | None = None

    @property
    def head(self) -> Head:
        """The newest head that this process knows.

        Raises
        ------
        NotYet
            not_ready before there is a chain.
        """
        if self._head is None:
            raise NotYet(WaitCode.NOT_READY, "the node has no chain yet")
        return self._head

    @property
    def is_ready(self) -> bool:
        """Whether there is a head."""
        return self._head is not None

    def listen(self, listener: Callable[[Head], Any]) -> None:
        """Call back at every new head, in the event loop."""
        self._listeners.append(listener)

    async def start(self) -> None:
        """Read the head and begin to follow."""
        try:
            await self._poll()
        except RedisError as error:
            log.warning("rpc.head_without_redis", error=str(error))
        if self._head is None:
            await self.reload()
        self._task = asyncio.create_task(self._follow())

    async def stop(self) -> None:
        """End following."""
        task = self._task
        while task is not None and not task.done():
            # a wait with a time limit that ends just now swallows the first one
            task.cancel()
            await asyncio.wait({task}, timeout=POLL_S)

    async def ensure(self, sequence: int) -> None:
        """Be at least as new as a commit that a reader has met in the database."""
        if self._head is None or sequence > self._head.sequence:
            await self.reload()

    async def reload(self) -> None:
        """Take the head from the database: what the last commit made, published or not."""
        async with self._connection() as conn:
            row = await select.head(conn)
            if row is None:
                return
            (
                sequence,
                sink,
                number,
                timestamp_ms,
                blue_score,
                work_score,
                stream,
                base_fee,
                next_fee,
                final,
                tips,
                at,
            ) = row
            depth = self._spec.latest_depth
            found = Head(
                sequence=sequence,
                hash=sink,
                number=number,
                latest=number if depth == 0 else await select.number_under(conn, work_score - depth),
                safe=await select.number_under(conn, work_score - SAFE_DEPTH),
                finalized=final,
                timestamp_ms=timestamp_ms,
                blue_score=blue_score,
                work_score=work_score,
                stream=stream,
                base_fee=int(base_fee),
                next_base_fee=int(next_fee),
                tips=tips,
                published_ms=at,
            )
        # not while the connection is held: what prepares may need one
        await self._show(found)

    async def _show(self, head: Head) -> None:
        async with self._turn:
            known = self._head
            if known is not None and (head.sequence <= known.sequence and head.published_ms <= known.published_ms):
                return
            await self._prepare(head)
            self._head = head
            for listener in self._listeners:
                listener(head)

    async def _poll(self) -> None:
        raw = await self._redis.get(HEAD_KEY)
        if raw is not None:
            await self._show(parse_head(raw))

    async def _follow(self) -> None:
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as events:
                    await events.subscribe(events_channel(self._redis))
                    await self._poll()
                    while True:
                        message = await events.get_message(timeout=POLL_S)
                        if message is None:
                            await self._poll()
                        elif b'"kind":"head"' in message["data"]:
                            await self._show(parse_head(message["data"]))
            except Exception as error:  # noqa: BLE001 - whatever it is, a follower that ends shows an old head for good
                log.warning("rpc.head_events_lost", error=repr(error))
                await self._without_redis()

    async def _without_redis(self) -> None:
        await asyncio.sleep(POLL_S)
        try:
            await self.reload()
        except Exception as error:  # noqa: BLE001 - as above
            log.warning("rpc.head_unreadable", error=repr(error))


def parse_head(raw: bytes) -> Head:
    """A published head.

    Raises
    ------
    StoreError
        head_corrupt.
    """
    try:
        fields = orjson.loads(raw)
        return Head(
            sequence=fields["sequence"],
            hash=bytes.fromhex(fields["hash"][2:]),
            number=fields["number"],
            latest=fields["latest"],
            safe=fields["safe"],
            finalized=fields["finalized"],
            timestamp_ms=fields["timestamp_ms"],
            blue_score=fields["blue_score"],
            work_score=fields["work_score"],
            stream=fields["stream"],
            base_fee=int(fields["base_fee"]),
            next_base_fee=int(fields["next_base_fee"]),
            tips=fields["tips"],
            published_ms=fields["published_ms"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise StoreError("head_corrupt", "the published head does not parse") from error
