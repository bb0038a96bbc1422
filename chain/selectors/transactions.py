"""Transactions: where they lie, what accepted them, and what skipped them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.core.types import SkipReason
from chain.selectors.query import Query, columns_as
from chain.stores.rows import SKIP_REASONS


@dataclass(frozen=True, slots=True)
class AcceptanceView:
    """An accepted transaction with its receipt; ``chain_block`` is the selected-chain block of ``number``.

    ``block`` is the block that carried it first, ``index`` its place in the canonical order, ``lane`` its
    sender's shard; prices in wei.
    """

    number: int
    index: int
    tx: bytes
    block: bytes
    chain_block: bytes
    timestamp_ms: int
    phase: int
    lane: int
    status: int
    gas_used: int
    cumulative_gas_used: int
    effective_gas_price: int
    contract_address: bytes | None
    first_log: int
    log_count: int
    raw: bytes
    sender: bytes


@dataclass(frozen=True, slots=True)
class TransactionView:
    """A stored transaction; ``number`` and ``index`` where it is accepted."""

    hash: bytes
    raw: bytes
    sender: bytes
    nonce: int
    number: int | None
    index: int | None


@dataclass(frozen=True, slots=True)
class IncludingBlock:
    """A block that carries a transaction, at ``position`` of its body."""

    hash: bytes
    position: int
    stream: int
    number: int
    timestamp_ms: int
    merged_by: int | None
    is_blue: bool | None


@dataclass(frozen=True, slots=True)
class SkipView:
    """An epoch of the selected chain that left a transaction out."""

    number: int
    tx: bytes
    block: bytes
    reason: SkipReason


# of an acceptance a, its chain block c, that block's epoch e and the transaction t
ACCEPTANCE_COLUMNS = (
    'a.number, a."index", a.tx, a.block, c.hash, e.timestamp_ms, a.phase, a.lane, a.status, a.gas_used,'
    " a.cumulative_gas_used, a.effective_gas_price, a.contract_address, a.first_log, a.log_count, t.raw, t.sender"
)
_ACCEPTANCE = (
    f"SELECT {ACCEPTANCE_COLUMNS} FROM ({{source}}) a"  # noqa: S608 - our own names
    " JOIN chain_selected_chain c ON c.number = a.number"
    " JOIN chain_epoch e ON e.hash = c.hash JOIN chain_transaction t ON t.hash = a.tx{order}"
)
_TRANSACTION = (
    'SELECT t.hash, t.raw, t.sender, t.nonce, a.number, a."index" FROM chain_transaction t'
    " LEFT JOIN chain_acceptance a ON a.tx = t.hash "
)


def acceptance(row: Any) -> AcceptanceView:
    """An acceptance from a row that begins with ``ACCEPTANCE_COLUMNS``."""
    return AcceptanceView(*row[:11], int(row[11]), *row[12:17])


def _transaction(row: Any) -> TransactionView:
    return TransactionView(row[0], row[1], row[2], int(row[3]), row[4], row[5])


def _skip(row: Any) -> SkipView:
    return SkipView(row[0], row[1], row[2], SKIP_REASONS[row[3]])


# (hash)
TRANSACTION: Query[TransactionView] = Query(f"{_TRANSACTION}WHERE t.hash = %s", _transaction)
# (sender, nonce): every stored version of it, the accepted one first
BY_SENDER_AND_NONCE: Query[TransactionView] = Query(
    f"{_TRANSACTION}WHERE t.sender = %s AND t.nonce = %s ORDER BY a.number NULLS LAST, t.hash", _transaction
)


def acceptances(
    where: str, way: str = "", source: str = "chain_acceptance a", *, cut: bool = True
) -> Query[AcceptanceView]:
    """A question for acceptances; ``way`` is ASC or DESC in canonical order and then takes a limit as last parameter.

    Without ``cut`` there is no limit.

    The page is cut before anything is joined to it: a plan that joins first walks through all that is newer.
    """
    order = f' ORDER BY a.number {way}, a."index" {way}' if way else ""
    limit = f"{order} LIMIT %s" if way and cut else ""
    rows = f"SELECT a.* FROM {source} WHERE {where}{limit}"  # noqa: S608 - our own names
    return Query(_ACCEPTANCE.format(source=rows, order=order), acceptance)


# (hash)
ACCEPTANCE = acceptances("a.tx = %s")
# (number and index below which to go on, limit): newest first
NEWEST_ACCEPTANCES = acceptances('(a.number, a."index") < (%s, %s)', "DESC")
# (number and index above which to go on, limit): oldest first
ACCEPTANCES_AFTER = acceptances('(a.number, a."index") > (%s, %s)', "ASC")
# (number, first index, limit): a stretch of an epoch's, in canonical order
ACCEPTANCES_OF = acceptances('a.number = %s AND a."index" >= %s', "ASC")
_PLACES = "unnest(%s::bigint[], %s::integer[]) k(number, place) JOIN chain_acceptance a ON a.number = k.number"
# (numbers, indexes, limit): these places, newest first
ACCEPTANCES_AT = acceptances('a."index" = k.place', "DESC", _PLACES)
# (numbers, indexes): these places, oldest first
ACCEPTANCES_AT_ALL = acceptances('a."index" = k.place', "ASC", _PLACES, cut=False)
# (number, index)
ACCEPTANCE_AT = acceptances('a.number = %s AND a."index" = %s')
# (number): an epoch's, in canonical order
ACCEPTANCES_OF_ALL = acceptances("a.number = %s", "ASC", cut=False)
# (hash, limit): by insertion
INCLUDING_BLOCKS: Query[IncludingBlock] = Query(
    "SELECT b.hash, p.position, b.stream, b.number, b.timestamp_ms, o.number, o.is_blue"
    " FROM chain_block_transaction p JOIN chain_block b ON b.hash = p.block"
    " LEFT JOIN chain_consensus_order o ON o.hash = b.hash WHERE p.tx = %s ORDER BY b.seq LIMIT %s",
    columns_as(IncludingBlock),
)
# (hash, limit): oldest first
SKIPS_OF: Query[SkipView] = Query(
    "SELECT number, tx, block, reason FROM chain_skipped WHERE tx = %s ORDER BY number LIMIT %s", _skip
)
# (number, limit)
SKIPPED: Query[SkipView] = Query(
    "SELECT number, tx, block, reason FROM chain_skipped WHERE number = %s ORDER BY ordinal LIMIT %s", _skip
)
