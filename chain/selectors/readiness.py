"""What readiness asks the database: one statement, each part by an index or of one row."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import psycopg

from chain.stores.connection import NOW_MS, Connection, cursor, database_errors

_OLDEST = "(SELECT received_ms FROM chain_candidate WHERE state = '{}' ORDER BY id LIMIT 1)"
_STANDING = (
    f"SELECT {NOW_MS}, {_OLDEST.format('validated')}, {_OLDEST.format('received')}, n.sequence, n.updated_ms"  # noqa: S608
    " FROM (SELECT 1) one LEFT JOIN chain_node_state n ON true"
)
# more than this count as this
_MOST_WAITING = 100_000
_WAITING = (
    "SELECT min(received_ms), count(*) FROM (SELECT received_ms FROM chain_candidate"  # noqa: S608 - our own numbers
    f" WHERE state IN ('received', 'validated') ORDER BY id LIMIT {_MOST_WAITING}) c"
)


@dataclass(frozen=True, slots=True)
class Standing:
    """The work list and the last commit; times in ms since 1970, None where there is none.

    ``now_ms`` and ``committed_ms`` are by the database's clock, the other two by the node's.
    """

    now_ms: int
    waiting_since_ms: int | None
    validating_since_ms: int | None
    sequence: int | None
    committed_ms: int | None


def load_standing(conn: Connection) -> Standing:
    """Oldest waiting blocks, and the number and time of the last commit."""
    with database_errors():
        row = cursor(conn).execute(_STANDING, binary=True).fetchone()
    assert row is not None
    return Standing(*row)


def database_clock_ms(conn: Connection) -> int:
    """The database's clock in ms since 1970."""
    with database_errors():
        row = cursor(conn).execute(f"SELECT {NOW_MS}", binary=True).fetchone()
    assert row is not None
    return int(row[0])


async def waiting_blocks(conn: psycopg.AsyncConnection[Any]) -> tuple[int | None, int]:
    """When the oldest block that waits for a validator or the writer came (ms since 1970), and how many wait."""
    row = await (await conn.execute(_WAITING, binary=True)).fetchone()
    assert row is not None
    return row[0], row[1]
