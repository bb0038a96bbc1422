"""Selected parent, mergeset and its order (protocol §6; GHOSTDAG, eprint 2018/104, algorithm 1)."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from chain.core.ghostdag.reachability import Past, compact, extend_past
from chain.core.ghostdag.window import Node, Window

BY_ORDER = attrgetter("key")


class MergedPast(NamedTuple):
    """Selected parent and past of a block, and mergeset \\ {SP} as a mask over ``merged_low``."""

    selected_parent: Node
    past: Past
    merged_low: int
    merged: int


def merge_pasts(window: Window, parents: list[Node]) -> MergedPast:
    """Selected parent, past and mergeset (of held blocks) of a block with these parents, at least one."""
    first = window.first
    if len(parents) == 1:
        selected = parents[0]
        past = compact(selected.low, selected.closed, selected.holes_low, selected.holes, first)
        return MergedPast(selected, past, first, 0)
    selected = max(parents, key=BY_ORDER)
    return MergedPast(selected, *extend_past(selected, parents, first))


def merged_nodes(window: Window, merged_low: int, merged: int) -> list[Node]:
    """The blocks of a mask over ``merged_low``, ascending in the order of blocks."""
    if not merged:
        return []
    order = window.order
    found: list[Node] = []
    position = merged_low - window.first - 1
    while merged:
        step = (merged & -merged).bit_length()
        position += step
        found.append(order[position])
        merged >>= step
    if len(found) > 1:
        found.sort(key=BY_ORDER)
    return found
