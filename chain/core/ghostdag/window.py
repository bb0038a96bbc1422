"""The blocks in memory."""

from __future__ import annotations

from collections.abc import Callable

from chain.core.errors import NotYet, StoreError, WaitCode
from chain.core.ghostdag.reachability import Past
from chain.core.ghostdag.views import BlockView
from chain.core.types import Stream

OrderKey = tuple[int, bytes, int, bytes, bytes]
Ticket = tuple[bytes, int]


class Node:
    """A block in the window: its view and what the algorithms need close at hand.

    ``closed`` over ``low``, and the holes, are the past with the block itself (see ``reachability``).
    ``floor`` is the number of a selected-chain ancestor in the past of every blue work block of the
    mergeset (and of the selected parent).  ``jump`` makes walks down the selected chain logarithmic.
    A block that has left the window is ``gone``: walks may meet it as the end of a chain.
    """

    __slots__ = (
        "chain_parent",
        "closed",
        "final_mark",
        "floor",
        "gone",
        "has_body",
        "has_child",
        "hash",
        "holes",
        "holes_low",
        "index",
        "is_work",
        "jump",
        "key",
        "low",
        "number",
        "ticket",
        "view",
        "work_after",
        "work_score",
    )

    def __init__(self, view: BlockView, index: int, past: Past, chain_parent: Node | None, floor: int) -> None:
        self.view = view
        self.hash: bytes = view.hash
        self.index = index
        self.low = past.low
        self.closed: int = past.mask | (1 << (index - past.low))
        self.holes_low = past.holes_low
        self.holes = past.holes
        self.chain_parent = chain_parent
        self.jump: Node | None = None if chain_parent is None else _jump_over(chain_parent)
        self.key: OrderKey = (view.weight, view.line, view.blue_score, view.lot, view.hash)
        stream = view.stream
        self.is_work: bool = stream is Stream.A or stream is Stream.B
        counts = view.stream_counts
        self.work_score: int = counts[0] + counts[1]
        self.work_after: int = self.work_score + self.is_work
        self.number: int = view.number
        self.floor = floor
        self.ticket: Ticket | None = None
        if stream is Stream.C and view.vrf_key is not None and view.slot is not None:
            self.ticket = (view.vrf_key, view.slot)
        self.gone = False
        self.has_child = False
        self.has_body = False
        self.final_mark = 0


def _jump_over(parent: Node) -> Node:
    """Skew-binary jump pointer (Myers 1983): two equal jumps below the parent are joined into one."""
    first = parent.jump
    if first is not None:
        second = first.jump
        if second is not None and parent.number - first.number == first.number - second.number:
            return second
    return parent


class Window:
    """The blocks that are held, by hash, by index and by C ticket."""

    def __init__(self, has_left: Callable[[bytes], bool] | None = None) -> None:
        self.has_left = has_left
        self.nodes: dict[bytes, Node] = {}
        self.order: list[Node] = []
        self.first = 0  # index of order[0]
        self.tickets: dict[Ticket, list[Node]] = {}
        self.genesis: bytes | None = None
        self.final: Node | None = None
        self.final_epoch = 0
        self._least_weight: int | None = None

    @property
    def next_index(self) -> int:
        """The index that the next block will get."""
        return self.first + len(self.order)

    def node(self, block: bytes) -> Node:
        """The block's node; ``StoreError`` if it is not, or no longer, in the window."""
        found = self.nodes.get(block)
        if found is None:
            raise StoreError("not_in_window", "the block is not in the DAG window", hash=block)
        return found

    def parents(self, hashes: tuple[bytes, ...]) -> list[Node]:
        """The parents' nodes; ``NotYet`` if some are missing (FINALITY_CONFLICT if all those have left)."""
        nodes = self.nodes
        try:
            return [nodes[block] for block in hashes]
        except KeyError:
            missing = tuple([block for block in hashes if block not in nodes])
            if self.has_left is not None and all(map(self.has_left, missing)):
                raise NotYet(WaitCode.FINALITY_CONFLICT, "parents below the DAG window", parents=missing) from None
            raise NotYet(WaitCode.UNKNOWN_PARENTS, "parents not in the DAG window", missing=missing) from None

    def append(self, node: Node, parents: list[Node]) -> None:
        """Hold a block that was built with ``next_index``."""
        self.nodes[node.hash] = node
        self.order.append(node)
        for parent in parents:
            parent.has_child = True
        if node.ticket is not None:
            self.tickets.setdefault(node.ticket, []).append(node)

    def set_final(self, node: Node) -> None:
        """Make this the finality point that selected chains must hold."""
        self.final = node
        self.final_epoch += 1
        node.final_mark = self.final_epoch

    def drop_below(self, base: int) -> list[Node]:
        """Forget every index below ``base``; returns what left.

        The cost is in what leaves and not in what stays: references to blocks that left end there, and
        mask bits below the window are cut off where masks are read.
        """
        gone = self.order[: base - self.first]
        self.order = self.order[base - self.first :]
        self.first = base
        for node in gone:
            del self.nodes[node.hash]
            node.gone = True
            node.chain_parent = None
            node.jump = None
            if node.ticket is not None:
                rest = [other for other in self.tickets[node.ticket] if other is not node]
                if rest:
                    self.tickets[node.ticket] = rest
                else:
                    del self.tickets[node.ticket]
        self._least_weight = None
        return gone

    @property
    def least_weight(self) -> int:
        """No held block weighs less."""
        if self._least_weight is None:
            self._least_weight = min((node.view.weight for node in self.order), default=0)
        return self._least_weight
