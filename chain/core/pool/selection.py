"""Which executable transactions a block takes, under its limits."""

from __future__ import annotations

import heapq
from collections.abc import Iterable

from chain.core.pool.ordering import Ordering, Rank, ranking
from chain.core.pool.policy import BlockLimits, PoolEntry


def rlp_length(size: int, first: int) -> int:
    """Bytes of a byte string of ``size`` in RLP; ``first`` is its first byte."""
    if size == 1 and first < 0x80:
        return 1
    return size + (1 if size < 56 else 1 + (size.bit_length() + 7) // 8)


def list_prefix_length(payload: int) -> int:
    """Bytes of the prefix of an RLP list."""
    return 1 if payload < 56 else 1 + (payload.bit_length() + 7) // 8


def order_for_block(
    entries: Iterable[PoolEntry],
    base_fee: int,
    limits: BlockLimits,
    ordering: Ordering = Ordering.FEE,
    seed: bytes = b"",
) -> list[PoolEntry]:
    """Choose a block's transactions: at each place the head of lowest rank, each sender's in nonce order.

    Parameters
    ----------
    entries : iterable of PoolEntry
        Executable runs: each sender's entries ascending and without a gap.
    base_fee : int
        Wei per gas of the block's own epoch.
    limits : BlockLimits
        A transaction that cannot pay the base fee or does not fit ends its sender's run; others go on.
    ordering : Ordering
    seed : bytes
        For RANDOM.

    Returns
    -------
    list of PoolEntry

    Notes
    -----
    A merge over the senders' heads: O((senders + chosen) · log senders).
    """
    pool = list(entries)
    runs: dict[bytes, list[PoolEntry]] = {}
    for entry in pool:
        runs.setdefault(entry.sender, []).append(entry)
    rank = ranking(ordering, pool, base_fee, seed)
    # ranks are unique, so that the comparison ends before it reaches the run
    heap: list[tuple[Rank, int, list[PoolEntry]]] = [
        (rank(run[0]), 0, run) for run in runs.values() if run[0].max_fee >= base_fee
    ]
    heapq.heapify(heap)
    chosen: list[PoolEntry] = []
    gas_left, payload = limits.call_gas, 0
    while heap and len(chosen) < limits.txs:
        _, index, run = heap[0]
        entry = run[index]
        size = payload + rlp_length(len(entry.raw), entry.raw[0])
        if (not entry.is_simple and entry.gas_limit > gas_left) or size + list_prefix_length(size) > limits.body_bytes:
            heapq.heappop(heap)
            continue
        chosen.append(entry)
        payload = size
        if not entry.is_simple:
            gas_left -= entry.gas_limit
        following = index + 1
        if following < len(run) and run[following].max_fee >= base_fee:
            heapq.heapreplace(heap, (rank(run[following]), following, run))
        else:
            heapq.heappop(heap)
    return chosen
