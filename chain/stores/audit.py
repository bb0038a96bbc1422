"""Reading everything that is stored, in bounded parts and in one snapshot, for those who check it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import psycopg

from chain.core.consensus.model import BlockRecord
from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.epochs import ACCEPTANCE_COLUMNS, ACCOUNT_VERSION_COLUMNS, LOG_COLUMNS, SKIPPED_COLUMNS
from chain.stores.epochs import SLOT_VERSION_COLUMNS as SLOT_VERSIONS
from chain.stores.rows import (
    ARRIVAL_COLUMNS,
    EPOCH_COLUMNS,
    HEADER_COLUMNS,
    PLACE_COLUMNS,
    StoredEpoch,
    columns,
    epoch_of,
    record_of,
)

# bytes of blocks that one read brings into memory; a read has at least one block
MAX_READ_BYTES = 16 * 1024 * 1024
ORDER_COLUMNS = (("number", "int8"), ("position", "int4"), ("hash", "bytea"), ("is_blue", "bool"))
# tables with rows of an epoch's number, their columns and their order within a number
BY_NUMBER: tuple[tuple[str, tuple[tuple[str, str], ...], str], ...] = (
    ("chain_consensus_order", ORDER_COLUMNS, "number, position"),
    ("chain_acceptance", ACCEPTANCE_COLUMNS, 'number, "index"'),
    ("chain_log", LOG_COLUMNS, 'number, "index"'),
    ("chain_skipped", SKIPPED_COLUMNS, "number, ordinal"),
    ("chain_account_version", ACCOUNT_VERSION_COLUMNS, "number, shard, address"),
    ("chain_slot_version", SLOT_VERSIONS, "number, shard, address, slot"),
)


@dataclass(frozen=True, slots=True)
class BodyRow:
    """A place in a body and the transaction there; the last three are None where no such row is."""

    position: int
    hash: bytes
    sender: bytes | None
    nonce: int | None
    raw: bytes | None


@dataclass(frozen=True, slots=True)
class AuditedBlock:
    """A stored block with everything that its rows claim."""

    seq: int
    record: BlockRecord
    status: str
    source: str
    received_ms: int
    size: int
    tx_count: int
    body: tuple[BodyRow, ...]


@contextmanager
def snapshot(conn: Connection) -> Iterator[None]:
    """One unchanging view of the database for as long as it takes; the writer goes on meanwhile.

    ``conn`` is a connection of one's own, in autocommit, with no transaction open.
    """
    with database_errors():
        conn.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
        conn.read_only = True
        with conn.transaction():
            unhurried(conn)
            # ranges of numbers are read by index: the tables are large and read once in many parts
            conn.execute("SET LOCAL enable_seqscan = off")
            yield


def unhurried(conn: Connection) -> None:
    """Lift the time limits of a serving node for the running transaction."""
    for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout"):
        conn.execute(f"SET LOCAL {name} = 0")


def count_blocks(conn: Connection) -> int:
    """Blocks in the DAG, genesis among them."""
    return _number(conn, "SELECT count(*) FROM chain_block")


def count_above(conn: Connection, number: int) -> dict[str, int]:
    """Rows of each table by number that lie above the sink's."""
    tables = ("chain_selected_chain", *[table for table, _, _ in BY_NUMBER])
    return {
        table: _number(conn, f"SELECT count(*) FROM {table} WHERE number > %s", number)  # noqa: S608
        for table in tables
    }


def count_rows(conn: Connection, table: str) -> int:
    """Rows of one of the chain's tables."""
    return _number(conn, f"SELECT count(*) FROM {table}")  # noqa: S608 - our own names


def read_blocks(
    conn: Connection, after: int, limit: int, *, prefix: str = "chain_", within: tuple[int, int] | None = None
) -> list[AuditedBlock]:
    """The next blocks after an insertion number, ascending, with their bodies; at most ``MAX_READ_BYTES``.

    ``prefix`` names copies of the tables of blocks, of places and of transactions; ``within`` leaves out what the
    selected chain did not merge between two numbers.
    """
    merged = " AND hash IN (SELECT hash FROM chain_consensus_order WHERE number BETWEEN %s AND %s)" if within else ""
    with database_errors():
        rows = (
            cursor(conn)
            .execute(
                f"SELECT seq, {columns(ARRIVAL_COLUMNS)}, {columns(HEADER_COLUMNS)}, {columns(PLACE_COLUMNS)}"  # noqa: S608
                f" FROM {prefix}block WHERE seq > %s{merged} ORDER BY seq LIMIT %s",
                (after, *(within or ()), limit),
                binary=True,
            )
            .fetchall()
        )
        taken, size = 0, 0
        while taken < len(rows) and (taken == 0 or size + rows[taken][4] <= MAX_READ_BYTES):
            size += rows[taken][4]
            taken += 1
        bodies = _bodies(conn, [row[6] for row in rows[:taken]], prefix)
    return [
        AuditedBlock(row[0], record_of(row[6:]), row[1], row[2], row[3], row[4], row[5], tuple(bodies[row[6]]))
        for row in rows[:taken]
    ]


def count_exported(conn: Connection, bounds: tuple[int, int] | None) -> int:
    """Blocks but genesis; with bounds those that the selected chain merged between two numbers."""
    if bounds is None:
        return count_blocks(conn) - 1
    return _number(conn, "SELECT count(*) FROM chain_consensus_order WHERE number BETWEEN %s AND %s", *bounds)


def missing_edges(conn: Connection, edges: Sequence[tuple[bytes, bytes]]) -> list[tuple[bytes, bytes]]:
    """Those of the (parent, block) edges that are not stored."""
    with database_errors():
        return (
            cursor(conn)
            .execute(
                "SELECT parent, block FROM unnest(%s::bytea[], %s::bytea[]) e(parent, block) WHERE NOT EXISTS"
                " (SELECT 1 FROM chain_block_parent p WHERE p.parent = e.parent AND p.block = e.block)",
                ([parent for parent, _ in edges], [block for _, block in edges]),
                binary=True,
            )
            .fetchall()
        )


def read_statuses(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, str]:
    """Stored status of each block that is stored."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash, status FROM chain_block WHERE hash = ANY(%s)", (list(hashes),), binary=True
        )
        return dict(rows.fetchall())


def merged_until(conn: Connection, hashes: Sequence[bytes], number: int) -> frozenset[bytes]:
    """Those of the blocks that the selected chain merged up to a number."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash FROM chain_consensus_order WHERE hash = ANY(%s) AND number <= %s",
            (list(hashes), number),
            binary=True,
        )
        return frozenset([row[0] for row in rows])


def selected_parents(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, bytes | None]:
    """Stored selected parent of each block that is stored."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash, selected_parent FROM chain_block WHERE hash = ANY(%s)", (list(hashes),), binary=True
        )
        return dict(rows.fetchall())


def read_chain(conn: Connection, first: int, last: int) -> dict[int, bytes]:
    """The stored selected chain from ``first`` to ``last``, number → hash."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT number, hash FROM chain_selected_chain WHERE number BETWEEN %s AND %s", (first, last), binary=True
        )
        return dict(rows.fetchall())


def read_epochs(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, StoredEpoch]:
    """Stored epoch rows of blocks."""
    with database_errors():
        rows = cursor(conn).execute(
            f"SELECT {columns(EPOCH_COLUMNS)} FROM chain_epoch WHERE hash = ANY(%s)",  # noqa: S608
            (list(hashes),),
            binary=True,
        )
        return {row[0]: epoch_of(row) for row in rows}


def read_by_number(conn: Connection, first: int, last: int) -> dict[str, dict[int, list[tuple[Any, ...]]]]:
    """Rows of every table of ``BY_NUMBER`` from ``first`` to ``last``: table → number → rows in order."""
    found: dict[str, dict[int, list[tuple[Any, ...]]]] = {}
    with database_errors():
        for table, names, order in BY_NUMBER:
            place = [name for name, _ in names].index("number")
            groups = found[table] = {}
            for row in cursor(conn).execute(
                f"SELECT {columns(names)} FROM {table} WHERE number BETWEEN %s AND %s ORDER BY {order}",  # noqa: S608
                (first, last),
                binary=True,
            ):
                groups.setdefault(row[place], []).append(row)
    return found


def stream_accounts(conn: Connection) -> Iterator[tuple[int, bytes, int, Any, bytes | None]]:
    """Every current account: shard, address, nonce, balance, code hash."""
    return _stream(conn, "SELECT shard, address, nonce, balance, code_hash FROM chain_account_current")


def stream_slots(conn: Connection) -> Iterator[tuple[int, bytes, bytes, bytes]]:
    """Every current slot: shard, address, slot, value."""
    return _stream(conn, "SELECT shard, address, slot, value FROM chain_slot_current")


def stream_codes(conn: Connection) -> Iterator[tuple[bytes, bytes]]:
    """Every code with its hash."""
    return _stream(conn, "SELECT hash, code FROM chain_code")


def _bodies(conn: Connection, hashes: list[bytes], prefix: str) -> dict[bytes, list[BodyRow]]:
    bodies: dict[bytes, list[BodyRow]] = {block: [] for block in hashes}
    rows = cursor(conn).execute(
        "SELECT w.hash, p.position, p.tx, t.sender, t.nonce, t.raw FROM unnest(%s::bytea[]) w(hash)"  # noqa: S608
        f" CROSS JOIN LATERAL (SELECT position, tx FROM {prefix}block_transaction WHERE block = w.hash OFFSET 0) p"
        f" LEFT JOIN LATERAL (SELECT sender, nonce, raw FROM {prefix}transaction WHERE hash = p.tx OFFSET 0) t ON true"
        " ORDER BY w.hash, p.position",
        (hashes,),
        binary=True,
    )
    for block, position, tx, sender, nonce, raw in rows:
        bodies[block].append(BodyRow(position, tx, sender, None if nonce is None else int(nonce), raw))
    return bodies


def _stream(conn: Connection, query: str) -> Iterator[Any]:
    with database_errors(), psycopg.ServerCursor(conn, "audit") as rows:
        rows.itersize = 5_000
        rows.execute(query, binary=True)
        yield from rows


def _number(conn: Connection, query: str, *args: Any) -> int:
    with database_errors():
        row = cursor(conn).execute(query, args, binary=True).fetchone()
    return int(row[0]) if row else 0
