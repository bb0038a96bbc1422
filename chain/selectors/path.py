"""How the selected chain moved since a block that a reader was told of: what was undone, what came instead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from chain.core.types import Log
from chain.selectors.rpc import StoredLog

AsyncConnection = psycopg.AsyncConnection[Any]

# selected parents of a block, down to the first that is on the selected chain; undone blocks stay in the DAG
_BACK = """
WITH RECURSIVE back(hash, number, parent, at, is_on) AS (
  SELECT b.hash, b.number, b.selected_parent, 0,
         EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = b.hash)
  FROM chain_block b WHERE b.hash = %s
  UNION ALL
  SELECT b.hash, b.number, b.selected_parent, back.at + 1,
         EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = b.hash)
  FROM back JOIN chain_block b ON b.hash = back.parent WHERE NOT back.is_on
)
SELECT number, hash, is_on FROM back ORDER BY at
"""
_ON = "SELECT number, hash FROM chain_selected_chain WHERE number > %s AND number <= %s ORDER BY number LIMIT %s"
_UNDONE = (
    'SELECT l.number, l."index", l.tx_index, l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data, l.tx, l.block,'
    " b.timestamp_ms FROM chain_undone_log l JOIN chain_block b ON b.hash = l.block"
    ' WHERE l.block = ANY(%s) ORDER BY l.number DESC, l."index" DESC'
)

Place = tuple[int, bytes]


@dataclass(frozen=True, slots=True)
class Path:
    """From a block to another along the selected chain: (number, hash) of each block.

    ``removed`` comes newest first, ``added`` oldest first; ``end`` is where the reader stands then.
    """

    removed: tuple[Place, ...]
    added: tuple[Place, ...]
    end: Place


async def path_since(conn: AsyncConnection, told: Place, latest: int, limit: int) -> Path:
    """What a reader who was told of ``told`` has missed up to the number ``latest``.

    Parameters
    ----------
    conn : psycopg.AsyncConnection
        Inside a snapshot: the answer is of one commit.
    told : (number, hash)
        The newest block that the reader knows.
    latest : int
        The newest number that readers are shown.
    limit : int
        Added blocks in one answer; the rest follow with the next question.
    """
    cursor = await conn.execute(_BACK, (told[1],), binary=True)
    back = await cursor.fetchall()
    removed = tuple([(number, block) for number, block, is_on in back if not is_on])
    if not back:
        # a block that this database never had, as after a restore: nothing can be told of the way from there
        newest = await (await conn.execute(_ON, (latest - 1, latest, 1), binary=True)).fetchone()
        return Path((), (), told if newest is None else (newest[0], newest[1]))
    fork: Place = (back[-1][0], back[-1][1])
    rows = await (await conn.execute(_ON, (fork[0], latest, limit), binary=True)).fetchall()
    added = tuple([(row[0], row[1]) for row in rows])
    return Path(removed, added, added[-1] if added else fork)


async def undone_logs(conn: AsyncConnection, blocks: Sequence[bytes]) -> list[StoredLog]:
    """Logs of blocks that left the selected chain, the last told first."""
    rows = await (await conn.execute(_UNDONE, (list(blocks),), binary=True)).fetchall()
    return [_undone(row) for row in rows]


def _undone(row: Sequence[Any]) -> StoredLog:
    topics = tuple([topic for topic in row[4:8] if topic is not None])
    return StoredLog(row[0], row[1], row[2], Log(row[3], topics, row[8]), row[9], row[10], row[11] // 1000)
