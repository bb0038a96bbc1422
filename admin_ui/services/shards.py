"""Load of the shards in the last epochs."""

from __future__ import annotations

from dataclasses import dataclass

from chain.selectors.stats import EPOCH_LOADS
from chain.services.network import current_spec, now_ms
from chain.stores.connection import Connection

WINDOW_MS = 600_000
MOST_EPOCHS = 2_000
PHASES = ("Within a shard", "Transfers across", "Calls across")


@dataclass(frozen=True, slots=True)
class ShardLine:
    """One shard: transactions of its lanes in the window, and its part of all of them."""

    shard: int
    transactions: int
    part: float

    @property
    def width(self) -> str:
        """The part as a width of a hundred."""
        return f"{100 * self.part:.1f}"


@dataclass(frozen=True, slots=True)
class Loads:
    """The window: epochs, transactions, gas, and transactions by phase."""

    epochs: int
    transactions: int
    gas: int
    phases: tuple[tuple[str, int], ...]


def shard_lines(conn: Connection) -> tuple[list[ShardLine], Loads]:
    """The last ten minutes, at most ``MOST_EPOCHS`` epochs; one statement."""
    loads = EPOCH_LOADS.all(conn, now_ms() - WINDOW_MS, MOST_EPOCHS)
    count = current_spec().shard_count
    lanes, phases = [0] * count, [0] * len(PHASES)
    for load in loads:
        for shard, number in enumerate(load.lane_txs[:count]):
            lanes[shard] += number
        for phase, number in enumerate(load.phase_txs[: len(PHASES)]):
            phases[phase] += number
    total = sum(lanes)
    lines = [ShardLine(shard, number, number / total if total else 0.0) for shard, number in enumerate(lanes)]
    gas = sum(load.gas_used for load in loads)
    return lines, Loads(len(loads), sum(load.tx_count for load in loads), gas, tuple(zip(PHASES, phases, strict=True)))
