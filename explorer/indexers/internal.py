"""Internal calls: a follower of the chain that runs transactions again, watched, behind the projections.

No projection: executing everything twice would hold the others up.  It has a cursor of its own, ``internal``, follows
reorganisations as they do (``explorer.indexers.sync``), works in a worker process that can be killed, and takes only a
share of one core (``MDS_INDEX_TRACE_SHARE``).  An epoch that cannot be traced within the bounds is noted and passed.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from chain.core.errors import RequestError
from chain.selectors import follow
from chain.selectors.query import Query
from chain.services.call import CallWorkers
from chain.stores.connection import NOW_MS, Connection, Cursor, cursor, database_errors
from chain.stores.prune import read_horizon
from explorer.indexers.sync import Place, fork_of
from explorer.indexers.writing import Columns, insert

NAME = "internal"
TABLES = ("explorer_internal_call", "explorer_left_calls", "explorer_untraced_epoch")
# epochs looked through for calls at once
STEP_EPOCHS = 2_000
# of one epoch: the longest run, and the most rows of what moved something
EPOCH_SECONDS = 20.0
EPOCH_ROWS = 20_000
# a call without value costs its sender 100 gas, and every node two index entries: the first ones of a transaction
# and of an epoch are kept, of the others how many they were
PLAIN_OF_TX = 500
PLAIN_OF_EPOCH = 5_000
_PLAIN_GAS = 21_000
_CALL: Columns = (
    ("number", "int8"),
    ("index", "int4"),
    ("ordinal", "int4"),
    ("depth", "int2"),
    ("kind", "int2"),
    ("sender", "bytea"),
    ("recipient", "bytea"),
    ("value", "numeric"),
    ("selector", "bytea"),
    ("moved", "bool"),
)
_LEFT: Columns = (("number", "int8"), ("index", "int4"), ("count", "int4"))


@dataclass(frozen=True, slots=True)
class CallingEpoch:
    """An epoch in which code ran: its transactions that may have called, with their places."""

    number: int
    hash: bytes
    txs: tuple[bytes, ...]
    indexes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """What comes next: epochs to trace, and where the cursor stands once that is done."""

    begin: Place
    epochs: tuple[CallingEpoch, ...]
    end: Place


@dataclass(frozen=True, slots=True)
class Traced:
    """What was found of one epoch, and of which transactions calls were left out; ``refusal``: why nothing was."""

    epoch: CallingEpoch
    rows: tuple[tuple[Any, ...], ...]
    left: tuple[tuple[int, int, int], ...] = ()
    refusal: str = ""


# (first number, last number): plain transfers use exactly 21 000 gas
_CALLING: Query[CallingEpoch] = Query(
    'SELECT a.number, c.hash, array_agg(a.tx ORDER BY a."index"), array_agg(a."index" ORDER BY a."index")'  # noqa: S608
    " FROM chain_acceptance a JOIN chain_selected_chain c ON c.number = a.number"
    " WHERE a.number BETWEEN %s AND %s AND (a.gas_used > "
    f"{_PLAIN_GAS} OR a.contract_address IS NOT NULL) GROUP BY a.number, c.hash ORDER BY a.number",
    lambda row: CallingEpoch(row[0], bytes(row[1]), tuple([bytes(tx) for tx in row[2]]), tuple(row[3])),
)
_PLACE: Query[Place] = Query(
    f"SELECT number, hash FROM explorer_cursor WHERE projection = '{NAME}'",  # noqa: S608 - our own name
    lambda row: Place(row[0], row[1]),
)


def plan(conn: Connection) -> Plan | None:
    """What is to be traced next; None at the head.  After a reorganisation the fork's rows go first.

    Raises
    ------
    StoreError
        ``database_*``.
    """
    with database_errors(), conn.transaction():
        head = follow.HEAD.one(conn)
        begin = _PLACE.one(conn) or Place(-1, None)
        if head is None or begin.hash == head.hash:
            return None
        fork = fork_of(conn, begin)
        if fork < begin.number:
            _undo(cursor(conn), fork)
            begin = Place(fork, follow.HASH_AT.one(conn, fork))
            _move(cursor(conn), begin)
        first = begin.number + 1
        horizon = read_horizon(conn)
        if horizon is not None and horizon.number >= first:
            # the states before these epochs are gone
            first = horizon.number + 1
        last = min(head.number, first + STEP_EPOCHS - 1)
        epochs = tuple(_CALLING.all(conn, first, last)) if first <= last else ()
        return Plan(begin, epochs, Place(last, follow.HASH_AT.one(conn, last)))


async def trace(workers: CallWorkers, epoch: CallingEpoch) -> Traced:
    """Run an epoch's calls again and gather what was called inside.

    Raises
    ------
    StoreError
        call_worker_lost: that says nothing about the epoch.
    """
    request = {
        "op": NAME,
        "number": epoch.number,
        "hash": epoch.hash,
        "txs": list(epoch.txs),
        "most": EPOCH_ROWS,
        "plain": PLAIN_OF_EPOCH,
        "plain_of_tx": PLAIN_OF_TX,
    }
    try:
        answer = await workers.run(request, EPOCH_SECONDS)
    except RequestError as refused:
        return Traced(epoch, (), refusal=str(refused.code))
    if "error" in answer:
        return Traced(epoch, (), refusal=str(answer["error"][0]))
    indexes = dict(zip(epoch.txs, epoch.indexes, strict=True))
    rows = [
        (epoch.number, indexes[tx], *place, int.from_bytes(value, "big"), selector, moved)
        for tx, *place, value, selector, moved in answer["rows"]
    ]
    left = [(epoch.number, indexes[tx], count) for tx, count in answer["left"]]
    return Traced(epoch, tuple(rows), tuple(left))


async def trace_plan(
    workers: CallWorkers, found: Plan, seconds: float, clock: Callable[[], float] = time.monotonic
) -> tuple[list[Traced], Place]:
    """Trace the epochs of a plan until the time is used up, at least one; and how far that leads."""
    until, done = clock() + seconds, []
    for place, epoch in enumerate(found.epochs):
        if place and clock() >= until:
            return done, Place(found.epochs[place - 1].number, found.epochs[place - 1].hash)
        done.append(await trace(workers, epoch))
    return done, found.end


def write(conn: Connection, found: Plan, traced: Sequence[Traced], end: Place) -> bool:
    """Keep what was traced; False where the chain, or another process, has moved meanwhile: it is planned anew.

    The caller holds the indexers' lock.
    """
    with database_errors(), conn.transaction():
        if (_PLACE.one(conn) or Place(-1, None)) != found.begin or follow.HASH_AT.one(conn, end.number) != end.hash:
            return False
        cur = cursor(conn)
        rows = [row for one in traced for row in one.rows]
        if rows:
            insert(cur, "explorer_internal_call", _CALL, rows)
        insert(cur, "explorer_left_calls", _LEFT, [row for one in traced for row in one.left])
        refused = [(one.epoch.number, one.refusal[:40]) for one in traced if one.refusal]
        if refused:
            insert(cur, "explorer_untraced_epoch", (("number", "int8"), ("reason", "text")), refused)
        _move(cur, end)
    return True


def reset(conn: Connection) -> None:
    """Forget everything: it begins again at genesis.  The caller holds the indexers' lock."""
    with database_errors(), conn.transaction():
        conn.execute(f"TRUNCATE {', '.join(TABLES)}")
        conn.execute("DELETE FROM explorer_cursor WHERE projection = %s", (NAME,))


def _undo(cur: Cursor, number: int) -> None:
    for table in TABLES:
        cur.execute(f"DELETE FROM {table} WHERE number > %s", (number,))  # noqa: S608 - our own names


def _move(cur: Cursor, place: Place) -> None:
    cur.execute(
        "INSERT INTO explorer_cursor (projection, number, hash, sequence, updated_ms)"  # noqa: S608
        f" VALUES ('{NAME}', %s, %s, 0, {NOW_MS}) ON CONFLICT (projection) DO UPDATE"
        " SET number = excluded.number, hash = excluded.hash, updated_ms = excluded.updated_ms",
        (place.number, place.hash),
    )
