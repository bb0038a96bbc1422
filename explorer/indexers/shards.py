"""Accepted transactions by source shard: one row for each shard that an epoch accepted something of."""

from __future__ import annotations

from chain.core.types import Phase
from chain.stores.connection import Cursor, copy_rows
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.writing import Columns

SHARD: Columns = (("shard", "int2"), ("number", "int8"), ("txs", "int4"), ("crossed", "int4"), ("places", "int4[]"))


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


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    cur.execute("DELETE FROM explorer_shard_epoch WHERE number > %s", (number,))


SHARDS = Projection("shards", ("explorer_shard_epoch",), apply, undo)
