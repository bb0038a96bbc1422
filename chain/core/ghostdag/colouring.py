"""Blue and red (protocol §6; GHOSTDAG, eprint 2018/104, algorithm 1, the incremental form of Kaspa).

A candidate x is blue iff at most k blue work blocks of the view so far lie in its anticone and, if x is
a work block, none of them then has more than k in its own.  Blocks of the view outside past(x) are in
the anticone of x, because candidates come in ascending order and the view has no future of x.

Two facts make the usual case cheap.  A selected-chain block c in past(x) has its whole past in past(x),
so only blue blocks above c can be in the anticone of x.  And the view above a chain block g holds
exactly work_score(SP) − work_score(g) blue work blocks (and SP): if that region with all candidates in
it has at most k of them, no anticone can exceed k and all candidates are blue without being looked at.
Only otherwise are anticones counted, over that region alone.  It is small: a blue block lacks at most
k blue work blocks, and a candidate that lacks more than k of the selected chain is red at once.
"""

from __future__ import annotations

from typing import NamedTuple

from chain.core.ghostdag.reachability import in_past, past_over
from chain.core.ghostdag.window import Node, Ticket, Window


class Colours(NamedTuple):
    """Blue and red candidates, ascending; ``common`` is a chain block in the past of every blue one.

    ``complete``: ``common`` is in the past of the red ones too.
    """

    blues: list[Node]
    reds: list[Node]
    common: Node
    complete: bool


def colour(window: Window, k: int, selected: Node, candidates: list[Node]) -> Colours:
    """Colour mergeset \\ {SP}, given ascending."""
    common = selected.chain_parent or selected
    if not candidates:
        return Colours([], [], common, True)
    refused = _repeated_tickets(window, selected, candidates)
    chain_work = int(selected.is_work)
    work_candidates = 0
    near: list[Node] = []
    for candidate in candidates:
        reached = _chain_block_below(candidate, common, chain_work, k)
        if reached is None:
            refused.add(candidate)
            continue
        common, chain_work = reached
        near.append(candidate)
        work_candidates += candidate.is_work
    complete = len(near) == len(candidates)
    floor = region_floor(selected, common)
    if selected.work_after - floor.work_after + work_candidates <= k:
        if not refused:
            return Colours(candidates, [], common, complete)
        blues = [candidate for candidate in near if candidate not in refused]
    else:
        blues = _count_anticones(window, k, selected, floor, [node for node in near if node not in refused])
    chosen = set(blues)
    return Colours(blues, [node for node in candidates if node not in chosen], common, complete)


def _chain_block_below(candidate: Node, common: Node, chain_work: int, k: int) -> tuple[Node, int] | None:
    """From ``common`` down, the first chain block in the candidate's past; None if the candidate must be red.

    ``chain_work`` counts the work blocks of the selected chain above ``common``: blue, and not in the
    past of a candidate that lacks ``common``, so more than k of them settle its colour.
    """
    current = common
    while not in_past(current, candidate):
        chain_work += current.is_work
        below = current.chain_parent
        if chain_work > k or below is None:
            # no chain block held is in its past: it forked off below the window and cannot be in bounds
            return None
        current = below
    return current, chain_work


def region_floor(selected: Node, common: Node) -> Node:
    """A chain block in the past of every blue work block of the view of SP that lacks ``common``."""
    floor = number = common.number
    current = selected
    while current.number > number:
        floor = min(floor, current.floor)
        assert current.chain_parent is not None
        current = current.chain_parent
    while current.number > floor and current.chain_parent is not None:
        current = current.chain_parent
    return current


def _repeated_tickets(window: Window, selected: Node, candidates: list[Node]) -> set[Node]:
    """C candidates that are not the first of their (vrf_key, slot) in consensus order (protocol §5)."""
    refused: set[Node] = set()
    seen: set[Ticket] = set()
    for candidate in candidates:
        ticket = candidate.ticket
        if ticket is None:
            continue
        rivals = window.tickets[ticket]
        if len(rivals) == 1:
            continue
        if ticket in seen or any(rival is selected or in_past(rival, selected) for rival in rivals):
            refused.add(candidate)
        seen.add(ticket)
    return refused


def _count_anticones(window: Window, k: int, selected: Node, floor: Node, candidates: list[Node]) -> list[Node]:
    """The blue ones of ``candidates`` by counting, over the region of the view above ``floor``."""
    region = _blue_work_region(window, selected, floor)
    base = min(node.index for node in region + candidates)
    view = 0
    for node in region:
        view |= 1 << (node.index - base)
    sizes: dict[int, int] | None = None
    blues: list[Node] = []
    for candidate in candidates:
        anticone = view & ~past_over(candidate, base)
        size = anticone.bit_count()
        if size > k:
            continue
        if candidate.is_work:
            if sizes is None:
                sizes = _anticone_sizes(region, base, view)
            peers = _positions(anticone)
            if any(sizes[peer] >= k for peer in peers):
                continue
            for peer in peers:
                sizes[peer] += 1
            position = candidate.index - base
            sizes[position] = size
            view |= 1 << position
        blues.append(candidate)
    return blues


def _blue_work_region(window: Window, selected: Node, floor: Node) -> list[Node]:
    """Blue work blocks in the view of SP, itself included, that are neither ``floor`` nor in its past."""
    nodes = window.nodes
    region = [selected] if selected.is_work else []
    current = selected
    while current.number > floor.number:
        for block in current.view.blues:
            node = nodes.get(block)
            if node is not None and node.is_work and node is not floor:
                region.append(node)
        assert current.chain_parent is not None
        current = current.chain_parent
    return region


def _anticone_sizes(region: list[Node], base: int, view: int) -> dict[int, int]:
    """For each block of the region, how many others of ``view`` are in its anticone.

    Keyed by position over ``base``.  Every such pair is seen once, from the block of higher index.
    """
    sizes = {node.index - base: 0 for node in region}
    for node in region:
        position = node.index - base
        older = _positions(view & ((1 << position) - 1) & ~past_over(node, base))
        sizes[position] += len(older)
        for other in older:
            sizes[other] += 1
    return sizes


def _positions(mask: int) -> list[int]:
    """Positions of the ones, ascending."""
    found: list[int] = []
    position = -1
    while mask:
        step = (mask & -mask).bit_length()
        position += step
        found.append(position)
        mask >>= step
    return found
