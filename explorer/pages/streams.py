"""The streams, the miners in order, and one miner, as their pages show them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from chain.core.spec import ChainSpec, stream_name
from chain.selectors.stats import STANDING, Standing
from chain.services.network import current_spec
from chain.stores.connection import Connection
from explorer.pages.figures import Span, points
from explorer.paging import PAGE
from explorer.selectors.miners import MINERS_BELOW, MINERS_FIRST, MinerView
from explorer.selectors.streams import (
    NEWEST_OF_STREAMS,
    STREAMS_PAID,
    STRETCH,
    NewestOf,
    StreamPaid,
    WorkDone,
    expected,
    rank_of,
    work_since,
)

# what "lately" means for rates and hashrates, and for what was paid
WINDOW_MS = 600_000
# a rate of less says nothing
_LEAST_MS = 1_000
PAID_MS = 3_600_000
SEALS = {"A": "BLAKE3 work", "B": "kHeavyHash work", "C": "VRF lottery"}
_STREAMS = (1, 2, 3)


@dataclass(frozen=True, slots=True)
class Hashrates:
    """Hashes a second in streams A and B, by targets and blocks of ten minutes: an estimate, rough for few blocks."""

    a: float
    b: float
    blocks_a: int
    blocks_b: int


@dataclass(frozen=True, slots=True)
class StreamFigures:
    """A stream as the chain merged it in the last ten minutes, and what it was paid over the last hour.

    ``window_ms`` is the stretch that ``window`` is of: ten minutes, or less where the chain is younger.
    ``difficulty`` is the hashes that a block takes in the mean, ``hashrate`` hashes a second; None for the lottery,
    and where no block is known.
    """

    number: int
    name: str
    seal: str
    wanted_s: float
    window: StreamPaid | None
    total: int
    hashrate: float | None = None
    difficulty: int | None = None
    newest: NewestOf | None = None
    paid: StreamPaid | None = None
    window_ms: int = WINDOW_MS

    @property
    def interval_s(self) -> float | None:
        """Seconds between its blocks."""
        blocks = self.window.blocks if self.window else 0
        return self.window_ms / 1000 / blocks if blocks else None

    @property
    def an_hour(self) -> float:
        """Blocks an hour, at the rate of the last ten minutes."""
        return (self.window.blocks if self.window else 0) * 3_600_000 / self.window_ms

    @property
    def is_work(self) -> bool:
        """Whether its blocks are found by hashing."""
        return self.number < 3


@dataclass(frozen=True, slots=True)
class StreamsPage:
    """The streams side by side, and their blocks over a span."""

    standing: Standing | None
    streams: tuple[StreamFigures, ...]
    span: Span
    chart: dict[str, Any]


@dataclass(frozen=True, slots=True)
class RankedMiner:
    """A miner with its place, None beyond those that are counted, and its hashrate now."""

    rank: int | None
    view: MinerView
    hashrates: Hashrates | None


@dataclass(frozen=True, slots=True)
class MinersPage:
    """Streams and a page of miners, as of block ``number``; ``older`` is the address of the next page."""

    number: int
    streams: tuple[StreamFigures, ...]
    miners: tuple[RankedMiner, ...]
    is_first: bool
    older: str


def streams(conn: Connection, span: Span, now_ms: int) -> StreamsPage:
    """Rates, difficulty, hashrate, what was paid, the newest block."""
    standing = STANDING.one(conn)
    done = work_since(conn, now_ms - WINDOW_MS)
    newest = {one.stream: one for one in NEWEST_OF_STREAMS.all(conn)}
    paid, _ = _merged_since(conn, now_ms, PAID_MS)
    shown = points(conn, span, now_ms)
    return StreamsPage(
        standing,
        _figures(conn, standing, done, now_ms, newest, paid),
        span,
        {
            "x": [point.start for point in shown],
            "series": [
                {"label": "A", "values": [point.blocks_a for point in shown], "colour": "--stream-a"},
                {"label": "B", "values": [point.blocks_b for point in shown], "colour": "--stream-b"},
                {
                    "label": "C",
                    "values": [point.blocks_c for point in shown],
                    "scale": "count",
                    "colour": "--stream-c",
                },
            ],
        },
    )


def miners(conn: Connection, before: tuple[int, bytes] | None, now_ms: int) -> MinersPage:
    """Streams, and miners by income with their rank and hashrate."""
    # before the rows, so that what comes between counts as new
    standing = STANDING.one(conn)
    done = work_since(conn, now_ms - WINDOW_MS)
    if before is None:
        found = MINERS_FIRST.all(conn, PAGE + 1)
        rank: int | None = 1
    else:
        found = MINERS_BELOW.all(conn, before[0], before[1], PAGE + 1)
        rank = rank_of(conn, found[0].income, found[0].coinbase) if found else None
    shown = found[:PAGE]
    ranked = [
        RankedMiner(None if rank is None else rank + place, view, hashrates_of(done, view.coinbase))
        for place, view in enumerate(shown)
    ]
    older = f"?before={shown[-1].income}-{shown[-1].coinbase.hex()}" if len(found) > PAGE else ""
    shown_streams = _figures(conn, standing, done, now_ms)
    return MinersPage(standing.number if standing else 0, shown_streams, tuple(ranked), before is None, older)


def miner(conn: Connection, view: MinerView, now_ms: int) -> RankedMiner:
    """One miner's rank and hashrate."""
    done = work_since(conn, now_ms - WINDOW_MS)
    return RankedMiner(
        rank_of(conn, view.income, view.coinbase), view, hashrates_of(done, view.coinbase) or Hashrates(0, 0, 0, 0)
    )


def hashrates_of(done: Iterable[WorkDone], coinbase: bytes) -> Hashrates | None:
    """What the work of one coinbase tells; None where it has found nothing in the window."""
    own = {one.stream: one for one in done if one.coinbase == coinbase}
    if not own:
        return None
    a, b = own.get(1), own.get(2)
    seconds = WINDOW_MS / 1000
    return Hashrates(
        a.hashes / seconds if a else 0.0, b.hashes / seconds if b else 0.0, a.blocks if a else 0, b.blocks if b else 0
    )


def _merged_since(conn: Connection, now_ms: int, stretch_ms: int) -> tuple[dict[int, StreamPaid], int]:
    """What the chain merged in a stretch, by stream: by its index, which is narrow where blocks are wide.

    And the length of the stretch, ms: that of the chain where it is younger.
    """
    before, first_ms = STRETCH.one(conn, now_ms - stretch_ms) or (-1, None)
    if first_ms is not None:
        stretch_ms = max(_LEAST_MS, min(stretch_ms, now_ms - first_ms))
    return {one.stream: one for one in STREAMS_PAID.all(conn, before)}, stretch_ms


def _figures(
    conn: Connection,
    standing: Standing | None,
    done: list[WorkDone],
    now_ms: int,
    newest: dict[int, NewestOf] | None = None,
    paid: dict[int, StreamPaid] | None = None,
) -> tuple[StreamFigures, ...]:
    spec: ChainSpec = current_spec()
    windows, window_ms = _merged_since(conn, now_ms, WINDOW_MS)
    totals = (standing.blocks_a, standing.blocks_b, standing.blocks_c) if standing else (0, 0, 0)
    found = []
    for stream in _STREAMS:
        last = (newest or {}).get(stream)
        hashes = sum(one.hashes for one in done if one.stream == stream)
        found.append(
            StreamFigures(
                number=stream,
                name=stream_name(stream),
                seal=SEALS[stream_name(stream)],
                wanted_s=spec.stream(stream).interval_ms / 1000,
                window=windows.get(stream),
                total=totals[stream - 1],
                hashrate=hashes * 1000 / WINDOW_MS if stream < 3 else None,
                difficulty=expected(last.target) if last and stream < 3 else None,
                newest=last,
                paid=(paid or {}).get(stream),
                window_ms=window_ms,
            )
        )
    return tuple(found)
