"""The three streams lately, and what miners' work tells of their hashrate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.difficulty import expand, work
from chain.selectors.query import Query, columns_as, first

# how far back among inserted blocks a stream's newest one is looked for: a stream may have none at all
_LOOK_BACK = 20_000
# ranks beyond are told as "more"
MOST_RANKED = 10_000


@dataclass(frozen=True, slots=True)
class WorkDone:
    """Blocks of a coinbase in a work stream over a window, and the hashes that they took in the mean."""

    coinbase: bytes
    stream: int
    blocks: int
    hashes: int


@dataclass(frozen=True, slots=True)
class StreamPaid:
    """What the selected chain paid for the blocks of a stream that it merged in a stretch; wei."""

    stream: int
    blocks: int
    red: int
    rewards: int
    tips: int


@dataclass(frozen=True, slots=True)
class NewestOf:
    """The newest block of a stream in the DAG; ``target`` is compact, 0 for the lottery."""

    stream: int
    hash: bytes
    timestamp_ms: int
    coinbase: bytes
    target: int


def _paid(row: Any) -> StreamPaid:
    return StreamPaid(*row[:3], int(row[3]), int(row[4]))


# (since ms): blocks of work by coinbase, stream and target
_WORK: Query[tuple[bytes, int, int, int]] = Query(
    "SELECT coinbase, stream, target, count(*) FROM chain_block WHERE timestamp_ms >= %s AND stream IN (1, 2)"
    " GROUP BY coinbase, stream, target",
    lambda row: (bytes(row[0]), row[1], row[2], row[3]),
)
# (number above which to count)
STREAMS_PAID: Query[StreamPaid] = Query(
    "SELECT stream, count(*), count(*) FILTER (WHERE NOT is_blue), sum(reward), sum(tips) FROM explorer_mined_block"
    " WHERE number > %s GROUP BY stream ORDER BY stream",
    _paid,
)
# (since ms): the chain block before which the stretch begins
NUMBER_BEFORE: Query[int] = Query(
    "SELECT number FROM explorer_point WHERE timestamp_ms < %s ORDER BY timestamp_ms DESC, number DESC LIMIT 1", first
)
# (since ms): the same, -1 where there is none, and the time of the first block after genesis
STRETCH: Query[tuple[int, int | None]] = Query(
    "SELECT coalesce((SELECT number FROM explorer_point WHERE timestamp_ms < %s"
    " ORDER BY timestamp_ms DESC, number DESC LIMIT 1), -1),"
    " (SELECT timestamp_ms FROM explorer_point WHERE number = 1)",
    lambda row: (int(row[0]), None if row[1] is None else int(row[1])),
)
NEWEST_OF_STREAMS: Query[NewestOf] = Query(
    "SELECT b.stream, b.hash, b.timestamp_ms, b.coinbase, b.target FROM (SELECT max(seq) AS seq FROM chain_block) n"  # noqa: S608
    " CROSS JOIN unnest('{1,2,3}'::int2[]) s(stream) CROSS JOIN LATERAL ("
    "  SELECT stream, hash, timestamp_ms, coinbase, target FROM chain_block"
    f"  WHERE seq > n.seq - {_LOOK_BACK} AND stream = s.stream ORDER BY seq DESC LIMIT 1) b ORDER BY b.stream",
    columns_as(NewestOf),
)
# (income, coinbase): how many earned more, at most so many
_ABOVE: Query[int] = Query(
    "SELECT count(*) FROM (SELECT 1 FROM explorer_miner_total WHERE (income, coinbase) > (%s, %s)"  # noqa: S608
    f" LIMIT {MOST_RANKED}) m",
    first,
)


def expected(target: int) -> int:
    """Hashes that a block with this compact target takes in the mean."""
    return work(expand(target), 1)


def work_since(conn: Any, since_ms: int) -> list[WorkDone]:
    """Work of every coinbase in blocks that are stamped since a time, most first."""
    sums: dict[tuple[bytes, int], tuple[int, int]] = {}
    for coinbase, stream, target, count in _WORK.all(conn, since_ms):
        blocks, hashes = sums.get((coinbase, stream), (0, 0))
        sums[coinbase, stream] = (blocks + count, hashes + count * expected(target))
    done = [WorkDone(*key, *value) for key, value in sums.items()]
    return sorted(done, key=lambda one: (-one.hashes, one.coinbase, one.stream))


def rank_of(conn: Any, income: int, coinbase: bytes) -> int | None:
    """The place of a miner by what it earned, 1 the first; None beyond ``MOST_RANKED``."""
    above = _ABOVE.one(conn, income, coinbase) or 0
    return None if above >= MOST_RANKED else above + 1
