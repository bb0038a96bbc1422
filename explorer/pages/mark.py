"""Of what chain a list was written, so that the open page can tell when a reorganisation has undone some of it."""

from __future__ import annotations

from dataclasses import dataclass

from chain.selectors.query import Query, columns_as
from chain.stores.connection import Connection

# what a page knows whose rows are of a chain that is no more
_UNKNOWN = -1


@dataclass(frozen=True, slots=True)
class Mark:
    """What a live list is of.

    ``listed`` is the greatest number whose undoing changes it; ``reorgs`` counts the reorganisations that it has seen,
    -1 where its index has yet to follow one.
    """

    listed: int
    reorgs: int


@dataclass(frozen=True, slots=True)
class Source:
    """Where rows come from: reorganisations since genesis, how far it reaches, and whether that is on the chain."""

    reorgs: int
    number: int
    is_on_chain: bool = True

    def mark(self, newest: int | None) -> Mark:
        """Of a list whose newest row is of this number; None for one that is of everything, as ranks are."""
        if not self.is_on_chain:
            return Mark(self.number, _UNKNOWN)
        return Mark(self.number if newest is None else newest, self.reorgs)


# (projection, empty for the chain itself)
_SOURCE: Query[Source] = Query(
    "SELECT n.reorgs, coalesce(k.number, CASE p.name WHEN '' THEN n.sink_number ELSE -1 END), k.hash IS NULL OR EXISTS"
    " (SELECT 1 FROM chain_selected_chain c WHERE c.hash = k.hash) FROM chain_node_state n"
    " CROSS JOIN (SELECT %s::varchar AS name) p LEFT JOIN explorer_cursor k ON k.projection = p.name",
    columns_as(Source),
)


def source_of(conn: Connection, projection: str = "") -> Source:
    """Where a projection stands, or the chain; asked before the rows, so that what comes between counts as undone."""
    return _SOURCE.one(conn, projection) or Source(0, -1)
