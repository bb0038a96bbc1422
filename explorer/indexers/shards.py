"""Accepted transactions by source shard: a row for each shard that an epoch accepted something of, and their sums."""

from __future__ import annotations

from chain.core.types import Phase
from chain.stores.connection import Cursor, copy_rows
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns, add

SHARD: Columns = (("shard", "int2"), ("number", "int8"), ("txs", "int4"), ("crossed", "int4"), ("places", "int4[]"))
_SUMS: Columns = (("txs", "int8"), ("crossed", "int8"))


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the transactions of a stretch."""
    places: dict[tuple[int, int], list[int]] = {}
    crossed: dict[tuple[int, int], int] = {}
    for tx in batch.accepted:
        key = (tx.facts.lane, tx.facts.number)
        places.setdefault(key, []).append(tx.facts.index)
        crossed[key] = crossed.get(key, 0) + (tx.facts.phase > Phase.LOCAL)
    rows = [(*key, len(found), crossed[key], found) for key, found in sorted(places.items())]
    if rows:
        copy_rows(cur, "explorer_shard_epoch", SHARD, rows)
    totals: dict[int, list[int]] = {}
    for shard, _, txs, left, _ in rows:
        total = totals.setdefault(shard, [0, 0])
        total[0] += txs
        total[1] += left
    sums = [(shard, *total) for shard, total in sorted(totals.items())]
    add(cur, "explorer_shard_total", (("shard", "int2"),), _SUMS, sums)


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    cur.execute(
        "UPDATE explorer_shard_total t SET txs = t.txs - g.txs, crossed = t.crossed - g.crossed FROM"
        " (SELECT shard, sum(txs) AS txs, sum(crossed) AS crossed FROM explorer_shard_epoch WHERE number > %s"
        " GROUP BY shard) g WHERE t.shard = g.shard",
        (number,),
    )
    # rows of nothing do not exist
    cur.execute("DELETE FROM explorer_shard_total WHERE txs = 0")
    cur.execute("DELETE FROM explorer_shard_epoch WHERE number > %s", (number,))


SHARDS = Projection("shards", ("explorer_shard_epoch", "explorer_shard_total"), apply, undo)
