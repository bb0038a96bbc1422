"""The one reader of a web process behind ``/ws/live``: looks once at each commit, tells everybody.

It begins with the first visitor and stays: with nobody listening it only keeps its figures, so that the next
visitor finds ten minutes of them and one who was away can catch up.
"""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from chain.core.errors import BlockchainError, NotYet, WaitCode
from chain.rpc.app import process_node
from chain.selectors import live
from chain.selectors.live import DrawnBlock, Standing
from chain.selectors.path import path_since
from chain.services.network import now_ms
from explorer import pool_history
from explorer.live import payloads
from explorer.live.figures import HOUR_MS, HOUR_STEP_MS, SERIES_MS, SERIES_STEP_MS, Figures, reds_of
from explorer.live.heads import HeadLine, Undone
from explorer.live.hub import Hub, Listener

if TYPE_CHECKING:
    from chain.rpc.node import Node

log = structlog.get_logger(__name__)

# blocks of a snapshot, and blocks that the feed remembers
SHOWN = 240
REMEMBERED = 2_000
# blocks and epochs of one look; the rest follow with the next
STEP = 500
STATS_S = 1.0
IDLE_S = 5.0
RETRY_S = 1.0
# how long commits gather after one that was told: longer with many listeners, to each of whom a message costs
GATHER_S = 0.02
GATHER_MOST_S = 0.15
GATHER_EACH_S = 0.0003


class Feed:
    """Follows the node; one for each event loop.

    Parameters
    ----------
    node : Node
        The RPC's: head, connections and pool of this process.
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self.hub = Hub(secrets.token_hex(4))
        self._figures = Figures(node.spec.shard_count)
        self._blocks: OrderedDict[int, payloads.WireBlock] = OrderedDict()
        self._standing: Standing | None = None
        self._seen = 0
        self._told: tuple[int, bytes] = (0, b"")
        self._moved = asyncio.Event()
        self._wanted = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self._snapshot: tuple[int, str] | None = None
        self.line = HeadLine(self.hub.name, node, self._head_message)

    async def start(self) -> None:
        """Read where the chain stands and begin to follow.

        Raises
        ------
        BlockchainError
            Where the database has no chain or cannot be reached.
        """
        await self._begin()
        self._node.heads.listen(lambda _: self._moved.set())
        self._tasks = [asyncio.create_task(work) for work in (self._follow(), self._count(), self.line.run())]

    async def stop(self) -> None:
        """End following and drop everybody."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.hub.end()
        self.line.hub.end()

    def welcome(self, listener: Listener, name: str, seq: int) -> bool:
        """Let a listener in: by what it missed where that is known, else by a snapshot."""
        self.wake()
        missed = self.hub.since(name, seq)
        return self.hub.add(listener, [self.snapshot()] if missed is None else missed)

    def resume(self, listener: Listener, seq: int) -> None:
        """Heal a gap: tell a listener everything after a number again."""
        missed = self.hub.since(self.hub.name, seq)
        for text in [self.snapshot()] if missed is None else missed:
            if not listener.offer(text):
                self.hub.remove(listener)
                listener.drop()
                return

    def remove(self, listener: Listener) -> None:
        """Forget a listener."""
        self.hub.remove(listener)

    def snapshot(self) -> str:
        """Everything as of the newest delta; written once for all who come before the next one."""
        if self._snapshot is None or self._snapshot[0] != self.hub.seq:
            now = now_ms()
            names, points = payloads.columns_of(self._figures.series(now))
            message = payloads.Snapshot(
                feed=self.hub.name,
                seq=self.hub.seq,
                network=self._node.spec.network,
                columns=payloads.BLOCK_COLUMNS,
                blocks=list(self._blocks.values())[-SHOWN:],
                head=self._head(),
                totals=self._totals(),
                now=self._figures.now(now),
                series_columns=names,
                series=points,
                series_step_ms=SERIES_STEP_MS,
                hour=self._figures.hour(now),
                hour_step_ms=HOUR_STEP_MS,
                server_ms=now,
            )
            self._snapshot = (self.hub.seq, payloads.encode(message))
        return self._snapshot[1]

    async def _begin(self) -> None:
        """Take everything anew, under a new name where there was one before."""
        now = now_ms()
        lines_from = now // SERIES_STEP_MS * SERIES_STEP_MS - SERIES_MS
        hour_from = now // HOUR_STEP_MS * HOUR_STEP_MS - HOUR_MS
        figures = Figures(self._node.spec.shard_count)
        async with self._node.snapshot() as conn:
            standing = await _standing(conn)
            blocks = await live.BLOCKS_BETWEEN.aall(conn, 0, standing.blue_score, SHOWN * 2)
            # tips beside the sink may have its score or a greater one
            above = await live.BLOCKS_BETWEEN.aall(conn, standing.blue_score + 1, standing.blue_score + 500, SHOWN)
            figures.add_history(
                hour_from, await live.BUCKETS_SINCE.aall(conn, hour_from, HOUR_STEP_MS, hour_from), HOUR_STEP_MS
            )
            figures.add_history(
                lines_from, await live.BUCKETS_SINCE.aall(conn, lines_from, SERIES_STEP_MS, lines_from), SERIES_STEP_MS
            )
            epochs = await live.EPOCHS_SINCE.aall(conn, lines_from, 10_000)
            if epochs:
                await self._add_epochs(conn, figures, epochs, known=True)
        # without its past the line begins now
        with suppress(RedisError, OSError):
            waited = await self._node.redis.hgetall(pool_history.key_of(SERIES_STEP_MS // 1000))
            figures.add_pool_history(pool_history.parsed(waited), now)
        self._figures, self._standing = figures, standing
        self._seen, self._told = standing.last_seq, (standing.number, standing.sink)
        self.line.remember_from(standing.reorgs)
        self._blocks = OrderedDict(
            (block.seq, payloads.wire_block(block)) for block in sorted([*blocks, *above], key=lambda block: block.seq)
        )
        await self._see_pool()

    @staticmethod
    async def _add_epochs(conn: Any, figures: Figures, epochs: list[Any], *, known: bool = False) -> list[Any]:
        first, last = epochs[0].number, epochs[-1].number
        merged = await live.MERGED_BETWEEN.aall(conn, first, last)
        crossing: dict[int, list[tuple[int, int]]] = {}
        if any(sum(epoch.phase_txs[1:]) for epoch in epochs):
            for number, shard, count in await live.CROSSINGS_BETWEEN.aall(conn, first, last):
                crossing.setdefault(number, []).append((shard, count))
        reds = reds_of(merged)
        for epoch in epochs:
            figures.add_epoch(epoch, crossing.get(epoch.number, ()), reds.get(epoch.number, 0), known=known)
        return merged

    async def _follow(self) -> None:
        while True:
            await self._moved.wait()
            self._moved.clear()
            try:
                while await self._look():
                    pass
            except (BlockchainError, RedisError, OSError) as error:
                log.warning("live.interrupted", error=str(error))
                await asyncio.sleep(RETRY_S)
                self._moved.set()
            except Exception:
                # a feed that ends would leave every page standing still
                log.exception("live.failed")
                await asyncio.sleep(RETRY_S)
                self._moved.set()
            await self._rest()

    async def _rest(self) -> None:
        """Let commits gather: shortly with listeners, for some seconds without."""
        if audience := len(self.hub) + len(self.line):
            await asyncio.sleep(min(GATHER_MOST_S, max(GATHER_S, audience * GATHER_EACH_S)))
            return
        self._wanted.clear()
        # nobody came: look anyway
        with suppress(TimeoutError):
            await asyncio.wait_for(self._wanted.wait(), IDLE_S)

    async def _look(self) -> bool:
        """Tell what happened since the last look; whether there is more."""
        async with self._node.snapshot() as conn:
            standing = await _standing(conn)
            blocks = await live.BLOCKS_AFTER.aall(conn, self._seen, STEP)
            path = await path_since(conn, self._told, standing.number, STEP)
            jumped = not path.added and not path.removed and path.end != self._told
            if jumped or standing.last_seq < self._seen:
                # the database was set back: nothing leads from what was told to what is
                await self._begin()
                self.hub.rename(secrets.token_hex(4))
                self._snapshot = None
                self.hub.tell(self.snapshot())
                self.line.begin(self.hub.name)
                return False
            epochs = merged = []
            if path.added:
                epochs = await live.EPOCHS_BETWEEN.aall(conn, path.added[0][0], path.added[-1][0])
            if path.removed:
                self._figures.remove_above(path.removed[-1][0] - 1)
                self._figures.add_reorg(now_ms())
            if epochs:
                merged = await self._add_epochs(conn, self._figures, epochs)
        self._standing = standing
        fork = path.removed[-1][0] - 1 if path.removed else None
        self._remember(blocks, fork, merged)
        if blocks:
            self._seen = blocks[-1].seq
        self._told = path.end
        if blocks or merged or path.removed:
            moved = [(place.seq, place.number, place.is_blue, place.is_chain) for place in merged]
            wire = [payloads.wire_block(block) for block in blocks]
            self.hub.publish(
                lambda seq: payloads.encode(
                    payloads.DagDelta(self.hub.name, seq, wire, fork, len(path.removed), moved, self._head())
                )
            )
            self.line.moved(fork, standing.reorgs)
        return len(path.added) == STEP or len(blocks) == STEP

    def _remember(self, blocks: list[DrawnBlock], fork: int | None, merged: list[Any]) -> None:
        """Keep the remembered blocks as a reader of the same delta would."""
        for block in blocks:
            self._figures.add_block(block)
            self._blocks[block.seq] = payloads.wire_block(block)
        if fork is not None:
            for seq, block in self._blocks.items():
                if block[6] is not None and block[6] > fork:
                    self._blocks[seq] = (*block[:5], None, None, None, *block[8:])
        for place in merged:
            known = self._blocks.get(place.seq)
            if known is not None:
                number = place.number if place.is_chain else None
                self._blocks[place.seq] = (*known[:5], number, place.number, place.is_blue, *known[8:])
        while len(self._blocks) > REMEMBERED:
            self._blocks.popitem(last=False)

    async def _count(self) -> None:
        while True:
            await asyncio.sleep(STATS_S if len(self.hub) else IDLE_S)
            await self._see_pool()
            now = now_ms()
            self._figures.forget(now)
            if not len(self.hub):
                # the lines stay whole for the next visitor; nobody is told
                continue
            hour = now // HOUR_STEP_MS
            step = self._figures.hour_step(hour)
            self.hub.publish(
                lambda seq, now=now, step=step: payloads.encode(  # type: ignore[misc]
                    payloads.StatsDelta(
                        feed=self.hub.name,
                        seq=seq,
                        totals=self._totals(),
                        now=self._figures.now(now),
                        point=self._figures.point(now // SERIES_STEP_MS),
                        hour=step if step.high else None,
                        server_ms=now,
                    )
                )
            )

    async def _see_pool(self) -> None:
        try:
            sums = await self._node.pool.sums()
        except (BlockchainError, RedisError, OSError):
            self._figures.see_pool(None, now_ms())
        else:
            self._figures.see_pool(payloads.Pool(sums.pending, sums.queued, sums.bytes), now_ms())

    def _head(self) -> payloads.Head:
        standing, head = self._standing, self._node.head
        assert standing is not None
        newest = next((seq for seq in reversed(self._blocks) if self._blocks[seq][5] == standing.number), 0)
        return payloads.Head(
            id=newest,
            number=standing.number,
            score=standing.blue_score,
            finalized=head.finalized,
            base_fee=str(head.next_base_fee),
            tips=standing.tips,
            at_ms=head.timestamp_ms,
        )

    def _head_message(self, seq: int, undone: Undone, kind: str) -> payloads.HeadMessage:
        standing = self._standing
        assert standing is not None
        return payloads.HeadMessage(
            feed=self.hub.name,
            seq=seq,
            head=self._head(),
            newest=standing.last_seq,
            transactions=standing.accepted,
            fork=None if kind == "snapshot" else undone.lowest,
            reorgs=standing.reorgs,
            forks_since=undone.since,
            forks=list(undone.forks),
            server_ms=now_ms(),
            type=kind,
        )

    def wake(self) -> None:
        """Somebody came: what nobody listened to is looked at now."""
        self._wanted.set()

    def _totals(self) -> payloads.Totals:
        standing = self._standing
        assert standing is not None
        return payloads.Totals(
            standing.blocks, standing.accepted, standing.reorgs, standing.deepest_reorg, str(standing.supply)
        )


async def _standing(conn: Any) -> Standing:
    found = await live.STANDING.aone(conn)
    if found is None:
        raise NotYet(WaitCode.NOT_READY, "the node has no chain yet")
    return found


_feeds: dict[asyncio.AbstractEventLoop, asyncio.Task[Feed]] = {}


async def process_feed() -> Feed:
    """The started feed of the running event loop."""
    loop = asyncio.get_running_loop()
    starting = _feeds.get(loop)
    if starting is None or (starting.done() and (starting.cancelled() or starting.exception() is not None)):
        for other in [other for other in _feeds if other.is_closed()]:
            del _feeds[other]
        starting = _feeds[loop] = loop.create_task(_start())
    return await asyncio.shield(starting)


async def _start() -> Feed:
    feed = Feed(await process_node())
    await feed.start()
    return feed
