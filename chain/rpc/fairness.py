"""Figures of ordering: formulas over accepted transactions, each by itself, so that anybody can compute them again.

Definitions (also in docs/rpc.md): tips are effective tips in wei per gas.

* A *pair* is two neighbours in one block's body, both accepted there, of different senders.  It is an *inversion*
  when the first has the lower tip.  ``tipOrder`` = 1 − inversions / pairs.
* ``concentration`` = Σ share², shares being parts of the transactions (by sender) or of the gas (by coinbase).
* A *sandwich shape* is three accepted calls in a row among those to one contract in one epoch, where the first and the
  last have the same sender and the middle one another.  It is a shape, not a proof of intent.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Any

from chain.core.transactions import decode_transaction
from chain.selectors.mds import PlacedTransaction


def order_figures(transactions: Sequence[PlacedTransaction]) -> dict[str, Any]:
    """``pairs``, ``inversions``, ``tipOrder`` (None without pairs) of transactions in canonical order."""
    by_block: dict[bytes, list[PlacedTransaction]] = {}
    for placed in transactions:
        by_block.setdefault(placed.block, []).append(placed)
    pairs = inversions = 0
    for body in by_block.values():
        body.sort(key=lambda placed: placed.position)
        for first, second in pairwise(body):
            if first.sender != second.sender:
                pairs += 1
                inversions += first.tip < second.tip
    return {"pairs": pairs, "inversions": inversions, "tipOrder": 1 - inversions / pairs if pairs else None}


def concentration(weights: Iterable[tuple[bytes, int]]) -> float | None:
    """Herfindahl's index of (owner, weight) pairs: 1 where one owns all; None of nothing."""
    sums: dict[bytes, int] = {}
    for owner, weight in weights:
        sums[owner] = sums.get(owner, 0) + weight
    total = sum(sums.values())
    return sum(part * part for part in sums.values()) / (total * total) if total else None


def sandwich_shapes(transactions: Sequence[PlacedTransaction]) -> list[tuple[PlacedTransaction, ...]]:
    """Triples that have the shape, in canonical order."""
    calls: dict[tuple[int, bytes], list[PlacedTransaction]] = {}
    for placed in transactions:
        tx = decode_transaction(placed.raw, placed.sender)
        if tx.to is not None and tx.data:
            calls.setdefault((placed.number, tx.to), []).append(placed)
    found: list[tuple[PlacedTransaction, ...]] = []
    for row in calls.values():
        for first, middle, last in zip(row, row[1:], row[2:], strict=False):
            if first.sender == last.sender != middle.sender:
                found.append((first, middle, last))
    return found
