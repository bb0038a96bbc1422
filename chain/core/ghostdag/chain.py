"""Walks along selected chains; logarithmic where they search, since work_score never falls along a chain."""

from __future__ import annotations

from collections.abc import Iterator

from chain.core.errors import StoreError
from chain.core.ghostdag.window import Node, Window


def left_window(node: Node) -> StoreError:
    """The error of a walk that needs a selected-chain block that is no longer held."""
    return StoreError("left_window", "the selected chain continues below the DAG window", hash=node.hash)


def selected_chain(node: Node) -> Iterator[Node]:
    """The block, its selected parent, and so on down to genesis or the end of the window."""
    current: Node | None = node
    while current is not None and not current.gone:
        yield current
        current = current.chain_parent


def ancestor_at(node: Node, number: int) -> Node | None:
    """The block numbered ``number`` on the selected chain of ``node``; None if above it or not held."""
    current: Node | None = node
    while current is not None and current.number > number:
        jump = current.jump
        current = jump if jump is not None and jump.number >= number else current.chain_parent
    return current if current is not None and current.number == number and not current.gone else None


def on_selected_chain(ancestor: Node, node: Node) -> bool:
    """Whether ``ancestor`` is ``node`` or on its selected chain."""
    return ancestor_at(node, ancestor.number) is ancestor


def holds_final(window: Window, node: Node) -> bool:
    """Whether the window's finality point is on the block's selected chain; remembered per block."""
    final = window.final
    if final is None:
        return True
    epoch = window.final_epoch
    mark = node.final_mark
    if mark == epoch:
        return True
    if mark == -epoch:
        return False
    holds = on_selected_chain(final, node)
    node.final_mark = epoch if holds else -epoch
    return holds


def at_or_below_work_score(node: Node, score: int) -> Node | None:
    """The highest block of the selected chain with work_score ≤ ``score``; None for a negative score.

    Raises
    ------
    StoreError
        ``left_window`` if that block is no longer held.
    """
    if score < 0:
        return None
    current = node
    while current.work_score > score:
        jump = current.jump
        if jump is not None and jump.work_score > score:
            current = jump
            continue
        parent = current.chain_parent
        if parent is None:
            raise left_window(current)
        current = parent
    if current.gone:
        raise left_window(current)
    return current


def lowest_at_least_work_score(node: Node, score: int) -> Node | None:
    """The lowest block of the selected chain with work_score ≥ ``score``; None if the head has less.

    Raises
    ------
    StoreError
        ``left_window`` if that block is no longer held.
    """
    if node.work_score < score:
        return None
    current = node
    while True:
        jump = current.jump
        if jump is not None and jump.work_score >= score:
            current = jump
            continue
        parent = current.chain_parent
        if parent is None or parent.work_score < score:
            break
        current = parent
    if current.gone or (parent is None and current.number):
        raise left_window(current)
    return current


def chain_path(old: Node, new: Node) -> tuple[list[Node], list[Node]]:
    """What a move of the head undoes (head first) and does (fork's child first).

    Raises
    ------
    StoreError
        ``left_window`` if the chains part below the window.
    """
    removed: list[Node] = []
    added: list[Node] = []
    while old is not new:
        if old.number >= new.number:
            removed.append(old)
            below = old.chain_parent
            if below is None or below.gone:
                raise left_window(old)
            old = below
        else:
            added.append(new)
            below = new.chain_parent
            if below is None or below.gone:
                raise left_window(new)
            new = below
    added.reverse()
    return removed, added


def blue_work_window(window: Window, anchor: Node, count: int) -> list[bytes]:
    """The last ``count`` blue work blocks in consensus order up to and with ``anchor``, oldest first.

    Fewer only when the chain has no more of them (protocol §5, the window of stream C).

    Raises
    ------
    StoreError
        ``left_window`` if the window of blocks ends first.
    """
    found: list[bytes] = []
    current = anchor
    while len(found) < count:
        if current.is_work:
            found.append(current.hash)
        for block in reversed(current.view.blues[1:]):
            merged = window.nodes.get(block)
            if merged is None:
                if len(found) < count:
                    raise left_window(current)
                break
            if merged.is_work:
                found.append(block)
        below = current.chain_parent
        if below is None or below.gone:
            if current.number and len(found) < count:
                raise left_window(current)
            break
        current = below
    del found[count:]
    found.reverse()
    return found


def finality_point(sink: Node, depth: int, previous: Node) -> Node:
    """The new finality point (protocol §6); ``previous`` unless it moves up."""
    score = sink.work_score - depth
    if score < previous.work_score:
        return previous
    point = at_or_below_work_score(sink, score)
    return previous if point is None or point.number <= previous.number else point
