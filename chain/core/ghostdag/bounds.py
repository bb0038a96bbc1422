"""Bounds on what a block may merge (protocol §6): mergeset limit and merge depth."""

from __future__ import annotations

from chain.core.errors import RuleCode, RuleViolation
from chain.core.ghostdag.chain import ancestor_at, at_or_below_work_score
from chain.core.ghostdag.evaluation import Evaluation
from chain.core.ghostdag.reachability import in_past
from chain.core.ghostdag.window import Node, Window


def merge_root(selected: Node, merge_depth: int) -> Node | None:
    """root(B): the highest block of SP's selected chain at least ``merge_depth`` work_score below SP.

    None stands for genesis, which is in every past.

    Raises
    ------
    StoreError
        ``left_window`` if it is no longer held.
    """
    return at_or_below_work_score(selected, selected.work_score - merge_depth)


def check_bounds(window: Window, evaluation: Evaluation, mergeset_limit: int, merge_depth: int) -> None:
    """Check the mergeset's size (SP not counted) and that nothing too deep is merged.

    Raises
    ------
    RuleViolation
        MERGESET_LIMIT with the sizes, MERGE_DEPTH with the first block too deep and the root.
    """
    size = len(evaluation.mergeset) - 1
    if size > mergeset_limit:
        raise RuleViolation(RuleCode.MERGESET_LIMIT, size, mergeset_limit)
    if not size:
        return
    selected = evaluation.chain_parent
    if evaluation.complete and evaluation.common.work_score > selected.work_score - merge_depth:
        # a chain block above the root is in every merged block's past, so the root is too
        return
    root = merge_root(selected, merge_depth)
    if root is None or not root.number:
        return
    deep = [node for node in map(window.node, evaluation.mergeset[1:]) if not in_past(root, node)]
    if not deep:
        return
    bridges = [
        node
        for node in map(window.node, evaluation.blues[1:])
        if node.is_work and ancestor_at(node, root.number) is root
    ]
    for node in deep:
        if not any(in_past(node, bridge) for bridge in bridges):
            raise RuleViolation(RuleCode.MERGE_DEPTH, node.hash, root.hash)
