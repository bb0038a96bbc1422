"""Miners by what they earned, and the blocks of one of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query


@dataclass(frozen=True, slots=True)
class MinerView:
    """A coinbase's sums over the selected chain: blocks by stream, amounts in wei; ``income`` is rewards and tips."""

    coinbase: bytes
    blocks_a: int
    blocks_b: int
    blocks_c: int
    reds: int
    rewards: int
    tips: int
    income: int

    @property
    def blocks(self) -> int:
        """Blocks of all streams."""
        return self.blocks_a + self.blocks_b + self.blocks_c


@dataclass(frozen=True, slots=True)
class MinedView:
    """A block in the consensus order with what its coinbase got for it, in wei."""

    number: int
    position: int
    hash: bytes
    stream: int
    is_blue: bool
    reward: int
    tips: int
    timestamp_ms: int


def _miner(row: Any) -> MinerView:
    return MinerView(bytes(row[0]), *[int(value) for value in row[1:]])


def _mined(row: Any) -> MinedView:
    return MinedView(*row[:5], int(row[5]), int(row[6]), row[7])


_MINER = "SELECT coinbase, blocks_a, blocks_b, blocks_c, reds, rewards, tips, income FROM explorer_miner_total "
_MINED = (
    "SELECT m.number, m.position, m.hash, m.stream, m.is_blue, m.reward, m.tips, b.timestamp_ms"
    " FROM explorer_mined_block m JOIN chain_block b ON b.hash = m.hash WHERE m.coinbase = %s AND"
)

# (income and coinbase below which to go on, limit): most earned first; one order of both columns, so that page 10 000
# is found by index like page 1
MINERS_BELOW: Query[MinerView] = Query(
    f"{_MINER}WHERE (income, coinbase) < (%s, %s) ORDER BY income DESC, coinbase DESC LIMIT %s", _miner
)
# (income and coinbase above which to go on, limit): least earned first
MINERS_ABOVE: Query[MinerView] = Query(
    f"{_MINER}WHERE (income, coinbase) > (%s, %s) ORDER BY income, coinbase LIMIT %s", _miner
)
MINERS_FIRST: Query[MinerView] = Query(f"{_MINER}ORDER BY income DESC, coinbase DESC LIMIT %s", _miner)
# (coinbase)
MINER: Query[MinerView] = Query(f"{_MINER}WHERE coinbase = %s", _miner)
# (coinbase, number and position below which to go on, limit): newest first
MINED_BEFORE: Query[MinedView] = Query(
    f"{_MINED} (m.number, m.position) < (%s, %s) ORDER BY m.number DESC, m.position DESC LIMIT %s", _mined
)
# (coinbase, number and position above which to go on, limit): oldest first
MINED_AFTER: Query[MinedView] = Query(
    f"{_MINED} (m.number, m.position) > (%s, %s) ORDER BY m.number, m.position LIMIT %s", _mined
)
