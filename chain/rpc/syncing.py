"""Whether the node is catching up: blocks that it has taken in have been waiting for long.

Before there is a network the work comes from imports, outside miners and a machine that is too slow; a block that
waits counts as one to go, so ``highestBlock`` is an upper bound of where the chain will stand.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from chain.selectors import readiness
from chain.services.network import now_ms

if TYPE_CHECKING:
    from chain.rpc.node import Node

# the node's own blocks pass in much less
BEHIND_MS = 10_000
# how long an answer serves others who ask
FRESH_S = 1.0


class Syncing:
    """What ``eth_syncing`` says, asked of the database at most once a second.

    Parameters
    ----------
    node : Node
    """

    def __init__(self, node: Node) -> None:
        self._node = node
        self._status: dict[str, str] | None = None
        self._until = 0.0
        self._start: int | None = None
        self._turn = asyncio.Lock()

    async def status(self) -> dict[str, str] | None:
        """Starting, current and highest block, or None for a node that is up to date."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            if loop.time() >= self._until:
                since, waiting = await self._node.read(readiness.waiting_blocks)
                self._status = self._judge(since, waiting)
                self._until = loop.time() + FRESH_S
            return self._status

    def _judge(self, since_ms: int | None, waiting: int) -> dict[str, str] | None:
        if since_ms is None or now_ms() - since_ms < BEHIND_MS:
            self._start = None
            return None
        current = self._node.head.number
        self._start = current if self._start is None else self._start
        return {
            "startingBlock": hex(self._start),
            "currentBlock": hex(current),
            "highestBlock": hex(current + waiting),
        }


def notification(status: dict[str, str] | None) -> Any:
    """What subscribers to ``syncing`` are told."""
    return False if status is None else {"syncing": True, "status": status}
