"""Selected parent, mergeset and its order (protocol §6; GHOSTDAG, eprint 2018/104, algorithm 1)."""

from __future__ import annotations

from operator import attrgetter
from typing import NamedTuple

from chain.core.ghostdag.window import Node, Window, trim, union_of_pasts

BY_ORDER = attrgetter("key")


class MergedPast(NamedTuple):
    """The past of a block with given parents: a mask over ``low``, and what of it the selected parent lacks.

    ``merged`` is mergeset \\ {SP} as a mask over ``merged_low``.
    """

    selected_parent: Node
    low: int
    past: int
    merged_low: int
    merged: int


def merge_pasts(window: Window, parents: list[Node]) -> MergedPast:
    """Selected parent, past and mergeset (of held blocks) of a block with these parents, at least one."""
    if len(parents) == 1:
        selected = parents[0]
        low, past = trim(selected.low, selected.closed)
        return MergedPast(selected, low, past, selected.low, 0)
    selected = max(parents, key=BY_ORDER)
    union = union_of_pasts(parents, selected.low)
    merged = union ^ selected.closed
    low, past = trim(selected.low, union)
    if selected.low < window.first:
        return MergedPast(selected, low, past, window.first, merged >> (window.first - selected.low))
    return MergedPast(selected, low, past, selected.low, merged)


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
