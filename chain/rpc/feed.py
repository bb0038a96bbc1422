"""What subscribers of one process hear: each fact is read and written out once, whoever listens."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import orjson
import structlog
from redis.exceptions import RedisError

from chain import metrics
from chain.core.errors import BlockchainError
from chain.core.spec import stream_name
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.changes import matches
from chain.rpc.sockets import Subscription
from chain.rpc.syncing import notification
from chain.selectors import dag
from chain.selectors import rpc as select
from chain.selectors.path import Path, Place, path_since, undone_logs
from chain.services.pool.client import PREFIX as POOL

if TYPE_CHECKING:
    from chain.rpc.head import Head
    from chain.rpc.node import Node

log = structlog.get_logger(__name__)

KINDS = ("newHeads", "logs", "newPendingTransactions", "syncing", "mds_dag", "mds_stats")
# blocks that are told in one step
STEP = 200
MAX_LOGS = 100_000
STATS_S = 1.0
SYNCING_S = 1.0
RETRY_S = 1.0
_NEW = f"{POOL}new"
_BLOCK_ONLY = ("transactions", "uncles", "size", "totalDifficulty")


class Feed:
    """Follows head and pool for as long as anybody subscribes.

    Parameters
    ----------
    node : Node
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._of: dict[str, dict[str, Subscription]] = {kind: {} for kind in KINDS}
        self._moved = asyncio.Event()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._told: Place | None = None
        self._seq = 0
        # the pool's newest transaction that is not told
        self._cursor: bytes | None = None
        metrics.WS_SUBSCRIPTIONS.set(0)
        node.heads.listen(self._on_head)

    async def add(self, subscription: Subscription) -> None:
        """Let a subscription hear what happens from now on."""
        if self._told is None:
            await self._begin()
        if subscription.kind == "mds_dag" and not self._of["mds_dag"]:
            self._seq = await self._node.read(dag.last_inserted)
        if subscription.kind == "newPendingTransactions" and not self._is_running("pool"):
            # before the subscriber has its answer: what it sends next it hears of
            self._cursor = None
            # whoever follows the pool tries again
            with suppress(RedisError, OSError):
                self._cursor = await self._newest_pending()
        subscription.socket.on_close(self.remove)
        self._of[subscription.kind][subscription.identity] = subscription
        metrics.WS_SUBSCRIPTIONS.set(self.count())
        self._start("chain", self._follow_chain)
        if subscription.kind == "newPendingTransactions":
            self._start("pool", self._follow_pool)
        elif subscription.kind == "mds_stats":
            self._start("stats", self._tell_stats)
        elif subscription.kind == "syncing":
            self._start("syncing", self._tell_syncing)

    def remove(self, subscription: Subscription) -> None:
        """Forget a subscription."""
        self._of[subscription.kind].pop(subscription.identity, None)
        metrics.WS_SUBSCRIPTIONS.set(self.count())

    def count(self) -> int:
        """How many listen."""
        return sum(len(part) for part in self._of.values())

    async def stop(self) -> None:
        """End following."""
        tasks = list(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _is_running(self, name: str) -> bool:
        task = self._tasks.get(name)
        return task is not None and not task.done()

    def _start(self, name: str, follow: Any) -> None:
        if not self._is_running(name):
            self._tasks[name] = asyncio.create_task(follow())

    def _on_head(self, head: Head) -> None:
        if any(self._of.values()):
            self._moved.set()
        else:
            # nobody hears: the next subscriber begins at the head of its time
            self._told = None

    async def _begin(self) -> None:
        node = self._node
        async with node.snapshot() as conn:
            number = node.head.latest
            block = await select.chain_hash(conn, number)
        if self._told is None:
            self._told = (node.head.number, node.head.hash) if block is None else (number, block)

    async def _follow_chain(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                while self._told is not None and any(self._of.values()) and await self._step():
                    pass
            except BlockchainError as error:
                log.warning("rpc.feed_interrupted", error=str(error))
                await asyncio.sleep(RETRY_S)
                self._moved.set()

    async def _step(self) -> bool:
        """Tell what happened since the last step; whether there is more."""
        node, told = self._node, self._told
        assert told is not None
        blocks: list[Any] = []
        undone: list[Any] = []
        new: list[Any] = []
        inserted: list[Any] = []
        async with node.snapshot() as conn:
            path = await path_since(conn, told, node.head.latest, STEP)
            if self._of["newHeads"]:
                blocks = [await select.block(conn, number) for number, _ in path.added]
            if self._of["logs"]:
                undone = await undone_logs(conn, [block for _, block in path.removed]) if path.removed else []
                if path.added:
                    new = await select.logs(conn, path.added[0][0], path.end[0], (), (), MAX_LOGS)
            if self._of["mds_dag"]:
                inserted = await dag.inserted_after(conn, self._seq, STEP)
        self._told = path.end
        for found in blocks:
            self._tell("newHeads", header_json(formats.block(found, node.spec, ())))
        for stored, removed in [*[(entry, True) for entry in undone], *[(entry, False) for entry in new]]:
            payload = None
            for subscription in list(self._of["logs"].values()):
                if matches(stored, subscription.detail):
                    payload = payload or _json(formats.log(stored, removed=removed))
                    subscription.notify(payload)
        if self._of["mds_dag"] and (inserted or path.removed or path.added):
            self._seq = inserted[-1][0] if inserted else self._seq
            self._tell("mds_dag", _json(_dag(path, inserted)))
        return len(path.added) == STEP or len(inserted) == STEP

    async def _follow_pool(self) -> None:
        while self._of["newPendingTransactions"]:
            try:
                if self._cursor is None:
                    self._cursor = await self._newest_pending()
                answer = await self._node.redis.xread({_NEW: self._cursor}, count=1000, block=1000)
            except (RedisError, OSError) as error:
                log.warning("rpc.feed_without_redis", error=str(error))
                await asyncio.sleep(RETRY_S)
                continue
            for _, entries in answer:
                self._cursor = entries[-1][0]
                await self._tell_pending([fields[b"h"] for _, fields in entries])

    async def _newest_pending(self) -> bytes:
        """Where the stream of the pool's transactions ends."""
        newest = await self._node.redis.xrevrange(_NEW, count=1)
        return bytes(newest[0][0]) if newest else b"0-0"

    async def _tell_pending(self, hashes: Iterable[bytes]) -> None:
        listeners = self._of["newPendingTransactions"]
        for tx_hash in hashes:
            short, full = f'"{formats.data(tx_hash)}"', None
            if any(subscription.detail for subscription in listeners.values()):
                entry = await self._node.pool.get(tx_hash)
                if entry is not None:
                    full = _json(formats.transaction(decode_transaction(entry.raw, entry.sender), None))
            for subscription in list(listeners.values()):
                if not subscription.detail:
                    subscription.notify(short)
                elif full is not None:
                    subscription.notify(full)

    async def _tell_stats(self) -> None:
        while self._of["mds_stats"]:
            try:
                row = await self._node.read(dag.node_row)
                sums = await self._node.pool.sums()
            except (BlockchainError, RedisError, OSError) as error:
                log.warning("rpc.feed_without_stats", error=str(error))
            else:
                head = self._node.head
                stats = {
                    "sequence": row[0],
                    "sink": formats.data(row[1]),
                    "number": row[2],
                    "blueScore": head.blue_score,
                    "workScore": head.work_score,
                    "baseFee": hex(head.base_fee),
                    "tips": row[4],
                    "blocks": dict(zip("ABC", row[5][1:], strict=True)),
                    "transactions": row[6],
                    "reorgs": row[7],
                    "pool": {"pending": sums.pending, "queued": sums.queued, "bytes": sums.bytes},
                }
                self._tell("mds_stats", _json(stats))
            await asyncio.sleep(STATS_S)

    async def _tell_syncing(self) -> None:
        """Tell when the node falls behind and when it is up to date again; the newcomer during it, that it is."""
        told: dict[str, bool] = {}
        while listeners := self._of["syncing"]:
            try:
                status = await self._node.syncing.status()
            except BlockchainError as error:
                log.warning("rpc.feed_without_syncing", error=str(error))
            else:
                payload, told_before = _json(notification(status)), told
                told = dict.fromkeys(listeners, status is not None)
                for identity, subscription in list(listeners.items()):
                    if told_before.get(identity, False) != told[identity]:
                        subscription.notify(payload)
            await asyncio.sleep(SYNCING_S)

    def _tell(self, kind: str, payload: str) -> None:
        for subscription in list(self._of[kind].values()):
            subscription.notify(payload)


def header_json(block: dict[str, Any]) -> str:
    """A block object without what only a body has."""
    return _json({name: value for name, value in block.items() if name not in _BLOCK_ONLY})


def _dag(path: Path, inserted: list[Any]) -> dict[str, Any]:
    return {
        "blocks": [
            {
                "hash": formats.data(block_hash),
                "stream": stream_name(stream),
                "parents": [formats.data(parent) for parent in parents],
                "selectedParent": formats.maybe(selected),
                "blueScore": blue_score,
                "number": number,
                "timestampMs": timestamp_ms,
                "transactions": tx_count,
            }
            for _, block_hash, stream, parents, selected, blue_score, number, timestamp_ms, tx_count in inserted
        ],
        "removed": [{"number": number, "hash": formats.data(block)} for number, block in path.removed],
        "added": [{"number": number, "hash": formats.data(block)} for number, block in path.added],
    }


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
