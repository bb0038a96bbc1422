"""What a move of the selected chain means to those who watch logs."""

from __future__ import annotations

from chain.rpc.params import BlockRef, LogFilter
from chain.selectors import rpc as select
from chain.selectors.path import AsyncConnection, Path, undone_logs
from chain.selectors.rpc import StoredLog

# of one block, whose gas bounds them
_ALL = 1_000_000


def matches(stored: StoredLog, criteria: LogFilter) -> bool:
    """Whether a log fits addresses, topics and the numbers that the criteria name."""
    entry = stored.log
    if criteria.addresses and entry.address not in criteria.addresses:
        return False
    if len(criteria.topics) > len(entry.topics):
        return False
    if any(choice and topic not in choice for choice, topic in zip(criteria.topics, entry.topics, strict=False)):
        return False
    first, last = _number(criteria.from_block, 0), _number(criteria.to_block, stored.number)
    return first <= stored.number <= last


async def log_changes(
    conn: AsyncConnection, path: Path, criteria: LogFilter, limit: int
) -> tuple[list[tuple[StoredLog, bool]], tuple[int, bytes]]:
    """Logs that a path took back (True) and brought (False), in the order of telling, and where it ends.

    Parameters
    ----------
    conn : psycopg.AsyncConnection
        In the snapshot of the path.
    limit : int
        Logs in one answer; what comes after waits for the next poll, whole blocks at a time.
    """
    told: list[tuple[StoredLog, bool]] = []
    if path.removed:
        undone = await undone_logs(conn, [block for _, block in path.removed])
        told = [(stored, True) for stored in undone if matches(stored, criteria)]
    if not path.added:
        return told, path.end
    first, end = path.added[0][0], path.end
    rows = await select.logs(conn, first, end[0], criteria.addresses, criteria.topics, limit + 1)
    if len(rows) > limit:
        cut = max(first, rows[-1].number - 1)
        end = path.added[cut - first]
        rows = [row for row in rows if row.number <= cut]
        if cut == first:
            rows = await select.logs(conn, first, first, criteria.addresses, criteria.topics, _ALL)
    return told + [(row, False) for row in rows if matches(row, criteria)], end


def _number(ref: BlockRef, otherwise: int) -> int:
    if ref.number is not None:
        return ref.number
    return 0 if ref.tag == "earliest" else otherwise
