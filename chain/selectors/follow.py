"""What a follower of the selected chain reads: where it left the chain, and the facts of a stretch of numbers.

A follower remembers one (number, hash).  A block's hash names all of its past, so as long as the selected chain
has that hash under that number nothing below has changed; else the selected parents of the old block, which
stays in the DAG, lead to the fork.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.types import Log
from chain.selectors.query import Query, columns_as, first


@dataclass(frozen=True, slots=True)
class ChainHead:
    """The newest block of the selected chain, and the commit's sequence."""

    sequence: int
    number: int
    hash: bytes


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """An epoch's figures; amounts in wei, ``rewards`` (coinbase, wei) in consensus order."""

    number: int
    hash: bytes
    timestamp_ms: int
    base_fee: int
    gas_used: int
    tx_count: int
    log_count: int
    base_fees_burned: int
    tips_burned: int
    minted: int
    rewards: tuple[tuple[bytes, int], ...]


@dataclass(frozen=True, slots=True)
class AcceptedFacts:
    """An accepted transaction; ``block`` is the one that carried it first, ``price`` wei per gas, ``lane`` a shard."""

    number: int
    index: int
    tx: bytes
    block: bytes
    status: int
    gas_used: int
    price: int
    contract_address: bytes | None
    sender: bytes
    raw: bytes
    phase: int
    lane: int


@dataclass(frozen=True, slots=True)
class MergedFacts:
    """A block in the consensus order.

    ``earns``: it is blue, and its commitments are not known to be wrong (protocol §8): tips and rewards are paid.
    """

    number: int
    position: int
    hash: bytes
    stream: int
    coinbase: bytes
    is_blue: bool
    earns: bool


@dataclass(frozen=True, slots=True)
class LogFacts:
    """A log with its place."""

    number: int
    index: int
    tx_index: int
    log: Log


@dataclass(frozen=True, slots=True)
class CodeFacts:
    """An account that has contract code after an epoch that changed it; a delegation (EIP-7702) is none."""

    number: int
    address: bytes
    code_hash: bytes
    size: int


def _epoch(row: Any) -> EpochFacts:
    rewards = tuple([(to, int(wei)) for to, wei in zip(row[10], row[11], strict=True)])
    return EpochFacts(*row[:3], int(row[3]), *row[4:7], int(row[7]), int(row[8]), int(row[9]), rewards)


def _accepted(row: Any) -> AcceptedFacts:
    return AcceptedFacts(*row[:6], int(row[6]), *row[7:])


def _log(row: Any) -> LogFacts:
    return LogFacts(row[0], row[1], row[2], Log(row[3], tuple([t for t in row[4:8] if t is not None]), row[8]))


HEAD: Query[ChainHead] = Query("SELECT sequence, sink_number, sink FROM chain_node_state", columns_as(ChainHead))
# (number)
HASH_AT: Query[bytes] = Query("SELECT hash FROM chain_selected_chain WHERE number = %s", first)
# (hash): the newest number of the selected chain in a block's past; none where the DAG does not have the block
FORK_UNDER: Query[int] = Query(
    "WITH RECURSIVE back(hash, number, parent, is_on) AS ("
    " SELECT b.hash, b.number, b.selected_parent, EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = b.hash)"
    " FROM chain_block b WHERE b.hash = %s"
    " UNION ALL"
    " SELECT b.hash, b.number, b.selected_parent, EXISTS (SELECT 1 FROM chain_selected_chain c WHERE c.hash = b.hash)"
    " FROM back JOIN chain_block b ON b.hash = back.parent WHERE NOT back.is_on"
    ") SELECT number FROM back WHERE is_on",
    first,
)
# (number above which to begin, limit)
EPOCHS_ABOVE: Query[EpochFacts] = Query(
    "SELECT c.number, c.hash, e.timestamp_ms, e.base_fee, e.gas_used, e.tx_count, e.log_count, e.base_fees_burned,"
    " e.tips_burned, e.minted, e.reward_to, e.reward_wei FROM chain_selected_chain c"
    " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number > %s ORDER BY c.number LIMIT %s",
    _epoch,
)
# (first number, last number)
ACCEPTED_BETWEEN: Query[AcceptedFacts] = Query(
    'SELECT a.number, a."index", a.tx, a.block, a.status, a.gas_used, a.effective_gas_price, a.contract_address,'
    " t.sender, t.raw, a.phase, a.lane FROM chain_acceptance a JOIN chain_transaction t ON t.hash = a.tx"
    ' WHERE a.number BETWEEN %s AND %s ORDER BY a.number, a."index"',
    _accepted,
)
# (first number, last number)
MERGED_BETWEEN: Query[MergedFacts] = Query(
    "SELECT o.number, o.position, o.hash, b.stream, b.coinbase, o.is_blue,"
    " o.is_blue AND (e.hash IS NULL OR (b.state_root = e.state_root AND b.receipts_root = e.receipts_root"
    " AND b.gas_used = e.gas_used AND b.base_fee = e.next_base_fee))"
    " FROM chain_consensus_order o JOIN chain_block b ON b.hash = o.hash"
    " LEFT JOIN chain_epoch e ON e.hash = b.selected_parent"
    " WHERE o.number BETWEEN %s AND %s ORDER BY o.number, o.position",
    columns_as(MergedFacts),
)
# (first number, last number, topics): logs whose first topic is one of these
LOGS_WITH: Query[LogFacts] = Query(
    'SELECT number, "index", tx_index, address, topic0, topic1, topic2, topic3, data FROM chain_log'
    ' WHERE number BETWEEN %s AND %s AND topic0 = ANY(%s) ORDER BY number, "index"',
    _log,
)
# (first number, last number): every change, so that an old contract comes again whenever its account changes
CODE_BETWEEN: Query[CodeFacts] = Query(
    "SELECT v.number, v.address, v.code_hash, octet_length(k.code) FROM chain_account_version v"
    " JOIN chain_code k ON k.hash = v.code_hash WHERE v.number BETWEEN %s AND %s AND v.code_hash IS NOT NULL"
    " AND NOT (octet_length(k.code) = 23 AND substring(k.code FROM 1 FOR 3) = '\\xef0100'::bytea)"
    " ORDER BY v.number, v.address",
    columns_as(CodeFacts),
)
# (number): wei that an epoch's senders paid for gas, base fees and tips
FEES_OF: Query[int] = Query(
    "SELECT coalesce(sum(gas_used * effective_gas_price), 0) FROM chain_acceptance WHERE number = %s",
    lambda row: int(row[0]),
)
