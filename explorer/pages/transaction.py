"""One transaction: in which state it is, what it did, and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from redis import Redis
from redis.exceptions import RedisError

from chain.core.shards import shard_of
from chain.core.transactions import decode_transaction
from chain.core.types import Log, Transaction
from chain.selectors.query import Query
from chain.selectors.stats import STANDING, Standing
from chain.selectors.transactions import (
    ACCEPTANCE,
    BY_SENDER_AND_NONCE,
    INCLUDING_BLOCKS,
    SKIPS_OF,
    TRANSACTION,
    AcceptanceView,
    IncludingBlock,
    SkipView,
)
from chain.services.network import current_spec
from chain.services.pool import Pool
from chain.services.pool.browse import missing_nonce
from chain.services.pool.settings import pool_policy
from chain.stores.connection import Connection, database_errors
from explorer.contract_abi import ContractAbi
from explorer.decoding import Decoded, decode_input, decode_log
from explorer.pages.internal import Inside, calls_of_transaction
from explorer.pages.moved import MovedToken, moved_tokens
from explorer.published import abis_of
from explorer.selectors.contracts import CONTRACT

SHOWN_LOGS = 100
SHOWN_BLOCKS = 50
SHOWN_INTERNAL = 100


class TransactionState(StrEnum):
    """Where a transaction stands.

    ``carried``: blocks hold it, the selected chain has not merged them, or has undone what it did.
    ``replaced``: another transaction took its nonce.
    """

    ACCEPTED = "accepted"
    PENDING = "pending"
    SKIPPED = "skipped"
    CARRIED = "carried"
    REPLACED = "replaced"


@dataclass(frozen=True, slots=True)
class InsidePlace:
    """Which calls inside a transaction are asked for: those after an ordinal, all or what moved something."""

    after: int = -1
    only_moved: bool = False


@dataclass(frozen=True, slots=True)
class ShownLog:
    """A log with its index in the block, and what it says where its event is known."""

    index: int
    log: Log
    decoded: Decoded | None


@dataclass(frozen=True, slots=True)
class TransactionPage:
    """A transaction; ``acceptance`` and what follows it only where it took effect.

    ``lane`` and ``to_shard`` are shards; ``replaced_by`` is the accepted one with the same nonce; ``missing_nonce`` is
    the one of its sender that it waits for in the pool, None where it waits for none.
    """

    tx: Transaction
    raw_size: int
    state: TransactionState
    acceptance: AcceptanceView | None
    standing: Standing
    base_fee: int
    call: Decoded | None
    is_to_contract: bool
    logs: tuple[ShownLog, ...]
    blocks: tuple[IncludingBlock, ...]
    skips: tuple[SkipView, ...]
    replaced_by: bytes | None
    arrival_ms: int | None
    is_pool_known: bool
    lane: int
    to_shard: int | None
    inside: Inside | None = None
    tokens: tuple[MovedToken, ...] = ()
    missing_nonce: int | None = None

    @property
    def target(self) -> bytes | None:
        """Who it went to, or the contract that it made."""
        if self.tx.to is not None:
            return self.tx.to
        return self.acceptance.contract_address if self.acceptance else None

    @property
    def sent_token(self) -> MovedToken | None:
        """What the sender sent by calling a token's ``transfer``, where that is all that it did."""
        if self.call is None or self.call.name != "transfer" or len(self.tokens) != 1:
            return None
        (moved,) = self.tokens
        return moved if moved.token == self.tx.to and moved.move.sender == self.tx.sender else None

    @property
    def is_success(self) -> bool:
        """Whether it took effect without failing."""
        return self.acceptance is not None and bool(self.acceptance.status)

    @property
    def crosses(self) -> bool:
        """Whether its sender and its target lie in different shards."""
        return self.to_shard is not None and self.lane != self.to_shard

    @property
    def fee(self) -> int | None:
        """Wei paid for gas."""
        found = self.acceptance
        return found.gas_used * found.effective_gas_price if found else None

    @property
    def burned(self) -> int | None:
        """The base fee's part of it."""
        return self.acceptance.gas_used * self.base_fee if self.acceptance else None

    @property
    def tip(self) -> int | None:
        """What went to the miner of the block that carried it."""
        return None if self.fee is None or self.burned is None else self.fee - self.burned

    @property
    def confirmations(self) -> int:
        """Blocks of the selected chain from the accepting one to the sink."""
        return self.standing.number - self.acceptance.number + 1 if self.acceptance else 0

    @property
    def is_final(self) -> bool:
        """Whether no reorganisation can undo it any more."""
        return self.acceptance is not None and self.acceptance.number <= self.standing.finality_number

    @property
    def max_cost(self) -> int:
        """The most wei that it may cost its sender."""
        return self.tx.upfront


_LOGS: Query[tuple[int, Log]] = Query(
    'SELECT "index", address, topic0, topic1, topic2, topic3, data FROM chain_log'
    ' WHERE number = %s AND "index" >= %s AND "index" < %s ORDER BY "index"',
    lambda row: (row[0], Log(row[1], tuple([topic for topic in row[2:6] if topic is not None]), bytes(row[6]))),
)
# (number): base fee of an epoch in wei per gas
_BASE_FEE: Query[int] = Query(
    "SELECT e.base_fee FROM chain_selected_chain c JOIN chain_epoch e ON e.hash = c.hash WHERE c.number = %s",
    lambda row: int(row[0]),
)


def transaction_page(
    conn: Connection, redis: Redis, tx_hash: bytes, inside: InsidePlace | None = None
) -> TransactionPage | None:
    """Read the page of a transaction, pending ones too; None where no one knows it.

    ``inside`` says which calls inside it are shown; none are without.

    Raises
    ------
    StoreError
        ``database_*``.  Without Redis the page stands, and says that the pool was not asked.
    """
    with database_errors():
        standing = STANDING.one(conn)
        stored = TRANSACTION.one(conn, tx_hash)
    if standing is None:
        return None
    raw = sender = arrival = missing = None
    is_pool_known = True
    if stored is not None:
        raw, sender = bytes(stored.raw), bytes(stored.sender)
    if stored is None or stored.number is None:
        try:
            entry = Pool(redis, pool_policy(current_spec())).get(tx_hash)
            missing = missing_nonce(entry, redis) if entry is not None else None
        except RedisError:
            entry, is_pool_known = None, False
        if entry is not None:
            raw, sender, arrival = entry.raw, entry.sender, entry.arrival_ms
    if raw is None or sender is None:
        return None
    tx = decode_transaction(raw, sender)
    with database_errors():
        page = _page(conn, tx, len(raw), standing, arrival, is_pool_known, inside)
    return replace(page, missing_nonce=missing)


def _page(
    conn: Connection,
    tx: Transaction,
    size: int,
    standing: Standing,
    arrival: int | None,
    is_pool_known: bool,
    place: InsidePlace | None,
) -> TransactionPage:
    acceptance = ACCEPTANCE.one(conn, tx.hash)
    blocks = INCLUDING_BLOCKS.all(conn, tx.hash, SHOWN_BLOCKS)
    skips = SKIPS_OF.all(conn, tx.hash, SHOWN_BLOCKS)
    logs: list[tuple[int, Log]] = []
    base_fee, replaced_by = standing.next_base_fee, None
    if acceptance is not None:
        base_fee = _BASE_FEE.one(conn, acceptance.number) or 0
        count = min(acceptance.log_count, SHOWN_LOGS)
        if count:
            logs = _LOGS.all(conn, acceptance.number, acceptance.first_log, acceptance.first_log + count)
    else:
        taken = BY_SENDER_AND_NONCE.one(conn, tx.sender, tx.nonce)
        if taken is not None and taken.number is not None and taken.hash != tx.hash:
            replaced_by = taken.hash
    is_contract = tx.to is None or CONTRACT.one(conn, tx.to) is not None
    called = tx.to if is_contract and tx.data else None
    abis = abis_of(conn, [called, *[log.address for _, log in logs]])
    own = abis.get(called) if called is not None else None
    inside = None
    if acceptance is not None and is_contract and place is not None:
        inside = calls_of_transaction(conn, acceptance, place.after, SHOWN_INTERNAL, only_moved=place.only_moved)
    spec = current_spec()
    return TransactionPage(
        tx=tx,
        raw_size=size,
        state=_state(acceptance is not None, replaced_by is not None, arrival is not None, bool(skips)),
        acceptance=acceptance,
        standing=standing,
        base_fee=base_fee,
        call=decode_input(tx.data, own.functions if own else None) if tx.to is not None else None,
        is_to_contract=is_contract,
        logs=tuple([_shown(index, log, abis.get(log.address)) for index, log in logs]),
        blocks=tuple(blocks),
        skips=tuple(skips),
        replaced_by=replaced_by,
        arrival_ms=arrival,
        is_pool_known=is_pool_known,
        lane=acceptance.lane if acceptance else shard_of(tx.sender, spec.shard_count),
        to_shard=None if tx.to is None else shard_of(tx.to, spec.shard_count),
        inside=inside,
        tokens=moved_tokens(conn, [log for _, log in logs]),
    )


def _state(is_accepted: bool, is_replaced: bool, is_pooled: bool, is_skipped: bool) -> TransactionState:
    if is_accepted:
        return TransactionState.ACCEPTED
    if is_replaced:
        return TransactionState.REPLACED
    if is_pooled:
        return TransactionState.PENDING
    return TransactionState.SKIPPED if is_skipped else TransactionState.CARRIED


def _shown(index: int, log: Log, abi: ContractAbi | None) -> ShownLog:
    return ShownLog(index, log, decode_log(log, abi.events if abi else None))
