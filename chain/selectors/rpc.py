"""What the JSON-RPC reads, on an asynchronous connection; every row that could show a newer commit than the
reader knows of comes with the commit's sequence.

Each function is one statement, so that what it returns is of one commit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg

from chain.core.types import Account, Header, Log
from chain.selectors.transactions import (
    ACCEPTANCE_AT,
    ACCEPTANCE_COLUMNS,
    ACCEPTANCES_AT_ALL,
    ACCEPTANCES_OF_ALL,
    AcceptanceView,
    acceptance,
)
from chain.stores.rows import (
    EPOCH_COLUMNS,
    HEADER_COLUMNS,
    PLACE_COLUMNS,
    StoredEpoch,
    account_of,
    columns,
    epoch_of,
    header_of,
    slot_of,
)

AsyncConnection = psycopg.AsyncConnection[Any]

_SEQUENCE = "(SELECT sequence FROM chain_node_state)"
_HEADER = columns(HEADER_COLUMNS, "b.")
_PLACE = columns(PLACE_COLUMNS, "b.")
_EPOCH = columns(EPOCH_COLUMNS, "e.")
_LOG = 'l.number, l."index", l.tx_index, l.address, l.topic0, l.topic1, l.topic2, l.topic3, l.data'


@dataclass(frozen=True, slots=True)
class ChainBlock:
    """A block of the selected chain with its epoch; ``size`` in bytes, ``lot`` is its PREVRANDAO.

    ``transactions`` are hashes of the accepted ones in canonical order.
    """

    hash: bytes
    header: Header
    epoch: StoredEpoch
    blues: tuple[bytes, ...]
    reds: tuple[bytes, ...]
    lot: bytes
    size: int
    transactions: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log with its place; ``tx`` and ``chain_hash`` name transaction and block, ``timestamp`` is the block's in s."""

    number: int
    index: int
    tx_index: int
    log: Log
    tx: bytes
    chain_hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True)
class FoundTransaction:
    """A stored transaction, accepted or only carried by blocks, as of ``sequence``."""

    raw: bytes
    sender: bytes
    accepted: AcceptanceView | None
    sequence: int


@dataclass(frozen=True, slots=True)
class FeeRow:
    """An epoch as fee estimates need it."""

    number: int
    base_fee: int
    next_base_fee: int
    gas_used: int
    tx_count: int


async def _one(conn: AsyncConnection, sql: str, args: Sequence[Any] = ()) -> Any:
    return await (await conn.execute(sql, args, binary=True)).fetchone()


async def _all(conn: AsyncConnection, sql: str, args: Sequence[Any] = ()) -> list[Any]:
    return await (await conn.execute(sql, args, binary=True)).fetchall()


# ---- where the chain stands ----

_HEAD = """
SELECT n.sequence, n.sink, n.sink_number, b.timestamp_ms, b.blue_score, b.work_score, b.stream, b.base_fee,
       e.next_base_fee, f.number, cardinality(n.tips), n.updated_ms
FROM chain_node_state n
JOIN chain_block b ON b.hash = n.sink
JOIN chain_epoch e ON e.hash = n.sink
JOIN chain_block f ON f.hash = n.finality_point
"""
_UNDER = """
SELECT c.number FROM chain_selected_chain c JOIN chain_block b ON b.hash = c.hash
WHERE b.work_score <= %s ORDER BY c.number DESC LIMIT 1
"""


async def head(conn: AsyncConnection) -> tuple[Any, ...] | None:
    """The columns of ``_HEAD``: where the last commit stands; None before the chain is initialised."""
    row: tuple[Any, ...] | None = await _one(conn, _HEAD)
    return row


async def number_under(conn: AsyncConnection, work_score: int) -> int:
    """The newest chain block with at most this work_score, else genesis."""
    row = await _one(conn, _UNDER, (work_score,))
    return row[0] if row else 0


async def chain_hash(conn: AsyncConnection, number: int) -> bytes | None:
    """The selected-chain block of a number."""
    row = await _one(conn, "SELECT hash FROM chain_selected_chain WHERE number = %s", (number,))
    return row[0] if row else None


async def chain_number(conn: AsyncConnection, block_hash: bytes) -> int | None:
    """The number of a block of the selected chain."""
    row = await _one(conn, "SELECT number FROM chain_selected_chain WHERE hash = %s", (block_hash,))
    return row[0] if row else None


async def is_block(conn: AsyncConnection, block_hash: bytes) -> bool:
    """Whether the DAG has this block."""
    return await _one(conn, "SELECT 1 FROM chain_block WHERE hash = %s", (block_hash,)) is not None


# ---- state ----

_ACCOUNT = "SELECT nonce, balance, code_hash FROM chain_account_current WHERE shard = %s AND address = %s"
_ACCOUNT_AT = (
    "SELECT nonce, balance, code_hash FROM chain_account_version"
    " WHERE shard = %s AND address = %s AND number <= %s ORDER BY number DESC LIMIT 1"
)
_ACCOUNTS = (
    "SELECT k.address, a.nonce, a.balance, c.code, n.sequence"
    " FROM chain_node_state n CROSS JOIN unnest(%s::smallint[], %s::bytea[]) k(shard, address)"
    " LEFT JOIN LATERAL (SELECT nonce, balance, code_hash FROM chain_account_current o"
    "  WHERE o.shard = k.shard AND o.address = k.address OFFSET 0) a ON true"
    " LEFT JOIN chain_code c ON c.hash = a.code_hash"
)
_SLOT_AT = (
    "SELECT value FROM chain_slot_version"
    " WHERE shard = %s AND address = %s AND slot = %s AND number <= %s ORDER BY number DESC LIMIT 1"
)


async def account(conn: AsyncConnection, shard: int, address: bytes, number: int | None) -> Account | None:
    """An account after the epoch of ``number``, at the sink where it is None."""
    if number is None:
        row = await _one(conn, _ACCOUNT, (shard, address))
    else:
        row = await _one(conn, _ACCOUNT_AT, (shard, address, number))
    return account_of(row[0], row[1], row[2]) if row else None


async def senders(
    conn: AsyncConnection, shards: Sequence[int], addresses: Sequence[bytes]
) -> list[tuple[bytes, int | None, Any, bytes | None, int]]:
    """(address, nonce, balance, code, sequence) at the sink, all of one commit; nulls where there is no account."""
    return await _all(conn, _ACCOUNTS, (list(shards), list(addresses)))


async def slot(conn: AsyncConnection, shard: int, address: bytes, place: int, number: int) -> int:
    """A storage slot after the epoch of ``number``."""
    row = await _one(conn, _SLOT_AT, (shard, address, place.to_bytes(32, "big"), number))
    return slot_of(row[0]) if row else 0


async def code(conn: AsyncConnection, code_hash: bytes) -> bytes | None:
    """Code by its hash."""
    row = await _one(conn, "SELECT code FROM chain_code WHERE hash = %s", (code_hash,))
    return bytes(row[0]) if row else None


# ---- blocks and transactions as a linear chain ----

_BLOCK = (
    f"SELECT {_HEADER}, {_PLACE}, b.size,"  # noqa: S608 - our own names
    ' ARRAY(SELECT a.tx FROM chain_acceptance a WHERE a.number = c.number ORDER BY a."index"),'
    f" {_EPOCH} FROM chain_selected_chain c"
    " JOIN chain_block b ON b.hash = c.hash JOIN chain_epoch e ON e.hash = c.hash WHERE c."
)
_PLACE_AT = len(HEADER_COLUMNS)
_SIZE_AT = _PLACE_AT + len(PLACE_COLUMNS)
_TRANSACTION = (
    f"SELECT {ACCEPTANCE_COLUMNS}, {_SEQUENCE} FROM chain_transaction t"  # noqa: S608 - our own names
    " LEFT JOIN chain_acceptance a ON a.tx = t.hash"
    " LEFT JOIN chain_selected_chain c ON c.number = a.number"
    " LEFT JOIN chain_epoch e ON e.hash = c.hash WHERE t.hash = %s"
)
_LOGS_OF = (
    f"SELECT {_LOG}, a.tx, c.hash, b.timestamp_ms FROM chain_log l"  # noqa: S608
    ' JOIN chain_acceptance a ON a.number = l.number AND a."index" = l.tx_index'
    " JOIN chain_selected_chain c ON c.number = l.number JOIN chain_block b ON b.hash = c.hash WHERE "
)


async def block(conn: AsyncConnection, key: int | bytes) -> ChainBlock | None:
    """A block of the selected chain, by number or hash."""
    column = "number" if isinstance(key, int) else "hash"
    row = await _one(conn, f"{_BLOCK}{column} = %s", (key,))
    if row is None:
        return None
    place = row[_PLACE_AT:_SIZE_AT]
    return ChainBlock(
        hash=row[0],
        header=header_of(row),
        epoch=epoch_of(row[_SIZE_AT + 2 :]),
        blues=tuple(place[1]),
        reds=tuple(place[2]),
        lot=place[6],
        size=row[_SIZE_AT],
        transactions=tuple(row[_SIZE_AT + 1]),
    )


async def accepted_of(conn: AsyncConnection, number: int) -> list[AcceptanceView]:
    """An epoch's accepted transactions in canonical order."""
    return await ACCEPTANCES_OF_ALL.aall(conn, number)


async def accepted_at(conn: AsyncConnection, number: int, index: int) -> AcceptanceView | None:
    """The accepted transaction at a place of the canonical order."""
    return await ACCEPTANCE_AT.aone(conn, number, index)


async def transaction(conn: AsyncConnection, tx_hash: bytes) -> FoundTransaction | None:
    """A stored transaction by hash."""
    row = await _one(conn, _TRANSACTION, (tx_hash,))
    if row is None:
        return None
    taken = acceptance(row) if row[0] is not None else None
    return FoundTransaction(row[15], row[16], taken, row[17])


async def accepted_places(conn: AsyncConnection, places: Sequence[tuple[int, int]]) -> list[AcceptanceView]:
    """The accepted transactions at places (number, index) of the canonical order, ascending."""
    numbers, indexes = [number for number, _ in places], [index for _, index in places]
    return await ACCEPTANCES_AT_ALL.aall(conn, numbers, indexes)


async def raw_transactions(conn: AsyncConnection, hashes: Sequence[bytes]) -> dict[bytes, tuple[bytes, bytes]]:
    """(envelope, sender) of those that are stored."""
    rows = await _all(conn, "SELECT hash, raw, sender FROM chain_transaction WHERE hash = ANY(%s)", (list(hashes),))
    return {row[0]: (row[1], row[2]) for row in rows}


async def body(conn: AsyncConnection, block_hash: bytes) -> list[bytes]:
    """Envelopes of a block's own transactions in body order."""
    rows = await _all(
        conn,
        "SELECT t.raw FROM chain_block_transaction p JOIN chain_transaction t ON t.hash = p.tx"
        " WHERE p.block = %s ORDER BY p.position",
        (block_hash,),
    )
    return [row[0] for row in rows]


async def logs_between(conn: AsyncConnection, number: int, first: int, count: int) -> list[StoredLog]:
    """Some of an epoch's logs, by index."""
    where = 'l.number = %s AND l."index" >= %s AND l."index" < %s ORDER BY l."index"'
    return [_log(row) for row in await _all(conn, _LOGS_OF + where, (number, first, first + count))]


async def logs_at(conn: AsyncConnection, places: Sequence[tuple[int, int]]) -> list[StoredLog]:
    """All logs of the transactions at places (number, index of the transaction), in order."""
    where = (
        "l.number = ANY(%s) AND (l.number, l.tx_index) IN (SELECT * FROM unnest(%s::bigint[], %s::integer[]))"
        ' ORDER BY l.number, l."index"'
    )
    numbers, indexes = [number for number, _ in places], [index for _, index in places]
    return [_log(row) for row in await _all(conn, _LOGS_OF + where, (sorted(set(numbers)), numbers, indexes))]


async def logs(
    conn: AsyncConnection,
    first: int,
    last: int,
    addresses: Sequence[bytes],
    topics: Sequence[Sequence[bytes]],
    limit: int,
) -> list[StoredLog]:
    """Logs of the epochs ``first`` to ``last`` that fit, in order, at most ``limit``.

    An empty choice at a position of ``topics`` fits every log that has as many topics.
    """
    where, args = ["l.number BETWEEN %s AND %s"], [first, last]
    if addresses:
        where.append("l.address = ANY(%s)")
        args.append(list(addresses))  # type: ignore[arg-type]
    for place, choice in enumerate(topics):
        if choice:
            where.append(f"l.topic{place} = ANY(%s)")
            args.append(list(choice))  # type: ignore[arg-type]
    text = f'{_LOGS_OF}{" AND ".join(where)} ORDER BY l.number, l."index" LIMIT %s'
    return [_log(row) for row in await _all(conn, text, (*args, limit))]


async def fee_rows(conn: AsyncConnection, first: int, last: int) -> list[FeeRow]:
    """Epochs of a range of numbers, ascending."""
    rows = await _all(
        conn,
        "SELECT c.number, e.base_fee, e.next_base_fee, e.gas_used, e.tx_count FROM chain_selected_chain c"
        " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number BETWEEN %s AND %s ORDER BY c.number",
        (first, last),
    )
    return [FeeRow(row[0], int(row[1]), int(row[2]), row[3], row[4]) for row in rows]


async def tips_paid(conn: AsyncConnection, first: int, last: int) -> list[tuple[int, int, int]]:
    """(number, effective tip in wei per gas, gas used) of every accepted transaction of a range of epochs."""
    rows = await _all(
        conn,
        "SELECT c.number, a.effective_gas_price - e.base_fee, a.gas_used FROM chain_selected_chain c"
        " JOIN chain_epoch e ON e.hash = c.hash JOIN chain_acceptance a ON a.number = c.number"
        " WHERE c.number BETWEEN %s AND %s",
        (first, last),
    )
    return [(row[0], int(row[1]), row[2]) for row in rows]


async def recent_tips(conn: AsyncConnection, last: int, depth: int, limit: int) -> list[int]:
    """Effective tips in wei per gas of transactions accepted in the newest ``depth`` epochs, newest epochs first."""
    rows = await _all(
        conn,
        "SELECT a.effective_gas_price - e.base_fee FROM chain_acceptance a"
        " JOIN chain_selected_chain c ON c.number = a.number JOIN chain_epoch e ON e.hash = c.hash"
        " WHERE a.number > %s AND a.number <= %s ORDER BY a.number DESC LIMIT %s",
        (last - depth, last, limit),
    )
    return [int(row[0]) for row in rows]


def _log(row: Sequence[Any]) -> StoredLog:
    topics = tuple([topic for topic in row[4:8] if topic is not None])
    return StoredLog(row[0], row[1], row[2], Log(row[3], topics, bytes(row[8])), row[9], row[10], row[11] // 1000)
