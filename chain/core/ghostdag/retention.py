"""Which blocks the window may forget, and how it is built again from rows.

Let F be the finality point and R the highest block of its selected chain at least ``history``
work_score below it.  New blocks must hold F on their selected chain (others wait, FINALITY_CONFLICT).
Kept is every index from R's on, and whatever older block lies in the past of a descendant of R but not
in the past of F.  Claim: for every new block B within bounds the answers are those of the whole DAG.

* mergeset(B) is kept.  past(F) ⊂ past(SP), so nothing of it is merged.  root(B) is R or a descendant
  of R, since history ≥ merge_depth.  A merged block has root(B) in its past (then its index is above
  R's) or lies in the past of a merged block that has (then it is in the past of a descendant of R and
  not in past(F)).
* Colours are right.  A merged x that lacks root(B) has the blue work blocks from root(B) up to SP in
  its anticone: about merge_depth of them, all kept, far more than k, so it is red on any count.  An x
  above root(B) has past(root(B)) in its past; blue blocks outside that were merged within bounds by
  chain blocks above root(B), hence descend from a block at most merge_depth further down, which is R or
  above as history ≥ 2·merge_depth.  So no block that has left can be in its anticone.
* A block that names one that has left cannot be taken by a node that still holds it either: such a
  parent is in past(F) ⊂ past(SP) (related parents), or too deep to merge, or makes a selected chain
  without F.  It waits for good (``has_left`` tells it from an unknown parent).
* A kept block that lacks R may have ancestors that have left; a block that merges it breaks the merge
  depth whatever it counts, and the walks stop at the end of the window without a result.

Masks name blocks by index; what they say of indices below the window decides nothing, by the claim, and
is cut off where it is read.  Nothing here depends on the order of insertion but how much is kept.
"""

from __future__ import annotations

from collections.abc import Iterable

from chain.core.errors import StoreError
from chain.core.ghostdag.chain import ancestor_at, at_or_below_work_score
from chain.core.ghostdag.reachability import Past, in_past, past_over, union_of_pasts
from chain.core.ghostdag.views import BlockView
from chain.core.ghostdag.window import Node, Window

# dropping copies a list of what stays and may look through it once: at least this share must go
DROPPED_SHARE = 16


def history_depth(merge_depth: int, vrf_window: int, vrf_lag: int, vrf_era: int) -> int:
    """The ``history`` (work_score) under the finality point that colouring and stream C's window need."""
    return max(2 * merge_depth, vrf_window + vrf_lag + vrf_era + merge_depth) + 1


def advance(window: Window, final: Node, history: int, slack: int) -> list[Node]:
    """Move the finality point up and drop what may go, if there is enough of it.

    Raises
    ------
    StoreError
        ``finality_moved_back`` if ``final`` does not hold the former finality point.
    """
    former = window.final
    if former is not final:
        if former is not None and ancestor_at(final, former.number) is not former:
            raise StoreError("finality_moved_back", "finality only moves up", old=former.hash, new=final.hash)
        window.set_final(final)
    bottom = _bottom(final, history)
    least = max(slack, len(window.order) // DROPPED_SHARE)
    if bottom is None or bottom.index - window.first < least:
        return []
    base = _first_needed(window, final, bottom)
    return window.drop_below(base) if base - window.first >= least else []


def _bottom(final: Node, history: int) -> Node | None:
    """The block R of the argument above, or None if the window holds no more than what it needs."""
    try:
        return at_or_below_work_score(final, final.work_score - history)
    except StoreError:
        return None


def _first_needed(window: Window, final: Node, bottom: Node) -> int:
    """The least index that must stay."""
    base = bottom.index
    first = window.first
    # older blocks that are not final, and of those the ones that a descendant of R brings along
    loose = ~past_over(final, first) & ((1 << (base - first)) - 1)
    if not loose:
        return base
    merged = 0
    for node in window.order:
        if not node.has_child and (node is bottom or in_past(bottom, node)):
            merged |= past_over(node, first)
    needed = loose & merged
    return first + (needed & -needed).bit_length() - 1 if needed else base


def restored(window: Window, views: Iterable[BlockView]) -> None:
    """Fill an empty window from the views of an upward closed set of blocks.

    Upward closed: with a block, every descendant that the node holds.  The blocks of weight ≥ w are,
    for any w.  The order of blocks is a topological one, so rows need no order of their own.
    """
    for view in sorted(views, key=lambda view: view.order_key):
        parents = [window.nodes[block] for block in view.parents if block in window.nodes]
        past = union_of_pasts(parents, window.first) if parents else Past(window.first, 0, 0, 0)
        selected = None if view.selected_parent is None else window.nodes.get(view.selected_parent)
        node = Node(view, window.next_index, past, selected, max(view.number - 1, 0))
        node.floor = _floor(window, node)
        window.append(node, parents)
        if not view.parents:
            window.genesis = view.hash


def _floor(window: Window, node: Node) -> int:
    """``Node.floor`` of a block whose colours are known."""
    selected = node.chain_parent
    if selected is None or selected.chain_parent is None:
        return max(node.number - 1, 0)
    current = selected.chain_parent
    for block in node.view.blues[1:]:
        blue = window.nodes.get(block)
        if blue is None or not blue.is_work:
            continue
        while not in_past(current, blue) and current.chain_parent is not None:
            current = current.chain_parent
    return current.number
