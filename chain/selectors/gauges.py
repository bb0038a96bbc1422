"""What metrics ask the database at each scrape: few statements, each by an index or of few rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query, columns_as


@dataclass(frozen=True, slots=True)
class Waiting:
    """Blocks that are not in the DAG yet, and when the newest of the DAG came (ms since 1970, 0: none)."""

    queued: int
    parked: int
    newest_ms: int


@dataclass(frozen=True, slots=True)
class Recent:
    """What epochs of the last time accepted and used."""

    transactions: int
    gas: int


@dataclass(frozen=True, slots=True)
class Named:
    """A number by name."""

    name: str
    value: int


def _named(row: Any) -> Named:
    return Named(str(row[0]), int(row[1]))


WAITING: Query[Waiting] = Query(
    "SELECT count(*) FILTER (WHERE state <> 'parked'), count(*) FILTER (WHERE state = 'parked'),"
    " coalesce((SELECT received_ms FROM chain_block ORDER BY seq DESC LIMIT 1), 0)"
    " FROM chain_candidate WHERE state <> 'refused'",
    columns_as(Waiting),
)
# (since ms): epochs of the selected chain that are stamped since a time
RECENT: Query[Recent] = Query(
    "SELECT coalesce(sum(e.tx_count), 0)::bigint, coalesce(sum(e.gas_used), 0)::bigint FROM chain_block b"
    " JOIN chain_selected_chain c ON c.hash = b.hash JOIN chain_epoch e ON e.hash = c.hash WHERE b.timestamp_ms >= %s",
    columns_as(Recent),
)
# recent, not exact: as the server's statistics count them
ACCOUNTS_BY_SHARD: Query[Named] = Query(
    "SELECT substring(relname FROM '[0-9]+$'), n_live_tup FROM pg_stat_user_tables"
    " WHERE relname ~ '^chain_account_current_s[0-9]+$'",
    _named,
)
DATABASE_SIZE: Query[int] = Query("SELECT pg_database_size(current_database())", lambda row: int(row[0]))
# partitions count as their table
TABLE_SIZES: Query[Named] = Query(
    "SELECT regexp_replace(c.relname, '_s[0-9]+$', ''), sum(pg_total_relation_size(c.oid))::bigint"
    " FROM pg_class c WHERE c.relkind = 'r' AND c.relnamespace = current_schema()::regnamespace GROUP BY 1",
    _named,
)
CONNECTIONS: Query[Named] = Query(
    "SELECT coalesce(state, 'other'), count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY 1",
    _named,
)
CONNECTIONS_LIMIT: Query[int] = Query("SELECT current_setting('max_connections')::int", lambda row: int(row[0]))
