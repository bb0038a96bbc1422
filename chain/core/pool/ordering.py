"""Ordering policies: which of the senders' next transactions a block takes first.

A policy gives every transaction a rank; the lowest goes first.  Ranks are compared between the *heads*, each
sender's next transaction, so a sender's nonces keep their order under every policy.  Ranks are integers and
depend on the transactions, the base fee and the seed alone, never on a clock.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from enum import StrEnum

from chain.core.codec import blake3_hash
from chain.core.pool.policy import PoolEntry, effective_tip

# primary and secondary; the hash makes ranks unique
Rank = tuple[int, int, bytes]

# wei per gas that a transaction gains on younger ones in a ms: 0.1 gwei a second
TIME_WEIGHT = 100_000
# shares of the place by fee and of the place by age in the hybrid rank
FEE_WEIGHT, AGE_WEIGHT = 3, 2
_TAG = b"mds/order"


class Ordering(StrEnum):
    """The policies by the names that settings and RPC use."""

    FEE = "fee"
    FIFO = "fifo"
    RANDOM = "random"
    HYBRID = "hybrid"
    TIME_WEIGHTED = "time_weighted"


# in words, for those who ask a node how it orders
RULES = {
    Ordering.FEE: "Highest effective tip first, then the oldest.",
    Ordering.FIFO: "First come, first served, by this node's clock; then the highest tip.",
    Ordering.RANDOM: "By a hash of the parent block's hash and the transaction's.",
    Ordering.HYBRID: "Least sum of 3 times the place by tip and 2 times the place by age.",
    Ordering.TIME_WEIGHTED: "Highest effective tip plus 0.1 gwei for each second of waiting.",
}


def ranking(
    ordering: Ordering, entries: Sequence[PoolEntry], base_fee: int, seed: bytes = b""
) -> Callable[[PoolEntry], Rank]:
    """The rank function of a policy.

    Parameters
    ----------
    ordering : Ordering
    entries : sequence of PoolEntry
        All that stand for choice; HYBRID counts places among those of them that can pay the base fee.
    base_fee : int
        Wei per gas.
    seed : bytes
        RANDOM only; whoever knows it knows the order, so it is nothing that senders know in advance.

    Returns
    -------
    callable
        PoolEntry → (primary, secondary, hash), the lowest first:

        ======================== ============================================== =======================
        FEE                      −tip                                           arrival
        FIFO                     arrival                                        −tip
        RANDOM                   BLAKE3("mds/order" ‖ seed ‖ hash), 8 bytes BE  arrival
        HYBRID                   3 · (place by tip) + 2 · (place by arrival)    −tip
        TIME_WEIGHTED            TIME_WEIGHT · arrival − tip                    arrival
        ======================== ============================================== =======================

        Tip is the effective tip (EIP-1559) in wei per gas, arrival in ms; a place is the number of entries
        that are strictly better.
    """
    if ordering is Ordering.FIFO:
        return lambda e: (e.arrival_ms, -effective_tip(e.tip, e.max_fee, base_fee), e.hash)
    if ordering is Ordering.RANDOM:
        prefix = _TAG + seed
        return lambda e: (int.from_bytes(blake3_hash(prefix + e.hash)[:8]), e.arrival_ms, e.hash)
    if ordering is Ordering.HYBRID:
        return _hybrid(entries, base_fee)
    if ordering is Ordering.TIME_WEIGHTED:
        # tip + TIME_WEIGHT · (now − arrival) without the part that all share
        return lambda e: (
            TIME_WEIGHT * e.arrival_ms - effective_tip(e.tip, e.max_fee, base_fee),
            e.arrival_ms,
            e.hash,
        )
    return lambda e: (-effective_tip(e.tip, e.max_fee, base_fee), e.arrival_ms, e.hash)


def _hybrid(entries: Sequence[PoolEntry], base_fee: int) -> Callable[[PoolEntry], Rank]:
    costs, arrivals = [], []
    for entry in entries:
        tip = effective_tip(entry.tip, entry.max_fee, base_fee)
        if tip >= 0:
            costs.append(-tip)
            arrivals.append(entry.arrival_ms)
    costs.sort()
    arrivals.sort()

    def rank(entry: PoolEntry) -> Rank:
        cost = -effective_tip(entry.tip, entry.max_fee, base_fee)
        places = FEE_WEIGHT * bisect_left(costs, cost) + AGE_WEIGHT * bisect_left(arrivals, entry.arrival_ms)
        return places, cost, entry.hash

    return rank
