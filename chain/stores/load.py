"""What a writer needs to go on where the last commit ended, and bodies and undo data on demand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from chain.core.consensus.model import BlockRecord, VirtualSnapshot
from chain.core.errors import StoreError
from chain.core.transactions import decode_transaction
from chain.core.types import Account, BlockStatus, Header, StateDiff, Transaction
from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.rows import (
    EPOCH_COLUMNS,
    HEADER_COLUMNS,
    PLACE_COLUMNS,
    StoredEpoch,
    account_of,
    columns,
    epoch_of,
    header_of,
    record_of,
    slot_of,
    status_of,
)
from chain.stores.virtual import unpack_virtual


@dataclass(frozen=True, slots=True)
class NodeStateRow:
    """Where the chain stands as of the last commit; ``virtual`` is None right after ``init_chain``."""

    sequence: int
    sink: bytes
    sink_number: int
    finality_point: bytes
    tips: tuple[bytes, ...]
    virtual: VirtualSnapshot | None
    blocks_by_stream: tuple[int, ...]  # genesis, A, B, C
    accepted: int
    reorgs: int
    deepest_reorg: int


@dataclass(frozen=True, slots=True)
class StoredBlock:
    """A block of the DAG as a warm start needs it."""

    record: BlockRecord
    status: BlockStatus


def load_node_state(conn: Connection) -> NodeStateRow:
    """The one row of node state.

    Raises
    ------
    StoreError
        ``not_initialised`` before ``init_chain``.
    """
    with database_errors():
        row = (
            cursor(conn)
            .execute(
                "SELECT sequence, sink, sink_number, finality_point, tips, virtual, blocks_by_stream, accepted,"
                " reorgs, deepest_reorg FROM chain_node_state",
                binary=True,
            )
            .fetchone()
        )
    if row is None:
        raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
    virtual = None if row[5] is None else unpack_virtual(row[5])
    return NodeStateRow(*row[:4], tuple(row[4]), virtual, tuple(row[6]), *row[7:])


def load_blocks(
    conn: Connection, *, min_blue_score: int = 0, min_work_score: int = 0, from_hash: bytes | None = None
) -> list[StoredBlock]:
    """Blocks in the order in which they were inserted, parents before children.

    Parameters
    ----------
    min_blue_score, min_work_score : int
        Leave out blocks below.
    from_hash : bytes, optional
        Leave out blocks that were inserted before this one.

    Raises
    ------
    StoreError
        ``unknown_block`` when ``from_hash`` is not stored.
    """
    with database_errors():
        first = 0
        if from_hash is not None:
            row = cursor(conn).execute("SELECT seq FROM chain_block WHERE hash = %s", (from_hash,)).fetchone()
            if row is None:
                raise StoreError("unknown_block", hash=from_hash)
            first = row[0]
        rows = cursor(conn).execute(
            f"SELECT {columns(HEADER_COLUMNS)}, {columns(PLACE_COLUMNS)}, status FROM chain_block"  # noqa: S608
            " WHERE seq >= %s AND blue_score >= %s AND work_score >= %s ORDER BY seq",
            (first, min_blue_score, min_work_score),
            binary=True,
        )
        return [StoredBlock(record_of(found), status_of(found[-1])) for found in rows]


def load_records(
    conn: Connection, *, min_blue_score: int = 0, min_work_score: int = 0, from_hash: bytes | None = None
) -> list[BlockRecord]:
    """The records of ``load_blocks``."""
    found = load_blocks(conn, min_blue_score=min_blue_score, min_work_score=min_work_score, from_hash=from_hash)
    return [block.record for block in found]


def load_refused(conn: Connection, limit: int = 100_000) -> dict[bytes, str]:
    """Hash and error code of refused candidates, the newest ``limit``."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT hash, code FROM chain_candidate WHERE state = 'refused' ORDER BY id DESC LIMIT %s",
            (limit,),
            binary=True,
        )
        return dict(rows.fetchall())


def load_selected_chain(conn: Connection, from_number: int = 0) -> list[tuple[int, bytes]]:
    """(number, hash) of the selected chain, ascending."""
    with database_errors():
        return (
            cursor(conn)
            .execute(
                "SELECT number, hash FROM chain_selected_chain WHERE number >= %s ORDER BY number",
                (from_number,),
                binary=True,
            )
            .fetchall()
        )


def load_epochs(conn: Connection, from_number: int = 0) -> list[StoredEpoch]:
    """Executed epochs of the selected chain, ascending."""
    with database_errors():
        rows = cursor(conn).execute(
            f"SELECT {columns(EPOCH_COLUMNS, 'e.')} FROM chain_selected_chain c"  # noqa: S608 - our own names
            " JOIN chain_epoch e ON e.hash = c.hash WHERE c.number >= %s ORDER BY c.number",
            (from_number,),
            binary=True,
        )
        return [epoch_of(row) for row in rows]


def load_headers(conn: Connection, hashes: Iterable[bytes]) -> dict[bytes, Header]:
    """Headers of the blocks that are stored."""
    with database_errors():
        rows = cursor(conn).execute(
            f"SELECT {columns(HEADER_COLUMNS)} FROM chain_block WHERE hash = ANY(%s)",  # noqa: S608 - our own names
            (list(hashes),),
            binary=True,
        )
        return {row[0]: header_of(row) for row in rows}


def load_envelopes(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, tuple[tuple[bytes, bytes], ...]]:
    """(envelope, sender) of every transaction of each block, in body order, in one round trip.

    Raises
    ------
    StoreError
        ``missing_body`` when a body is not stored whole.
    """
    wanted = list(dict.fromkeys(hashes))
    with database_errors():
        counts: dict[bytes, int] = dict(
            cursor(conn)
            .execute("SELECT hash, tx_count FROM chain_block WHERE hash = ANY(%s)", (wanted,), binary=True)
            .fetchall()
        )
        # a plan of nested look-ups whatever the statistics say: blocks are few, the table is huge
        rows = cursor(conn).execute(
            "SELECT w.hash, t.raw, t.sender FROM unnest(%s::bytea[]) w(hash)"
            " CROSS JOIN LATERAL (SELECT position, tx FROM chain_block_transaction WHERE block = w.hash OFFSET 0) p"
            " CROSS JOIN LATERAL (SELECT raw, sender FROM chain_transaction WHERE hash = p.tx OFFSET 0) t"
            " ORDER BY w.hash, p.position",
            (wanted,),
            binary=True,
        )
        bodies: dict[bytes, list[tuple[bytes, bytes]]] = {block_hash: [] for block_hash in wanted}
        for block_hash, raw, sender in rows:
            bodies[block_hash].append((raw, sender))
    for block_hash in wanted:
        if counts.get(block_hash) != len(bodies[block_hash]):
            raise StoreError(
                "missing_body", hash=block_hash, got=len(bodies[block_hash]), expected=counts.get(block_hash)
            )
    return {block_hash: tuple(body) for block_hash, body in bodies.items()}


def load_bodies(conn: Connection, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
    """Decoded bodies with the senders that were recovered when they came; errors as ``load_envelopes``."""
    return {
        block_hash: tuple([decode_transaction(raw, sender) for raw, sender in body])
        for block_hash, body in load_envelopes(conn, hashes).items()
    }


def load_accepted(conn: Connection, number: int) -> tuple[Transaction, ...]:
    """The transactions that the stored epoch of a number accepted, in canonical order."""
    with database_errors():
        rows = cursor(conn).execute(
            "SELECT t.raw, t.sender FROM chain_acceptance a JOIN chain_transaction t ON t.hash = a.tx"
            " WHERE a.number = %s ORDER BY a.index",
            (number,),
            binary=True,
        )
        return tuple([decode_transaction(raw, sender) for raw, sender in rows])


def load_lattices(conn: Connection) -> tuple[bytes, ...]:
    """Every shard's lattice at the sink."""
    with database_errors():
        rows = cursor(conn).execute("SELECT lattice FROM chain_shard_lattice ORDER BY shard", binary=True)
        return tuple([row[0] for row in rows])


def load_diff(conn: Connection, number: int) -> StateDiff:
    """The values after the stored epoch ``number`` of every key that it changed, without codes."""
    with database_errors():
        accounts = cursor(conn).execute(
            "SELECT address, nonce, balance, code_hash FROM chain_account_version WHERE number = %s ORDER BY address",
            (number,),
            binary=True,
        )
        slots = cursor(conn).execute(
            "SELECT address, slot, value FROM chain_slot_version WHERE number = %s ORDER BY address, slot",
            (number,),
            binary=True,
        )
        return _diff(accounts, slots)


def load_undo(conn: Connection, number: int) -> StateDiff:
    """The values before the stored epoch ``number`` of every key that it changed: ``EpochResult.undo``."""
    with database_errors():
        accounts = cursor(conn).execute(
            "SELECT v.address, b.nonce, b.balance, b.code_hash FROM chain_account_version v"
            " LEFT JOIN LATERAL (SELECT nonce, balance, code_hash FROM chain_account_version o"
            "   WHERE o.shard = v.shard AND o.address = v.address AND o.number < v.number"
            "   ORDER BY o.number DESC LIMIT 1) b ON true"
            " WHERE v.number = %s ORDER BY v.address",
            (number,),
            binary=True,
        )
        slots = cursor(conn).execute(
            "SELECT v.address, v.slot, b.value FROM chain_slot_version v"
            " LEFT JOIN LATERAL (SELECT value FROM chain_slot_version o"
            "   WHERE o.shard = v.shard AND o.address = v.address AND o.slot = v.slot AND o.number < v.number"
            "   ORDER BY o.number DESC LIMIT 1) b ON true"
            " WHERE v.number = %s ORDER BY v.address, v.slot",
            (number,),
            binary=True,
        )
        return _diff(accounts, slots)


def _diff(accounts: Iterable[Sequence[Any]], slots: Iterable[Sequence[Any]]) -> StateDiff:
    known: dict[bytes, Account | None] = {row[0]: account_of(row[1], row[2], row[3]) for row in accounts}
    values = {(row[0], int.from_bytes(row[1], "big")): slot_of(row[2]) for row in slots}
    return StateDiff(known, values, {})
