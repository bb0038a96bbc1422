"""The light line of ``/ws/live?view=head``: what pages that the server wrote need to stay true while they are open.

Where the chain stands, a few times a second at most; and what became of the one transaction or address that a page
watches.  All that is watched is read together, once for each message, whoever watches it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import structlog
from redis.exceptions import RedisError

from chain.core.errors import BlockchainError
from chain.core.shards import shard_of
from explorer.live import payloads
from explorer.live.hub import Hub, Listener
from explorer.selectors.watched import (
    ACCEPTED_NOW,
    ACCOUNTS_NOW,
    MINERS_NOW,
    SHARDS_NOW,
    STANDARDS_NOW,
    TOKENS_NOW,
    AcceptedNow,
    AccountNow,
    StandardNow,
)

if TYPE_CHECKING:
    from chain.rpc.node import Node

log = structlog.get_logger(__name__)

# between two messages, and the longest silence: a page takes a longer one for a dead line
GAP_S = 0.25
BEAT_S = 3.0
# reorganisations whose forks are remembered
REMEMBERED = 64
# what a page of tokens of every standard watches
ALL_STANDARDS = 0

Message = (
    payloads.WatchedTransaction
    | payloads.WatchedAddress
    | payloads.WatchedToken
    | payloads.WatchedTokens
    | payloads.WatchedMiner
    | payloads.WatchedShard
)


@dataclass(frozen=True, slots=True)
class Undone:
    """Where reorganisations forked off: (count since genesis, number above which all left the chain), ascending.

    Nothing is missing of those above ``since``.  One look at the chain may see several at once: they are one, under
    the count of the last.
    """

    since: int
    forks: tuple[tuple[int, int], ...]

    def and_then(self, reorgs: int, fork: int) -> Undone:
        """With one more; what is too long ago is forgotten."""
        forks = (*self.forks, (reorgs, fork))
        gone = forks[:-REMEMBERED]
        return Undone(gone[-1][0] if gone else self.since, forks[-REMEMBERED:])

    def after(self, reorgs: int) -> Undone:
        """What came after this many."""
        return Undone(max(self.since, reorgs), tuple([one for one in self.forks if one[0] > reorgs]))

    @property
    def newest(self) -> int:
        """The count of the last one."""
        return self.forks[-1][0] if self.forks else self.since

    @property
    def lowest(self) -> int | None:
        """The lowest number that one of them went down to; None where there is none."""
        return min([fork for _, fork in self.forks], default=None)


@dataclass(frozen=True, slots=True)
class Watched:
    """What one page watches: a transaction's hash, the address of an account, token or miner, a shard's two bytes.

    Of the list of tokens two bytes as well: the standard, ``ALL_STANDARDS`` for all of them.
    """

    kind: str
    key: bytes


@dataclass(slots=True)
class _Watcher:
    watched: Watched
    told: Message | None = None


class HeadLine:
    """The hub of the light line.

    Parameters
    ----------
    name : str
        Of the feed.
    node : Node
        For reading what is watched.
    look : callable
        (seq, undone, type) → the message of this moment.
    """

    def __init__(self, name: str, node: Node, look: Callable[[int, Undone, str], payloads.HeadMessage]) -> None:
        self.hub = Hub(name)
        self._node = node
        self._look = look
        self._watchers: dict[Listener, _Watcher] = {}
        self._moved = asyncio.Event()
        self._undone = Undone(0, ())
        self._told_reorgs = 0

    def __len__(self) -> int:
        return len(self.hub)

    def moved(self, fork: int | None, reorgs: int) -> None:
        """The chain has grown, or left what it had above ``fork`` by its reorganisations up to this one."""
        if fork is not None:
            self._undone = self._undone.and_then(reorgs, fork)
        self._moved.set()

    def remember_from(self, reorgs: int) -> None:
        """Begin to remember: what reorganisations up to this one have undone nobody here knows."""
        self._undone, self._told_reorgs = Undone(reorgs, ()), reorgs

    def welcome(self, listener: Listener, name: str, seq: int, watched: Watched | None = None) -> bool:
        """Let a listener in, by what it missed or by a snapshot; what it watches is told at once."""
        missed = self.hub.since(name, seq)
        is_in = self.hub.add(listener, [self.snapshot()] if missed is None else missed)
        if is_in and watched is not None:
            self._watchers[listener] = _Watcher(watched)
            self._moved.set()
        return is_in

    def resume(self, listener: Listener, seq: int) -> None:
        """Heal a gap: this message holds all that the ones before it did."""
        if not listener.offer(self.snapshot()):
            self.remove(listener)
            listener.drop()

    def remove(self, listener: Listener) -> None:
        """Forget a listener and what it watches."""
        self.hub.remove(listener)
        self._watchers.pop(listener, None)

    def begin(self, name: str) -> None:
        """Another chain: everything anew."""
        self.hub.rename(name)
        self.hub.tell(self.snapshot())
        self._moved.set()

    def snapshot(self) -> str:
        """Where the chain stands, for one who knows nothing."""
        return payloads.encode(self._look(self.hub.seq, self._undone, "snapshot"))

    async def run(self) -> None:
        """Tell, until cancelled."""
        while True:
            # no news is told as well, as a sign of life
            with suppress(TimeoutError):
                await asyncio.wait_for(self._moved.wait(), BEAT_S)
            self._moved.clear()
            try:
                await self.tell()
            except (BlockchainError, RedisError, OSError) as error:
                log.warning("live.heads_interrupted", error=str(error))
            except Exception:
                # a line that ends would leave every page standing still
                log.exception("live.heads_failed")
            await asyncio.sleep(GAP_S)

    async def tell(self) -> None:
        """One message to everybody, and news to those who watch something."""
        # with nobody here it is kept for the next message: who comes back by his number hears no snapshot
        if not len(self.hub):
            return
        undone = self._undone.after(self._told_reorgs)
        self._told_reorgs = undone.newest
        self.hub.publish(lambda seq: payloads.encode(self._look(seq, undone, "head")))
        # who could not follow is dropped by the hub
        for listener in [listener for listener in self._watchers if listener.is_dropped]:
            del self._watchers[listener]
        if self._watchers:
            await self._tell_watchers()

    async def _tell_watchers(self) -> None:
        keys: dict[str, list[bytes]] = {kind: [] for kind in ("tx", "address", "token", "tokens", "miner", "shard")}
        for kind, key in sorted({(one.watched.kind, one.watched.key) for one in self._watchers.values()}):
            keys[kind].append(key)
        found: dict[tuple[str, bytes], Message] = {}
        async with self._node.connection() as conn:
            if keys["tx"]:
                rows = await ACCEPTED_NOW.aall(conn, keys["tx"])
                found |= _transactions(keys["tx"], rows)
            if keys["address"]:
                shards = [shard_of(key, self._node.spec.shard_count) for key in keys["address"]]
                found |= _addresses(await ACCOUNTS_NOW.aall(conn, shards, keys["address"]))
            if keys["token"]:
                for token in await TOKENS_NOW.aall(conn, keys["token"]):
                    found["token", token.token] = payloads.WatchedToken(
                        "0x" + token.token.hex(), token.transfers, token.holders, str(token.supply)
                    )
            if keys["tokens"]:
                found |= _standards(keys["tokens"], await STANDARDS_NOW.aall(conn))
            if keys["miner"]:
                for miner in await MINERS_NOW.aall(conn, keys["miner"]):
                    found["miner", miner.coinbase] = payloads.WatchedMiner(
                        "0x" + miner.coinbase.hex(), miner.blocks, str(miner.income)
                    )
            if keys["shard"]:
                for shard in await SHARDS_NOW.aall(conn, [int.from_bytes(key, "big") for key in keys["shard"]]):
                    found["shard", shard.shard.to_bytes(2, "big")] = payloads.WatchedShard(shard.shard, shard.txs)
        for listener, watcher in list(self._watchers.items()):
            message = found.get((watcher.watched.kind, watcher.watched.key))
            if message is None or message == watcher.told:
                continue
            watcher.told = message
            if not listener.offer(payloads.encode(message)):
                self.remove(listener)
                listener.drop()


def _transactions(keys: list[bytes], rows: list[AcceptedNow]) -> dict[tuple[str, bytes], Any]:
    taken = {row.tx: row for row in rows}
    found = {}
    for key in keys:
        row = taken.get(key)
        found["tx", key] = payloads.WatchedTransaction(
            "0x" + key.hex(),
            row.number if row else None,
            "0x" + row.block.hex() if row else None,
            bool(row.status) if row else None,
        )
    return found


def _standards(keys: list[bytes], rows: list[StandardNow]) -> dict[tuple[str, bytes], Any]:
    found = {}
    for key in keys:
        wanted = int.from_bytes(key, "big")
        counted = [row for row in rows if wanted in (ALL_STANDARDS, row.standard)]
        tokens, transfers = sum(row.tokens for row in counted), sum(row.transfers for row in counted)
        found["tokens", key] = payloads.WatchedTokens(wanted, tokens, transfers)
    return found


def _addresses(rows: list[AccountNow]) -> dict[tuple[str, bytes], Any]:
    return {
        ("address", row.address): payloads.WatchedAddress(
            "0x" + row.address.hex(), row.nonce, str(row.balance), row.txs
        )
        for row in rows
    }
