"""The writer's work list: blocks that are not in the DAG yet.  Every call may be repeated."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from chain import locks
from chain.core.errors import WaitCode
from chain.stores.connection import Connection, cursor, database_errors

# bounds of what is parked: blocks whose parents are unknown, or that came before their time
MAX_PARKED = 1_024
MAX_PARKED_BYTES = 128 * 1024 * 1024
# of those, what one stranger may have; what this node itself brought (an import, a miner) has no origin
MAX_PARKED_OF_ORIGIN = 128
MAX_PARKED_BYTES_OF_ORIGIN = 32 * 1024 * 1024
# bytes of one batch of work; a batch has at least one block
MAX_BATCH_BYTES = 32 * 1024 * 1024

# a missing block has arrived when it is in the DAG with its body, or was refused (its children are then too)
_ARRIVED = (
    "(EXISTS (SELECT 1 FROM chain_block b WHERE b.hash = m.hash AND b.status <> 'header_only')"
    " OR EXISTS (SELECT 1 FROM chain_candidate r WHERE r.hash = m.hash AND r.state = 'refused'))"
)
_FETCH = f"""
WITH ready AS (
    SELECT id, size FROM chain_candidate WHERE state = 'validated'
    UNION ALL
    SELECT c.id, c.size FROM chain_candidate c
    WHERE c.state = 'parked' AND c.senders IS NOT NULL
      AND (c.until_ms <= %(now)s OR (c.until_ms IS NULL AND cardinality(c.missing) > 0))
      AND NOT EXISTS (SELECT 1 FROM unnest(c.missing) m(hash) WHERE NOT {_ARRIVED})
), batch AS (
    SELECT id, sum(size) OVER (ORDER BY id) - size AS bytes_before FROM ready ORDER BY id LIMIT %(limit)s
)
SELECT c.hash, c.raw, c.senders, c.source, c.received_ms
FROM batch JOIN chain_candidate c USING (id) WHERE bytes_before < %(bytes)s ORDER BY id
"""  # noqa: S608 - our own condition
# the oldest of whoever has too many go first, then the oldest of whoever has most: a flood costs the one who sends it
_EVICT = """
WITH own AS (
    SELECT id, origin, size, row_number() OVER newest AS place, sum(size) OVER newest AS bytes
    FROM chain_candidate WHERE state = 'parked' WINDOW newest AS (PARTITION BY origin ORDER BY id DESC)
), shared AS (
    SELECT id, origin, place, bytes, row_number() OVER fair AS rank, sum(size) OVER fair AS total
    FROM own WINDOW fair AS (ORDER BY place, id DESC)
)
DELETE FROM chain_candidate c USING shared s WHERE c.id = s.id AND (
    s.rank > %(count)s OR s.total > %(bytes)s
    OR (s.origin <> '' AND (s.place > %(origin_count)s OR s.bytes > %(origin_bytes)s))
)
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A candidate that the writer can try now; ``senders`` is 20 bytes a transaction."""

    hash: bytes
    raw: bytes
    senders: bytes
    source: str
    received_ms: int


@dataclass(frozen=True, slots=True)
class CandidateStatus:
    """What a candidate is doing; ``code`` says why it is parked or refused."""

    state: str
    code: str | None
    missing: tuple[bytes, ...]
    until_ms: int | None


def add_candidate(
    conn: Connection,
    block_hash: bytes,
    raw: bytes,
    *,
    senders: bytes | None,
    source: str,
    received_ms: int,
    until_ms: int | None = None,
    origin: str = "",
) -> bool:
    """Take a block into the work list.

    Parameters
    ----------
    block_hash, raw : bytes
        The block and its hash, passed in isolation but for what ``senders`` proves.
    senders : bytes or None
        20 bytes a transaction once the body passed; None leaves that to a validator.
    until_ms : int, optional
        Too early: not before this time.
    origin : str
        Who brought it, whose parked blocks are bounded; "" for this node itself.

    Returns
    -------
    bool
        False when the block is known: waiting, refused, or in the DAG with its body.
    """
    state = "received" if senders is None else "validated" if until_ms is None else "parked"
    with database_errors(), conn.transaction():
        cur = cursor(conn)
        cur.execute(
            "INSERT INTO chain_candidate (hash, state, raw, senders, missing, until_ms, source, origin,"
            " received_ms, size)"
            " SELECT %(hash)s, %(state)s, %(raw)s, %(senders)s, '{}', %(until)s, %(source)s, %(origin)s,"
            " %(received)s, %(size)s"
            " WHERE NOT EXISTS (SELECT 1 FROM chain_block WHERE hash = %(hash)s AND status <> 'header_only')"
            " ON CONFLICT (hash) DO NOTHING",
            {
                "hash": block_hash,
                "state": state,
                "raw": raw,
                "senders": senders,
                "until": until_ms,
                "source": source,
                "origin": origin[:80],
                "received": received_ms,
                "size": len(raw),
            },
        )
        fresh = cur.rowcount == 1
        if fresh and state == "parked":
            _evict(cur)
    return fresh


def is_allowance_used(conn: Connection, origin: str, size: int) -> tuple[int, int] | None:
    """(blocks, bytes) that an origin has parked, where one more of ``size`` bytes would be too many; else None."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT count(*), coalesce(sum(size), 0)::bigint FROM chain_candidate"
                " WHERE state = 'parked' AND origin = %s",
                (origin,),
                binary=True,
            )
            .fetchone()
        )
    assert row is not None
    fits = row[0] < MAX_PARKED_OF_ORIGIN and row[1] + size <= MAX_PARKED_BYTES_OF_ORIGIN
    return None if fits else (row[0], row[1])


def unknown_among(conn: Connection, hashes: Sequence[bytes]) -> list[bytes]:
    """Those of the blocks that are neither in the DAG with their body nor on their way into it."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT h FROM unnest(%(hashes)s::bytea[]) h"
            " WHERE NOT EXISTS (SELECT 1 FROM chain_block WHERE hash = h AND status <> 'header_only')"
            " AND NOT EXISTS (SELECT 1 FROM chain_candidate WHERE hash = h AND state <> 'parked')",
            {"hashes": list(hashes)},
            binary=True,
        )
        return [row[0] for row in rows]


def _evict(cur: Any) -> None:
    """Keep what is parked within its bounds."""
    cur.execute(
        _EVICT,
        {
            "count": MAX_PARKED,
            "bytes": MAX_PARKED_BYTES,
            "origin_count": MAX_PARKED_OF_ORIGIN,
            "origin_bytes": MAX_PARKED_BYTES_OF_ORIGIN,
        },
    )


def unvalidated(conn: Connection, block_hash: bytes) -> bytes | None:
    """The bytes of a candidate whose body nobody has judged; None where there is nothing to do."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT raw FROM chain_candidate WHERE hash = %s AND state = 'received'", (block_hash,), binary=True
            )
            .fetchone()
        )
    return None if row is None else row[0]


def list_unvalidated(conn: Connection, limit: int = 256) -> list[bytes]:
    """Hashes of candidates that wait for a validator, oldest first: what a lost message left undone."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash FROM chain_candidate WHERE state = 'received' ORDER BY id LIMIT %s", (limit,), binary=True
        )
        return [row[0] for row in rows]


def set_senders(conn: Connection, block_hash: bytes, senders: bytes) -> bool:
    """The body passed: give the candidate to the writer, or park it until its time."""
    with database_errors():
        cur = cursor(conn).execute(
            "UPDATE chain_candidate SET senders = %s,"
            " state = CASE WHEN until_ms IS NULL THEN 'validated' ELSE 'parked' END"
            " WHERE hash = %s AND state = 'received'",
            (senders, block_hash),
        )
    return cur.rowcount == 1


def fetch_work(conn: Connection, now_ms: int, limit: int = 256, max_bytes: int = MAX_BATCH_BYTES) -> list[Waiting]:
    """What the writer can try now, in order of arrival: validated, or parked with what it waited for there."""
    with database_errors():
        rows = cursor(conn).execute(_FETCH, {"now": now_ms, "limit": limit, "bytes": max_bytes}, binary=True)
        return [Waiting(*row) for row in rows]


@contextmanager
def one_find_at_a_time(conn: Connection) -> Iterator[None]:
    """Let this node's streams look at the sink and submit a find one after another."""
    with database_errors():
        locks.wait_lock(conn, locks.Lock.FINDS)
    try:
        yield
    finally:
        # with a connection that was lost the lock is gone
        if not conn.closed:
            with database_errors():
                locks.unlock(conn, locks.Lock.FINDS)


def work_and_sequence(conn: Connection) -> tuple[bool, int]:
    """Whether the writer has work that it can do at once, and the sequence of its last commit, as of one moment.

    The sequence is -1 before there is a chain.
    """
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT EXISTS (SELECT 1 FROM chain_candidate WHERE state = 'validated'),"
                " coalesce((SELECT sequence FROM chain_node_state), -1)",
                binary=True,
            )
            .fetchone()
        )
    assert row is not None
    return bool(row[0]), int(row[1])


def mark_parked(
    conn: Connection, block_hash: bytes, missing: Sequence[bytes] = (), until_ms: int | None = None, code: str = ""
) -> None:
    """Let a candidate wait for blocks, for a time, or, with neither, until it expires.

    Blocks that are stored already are no reason to try again: waiting for those only, it sleeps too.
    """
    with database_errors(), conn.transaction():
        cur = cursor(conn)
        cur.execute(
            "UPDATE chain_candidate c SET state = 'parked', until_ms = %(until)s, code = %(code)s,"  # noqa: S608
            " missing = CASE"
            f" WHEN EXISTS (SELECT 1 FROM unnest(%(missing)s::bytea[]) m(hash) WHERE NOT {_ARRIVED})"
            " THEN %(missing)s::bytea[] ELSE '{}' END"
            " WHERE c.hash = %(hash)s AND c.state IN ('validated', 'parked')",
            {"until": until_ms, "code": code or None, "missing": list(missing), "hash": block_hash},
        )
        if code == WaitCode.FINALITY_CONFLICT:
            # refused for good as far as this node is concerned, so it comes here once
            cur.execute("UPDATE chain_node_state SET finality_conflicts = finality_conflicts + 1")
        _evict(cur)


def mark_refused(conn: Connection, block_hash: bytes, code: str) -> None:
    """A rule is broken: the code stays, so that the block is known, and the bytes go."""
    with database_errors():
        cursor(conn).execute(
            "UPDATE chain_candidate SET state = 'refused', code = %s, raw = NULL, senders = NULL, missing = '{}',"
            " until_ms = NULL WHERE hash = %s",
            (code[:64], block_hash),
        )


def forget(conn: Connection, block_hash: bytes) -> None:
    """Drop a candidate that is none any more, unless it was refused."""
    with database_errors():
        cursor(conn).execute("DELETE FROM chain_candidate WHERE hash = %s AND state <> 'refused'", (block_hash,))


def expire(conn: Connection, received_before_ms: int) -> int:
    """Drop parked and refused candidates that came before a time; returns how many."""
    with database_errors():
        cur = cursor(conn).execute(
            "DELETE FROM chain_candidate WHERE state IN ('parked', 'refused') AND received_ms < %s",
            (received_before_ms,),
        )
    return cur.rowcount


def candidate_status(conn: Connection, block_hash: bytes) -> CandidateStatus | None:
    """What a candidate is doing; None where there is none."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT state, code, missing, until_ms FROM chain_candidate WHERE hash = %s", (block_hash,), binary=True
            )
            .fetchone()
        )
    return None if row is None else CandidateStatus(row[0], row[1], tuple(row[2]), row[3])


def left_of(conn: Connection, source: str, since_ms: int) -> list[tuple[bytes, str, str | None]]:
    """(hash, state, code) of candidates of a source that came since a time and did not enter the DAG."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash, state, code FROM chain_candidate WHERE source = %s AND received_ms >= %s ORDER BY id",
            (source, since_ms),
            binary=True,
        )
        return rows.fetchall()


def known_among(conn: Connection, hashes: Sequence[bytes]) -> set[bytes]:
    """Those of the blocks that are in the DAG with their body."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash FROM chain_block WHERE hash = ANY(%s) AND status <> 'header_only'",
            (list(hashes),),
            binary=True,
        )
        return {row[0] for row in rows}


def count_candidates(conn: Connection) -> dict[str, int]:
    """How many candidates are in each state."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT state, count(*) FROM chain_candidate GROUP BY state ORDER BY state", binary=True
        )
        return dict(rows.fetchall())
