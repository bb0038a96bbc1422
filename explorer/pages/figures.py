"""Shards, miners, fees and supply as their pages show them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from redis.exceptions import RedisError

from chain.selectors.gauges import ACCOUNTS_BY_SHARD
from chain.selectors.query import Query
from chain.selectors.stats import STANDING, Standing
from chain.services.network import current_spec
from chain.services.pool import Pool, pool_policy
from chain.services.redis_client import redis_client
from chain.stores.connection import Connection
from explorer.pool_history import STEPS, waited
from explorer.selectors.series import SERIES_SINCE, SeriesView
from explorer.selectors.shards import CROSSED, LATTICE_DIGESTS, SHARD_LOADS

# epochs that "now" means for shards: a minute at full rate
WINDOW = 600
_HASH = 32
# epochs whose tips make the percentiles
_FEE_EPOCHS = 200


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time for charts: its name in addresses, its length and the width of a point, both in s."""

    name: str
    label: str
    seconds: int
    width: int


SPANS = (
    Span("hour", "Hour", 3_600, 60),
    Span("day", "Day", 86_400, 3_600),
    Span("month", "Month", 30 * 86_400, 86_400),
    Span("year", "Year", 366 * 86_400, 86_400),
)


def span_of(name: str) -> Span:
    """The span of a name, the hour for anything else."""
    return next((span for span in SPANS if span.name == name), SPANS[0])


def rank_place_of(cursor: str) -> tuple[int, bytes] | None:
    """Read a cursor ``amount-address``, the amount being any integer; None where it is none."""
    amount, _, address = cursor.rpartition("-")
    digits = amount.removeprefix("-")
    if not (digits.isascii() and digits.isdigit() and len(digits) <= 160 and len(address) == 40):
        return None
    try:
        return int(amount), bytes.fromhex(address)
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class ShardFigures:
    """One shard; ``share`` is its part of the busiest one's load, ``crossing`` the part that left it."""

    shard: int
    accounts: int
    txs: int
    crossed: int
    share: float
    digest: bytes

    @property
    def crossing(self) -> float:
        """Fraction of its transactions that left phase 1."""
        return self.crossed / self.txs if self.txs else 0.0


@dataclass(frozen=True, slots=True)
class ShardsPage:
    """All shards over the epochs above ``since``."""

    since: int
    epochs: int
    shards: tuple[ShardFigures, ...]

    @property
    def txs(self) -> int:
        """Transactions of all shards."""
        return sum(shard.txs for shard in self.shards)

    @property
    def crossed(self) -> int:
        """Those that left phase 1."""
        return sum(shard.crossed for shard in self.shards)


def shards(conn: Connection) -> ShardsPage:
    """Accounts and load of every shard over the newest epochs."""
    count = current_spec().shard_count
    standing = STANDING.one(conn)
    number = standing.number if standing else 0
    since = max(0, number - WINDOW)
    loads = {load.shard: load.txs for load in SHARD_LOADS.all(conn, since)}
    crossed = dict(CROSSED.all(conn, since))
    accounts = {int(named.name): named.value for named in ACCOUNTS_BY_SHARD.all(conn)}
    digests = LATTICE_DIGESTS.one(conn, number) or bytes(_HASH * count)
    most = max([*loads.values(), 1])
    return ShardsPage(
        since,
        number - since,
        tuple(
            [
                ShardFigures(
                    shard=i,
                    accounts=accounts.get(i, 0),
                    txs=loads.get(i, 0),
                    crossed=crossed.get(i, 0),
                    share=loads.get(i, 0) / most,
                    digest=digests[i * _HASH : (i + 1) * _HASH],
                )
                for i in range(count)
            ]
        ),
    )


@dataclass(frozen=True, slots=True)
class FeesPage:
    """The fee market; prices in wei per gas, ``pending`` None where the pool cannot be asked."""

    standing: Standing | None
    percentiles: tuple[tuple[int, int], ...]
    sampled: int
    pending: int | None
    pending_bytes: int | None
    span: Span
    chart: dict[str, Any]

    @property
    def transfer_cost(self) -> int | None:
        """Wei that a plain transfer costs with the middle tip."""
        if self.standing is None:
            return None
        middle = dict(self.percentiles).get(50, 0)
        return 21_000 * (self.standing.next_base_fee + middle)


# (number above which to look, percentiles): tips of accepted transactions in wei per gas
_TIPS: Query[tuple[int, list[int]]] = Query(
    "SELECT count(*), percentile_disc(%s::float8[]) WITHIN GROUP (ORDER BY a.price - e.base_fee) FROM ("
    " SELECT number, effective_gas_price AS price FROM chain_acceptance WHERE number > %s"
    ' ORDER BY number DESC, "index" DESC LIMIT 2000) a'
    " JOIN chain_selected_chain c ON c.number = a.number JOIN chain_epoch e ON e.hash = c.hash",
    lambda row: (row[0], [int(value) for value in row[1] or []]),
)
_PERCENTILES = (10, 50, 90)


def fees(conn: Connection, span: Span, now_ms: int) -> FeesPage:
    """Base fee, tips and what waits."""
    standing = STANDING.one(conn)
    number = standing.number if standing else 0
    sampled, tips = _TIPS.one(conn, [p / 100 for p in _PERCENTILES], number - _FEE_EPOCHS) or (0, [])
    pending = pending_bytes = None
    try:
        sums = Pool(redis_client(), pool_policy(current_spec())).sums()
        pending, pending_bytes = sums.count, sums.bytes
    except RedisError:
        pass  # the page says that the pool cannot be asked
    shown = points(conn, span, now_ms)
    return FeesPage(
        standing,
        tuple(zip(_PERCENTILES, tips, strict=False)),
        sampled,
        pending,
        pending_bytes,
        span,
        {
            "x": [point.start for point in shown],
            "series": [
                {"label": "Base fee, gwei", "values": [point.base_fee / 10**9 for point in shown]},
                {"label": "Transactions", "values": [point.txs for point in shown], "scale": "count"},
                *_waiting(span, [point.start for point in shown]),
            ],
        },
    )


def _waiting(span: Span, starts: Sequence[int]) -> list[dict[str, Any]]:
    """The most that waited at each point, where that is kept: not by day."""
    values = waiting_at(span, starts)
    if not any(value is not None for value in values):
        return []
    return [{"label": "Most that waited", "values": values, "scale": "count"}]


def waiting_at(span: Span, starts: Sequence[int]) -> list[int | None]:
    """The most transactions that waited at each point, None where nobody knows."""
    found = waited(redis_client(), span.width) if span.width in STEPS else {}
    return [found.get(start // span.width) for start in starts]


@dataclass(frozen=True, slots=True)
class SupplyPage:
    """The supply in wei; ``issued`` and ``burned`` are of the span."""

    standing: Standing | None
    cap: int
    genesis: int
    issued: int
    burned: int
    span: Span
    chart: dict[str, Any]

    @property
    def mined(self) -> int | None:
        """Made by rewards since genesis."""
        return self.standing.minted - self.genesis if self.standing else None

    @property
    def gone(self) -> int | None:
        """Burned since genesis."""
        return self.standing.minted - self.standing.supply if self.standing else None

    @property
    def left(self) -> int | None:
        """May still be made."""
        return self.cap - self.standing.minted if self.standing else None

    @property
    def fraction(self) -> float:
        """Part of the cap that was made."""
        return self.standing.minted / self.cap if self.standing else 0.0


def supply(conn: Connection, span: Span, now_ms: int) -> SupplyPage:
    """What exists, and what the span made and burned."""
    spec = current_spec()
    shown = points(conn, span, now_ms)
    return SupplyPage(
        STANDING.one(conn),
        spec.cap,
        sum(account.balance for account in spec.alloc),
        sum(point.rewards for point in shown),
        sum(point.burned for point in shown),
        span,
        {
            "x": [point.start for point in shown],
            "series": [
                {"label": f"Issued, {spec.token}", "values": [point.rewards / 10**18 for point in shown]},
                {
                    "label": f"Burned, {spec.token}",
                    "values": [point.burned / 10**18 for point in shown],
                    "scale": "gone",
                },
            ],
        },
    )


def points(conn: Connection, span: Span, now_ms: int) -> list[SeriesView]:
    """The chain's figures over a span until now, oldest first."""
    first = (now_ms // 1000 - span.seconds) // span.width * span.width
    return SERIES_SINCE.all(conn, span.width, first, 2000)
