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
