"""What methods work on: the head, the pool, the database and the workers of one RPC process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from select import POLLIN, poll
from typing import Any, TypeVar

import psycopg
import redis.asyncio
import structlog
from django.conf import settings
from django.db import connections
from psycopg_pool import AsyncConnectionPool, PoolTimeout

from chain.core.errors import RequestCode, RequestError, StoreError
from chain.core.pool import CodeKind, SenderState
from chain.core.shards import shard_of
from chain.core.spec import ChainSpec
from chain.rpc.accounts import Accounts
from chain.rpc.feed import Feed
from chain.rpc.filters import Filters
from chain.rpc.head import Head, HeadFollower
from chain.rpc.kept import Kept
from chain.rpc.limits import Limits
from chain.rpc.params import BlockRef
from chain.rpc.syncing import Syncing
from chain.selectors import rpc as select
from chain.services.call import CallWorkers
from chain.services.network import current_spec, now_ms
from chain.services.pool import AsyncPool, pool_policy
from chain.services.pool.wire import code_kind

log = structlog.get_logger(__name__)

T = TypeVar("T")
MAX_CACHED = 50_000


@dataclass(frozen=True, slots=True)
class Point:
    """A state to read: after the epoch of ``number``; ``is_current`` where the newest state is meant.

    ``hash`` is set where the caller named the block by it: another block under the number is not it.
    """

    number: int
    is_current: bool
    hash: bytes | None = None


class Node:
    """One RPC process's hands; made in the event loop that uses it."""

    def __init__(self) -> None:
        self.spec: ChainSpec = current_spec()
        self.chain_id = hex(self.spec.chain_id)
        self.redis = redis.asyncio.Redis.from_url(settings.MDS_REDIS_URL, socket_connect_timeout=5)
        self._database = AsyncConnectionPool(
            kwargs=_connection_arguments(),
            min_size=1,
            max_size=settings.MDS_RPC_DB_CONNECTIONS,
            timeout=10,
            # attempts to reconnect come ever more rarely, up to minutes apart; one that is given up early is begun
            # anew by the next caller, so that answers are back as soon as PostgreSQL is
            reconnect_timeout=2,
            open=False,
            configure=_configure,
        )
        self.accounts = Accounts(self)
        self.heads = HeadFollower(self.redis, self.spec, self.connection, self.accounts.follow)
        self.pool = AsyncPool(self.redis, pool_policy(self.spec), self._read_senders, now_ms)
        self.calls = CallWorkers()
        self.filters = Filters(self.redis)
        self.syncing = Syncing(self)
        self.feed = Feed(self)
        self.kept = Kept(self)
        self.limits = Limits(self, self.redis)
        # answers that hold for one head: cleared when the next one is known
        self.cache: dict[Any, Any] = {}
        self.heads.listen(self._on_head)

    async def start(self) -> None:
        """Open connections and begin to follow the head."""
        await self._database.open()
        await self.heads.start()

    async def stop(self) -> None:
        """Close everything."""
        await self.feed.stop()
        await self.heads.stop()
        await self.calls.stop()
        await self._database.close()
        await self.redis.aclose()

    @property
    def head(self) -> Head:
        """The newest head."""
        return self.heads.head

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[select.AsyncConnection]:
        """A connection to PostgreSQL, each statement by itself.

        Raises
        ------
        StoreError
            database_unavailable.
        """
        try:
            conn = await self._database.getconn()
            if _has_ended(conn):
                # PostgreSQL was restarted: all are replaced at once, instead of one with each reader's error
                await self._database.putconn(conn)
                await self._database.check()
                conn = await self._database.getconn()
            try:
                async with conn:
                    yield conn
            finally:
                await self._database.putconn(conn)
        except (PoolTimeout, psycopg.OperationalError) as error:
            raise StoreError("database_unavailable", str(error).partition("\n")[0]) from error

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[select.AsyncConnection]:
        """A connection on which all statements see one commit."""
        async with self.connection() as conn, conn.transaction():
            yield conn

    async def read(self, query: Callable[..., Any], *args: Any) -> Any:
        """One selector on a connection of the pool, once more where the connection turns out to be lost."""
        try:
            async with self.connection() as conn:
                return await query(conn, *args)
        except StoreError:
            async with self.connection() as conn:
                return await query(conn, *args)

    def remember(self, key: Any, value: T, head: Head) -> T:
        """Keep an answer as long as the head is the one before it was read."""
        if self.heads.is_ready and self.head is head and len(self.cache) < MAX_CACHED:
            self.cache[key] = value
        return value

    async def resolve(self, ref: BlockRef) -> Point:
        """The state that a block reference names.

        Raises
        ------
        RequestError
            not_found for a block that the selected chain does not have, history_pruned for one that this node no
            longer has.
        """
        point = await self._resolve(ref)
        if not point.is_current:
            await self.kept.require(point.number)
        return point

    async def _resolve(self, ref: BlockRef) -> Point:
        head = self.head
        if ref.tag is not None:
            if ref.tag == "pending":
                return Point(head.number, is_current=True)
            if ref.tag == "latest":
                return Point(head.latest, is_current=head.latest == head.number)
            return Point({"safe": head.safe, "finalized": head.finalized, "earliest": 0}[ref.tag], is_current=False)
        if ref.number is not None:
            if ref.number > head.latest:
                # another process may have told the caller of a newer one
                await self.heads.reload()
                if ref.number > self.head.latest:
                    raise RequestError(RequestCode.NOT_FOUND, "header not found", number=ref.number)
            return Point(ref.number, is_current=False)
        assert ref.hash is not None
        number = await self.read(select.chain_number, ref.hash)
        if number is None:
            known = await self.read(select.is_block, ref.hash)
            reason = "hash is not currently canonical" if known else "header for hash not found"
            raise RequestError(RequestCode.NOT_FOUND, reason, hash=ref.hash)
        return Point(number, is_current=False, hash=ref.hash)

    async def visible(self, number: int, sequence: int) -> bool:
        """Whether a block number that was read in the database is one that readers are told of by now."""
        await self.heads.ensure(sequence)
        return number <= self.head.latest

    async def _read_senders(self, addresses: Sequence[bytes]) -> dict[bytes, SenderState]:
        shards = [shard_of(address, self.spec.shard_count) for address in addresses]
        states = {}
        for address, nonce, balance, code, sequence in await self.read(select.senders, shards, addresses):
            if nonce is None:
                states[address] = SenderState(0, 0, CodeKind.NONE, sequence)
            else:
                states[address] = SenderState(nonce, int(balance), code_kind(bytes(code or b"")), sequence)
        return states

    def _on_head(self, head: Head) -> None:
        self.cache.clear()
        self.pool.base_fee = head.next_base_fee


class NodeHolder:
    """The process's ``Node``, made at the first use in each event loop (tests run several loops)."""

    def __init__(self) -> None:
        self._node: Node | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._starting: asyncio.Task[Node] | None = None

    async def get(self) -> Node:
        """The node of the running loop, started."""
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop, self._node, self._starting = loop, None, None
        if self._node is None:
            if self._starting is None or self._starting.done():
                self._starting = loop.create_task(self._start())
            self._node = await asyncio.shield(self._starting)
        return self._node

    @property
    def ready(self) -> Node | None:
        """The node, if it is started in the running loop."""
        return self._node if self._loop is asyncio.get_running_loop() else None

    async def close(self) -> None:
        """Stop the node of the running loop."""
        node, self._node, self._starting, self._loop = self.ready, None, None, None
        if node is not None:
            await node.stop()

    @staticmethod
    async def _start() -> Node:
        node = Node()
        try:
            await node.start()
        except BaseException:
            await node.stop()
            raise
        return node


def _connection_arguments() -> dict[str, Any]:
    """Django's own parameters for the default database, without what only Django understands."""
    arguments = dict(connections["default"].get_connection_params())
    for name in ("cursor_factory", "context", "server_side_binding", "pool"):
        arguments.pop(name, None)
    return {**arguments, "autocommit": True, "application_name": "mondoshawan rpc"}


def _has_ended(conn: psycopg.AsyncConnection[Any]) -> bool:
    """Whether an idle connection's server has something to say, which is only that it ends; no round trip."""
    socket = poll()
    socket.register(conn.fileno(), POLLIN)
    return bool(socket.poll(0))


async def _configure(conn: psycopg.AsyncConnection[Any]) -> None:
    # statements are few and hot: prepare them at their second use
    conn.prepare_threshold = 1
    # of transaction blocks: see ``Node.snapshot``
    await conn.set_isolation_level(psycopg.IsolationLevel.REPEATABLE_READ)
