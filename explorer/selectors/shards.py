"""Load of the shards over the newest epochs, and a shard's newest transactions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query, columns_as, first
from explorer.selectors.lag import trusted_number


@dataclass(frozen=True, slots=True)
class ShardLoad:
    """Accepted transactions of a source shard over a stretch of epochs."""

    shard: int
    txs: int


# (number above which to count)
SHARD_LOADS: Query[ShardLoad] = Query(
    "SELECT (u.place - 1)::int, sum(u.txs)::bigint FROM chain_selected_chain c JOIN chain_epoch e ON e.hash = c.hash"
    " CROSS JOIN LATERAL unnest(e.lane_txs) WITH ORDINALITY u(txs, place) WHERE c.number > %s GROUP BY 1 ORDER BY 1",
    columns_as(ShardLoad),
)
# (number above which to count): source shard and how many left phase 1
CROSSED: Query[tuple[int, int]] = Query(
    "SELECT shard, sum(crossed)::bigint FROM explorer_shard_epoch WHERE number > %s GROUP BY shard ORDER BY shard",
    tuple,
)


def _place(row: Any) -> tuple[int, int]:
    return row[0], row[1]


# (shard, number, the same again with index below which to go on, limit): newest first, as places of the canonical order
PLACES_OF_SHARD: Query[tuple[int, int]] = Query(
    "SELECT s.number, p.place FROM explorer_shard_epoch s CROSS JOIN LATERAL unnest(s.places) p(place)"  # noqa: S608
    " WHERE s.shard = %s AND s.number <= %s AND (s.number, p.place) < (%s, %s)"
    f" AND s.number + 0 <= {trusted_number('shards')} ORDER BY s.number DESC, p.place DESC LIMIT %s",
    _place,
)
# (shard): what the chain accepted of its senders since genesis
SHARD_TOTAL: Query[int] = Query("SELECT txs FROM explorer_shard_total WHERE shard = %s", first)
# (number, shard): digest of a shard's lattice, the commitment to its state
LATTICE_DIGESTS: Query[bytes] = Query(
    "SELECT e.lattice_digests FROM chain_selected_chain c JOIN chain_epoch e ON e.hash = c.hash WHERE c.number = %s",
    lambda row: bytes(row[0]),
)
