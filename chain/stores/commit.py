"""One commit of the writer: all of a ``ChainUpdate`` becomes visible at once, or none of it."""

from __future__ import annotations

from dataclasses import dataclass

from psycopg.pq import TransactionStatus
from psycopg.types.json import Jsonb

from chain.core.consensus.model import ChainUpdate
from chain.core.errors import StoreError
from chain.locks import check_term
from chain.stores import blocks, epochs, undo
from chain.stores.connection import NOW_MS, Connection, Cursor, cursor, database_errors
from chain.stores.virtual import pack_virtual

CHAIN_UPDATE = "chain_update"


@dataclass(frozen=True, slots=True)
class _Head:
    sequence: int
    sink: bytes
    number: int


def apply_update(conn: Connection, update: ChainUpdate, term: int, *, joined: bool = False) -> bool:
    """Write a commit of the engine, in one database transaction.

    When it returns, the transaction is committed.  One that the caller had open is committed first: were
    this only a savepoint in it, memory would believe in a commit that a later rollback takes back.

    Parameters
    ----------
    conn : psycopg.Connection
        The writer's own connection.
    update : ChainUpdate
        As ``Engine.collect`` gave it.
    term : int
        The writer's term (``chain.locks.new_term``).
    joined : bool
        Be a savepoint in the caller's transaction all the same; the caller answers for the commit.

    Returns
    -------
    bool
        False when this sequence is in the database already; nothing is changed then.

    Raises
    ------
    StoreError
        ``writer_fenced`` when another process writes now; ``sequence_conflict``, ``chain_mismatch`` or
        ``undo_incomplete`` when the update does not continue what is stored; ``database_*`` for errors of
        the database.  Nothing is changed in any of these cases.
    """
    if not joined:
        _settle(conn)
    with database_errors(), conn.transaction():
        cur = cursor(conn)
        check_term(cur, term)
        head = _stored_head(cur)
        if update.sequence <= head.sequence:
            if update.sequence == head.sequence and update.virtual.sink != head.sink:
                raise StoreError("sequence_conflict", got=update.virtual.sink, expected=head.sink)
            return False
        _check_continues(cur, update, head)
        inserted = blocks.insert_blocks(cur, update.blocks)
        blocks.set_statuses(cur, update.statuses)
        undone = undo.remove_epochs(cur, update.fork_number, update.removed, update.state) if update.removed else 0
        accepted = epochs.add_epochs(cur, update.added) - undone
        epochs.set_current_state(cur, update.state, len(update.lattices))
        sink_number = update.fork_number + len(update.added) if update.added or update.removed else head.number
        epochs.set_lattices(cur, update.lattices, sink_number)
        blocks.settle_candidates(cur, update.blocks, update.invalid)
        _store_node_state(cur, update, sink_number, inserted, accepted)
        _store_event(cur, update, sink_number)
    return True


def _settle(conn: Connection) -> None:
    status = conn.info.transaction_status
    if status is TransactionStatus.INERROR:
        raise StoreError("transaction_failed", "an earlier statement of the open transaction failed")
    if status is TransactionStatus.INTRANS:
        with database_errors():
            conn.commit()


def _stored_head(cur: Cursor) -> _Head:
    row = cur.execute("SELECT sequence, sink, sink_number FROM chain_node_state FOR UPDATE", binary=True).fetchone()
    if row is None:
        raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
    return _Head(*row)


def _check_continues(cur: Cursor, update: ChainUpdate, head: _Head) -> None:
    """The path must start at the stored sink, its epochs must be a chain, and it must end at the new sink."""
    above = head.number - update.fork_number
    if (update.removed or update.added) and above != len(update.removed):
        raise StoreError(
            "chain_mismatch", "the path does not start at the stored sink", got=len(update.removed), expected=above
        )
    rows = cur.execute(
        "SELECT hash FROM chain_selected_chain WHERE number >= %s ORDER BY number DESC",
        (update.fork_number if update.removed or update.added else head.number,),
        binary=True,
    ).fetchall()
    stored = [row[0] for row in rows]
    if list(update.removed) != stored[:-1]:
        raise StoreError("chain_mismatch", "the removed blocks are not the stored ones", got=update.removed)
    parent, number = stored[-1], update.fork_number
    for epoch in update.added:
        if epoch.parent_hash != parent or epoch.number != number + 1:
            raise StoreError("chain_mismatch", "the added epochs are no chain", got=epoch.parent_hash, expected=parent)
        parent, number = epoch.hash, epoch.number
    if parent != update.virtual.sink:
        sink = update.virtual.sink
        raise StoreError("chain_mismatch", "the path does not end at the sink", got=parent, expected=sink)


def _store_node_state(cur: Cursor, update: ChainUpdate, sink_number: int, inserted: list[int], accepted: int) -> None:
    cur.execute(
        "UPDATE chain_node_state SET sequence = %s, sink = %s, sink_number = %s, finality_point = %s,"  # noqa: S608
        " tips = %s, virtual = %s, accepted = accepted + %s, reorgs = reorgs + %s,"
        " deepest_reorg = greatest(deepest_reorg, %s),"
        " blocks_by_stream = (SELECT array_agg(old.n + new.n ORDER BY old.at) FROM"
        " unnest(blocks_by_stream) WITH ORDINALITY old(n, at) JOIN"
        " unnest(%s::bigint[]) WITH ORDINALITY new(n, at) USING (at)),"
        f" updated_ms = {NOW_MS}",
        (
            update.sequence,
            update.virtual.sink,
            sink_number,
            update.finality_point,
            list(update.tips),
            pack_virtual(update.virtual),
            accepted,
            1 if update.removed else 0,
            len(update.removed),
            inserted,
        ),
    )


def _store_event(cur: Cursor, update: ChainUpdate, sink_number: int) -> None:
    """Tell consumers what changed, by hashes in hex; they read the rest from the tables."""
    payload = {
        "v": 1,
        "sequence": update.sequence,
        "sink": update.virtual.sink.hex(),
        "number": sink_number,
        "fork": update.fork_number,
        "removed": [block_hash.hex() for block_hash in update.removed],
        "added": [{"number": epoch.number, "hash": epoch.hash.hex()} for epoch in update.added],
        "blocks": [block.record.hash.hex() for block in update.blocks],
        "finality": update.finality_point.hex(),
    }
    cur.execute(
        f"INSERT INTO chain_outbox_event (kind, payload, created_ms) VALUES (%s, %s, {NOW_MS})",  # noqa: S608
        (CHAIN_UPDATE, Jsonb(payload)),
    )
