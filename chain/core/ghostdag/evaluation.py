"""The colouring of a block by its parents alone: for headers before insertion, templates and virtual."""

from __future__ import annotations

from typing import NamedTuple

from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.ghostdag.chain import holds_final
from chain.core.ghostdag.colouring import colour
from chain.core.ghostdag.mergeset import merge_pasts, merged_nodes
from chain.core.ghostdag.reachability import Past
from chain.core.ghostdag.window import Node, Window
from chain.core.types import Stream


class Evaluation(NamedTuple):
    """What a block with given parents sees (protocol §6); fields as in ``BlockView``.

    The fields after ``number`` serve insertion and bounds: the selected parent's node, the past, a
    selected-chain block in the past of all blue merged blocks (``complete``: of
    all merged blocks).
    """

    selected_parent: bytes
    mergeset: tuple[bytes, ...]
    blues: tuple[bytes, ...]
    reds: tuple[bytes, ...]
    stream_counts: tuple[int, int, int]
    blue_score: int
    blue_work: int
    number: int
    chain_parent: Node
    past: Past
    common: Node
    complete: bool

    @property
    def work_score(self) -> int:
        """Blue work blocks in the past."""
        return self.stream_counts[0] + self.stream_counts[1]


def evaluate(window: Window, k: int, parents: list[Node], mergeset_limit: int | None = None) -> Evaluation:
    """Colour the past of a block with these parents.

    Raises
    ------
    NotYet
        FINALITY_CONFLICT if the window's finality point is not on the selected chain.
    RuleViolation
        MERGESET_LIMIT, before any colouring, if a limit is given and broken.
    """
    merged_past = merge_pasts(window, parents)
    selected = merged_past.selected_parent
    if not holds_final(window, selected):
        raise NotYet(
            WaitCode.FINALITY_CONFLICT,
            "the selected chain leaves the finality point",
            selected_parent=selected.hash,
        )
    merged = merged_past.merged
    if mergeset_limit is not None and merged.bit_count() > mergeset_limit:
        raise RuleViolation(RuleCode.MERGESET_LIMIT, merged.bit_count(), mergeset_limit)
    candidates = merged_nodes(window, merged_past.merged_low, merged)
    blues, reds, common, complete = colour(window, k, selected, candidates)

    view = selected.view
    counts = list(view.stream_counts)
    if selected.number:
        counts[view.stream - 1] += 1
    blue_work = view.weight
    for node in blues:
        merged_view = node.view
        counts[merged_view.stream - 1] += 1
        blue_work += merged_view.work
    mergeset = (selected.hash, *[node.hash for node in candidates])
    return Evaluation(
        selected.hash,
        mergeset,
        (selected.hash, *[node.hash for node in blues]) if reds else mergeset,
        tuple([node.hash for node in reds]),
        (counts[0], counts[1], counts[2]),
        counts[0] + counts[1] + counts[2] + 1,
        blue_work,
        selected.number + 1,
        selected,
        merged_past.past,
        common,
        complete,
    )


def line_of(stream: Stream, block: bytes, selected: Node) -> bytes:
    """The nearest work block on the own selected chain, itself included (protocol §6)."""
    return block if stream is Stream.A or stream is Stream.B else selected.view.line
