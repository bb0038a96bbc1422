"""Pasts as integers.

Each block has an index in the order of insertion, so every ancestor has a smaller one.  A past is a mask
whose bit ``i`` stands for index ``low + i``, and every index below ``low`` is in the past too, except
the *holes*.  In a DAG where all is merged soon the zeros of a mask lie near the block, so masks stay a
few dozen bits long whatever the window holds, and indices never need renumbering when old blocks leave.
A block that nobody merges leaves a zero in every later past; so that it costs nothing there, zeros far
behind the head move into ``holes``, an integer that neighbouring blocks share as one object.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from chain.core.ghostdag.window import Node

# a longer mask sheds its lower part, all but half of this, into the holes
RECENT_BITS = 2048


class Past(NamedTuple):
    """A past: bit i of ``mask`` says that index ``low`` + i is in it; bit i of ``holes`` that
    ``holes_low`` + i, which is below ``low``, is not."""

    low: int
    mask: int
    holes_low: int
    holes: int


def in_past(ancestor: Node, block: Node) -> bool:
    """Whether ``ancestor`` is a proper ancestor of ``block``."""
    index = ancestor.index
    if index >= block.index:
        return False
    distance = index - block.low
    if distance >= 0:
        return bool((block.closed >> distance) & 1)
    if not block.holes or index < block.holes_low:
        return True
    return not (block.holes >> (index - block.holes_low)) & 1


def past_over(node: Node, base: int) -> int:
    """Past and the block itself as a plain mask over ``base``, without what lies below."""
    distance = node.low - base
    if distance <= 0:
        return node.closed >> -distance
    mask = ((node.closed + 1) << distance) - 1
    return mask ^ _over(node.holes, node.holes_low, base) if node.holes else mask


def _over(bits: int, low: int, base: int) -> int:
    return bits << (low - base) if low >= base else bits >> (base - low)


def union_of_pasts(parents: list[Node], first: int) -> Past:
    """Parents and their pasts, of indices from ``first`` up."""
    base = max(first, min(node.holes_low if node.holes else node.low for node in parents))
    union = 0
    for parent in parents:
        union |= past_over(parent, base)
    return compact(base, union, 0, 0, first)


def extend_past(selected: Node, parents: list[Node], first: int) -> tuple[Past, int, int]:
    """Union of the closed pasts of ``parents``, and what of it ``selected``, one of them, lacks.

    Returns
    -------
    past : Past
    merged_low, merged : int
        A plain mask over ``merged_low``, of indices from ``first`` up.
    """
    low = selected.low
    union = selected.closed
    holes = selected.holes
    holes_low = selected.holes_low
    for parent in parents:
        distance = parent.low - low
        if distance <= 0:
            union |= parent.closed >> -distance
        elif parent.holes:
            union |= past_over(parent, low)
        else:
            union |= ((parent.closed + 1) << distance) - 1
        # equal holes share an object most of the time, so the comparison costs nothing
        if holes and not (parent.holes_low == holes_low and parent.holes == holes):
            holes &= ~past_over(parent, holes_low)
    merged = union ^ selected.closed
    merged_low = low
    if holes != selected.holes:
        merged = (merged << (low - holes_low)) | (holes ^ selected.holes)
        merged_low = holes_low
    else:
        holes = selected.holes
    if merged_low < first:
        merged >>= first - merged_low
        merged_low = first
    return compact(low, union, holes_low, holes, first), merged_low, merged


def compact(low: int, mask: int, holes_low: int, holes: int, first: int) -> Past:
    """The same set of indices from ``first`` up, with a short mask."""
    if low < first:
        mask >>= first - low
        low = first
    ones = (~mask & (mask + 1)).bit_length() - 1
    low += ones
    mask >>= ones
    if holes and holes_low < first:
        holes >>= first - holes_low
        holes_low = first
    length = mask.bit_length()
    if length > RECENT_BITS:
        cut = length - RECENT_BITS // 2
        lower = ~mask & ((1 << cut) - 1)
        if holes:
            holes |= lower << (low - holes_low)
        else:
            holes, holes_low = lower, low
        low += cut
        mask >>= cut
        ones = (~mask & (mask + 1)).bit_length() - 1
        low += ones
        mask >>= ones
    return Past(low, mask, holes_low, holes)
