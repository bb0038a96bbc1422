"""How far the index is behind the chain, and up to where its rows are the chain's."""

from __future__ import annotations

from chain.selectors.query import Query, first
from chain.stores.connection import database_errors, raw_connection
from explorer.indexers.projections import NAMES

# (names of all projections): blocks between the head and the projection that is farthest behind
LAG: Query[int] = Query(
    "SELECT n.sink_number - min(coalesce(k.number, -1)) FROM chain_node_state n"
    " CROSS JOIN unnest(%s::varchar[]) p(name)"
    " LEFT JOIN explorer_cursor k ON k.projection = p.name GROUP BY n.sink_number",
    first,
)
# (names of all projections): the number that the projection farthest behind has come to, -1 before the first
OLDEST: Query[int] = Query(
    "SELECT min(coalesce(k.number, -1)) FROM unnest(%s::varchar[]) p(name)"
    " LEFT JOIN explorer_cursor k ON k.projection = p.name",
    first,
)
_TRUSTED = (
    "WITH RECURSIVE at AS (SELECT number, hash FROM explorer_cursor WHERE projection = {projection}),"
    " back(number, hash, is_on) AS ("
    " SELECT at.number, at.hash, EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = at.hash) FROM at"
    " UNION ALL"
    " SELECT b.number - 1, b.selected_parent,"
    "  EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = b.selected_parent)"
    " FROM back JOIN chain_block b ON b.hash = back.hash WHERE NOT back.is_on AND b.selected_parent IS NOT NULL"
    ") SELECT coalesce(max(number) FILTER (WHERE is_on), -1) FROM back"
)
# (projection): the newest number up to which its rows are those of the selected chain of this snapshot, else -1.
# After a reorganisation that it has not followed yet this is the fork.
TRUSTED: Query[int] = Query(_TRUSTED.format(projection="%s"), first)


def trusted_number(projection: str) -> str:
    """``TRUSTED`` as an expression within another statement, which then shows no row of a chain that is no more."""
    return f"({_TRUSTED.format(projection=repr(projection))})"


def index_lag_blocks() -> int:
    """Epochs of the selected chain that the slowest projection has yet to read; 0 where there is no chain.

    Raises
    ------
    StoreError
        ``database_*``.
    """
    with database_errors():
        lag = LAG.one(raw_connection(), list(NAMES))
    return max(0, lag or 0)


def next_to_index() -> int:
    """The oldest number that some projection has not read.

    Raises
    ------
    StoreError
        ``database_*``.
    """
    with database_errors():
        oldest = OLDEST.one(raw_connection(), list(NAMES))
    return 0 if oldest is None else oldest + 1
