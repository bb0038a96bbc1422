"""The chain's figures by minute, hour and day, and by block, for charts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query


@dataclass(frozen=True, slots=True)
class SeriesView:
    """Sums over the epochs of a stretch of time from ``start`` (Unix s); amounts in wei, ``base_fee`` the mean."""

    start: int
    epochs: int
    txs: int
    gas_used: int
    blocks_a: int
    blocks_b: int
    blocks_c: int
    reds: int
    base_fee: int
    burned: int
    fees: int
    rewards: int


def _series(row: Any) -> SeriesView:
    epochs = max(1, row[1])
    return SeriesView(*row[:8], int(row[8]) // epochs, int(row[9]), int(row[10]), int(row[11]))


# (width in s, first start, limit): oldest first
SERIES_SINCE: Query[SeriesView] = Query(
    "SELECT start, epochs, txs, gas_used, blocks_a, blocks_b, blocks_c, reds, base_fees, burned, fees, rewards"
    " FROM explorer_series WHERE width = %s AND start >= %s ORDER BY start LIMIT %s",
    _series,
)
