"""Tips, the sink and virtual's parents (protocol §6)."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from chain.core.errors import RuleViolation, StoreError
from chain.core.ghostdag.bounds import check_bounds, merge_root
from chain.core.ghostdag.chain import holds_final, on_selected_chain
from chain.core.ghostdag.evaluation import evaluate
from chain.core.ghostdag.mergeset import BY_ORDER
from chain.core.ghostdag.reachability import in_past
from chain.core.ghostdag.window import Node, Window


def mark_body_valid(window: Window, tips: dict[bytes, Node], node: Node) -> None:
    """Make a block body-valid and a tip in place of its parents.

    Raises
    ------
    StoreError
        ``parents_not_body_valid`` if a held parent is not.
    """
    if node.has_body:
        return
    parents = [window.nodes.get(block) for block in node.view.parents]
    missing = [parent.hash for parent in parents if parent is not None and not parent.has_body]
    if missing:
        raise StoreError("parents_not_body_valid", "parents come first", hash=node.hash, missing=tuple(missing))
    node.has_body = True
    for block in node.view.parents:
        tips.pop(block, None)
    tips[node.hash] = node


def find_sink(
    window: Window,
    tips: Iterable[Node],
    chain_valid: Callable[[bytes], bool],
    finality_point: Node,
) -> tuple[Node, list[Node]]:
    """The sink and what is left of the set of tips (descending), by the rule of protocol §6.

    ``chain_valid`` is asked only about the greatest of the set and only if the finality point, which
    costs little to look up, is on its selected chain.

    Raises
    ------
    StoreError
        ``no_sink`` if no block qualifies: the finality point itself would have to be bad.
    """
    members = {node.hash: node for node in tips}
    by_mark = finality_point is window.final
    while members:
        greatest = max(members.values(), key=BY_ORDER)
        del members[greatest.hash]
        holds = holds_final(window, greatest) if by_mark else on_selected_chain(finality_point, greatest)
        if holds and chain_valid(greatest.hash):
            return greatest, sorted(members.values(), key=BY_ORDER, reverse=True)
        for parent in _uncovered_parents(window, greatest, members.values()):
            members[parent.hash] = parent
    raise StoreError("no_sink", "no chain-valid block holds the finality point", hash=finality_point.hash)


def virtual_parents(
    window: Window,
    k: int,
    sink: Node,
    remaining: Iterable[Node],
    max_parents: int,
    mergeset_limit: int,
    merge_depth: int,
) -> list[Node]:
    """Virtual's parents, the sink first (protocol §6).

    A candidate without root(virtual) in its past can neither be merged nor bridged, since nothing
    chosen has it in its past; nor can any ancestor of it that virtual does not have already.  So it is
    dropped with one look at a bit, instead of being replaced by parents down its whole branch; and those
    that remain are looked at before the loop, which thousands of stale tips would make quadratic.
    """
    chosen = [sink]
    tickets = set() if sink.ticket is None else {sink.ticket}
    root = merge_root(sink, merge_depth)
    pool = {node.hash: node for node in remaining if root is None or in_past(root, node)}
    while pool and len(chosen) < max_parents:
        candidate = max(pool.values(), key=_work_first)
        del pool[candidate.hash]
        if root is not None and not in_past(root, candidate):
            continue
        if candidate.ticket is not None and candidate.ticket in tickets:
            continue
        if _in_bounds(window, k, [*chosen, candidate], mergeset_limit, merge_depth):
            chosen.append(candidate)
            if candidate.ticket is not None:
                tickets.add(candidate.ticket)
            continue
        for parent in _uncovered_parents(window, candidate, [*chosen, *pool.values()]):
            pool[parent.hash] = parent
    return chosen


def _work_first(node: Node) -> tuple[bool, tuple[int, bytes, int, bytes, bytes]]:
    return node.is_work, node.key


def _in_bounds(window: Window, k: int, parents: list[Node], mergeset_limit: int, merge_depth: int) -> bool:
    try:
        check_bounds(window, evaluate(window, k, parents, mergeset_limit), mergeset_limit, merge_depth)
    except RuleViolation:
        return False
    return True


def _uncovered_parents(window: Window, node: Node, others: Iterable[Node]) -> list[Node]:
    """Held parents that are in no other's past (nor another themselves)."""
    rest = list(others)
    found: list[Node] = []
    for block in node.view.parents:
        parent = window.nodes.get(block)
        if parent is not None and not any(parent is other or in_past(parent, other) for other in rest):
            found.append(parent)
    return found
