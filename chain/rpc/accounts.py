"""Accounts at the latest block, in memory: kept up to date from commit to commit, misses read many at once.

They are as of one block of the selected chain, the place.  When the head moves on, what the epochs in between
changed is read before the new head is shown, so no answer is older than the head that its caller was told.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from typing import TYPE_CHECKING

import structlog

from chain.core.errors import BlockchainError
from chain.core.shards import shard_of
from chain.core.types import Account
from chain.selectors import accounts as select

if TYPE_CHECKING:
    from chain.rpc.head import Head
    from chain.rpc.node import Node

log = structlog.get_logger(__name__)

MAX_KNOWN = 50_000
# misses that one statement reads
MAX_JOINED = 512
# epochs that changed more than this cost more to follow than to forget
MAX_CHANGES = 5_000
# what nobody asks for is not kept up to date
IDLE_S = 20.0


class Accounts:
    """The accounts that callers asked for lately.

    Parameters
    ----------
    node : Node
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._known: dict[bytes, Account | None] = {}
        self._place: select.Place | None = None
        self._asked = 0.0
        self._waiting: dict[bytes, asyncio.Future[Account | None]] = {}
        self._reader: asyncio.Task[None] | None = None

    def latest(self, address: bytes) -> Account | Awaitable[Account | None] | None:
        """An account at the latest block, or what to await for it; None where there is none.

        Raises
        ------
        StoreError
            From the awaitable.
        """
        try:
            return self._known[address]
        except KeyError:
            return self._miss(address)

    def _miss(self, address: bytes) -> Awaitable[Account | None]:
        waiting = self._waiting.get(address)
        if waiting is None:
            loop = asyncio.get_running_loop()
            self._asked = loop.time()
            self._waiting[address] = waiting = loop.create_future()
            if self._reader is None or self._reader.done():
                self._reader = loop.create_task(self._read())
        # one caller that goes away takes nothing from the others
        return asyncio.shield(waiting)

    async def follow(self, head: Head) -> None:
        """Take up what changed up to a head that is about to be shown."""
        place = self._place
        if place is None or asyncio.get_running_loop().time() - self._asked > IDLE_S:
            # those that are still asked for are missed, and read again
            self._forget()
            return
        try:
            changes = await self._node.read(select.changes, place, head.latest, MAX_CHANGES)
        except BlockchainError as error:
            log.warning("rpc.accounts_not_followed", error=str(error))
            changes = None
        if changes is None:
            self._forget()
            return
        self._place, changed = changes
        known = self._known
        for address, account in changed:
            if address in known:
                known[address] = account

    def _forget(self) -> None:
        self._known, self._place = {}, None

    async def _read(self) -> None:
        # callers of the same turn of the loop come along
        await asyncio.sleep(0)
        while self._waiting:
            part = list(self._waiting)[:MAX_JOINED]
            futures = [self._waiting.pop(address) for address in part]
            try:
                head = self._node.head
                found = await self._node.read(
                    select.accounts_at, head.latest, [shard_of(a, self._node.spec.shard_count) for a in part], part
                )
            except BaseException as error:  # whatever it is belongs to the callers who wait
                for future in futures:
                    if not future.done():
                        future.set_exception(error)
                        # a caller that has gone away does not ask for it
                        future.exception()
                if not isinstance(error, Exception):
                    raise
                continue
            self._keep(found, head)
            for future, address in zip(futures, part, strict=True):
                if not future.done():
                    future.set_result(found.accounts.get(address))

    def _keep(self, found: select.Found, head: Head) -> None:
        """Remember what was read, if the head has not moved meanwhile."""
        if self._node.head is not head or found.place is None:
            return
        if self._place is None:
            self._place = found.place
        if self._place != found.place:
            return
        if len(self._known) + len(found.accounts) > MAX_KNOWN:
            self._known = {}
        self._known.update(found.accounts)
