"""Columns of the CSV files: amounts in wei or a token's smallest unit, times as ISO 8601 in UTC, hashes as bytes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from explorer.amounts import moment
from explorer.pages.figures import ShardFigures
from explorer.pages.lines import TransactionLine
from explorer.selectors.internal import InternalView
from explorer.selectors.lists import ChainLine, DagLine
from explorer.selectors.miners import MinedView, MinerView
from explorer.selectors.series import SeriesView
from explorer.selectors.tokens import HolderView, HoldingView, ItemView, TokenView, TransferView

Row = TypeVar("Row")
_STREAMS = "-ABC"


@dataclass(frozen=True, slots=True)
class Columns(Generic[Row]):
    """Names of the columns, and what a row has in them."""

    names: tuple[str, ...]
    cells: Callable[[Row], tuple[Any, ...]]


def _time(ms: int) -> str:
    return moment(ms).isoformat(timespec="milliseconds")


TRANSACTION: Columns[TransactionLine] = Columns(
    ("hash", "block", "index", "time", "from", "to", "value_wei", "fee_wei", "status", "phase", "method"),
    lambda row: (
        row.hash,
        row.number,
        row.index,
        _time(row.timestamp_ms),
        row.sender,
        row.to,
        row.value,
        row.fee,
        "success" if row.is_success else "failed",
        row.phase,
        row.method,
    ),
)
CHAIN_BLOCK: Columns[ChainLine] = Columns(
    ("number", "hash", "time", "stream", "coinbase", "transactions", "gas_used", "base_fee_wei", "merged", "size"),
    lambda row: (
        row.number,
        row.hash,
        _time(row.timestamp_ms),
        _STREAMS[row.stream],
        row.coinbase,
        row.tx_count,
        row.gas_used,
        row.base_fee,
        row.merged,
        row.size,
    ),
)
DAG_BLOCK: Columns[DagLine] = Columns(
    (
        "blue_score",
        "hash",
        "time",
        "stream",
        "coinbase",
        "parents",
        "transactions",
        "size",
        "chain_number",
        "merged_by",
        "colour",
        "status",
    ),
    lambda row: (
        row.blue_score,
        row.hash,
        _time(row.timestamp_ms),
        _STREAMS[row.stream],
        row.coinbase,
        row.parents,
        row.tx_count,
        row.size,
        row.chain_number,
        row.merged_by,
        None if row.is_blue is None else "blue" if row.is_blue else "red",
        row.status,
    ),
)
TRANSFER: Columns[TransferView] = Columns(
    ("transaction", "block", "log_index", "ordinal", "time", "token", "symbol", "from", "to", "amount", "id"),
    lambda row: (
        row.tx,
        row.number,
        row.log_index,
        row.ordinal,
        _time(row.timestamp_ms),
        row.token,
        row.symbol,
        row.sender,
        row.recipient,
        row.amount,
        row.token_id,
    ),
)
INTERNAL: Columns[InternalView] = Columns(
    (
        "transaction",
        "block",
        "index",
        "ordinal",
        "time",
        "depth",
        "type",
        "method",
        "from",
        "to",
        "value_wei",
        "left_out",
    ),
    lambda row: (
        row.tx,
        row.number,
        row.index,
        row.ordinal,
        _time(row.timestamp_ms),
        row.depth,
        row.name,
        row.method,
        row.sender,
        row.recipient,
        row.value,
        row.left,
    ),
)


def only_left(tx: bytes, number: int, index: int, left: int) -> tuple[Any, ...]:
    """The one row of a transaction of which no call is kept."""
    return (tx, number, index, *[None] * (len(INTERNAL.names) - 4), left)


HOLDING: Columns[HoldingView] = Columns(
    ("token", "standard", "name", "symbol", "decimals", "amount", "holders"),
    lambda row: (row.token, row.standard, row.name, row.symbol, row.decimals, row.amount, row.holders),
)
ITEM: Columns[ItemView] = Columns(("token", "id", "amount"), lambda row: (row.token, row.token_id, row.amount))
TOKEN: Columns[TokenView] = Columns(
    ("address", "standard", "name", "symbol", "decimals", "holders", "transfers", "supply", "since_block"),
    lambda row: (
        row.address,
        row.standard,
        row.name,
        row.symbol,
        row.decimals,
        row.holders,
        row.transfers,
        row.supply,
        row.number,
    ),
)
HOLDER: Columns[HolderView] = Columns(("address", "amount"), lambda row: (row.address, row.amount))
MINER: Columns[MinerView] = Columns(
    ("coinbase", "earned_wei", "rewards_wei", "tips_wei", "blocks_a", "blocks_b", "blocks_c", "red"),
    lambda row: (
        row.coinbase,
        row.income,
        row.rewards,
        row.tips,
        row.blocks_a,
        row.blocks_b,
        row.blocks_c,
        row.reds,
    ),
)
MINED: Columns[MinedView] = Columns(
    ("hash", "merged_by", "position", "time", "stream", "colour", "reward_wei", "tips_wei"),
    lambda row: (
        row.hash,
        row.number,
        row.position,
        _time(row.timestamp_ms),
        _STREAMS[row.stream],
        "blue" if row.is_blue else "red",
        row.reward,
        row.tips,
    ),
)
SHARD: Columns[ShardFigures] = Columns(
    ("shard", "transactions", "across_shards", "accounts", "state_commitment"),
    lambda row: (row.shard, row.txs, row.crossed, row.accounts, row.digest),
)
# of each page with a chart
CHARTS: dict[str, Columns[SeriesView]] = {
    "fees": Columns(
        ("time", "base_fee_wei", "transactions"), lambda row: (_time(row.start * 1000), row.base_fee, row.txs)
    ),
    "streams": Columns(
        ("time", "blocks_a", "blocks_b", "blocks_c"),
        lambda row: (_time(row.start * 1000), row.blocks_a, row.blocks_b, row.blocks_c),
    ),
    "supply": Columns(
        ("time", "issued_wei", "burned_wei"), lambda row: (_time(row.start * 1000), row.rewards, row.burned)
    ),
}
