"""The DAG as callers see it: a thin facade over the rules of this package, addressed by hash."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from chain.core.errors import RequestError, RuleCode, RuleViolation, StoreError
from chain.core.ghostdag import bounds, chain, retention, tips
from chain.core.ghostdag.evaluation import Evaluation, evaluate, line_of
from chain.core.ghostdag.reachability import Past, compact, in_past
from chain.core.ghostdag.views import BlockView
from chain.core.ghostdag.window import Node, Window
from chain.core.types import Stream

_STREAMS: dict[str | int, Stream] = {
    **{stream.name: stream for stream in Stream},
    **{stream.value: stream for stream in Stream},
}


class Dag:
    """Blocks of a network, coloured by GHOSTDAG as they come (protocol §6).

    Parameters
    ----------
    k : int
        Most blue work blocks in the anticone of a blue block.
    has_left : callable, optional
        Whether a hash that the window does not hold is a known block that left it (a store knows).
        Then a block that names it is a FINALITY_CONFLICT and not one with unknown parents.
    slack : int
        Blocks that ``advance`` must be able to drop before it drops any.
    """

    def __init__(self, k: int, *, has_left: Callable[[bytes], bool] | None = None, slack: int = 256) -> None:
        self.k = k
        self.slack = slack
        self._window = Window(has_left)
        self._tips: dict[bytes, Node] = {}

    @classmethod
    def restore(
        cls,
        k: int,
        views: Iterable[BlockView],
        body_valid: Iterable[bytes],
        finality_point: bytes | None = None,
        *,
        has_left: Callable[[bytes], bool] | None = None,
        slack: int = 256,
    ) -> Dag:
        """The DAG of persisted views; answers like the one that made them.

        Parameters
        ----------
        views : iterable of BlockView
            An upward closed set of blocks: all of ``window()``, or every row whose weight is at least
            the ``least_weight`` kept with the finality point.
        body_valid : iterable of bytes
            Those with a body (body_valid, chain_valid, disqualified).
        """
        dag = cls(k, has_left=has_left, slack=slack)
        window = dag._window
        retention.restored(window, views)
        valid = set(body_valid)
        for node in window.order:
            if node.hash in valid:
                tips.mark_body_valid(window, dag._tips, node)
        if finality_point is not None:
            window.set_final(window.node(finality_point))
        return dag

    # blocks

    def insert(
        self,
        block: bytes,
        parents: Sequence[bytes],
        work: int,
        stream: Stream | str | int = "A",
        lot: bytes | None = None,
        vrf_key: bytes | None = None,
        slot: int | None = None,
        evaluation: Evaluation | None = None,
    ) -> BlockView:
        """Colour a block and hold it; a block already held is returned as it is.

        Parameters
        ----------
        parents : sequence of bytes
            Held blocks; none for genesis, which has no work and weighs nothing.
        work : int
            Own work; stream C has none, whatever is given.
        lot : bytes, optional
            Tie-breaking draw; the hash if left out.
        vrf_key, slot : optional
            A C block's ticket; without both it has none.
        evaluation : Evaluation, optional
            Of the same parents; saves colouring twice.

        Raises
        ------
        NotYet
            UNKNOWN_PARENTS or FINALITY_CONFLICT.
        RuleViolation
            HEADER_STREAM, HEADER_PARENT_COUNT, FIELD_RANGE.
        """
        window = self._window
        held = window.nodes.get(block)
        if held is not None:
            return held.view
        kind = _STREAMS.get(stream)
        if kind is None:
            raise RuleViolation(RuleCode.HEADER_STREAM, stream, "A, B or C")
        if work < 0:
            raise RuleViolation(RuleCode.FIELD_RANGE, work, "work of at least 0")
        if lot is None:
            lot = block
        if not parents:
            return self._insert_genesis(block, lot, vrf_key, slot)
        if kind is Stream.GENESIS:
            raise RuleViolation(RuleCode.HEADER_STREAM, stream, "A, B or C")
        if kind is Stream.C:
            work = 0
        nodes = window.parents(tuple(parents))
        if evaluation is None or not self._still_holds(evaluation):
            evaluation = evaluate(window, self.k, nodes)
        selected = evaluation.chain_parent
        view = BlockView(
            block,
            tuple(parents),
            kind,
            work,
            lot,
            vrf_key,
            slot,
            evaluation.selected_parent,
            evaluation.mergeset,
            evaluation.blues,
            evaluation.reds,
            evaluation.stream_counts,
            evaluation.blue_score,
            evaluation.blue_work,
            evaluation.blue_work + work,
            line_of(kind, block, selected),
            evaluation.number,
        )
        past = evaluation.past
        if past.low < window.first:
            past = compact(*past, window.first)
        node = Node(view, window.next_index, past, selected, evaluation.common.number)
        # a block stands to the finality point as its selected parent does
        node.final_mark = selected.final_mark
        window.append(node, nodes)
        return view

    def _still_holds(self, evaluation: Evaluation) -> bool:
        """Whether the window and the finality point have not moved away from under an evaluation."""
        selected = evaluation.chain_parent
        return self._window.nodes.get(selected.hash) is selected and chain.holds_final(self._window, selected)

    def _insert_genesis(self, block: bytes, lot: bytes, vrf_key: bytes | None, slot: int | None) -> BlockView:
        window = self._window
        if window.order:
            raise RuleViolation(RuleCode.HEADER_PARENT_COUNT, 0, "parents for every block but genesis")
        view = BlockView(
            block, (), Stream.GENESIS, 0, lot, vrf_key, slot, None, (), (), (), (0, 0, 0), 0, 0, 0, block, 0
        )
        window.append(Node(view, 0, Past(0, 0, 0, 0), None, 0), [])
        window.genesis = block
        return view

    def evaluate(
        self,
        parents: Sequence[bytes],
        stream: Stream | str | int = "A",
        vrf_key: bytes | None = None,
        slot: int | None = None,
        *,
        mergeset_limit: int | None = None,
    ) -> Evaluation:
        """Colour the past of a block with these parents without holding it.

        ``stream``, ``vrf_key`` and ``slot`` are a header's own and change nothing in its past's colours.

        Raises
        ------
        NotYet
            UNKNOWN_PARENTS or FINALITY_CONFLICT.
        RuleViolation
            HEADER_PARENT_COUNT without parents; MERGESET_LIMIT if a limit is given and broken.
        """
        if not parents:
            raise RuleViolation(RuleCode.HEADER_PARENT_COUNT, 0, "at least one")
        return evaluate(self._window, self.k, self._window.parents(tuple(parents)), mergeset_limit)

    def __contains__(self, block: bytes) -> bool:
        return block in self._window.nodes

    def __len__(self) -> int:
        return len(self._window.order)

    def contains(self, block: bytes) -> bool:
        """Whether the block is held."""
        return block in self._window.nodes

    def view(self, block: bytes) -> BlockView:
        """The block's view; ``StoreError`` ``not_in_window`` if it is not held."""
        return self._window.node(block).view

    def window(self) -> list[BlockView]:
        """Every held block, parents before children."""
        return [node.view for node in self._window.order]

    @property
    def least_weight(self) -> int:
        """No held block weighs less; the rows of at least this weight restore the window."""
        return self._window.least_weight

    # reachability

    def in_past(self, ancestor: bytes, block: bytes) -> bool:
        """Whether ``ancestor`` is a proper ancestor of ``block``."""
        return in_past(self._window.node(ancestor), self._window.node(block))

    def parents_related(self, parents: Sequence[bytes]) -> bool:
        """Whether one of the blocks is an ancestor of another, or named twice."""
        nodes = self._window.parents(tuple(parents))
        nodes.sort(key=lambda node: node.index)
        return any(older is newer or in_past(older, newer) for at, newer in enumerate(nodes) for older in nodes[:at])

    def check_antichain(self, parents: Sequence[bytes]) -> None:
        """Check that no parent is an ancestor of another.

        Raises
        ------
        RuleViolation
            PARENTS_RELATED.
        """
        if self.parents_related(parents):
            raise RuleViolation(RuleCode.PARENTS_RELATED, tuple(parents), "no parent an ancestor of another")

    # bounds

    def merge_root(self, selected_parent: bytes, merge_depth: int) -> bytes:
        """root of a block with this selected parent: what every merged block must have in its past."""
        return self.block_at_or_below_work_score(
            selected_parent, self._window.node(selected_parent).work_score - merge_depth
        )

    def check_bounds(self, evaluation: Evaluation, mergeset_limit: int, merge_depth: int) -> None:
        """Check mergeset limit and merge depth: RuleViolation MERGESET_LIMIT or MERGE_DEPTH."""
        bounds.check_bounds(self._window, evaluation, mergeset_limit, merge_depth)

    # the selected chain

    def selected_chain(self, block: bytes) -> Iterator[bytes]:
        """The block and its selected ancestors down to genesis or the end of the window."""
        return (node.hash for node in chain.selected_chain(self._window.node(block)))

    def on_selected_chain(self, ancestor: bytes, block: bytes) -> bool:
        """Whether ``ancestor`` is ``block`` or on its selected chain."""
        return chain.on_selected_chain(self._window.node(ancestor), self._window.node(block))

    def chain_path(self, old: bytes, new: bytes) -> tuple[list[bytes], list[bytes]]:
        """(removed, added) of a move of the head: removed from the old head down, added upwards."""
        removed, added = chain.chain_path(self._window.node(old), self._window.node(new))
        return [node.hash for node in removed], [node.hash for node in added]

    def block_at_or_below_work_score(self, start: bytes, score: int) -> bytes:
        """The highest block of start's selected chain with work_score ≤ ``score``, else genesis.

        Raises
        ------
        StoreError
            ``left_window`` if it is no longer held.
        """
        found = chain.at_or_below_work_score(self._window.node(start), score)
        if found is not None:
            return found.hash
        if self._window.genesis is None:
            raise StoreError("left_window", "genesis is no longer held")
        return self._window.genesis

    def lowest_chain_block_at_least(self, start: bytes, score: int) -> bytes:
        """The lowest block of start's selected chain with work_score ≥ ``score``.

        Raises
        ------
        RequestError
            ``work_score_not_reached`` if the head has less.
        StoreError
            ``left_window`` if it is no longer held.
        """
        found = chain.lowest_at_least_work_score(self._window.node(start), score)
        if found is None:
            raise RequestError("work_score_not_reached", "no block of the chain has it yet", hash=start, score=score)
        return found.hash

    def consensus_order_of(self, block: bytes) -> tuple[bytes, ...]:
        """What a selected-chain block adds to the consensus order: mergeset \\ {SP} ascending, then itself."""
        return (*self._window.node(block).view.mergeset[1:], block)

    def blue_work_window(self, anchor: bytes, count: int) -> list[bytes]:
        """The last ``count`` blue work blocks in consensus order up to and with ``anchor``, oldest first."""
        return chain.blue_work_window(self._window, self._window.node(anchor), count)

    def finality_point(self, sink: bytes, finality_depth: int, previous: bytes) -> bytes:
        """The highest block of the sink's chain ``finality_depth`` work_score under it; never moves back."""
        node = self._window.node
        return chain.finality_point(node(sink), finality_depth, node(previous)).hash

    # tips, sink, virtual

    def mark_body_valid(self, block: bytes) -> None:
        """Let a block be a tip; its parents first (``StoreError`` otherwise)."""
        tips.mark_body_valid(self._window, self._tips, self._window.node(block))

    @property
    def tips(self) -> tuple[bytes, ...]:
        """Body-valid blocks without a body-valid child."""
        return tuple(self._tips)

    def find_sink(self, chain_valid: Callable[[bytes], bool], finality_point: bytes) -> tuple[bytes, list[bytes]]:
        """The sink and what is left of the set of tips, greatest first (protocol §6)."""
        sink, rest = tips.find_sink(self._window, self._tips.values(), chain_valid, self._window.node(finality_point))
        return sink.hash, [node.hash for node in rest]

    def virtual_parents(
        self,
        sink: bytes,
        remaining: Iterable[bytes],
        max_parents: int,
        mergeset_limit: int,
        merge_depth: int,
    ) -> list[bytes]:
        """Virtual's parents, the sink first, from what ``find_sink`` left (protocol §6).

        Blocks of ``remaining`` that have left the window since are passed over: too deep to merge.
        """
        window = self._window
        rest = [window.nodes[block] for block in remaining if block in window.nodes]
        chosen = tips.virtual_parents(window, self.k, window.node(sink), rest, max_parents, mergeset_limit, merge_depth)
        return [parent.hash for parent in chosen]

    # the moving window

    def advance(self, finality_point: bytes, history: int) -> int:
        """Fix the finality point and forget what no later block can need; how many blocks were dropped.

        Parameters
        ----------
        history : int
            Work score under the finality point that stays: see ``history_depth``.
        """
        gone = retention.advance(self._window, self._window.node(finality_point), history, self.slack)
        for node in gone:
            self._tips.pop(node.hash, None)
        if gone and self._window.genesis not in self._window.nodes:
            self._window.genesis = None
        return len(gone)
