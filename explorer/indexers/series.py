"""The chain's figures for charts: by epoch, and summed over minutes, hours and days."""

from __future__ import annotations

from chain.core.types import Stream
from chain.stores.connection import Cursor
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns, add, insert

MINUTE, HOUR, DAY = 60, 3600, 86_400
WIDTHS = (MINUTE, HOUR, DAY)
FIGURES: Columns = (
    ("epochs", "int8"),
    ("txs", "int8"),
    ("gas_used", "int8"),
    ("blocks_a", "int8"),
    ("blocks_b", "int8"),
    ("blocks_c", "int8"),
    ("reds", "int8"),
    ("base_fees", "numeric"),
    ("burned", "numeric"),
    ("fees", "numeric"),
    ("rewards", "numeric"),
)
_POINT: Columns = (("number", "int8"), ("timestamp_ms", "int8"), *FIGURES)
_BUCKET: Columns = (("width", "int4"), ("start", "int8"))
_NAMES = [name for name, _ in FIGURES]
_FIRST_STREAM, _REDS = 3, 6


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the epochs of a stretch."""
    figures: dict[int, list[int]] = {}
    for epoch in batch.epochs:
        burned = epoch.base_fees_burned + epoch.tips_burned
        rewards = sum([wei for _, wei in epoch.rewards])
        figures[epoch.number] = [
            *(1, epoch.tx_count, epoch.gas_used, 0, 0, 0, 0),
            *(epoch.base_fee, burned, 0, rewards),
        ]
    for tx in batch.accepted:
        figures[tx.facts.number][9] += tx.facts.gas_used * tx.facts.price
    for block in batch.merged:
        if block.stream != Stream.GENESIS:
            figures[block.number][_FIRST_STREAM + block.stream - 1] += 1
            figures[block.number][_REDS] += not block.is_blue
    sums: dict[tuple[int, int], list[int]] = {}
    for epoch in batch.epochs:
        seconds, values = epoch.timestamp_ms // 1000, figures[epoch.number]
        for width in WIDTHS:
            key = (width, seconds - seconds % width)
            known = sums.get(key)
            sums[key] = values if known is None else [a + b for a, b in zip(known, values, strict=True)]
    points = [(epoch.number, epoch.timestamp_ms, *figures[epoch.number]) for epoch in batch.epochs]
    insert(cur, "explorer_point", _POINT, points)
    add(cur, "explorer_series", _BUCKET, FIGURES, [(*key, *values) for key, values in sorted(sums.items())])


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    less = ", ".join([f"{name} = t.{name} - g.{name}" for name in _NAMES])
    summed = ", ".join([f"sum({name}) AS {name}" for name in _NAMES])
    cur.execute(
        f"UPDATE explorer_series t SET {less} FROM (SELECT w.width, timestamp_ms / 1000 / w.width * w.width AS start,"  # noqa: S608
        f" {summed} FROM explorer_point CROSS JOIN unnest(%s::int[]) w(width) WHERE number > %s GROUP BY 1, 2) g"
        " WHERE t.width = g.width AND t.start = g.start",
        (list(WIDTHS), number),
    )
    # times grow along the chain, so only the newest buckets can be empty
    cur.execute(
        "DELETE FROM explorer_series WHERE epochs = 0 AND start >="
        " (SELECT min(timestamp_ms) / 1000 - %s FROM explorer_point WHERE number > %s)",
        (DAY, number),
    )
    cur.execute("DELETE FROM explorer_point WHERE number > %s", (number,))


SERIES = Projection("series", ("explorer_point", "explorer_series"), apply, undo)
