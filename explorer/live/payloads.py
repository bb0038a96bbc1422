"""Messages of ``/ws/live``: typed, and the only place that knows how they look.

Every message has ``v`` and ``type``.  ``snapshot`` and the deltas ``dag`` and ``stats`` carry ``feed`` and
``seq``: a delta follows the message of the same feed whose ``seq`` is one less.  Blocks are arrays, because a
thousand of them travel at once; ``BLOCK_COLUMNS`` names their places; so are the points of the lines in a
snapshot.  Hashes are shortened: who wants all of one asks ``/live/block/<id>``.  The light line has ``snapshot``,
``head`` and, for one page alone and without a number, ``watched``.
"""

from __future__ import annotations

from dataclasses import astuple, dataclass, fields
from typing import Any

import orjson

from chain.selectors.live import DrawnBlock

VERSION = 1
STREAMS = "ABC"
BLOCK_COLUMNS = (
    *("id", "stream", "score", "timestamp_ms", "transactions", "chain_number", "merged_by", "blue"),
    *("selected_parent", "parents", "hash", "miner"),
)
WireBlock = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Head:
    """The selected chain's newest block and what the next one costs (wei per gas, as text)."""

    id: int
    number: int
    score: int
    finalized: int
    base_fee: str
    tips: int
    at_ms: int


@dataclass(frozen=True, slots=True)
class Totals:
    """Counts since genesis; ``supply`` in wei, as text."""

    blocks: tuple[int, ...]
    transactions: int
    reorgs: int
    deepest_reorg: int
    supply: str


@dataclass(frozen=True, slots=True)
class Pool:
    """What waits; None where Redis did not answer."""

    pending: int
    queued: int
    bytes: int


@dataclass(frozen=True, slots=True)
class Now:
    """Figures of this moment.

    ``tps`` over 10 s, ``blocks`` a second by stream over 60 s, ``hashrate`` and ``difficulty`` of A and B
    (hashes a second over ten minutes, expected hashes a block), ``gas`` a second over 10 s; ``shards`` holds
    transactions of the last 60 s by source shard and ``crossing`` how many of them left it; ``reorgs`` in ten
    minutes.
    """

    tps: float
    blocks: tuple[float, ...]
    reds: float
    hashrate: tuple[float, float]
    difficulty: tuple[float, float]
    gas: float
    pool: Pool | None
    shards: tuple[int, ...]
    crossing: tuple[int, ...]
    reorgs: int


@dataclass(frozen=True, slots=True)
class Point:
    """One step of the ten-minute lines; ``step`` counts steps of ``SERIES_STEP_MS`` since 1970."""

    step: int
    tps: float
    a: float
    b: float
    c: float
    reds: int
    hash_a: float
    hash_b: float
    diff_a: float | None
    diff_b: float | None
    gas: float
    fee: float | None
    pending: int | None
    reorgs: int


@dataclass(frozen=True, slots=True)
class HourStep:
    """One step of the minimap: blocks by stream, reds, and the blue scores that it spans."""

    step: int
    blocks: tuple[int, int, int]
    reds: int
    low: int
    high: int


def wire_block(block: DrawnBlock) -> WireBlock:
    """A block as its array."""
    coinbase = block.coinbase.hex()
    return (
        block.seq,
        block.stream,
        block.blue_score,
        block.timestamp_ms,
        block.tx_count,
        block.chain_number,
        block.merged_by,
        block.is_blue,
        block.selected_parent,
        block.parents,
        block.hash[:6].hex(),
        f"{coinbase[:4]}…{coinbase[-4:]}",
    )


@dataclass(frozen=True, slots=True)
class Snapshot:
    """All that a page needs to begin."""

    feed: str
    seq: int
    network: str
    columns: tuple[str, ...]
    blocks: list[WireBlock]
    head: Head
    totals: Totals
    now: Now
    series_columns: tuple[str, ...]
    series: list[tuple[Any, ...]]
    series_step_ms: int
    hour: list[HourStep]
    hour_step_ms: int
    server_ms: int
    v: int = VERSION
    type: str = "snapshot"


@dataclass(frozen=True, slots=True)
class DagDelta:
    """What one look at the chain found: new blocks, and how the selected chain moved.

    First everything above ``fork`` leaves the chain and the order (None: nothing does), then ``merged``, as
    (id, number, is blue, is on the chain), joins.
    """

    feed: str
    seq: int
    blocks: list[WireBlock]
    fork: int | None
    removed: int
    merged: list[tuple[int, int, bool, bool]]
    head: Head
    v: int = VERSION
    type: str = "dag"


@dataclass(frozen=True, slots=True)
class StatsDelta:
    """The figures, once a second."""

    feed: str
    seq: int
    totals: Totals
    now: Now
    point: Point
    hour: HourStep | None
    server_ms: int
    v: int = VERSION
    type: str = "stats"


@dataclass(frozen=True, slots=True)
class HeadMessage:
    """Where the chain stands, on the light line; a ``snapshot`` comes first, then numbered ``head``.

    ``newest`` is the insertion number of the newest block, ``transactions`` what the chain has accepted since
    genesis; the selected chain was undone down to ``fork`` since the message before (None: it was not).  ``reorgs``
    counts its reorganisations since genesis: ``forks`` names, by that count, down to where each of those above
    ``forks_since`` went, in a snapshot all that are remembered.
    """

    feed: str
    seq: int
    head: Head
    newest: int
    transactions: int
    fork: int | None
    reorgs: int
    forks_since: int
    forks: list[tuple[int, int]]
    server_ms: int
    v: int = VERSION
    type: str = "head"


@dataclass(frozen=True, slots=True)
class WatchedTransaction:
    """What became of the transaction that a page watches: where the chain accepted it; None: it did not."""

    tx: str
    number: int | None
    block: str | None
    success: bool | None
    v: int = VERSION
    type: str = "watched"


@dataclass(frozen=True, slots=True)
class WatchedAddress:
    """What the address that a page watches has now; ``balance`` in wei, as text, ``transactions`` as indexed."""

    address: str
    nonce: int
    balance: str
    transactions: int
    v: int = VERSION
    type: str = "watched"


@dataclass(frozen=True, slots=True)
class WatchedToken:
    """How a token that a page watches stands, as indexed; ``supply`` as text."""

    token: str
    transfers: int
    holders: int
    supply: str
    v: int = VERSION
    type: str = "watched"


@dataclass(frozen=True, slots=True)
class WatchedTokens:
    """How many tokens there are of a standard that a page watches, of all for 0, and how often they moved."""

    standard: int
    tokens: int
    transfers: int
    v: int = VERSION
    type: str = "watched"


@dataclass(frozen=True, slots=True)
class WatchedMiner:
    """What a miner whom a page watches has earned, as indexed; ``income`` in wei, as text."""

    miner: str
    blocks: int
    income: str
    v: int = VERSION
    type: str = "watched"


@dataclass(frozen=True, slots=True)
class WatchedShard:
    """Transactions of a shard that a page watches, since genesis, as indexed."""

    shard: int
    transactions: int
    v: int = VERSION
    type: str = "watched"


def columns_of(points: list[Point]) -> tuple[tuple[str, ...], list[tuple[Any, ...]]]:
    """Names and rows of the lines."""
    names = tuple(part.name for part in fields(Point))
    return names, [astuple(point) for point in points]


def encode(message: Any) -> str:
    """A message as JSON text."""
    return orjson.dumps(message).decode()
