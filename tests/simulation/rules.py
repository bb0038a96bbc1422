"""The rules that a simulated network follows: the protocol's, or the protocol's without one guard.

Each variant is the plausible simpler rule that an attack breaks; scenarios run on both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache

from chain.core.consensus.headers import child_drifts, work_params
from chain.core.consensus.model import BlockRecord
from chain.core.difficulty import StreamDrift, WorkParams, drift_bounds, expand, target_of
from chain.core.genesis import network_spec
from chain.core.spec import ChainSpec
from chain.core.types import Header, Stream

# (header, headers of mergeset without SP, selected parent, spec) → accounts of A and B
Drifts = Callable[[Header, Iterable[Header], BlockRecord, ChainSpec], tuple[StreamDrift, StreamDrift]]
# (parent's account, ts(X) − ts(P), expanded targets of the stream's blocks, parameters) → X's account
Account = Callable[[StreamDrift, int, list[int], WorkParams], StreamDrift]


@dataclass(frozen=True)
class Rules:
    """What blocks must obey.  The defaults are the protocol.

    Attributes
    ----------
    counts_fast_blocks : bool
        C blocks count in anticones as work blocks do, and no ticket is limited to one blue block.
    orders_by_lot : bool
        A C block's place among equals is drawn; else it is its hash, which its maker may grind.
    slot_after_parents : bool
        A C block's slot is greater than the slot of each parent's time.
    bridges : bool
        A deep block may be merged in the past of a blue work block that holds the root.
    drifts : callable
        The difficulty accounts of a block.
    """

    spec: ChainSpec
    counts_fast_blocks: bool = False
    orders_by_lot: bool = True
    slot_after_parents: bool = True
    bridges: bool = True
    drifts: Drifts = child_drifts


@lru_cache(maxsize=32)
def simulated_spec(network: str = "devnet", **changes: int) -> ChainSpec:
    """A network's own parameters with some of them changed."""
    return replace(network_spec(network), **changes)


def with_accounts(account: Account) -> Drifts:
    """``child_drifts`` with another way to keep a stream's account."""

    def drifts(
        header: Header, merged: Iterable[Header], parent: BlockRecord, spec: ChainSpec
    ) -> tuple[StreamDrift, StreamDrift]:
        rules = spec.at(parent.work_score)
        targets: dict[int, list[int]] = {Stream.A: [], Stream.B: []}
        for part in (*merged, header):
            if part.stream in targets:
                targets[part.stream].append(expand(part.target))
        delta = header.timestamp_ms - parent.header.timestamp_ms
        return (
            account(StreamDrift(parent.drift_a, parent.gap_a), delta, targets[Stream.A], work_params(rules.stream_a)),
            account(StreamDrift(parent.drift_b, parent.gap_b), delta, targets[Stream.B], work_params(rules.stream_b)),
        )

    return drifts


def _account(parent: StreamDrift, delta_ms: int, credit_ms: int, debit_ms: int, params: WorkParams) -> StreamDrift:
    low, high = drift_bounds(params)
    drift = max(low, min(high, parent.drift + credit_ms - debit_ms))
    return StreamDrift(drift, 0 if debit_ms > 0 else parent.gap + delta_ms)


def _weighed(parent: StreamDrift, targets: list[int], params: WorkParams) -> int:
    expected = params.interval_ms * target_of(params, parent.drift)
    return sum(min(4 * params.interval_ms, expected // target) for target in targets)


def debit_per_block(parent: StreamDrift, delta_ms: int, targets: list[int], params: WorkParams) -> StreamDrift:
    """Every merged block costs one interval, however cheap it was to make."""
    cap = 80 * params.interval_ms
    credit = min(parent.gap + delta_ms, cap) - min(parent.gap, cap)
    return _account(parent, delta_ms, credit, params.interval_ms * len(targets), params)


def credit_all_time(parent: StreamDrift, delta_ms: int, targets: list[int], params: WorkParams) -> StreamDrift:
    """All time counts, however long nobody mined."""
    return _account(parent, delta_ms, delta_ms, _weighed(parent, targets, params), params)


def credit_capped_by_step(parent: StreamDrift, delta_ms: int, targets: list[int], params: WorkParams) -> StreamDrift:
    """The cap looks at one step of the chain only, not at how long the stream has been silent."""
    credit = min(delta_ms, 80 * params.interval_ms)
    return _account(parent, delta_ms, credit, _weighed(parent, targets, params), params)
