"""Whether an old block is still there, or was pruned."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING, Any

from chain.core.errors import RequestCode, RequestError

if TYPE_CHECKING:
    from chain.rpc.node import Node

# the horizon only moves up, in steps far below what anybody asks for all the time
LOOK_S = 2.0


async def read_horizon(conn: Any) -> int:
    """Up to which number history is gone; -1 where this node is an archive."""
    found = await (await conn.execute("SELECT number FROM chain_pruned")).fetchone()
    return -1 if found is None else int(found[0])


class Kept:
    """Knows the horizon, looked up at most every ``LOOK_S`` seconds and for final blocks only."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._horizon = -1
        self._looked = float("-inf")

    async def require(self, number: int) -> None:
        """Refuse what this node no longer has.

        Raises
        ------
        RequestError
            ``history_pruned``; ``oldest`` is the first number that can be asked for.
        """
        if number > self._node.head.finalized:
            return
        if monotonic() - self._looked > LOOK_S:
            self._horizon = await self._node.read(read_horizon)
            self._looked = monotonic()
        if number <= self._horizon:
            raise RequestError(
                RequestCode.HISTORY_PRUNED, "pruned history unavailable", number=number, oldest=self._horizon + 1
            )
