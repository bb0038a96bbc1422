"""What open pages watch: all of them in one statement each, however many look."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query


@dataclass(frozen=True, slots=True)
class AcceptedNow:
    """Where the selected chain accepted a transaction."""

    tx: bytes
    number: int
    block: bytes
    status: int


@dataclass(frozen=True, slots=True)
class AccountNow:
    """What an address has, and how many indexed transactions concern it."""

    address: bytes
    nonce: int
    balance: int
    txs: int


@dataclass(frozen=True, slots=True)
class TokenNow:
    """How often a token moved, who holds it, and how much there is by its events."""

    token: bytes
    transfers: int
    holders: int
    supply: int


@dataclass(frozen=True, slots=True)
class StandardNow:
    """How many tokens of a standard there are, and how often they moved."""

    standard: int
    tokens: int
    transfers: int


@dataclass(frozen=True, slots=True)
class MinerNow:
    """How many blocks of a coinbase the chain has merged, and what they earned in wei."""

    coinbase: bytes
    blocks: int
    income: int


@dataclass(frozen=True, slots=True)
class ShardNow:
    """Transactions of a shard's senders since genesis."""

    shard: int
    txs: int


def _account(row: Any) -> AccountNow:
    return AccountNow(bytes(row[0]), int(row[1]), int(row[2]), int(row[3]))


# (hashes): those that are accepted
ACCEPTED_NOW: Query[AcceptedNow] = Query(
    "SELECT a.tx, a.number, c.hash, a.status FROM chain_acceptance a"
    " JOIN chain_selected_chain c ON c.number = a.number WHERE a.tx = ANY(%s)",
    lambda row: AcceptedNow(bytes(row[0]), row[1], bytes(row[2]), row[3]),
)
# (shards, addresses): one row each, in no order; zeros for one that the chain never saw
ACCOUNTS_NOW: Query[AccountNow] = Query(
    "SELECT k.address, coalesce(a.nonce, 0), coalesce(a.balance, 0), coalesce(t.txs, 0)"
    " FROM unnest(%s::int2[], %s::bytea[]) k(shard, address)"
    " LEFT JOIN chain_account_current a ON a.shard = k.shard AND a.address = k.address"
    " LEFT JOIN explorer_address_total t ON t.address = k.address",
    _account,
)
# (addresses): one row each, in no order; zeros for what is no token or has moved no more
TOKENS_NOW: Query[TokenNow] = Query(
    "SELECT k.address, coalesce(t.transfers, 0), coalesce(t.holders, 0), coalesce(t.supply, 0)"
    " FROM unnest(%s::bytea[]) k(address) LEFT JOIN explorer_token t ON t.address = k.address",
    lambda row: TokenNow(bytes(row[0]), int(row[1]), int(row[2]), int(row[3])),
)
# (coinbases): one row each, in no order
MINERS_NOW: Query[MinerNow] = Query(
    "SELECT k.coinbase, coalesce(t.blocks_a + t.blocks_b + t.blocks_c, 0), coalesce(t.income, 0)"
    " FROM unnest(%s::bytea[]) k(coinbase) LEFT JOIN explorer_miner_total t ON t.coinbase = k.coinbase",
    lambda row: MinerNow(bytes(row[0]), int(row[1]), int(row[2])),
)
# (): every standard that there are tokens of
STANDARDS_NOW: Query[StandardNow] = Query(
    "SELECT standard, tokens, transfers FROM explorer_token_total", lambda row: StandardNow(*row)
)
# (shards): one row each, in no order
SHARDS_NOW: Query[ShardNow] = Query(
    "SELECT k.shard, coalesce(t.txs, 0) FROM unnest(%s::int2[]) k(shard)"
    " LEFT JOIN explorer_shard_total t ON t.shard = k.shard",
    lambda row: ShardNow(int(row[0]), int(row[1])),
)
