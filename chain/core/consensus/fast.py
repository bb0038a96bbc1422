"""What a C template of this node stands on: two choices of policy that no rule asks for (docs/protocol/security.md).

*Margin.*  A C block that merges something at the very merge bound is no bridge for it, so a root that moves on may
leave the C block unmergeable.  Its maker stays k of work_score away from the bound.

*Ended slots.*  A C block's slot must be greater than its parents' (protocol §4), and a work block may be stamped ahead
of the clock.  Instead of waiting for more than the slot that runs, its maker builds beside such blocks, on the newest
of the chain whose slot has ended.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from chain.core.consensus.model import BlockRecord
from chain.core.errors import RuleViolation
from chain.core.ghostdag import Dag
from chain.core.spec import ChainSpec


def fast_parents(
    dag: Dag,
    records: Mapping[bytes, BlockRecord],
    rules: ChainSpec,
    sink: bytes,
    rest: Sequence[bytes],
    now_ms: int,
) -> list[bytes]:
    """Parents of the next C block, the selected one first; virtual's own where neither policy changes anything.

    Parameters
    ----------
    rest : sequence of bytes
        What ``Dag.find_sink`` left.
    now_ms : int
        The local clock.
    """
    depth = rules.merge_depth - rules.ghostdag_k
    parents = dag.virtual_parents(sink, rest, rules.max_parents, rules.mergeset_limit, max(depth, 1))
    slot = now_ms // rules.slot_ms

    def has_ended(block: bytes) -> bool:
        return records[block].header.timestamp_ms // rules.slot_ms < slot

    if all(records[block].header.timestamp_ms // rules.slot_ms <= slot for block in parents):
        return parents
    base = sink
    while not has_ended(base):
        above = records[base].selected_parent
        if above is None or above not in records:
            # a clock far behind its chain: nothing has ended, and the template will say so
            return parents
        base = above
    key = dag.view(base).order_key
    beside = [
        block
        for block in parents[1:]
        if has_ended(block) and not dag.in_past(block, base) and dag.view(block).order_key < key
    ]
    chosen = [base, *beside]
    try:
        dag.check_bounds(dag.evaluate(chosen), rules.mergeset_limit, rules.merge_depth)
    except RuleViolation:
        return [base]
    return chosen
