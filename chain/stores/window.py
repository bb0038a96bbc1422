"""The part of the stored DAG that a warm start takes into memory."""

from __future__ import annotations

from collections.abc import Iterable

from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.load import StoredBlock
from chain.stores.rows import (
    EPOCH_COLUMNS,
    HEADER_COLUMNS,
    PLACE_COLUMNS,
    StoredEpoch,
    columns,
    epoch_of,
    record_of,
    status_of,
)

OrderKey = tuple[int, bytes, int, bytes, bytes]


def load_window(conn: Connection, least_weight: int) -> list[StoredBlock]:
    """Every block of at least this weight, in the order of insertion."""
    with database_errors():
        rows = cursor(conn).execute(
            f"SELECT {columns(HEADER_COLUMNS)}, {columns(PLACE_COLUMNS)}, status FROM chain_block"  # noqa: S608
            " WHERE weight >= %s ORDER BY seq",
            (least_weight,),
            binary=True,
        )
        return [StoredBlock(record_of(row), status_of(row[-1])) for row in rows]


def chain_weight_below(conn: Connection, chain_block: bytes, depth: int) -> int:
    """Weight of the highest selected-chain block at least ``depth`` work_score below one of it, else 0."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                # work_score never falls along the chain: walk down from the block, not up from genesis
                "SELECT b.weight FROM chain_block f, chain_selected_chain c JOIN chain_block b ON b.hash = c.hash"
                " WHERE f.hash = %s AND c.number <= f.number AND b.work_score <= f.work_score - %s"
                " ORDER BY c.number DESC LIMIT 1",
                (chain_block, depth),
                binary=True,
            )
            .fetchone()
        )
    return 0 if row is None else int(row[0])


def load_order_keys(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, OrderKey]:
    """Order keys (weight, line, blue_score, lot, hash) of stored blocks."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT weight, line, blue_score, lot, hash FROM chain_block WHERE hash = ANY(%s)",
            (list(hashes),),
            binary=True,
        )
        return {row[4]: (int(row[0]), *row[1:]) for row in rows}


def is_stored(conn: Connection, block: bytes) -> bool:
    """Whether the DAG ever held the block."""
    with database_errors():
        return cursor(conn).execute("SELECT 1 FROM chain_block WHERE hash = %s", (block,)).fetchone() is not None


def load_epoch_on_chain(conn: Connection, block: bytes) -> StoredEpoch | None:
    """The epoch of a block if the committed selected chain holds it."""
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                f"SELECT {columns(EPOCH_COLUMNS, 'e.')} FROM chain_epoch e"  # noqa: S608 - our own names
                " JOIN chain_selected_chain c ON c.hash = e.hash WHERE e.hash = %s",
                (block,),
                binary=True,
            )
            .fetchone()
        )
    return None if row is None else epoch_of(row)
