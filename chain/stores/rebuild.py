"""Making derived rows anew: the current state from the versions, or everything from the blocks."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from chain.core import lthash
from chain.core.genesis import Genesis
from chain.core.spec import ChainSpec
from chain.stores import audit, epochs
from chain.stores.connection import Connection, cursor, database_errors
from chain.stores.genesis import write_genesis
from chain.stores.load import NodeStateRow
from chain.stores.rows import account_of

# what follows from blocks and genesis; codes stay, they are kept by their own hash
DERIVED = (
    "chain_block",
    "chain_block_parent",
    "chain_block_transaction",
    "chain_transaction",
    "chain_selected_chain",
    "chain_consensus_order",
    "chain_epoch",
    "chain_acceptance",
    "chain_log",
    "chain_skipped",
    "chain_account_version",
    "chain_account_current",
    "chain_slot_version",
    "chain_slot_current",
    "chain_shard_lattice",
    "chain_node_state",
    "chain_writer_term",
    "chain_identity",
)
OLD = "pg_temp.old_"
_SUMMED = 4096

_NEWEST_ACCOUNTS = (
    "SELECT DISTINCT ON (shard, address) shard, address, nonce, balance, code_hash FROM chain_account_version"
    " WHERE number <= %s ORDER BY shard, address, number DESC"
)
_NEWEST_SLOTS = (
    "SELECT DISTINCT ON (shard, address, slot) shard, address, slot, value FROM chain_slot_version"
    " WHERE number <= %s ORDER BY shard, address, slot, number DESC"
)


@dataclass(frozen=True, slots=True)
class Leftover:
    """What the node remembers of itself beside the chain."""

    created_ms: int
    term: int
    finality_conflicts: int
    outbox: int


def rebuild_current(conn: Connection, number: int) -> int:
    """Bring the current rows to the newest versions up to a number; returns how many rows were wrong."""
    wrong = 0
    with database_errors():
        for table, newest, there in (
            ("chain_account_current", _NEWEST_ACCOUNTS, "nonce"),
            ("chain_slot_current", _NEWEST_SLOTS, "value"),
        ):
            cur = cursor(conn)
            cur.execute(
                f"CREATE TEMP TABLE rebuilt ON COMMIT DROP AS SELECT * FROM ({newest}) n WHERE {there} IS NOT NULL",  # noqa: S608
                (number,),
            )
            names = "shard, address" if table == "chain_account_current" else "shard, address, slot"
            row = cur.execute(
                f"SELECT count(DISTINCT ({names})) FROM ((SELECT * FROM {table} EXCEPT SELECT * FROM rebuilt)"  # noqa: S608
                f" UNION ALL (SELECT * FROM rebuilt EXCEPT SELECT * FROM {table})) d"
            ).fetchone()
            if row and row[0]:
                wrong += row[0]
                cur.execute(f"DELETE FROM {table}")  # noqa: S608 - our own names
                cur.execute(f"INSERT INTO {table} SELECT * FROM rebuilt")  # noqa: S608
            cur.execute("DROP TABLE rebuilt")
    return wrong


def sum_lattices(conn: Connection, shard_count: int) -> tuple[bytes, ...]:
    """Every shard's lattice over the current rows, a bounded part of them in memory at a time."""
    lattices = [lthash.EMPTY_LATTICE] * shard_count
    for elements in (_account_elements(conn), _slot_elements(conn)):
        while part := list(islice(elements, _SUMMED)):
            for shard in sorted({shard for shard, _ in part}):
                lattices[shard] = lthash.update(lattices[shard], [], [item for place, item in part if place == shard])
    return tuple(lattices)


def put_lattices(conn: Connection, lattices: tuple[bytes, ...], number: int) -> int:
    """Replace the stored lattices; returns how many were wrong."""
    with database_errors():
        cur = cursor(conn)
        stored = dict(cur.execute("SELECT shard, lattice FROM chain_shard_lattice", binary=True).fetchall())
        wrong = sum(1 for shard, lattice in enumerate(lattices) if stored.get(shard) != lattice)
        cur.execute("DELETE FROM chain_shard_lattice WHERE shard >= %s", (len(lattices),))
        cur.executemany(
            "INSERT INTO chain_shard_lattice (shard, lattice, number) VALUES (%s, %s, %s) ON CONFLICT DO NOTHING",
            [(shard, lattice, number) for shard, lattice in enumerate(lattices) if shard not in stored],
        )
        epochs.set_lattices(cur, lattices, number)
    return wrong


def set_aside(conn: Connection, spec: ChainSpec, genesis: Genesis) -> Leftover:
    """Move the blocks into temporary tables (``audit.read_blocks`` with ``OLD``) and put genesis alone in place."""
    with database_errors():
        cur = cursor(conn)
        row = cur.execute(
            "SELECT i.created_ms, t.term, n.finality_conflicts,"
            " (SELECT coalesce(max(sequence), 0) FROM chain_outbox_event)"
            " FROM chain_identity i, chain_writer_term t, chain_node_state n"
        ).fetchone()
        assert row is not None
        for name, index in (("block", "seq"), ("block_transaction", "block, position"), ("transaction", "hash")):
            cur.execute(f"CREATE TEMP TABLE old_{name} ON COMMIT DROP AS SELECT * FROM chain_{name}")  # noqa: S608
            cur.execute(f"CREATE INDEX ON {OLD}{name} ({index})")
            cur.execute(f"ANALYZE {OLD}{name}")
        cur.execute(f"TRUNCATE {', '.join(DERIVED)}")
        write_genesis(cur, spec, genesis)
        # the writer's term must go on from where it was
        cur.execute("UPDATE chain_writer_term SET term = %s", (row[1],))
    return Leftover(*row)


def put_back(conn: Connection, before: NodeStateRow, left: Leftover, finality_point: bytes) -> None:
    """Give the rebuilt chain what the node knew beside it, and let nobody be told what was known."""
    with database_errors():
        cur = cursor(conn)
        cur.execute(
            "UPDATE chain_node_state SET sequence = greatest(sequence, %s), reorgs = %s, deepest_reorg = %s,"
            " finality_point = %s, finality_conflicts = %s",
            (before.sequence, before.reorgs, before.deepest_reorg, finality_point, left.finality_conflicts),
        )
        cur.execute("UPDATE chain_identity SET created_ms = %s", (left.created_ms,))
        cur.execute("DELETE FROM chain_outbox_event WHERE sequence > %s", (left.outbox,))


def _account_elements(conn: Connection) -> Iterator[tuple[int, bytes]]:
    for shard, address, nonce, balance, code_hash in audit.stream_accounts(conn):
        account = account_of(nonce, balance, code_hash)
        if account is not None and not account.is_empty:
            yield shard, lthash.account_element(address, account)


def _slot_elements(conn: Connection) -> Iterator[tuple[int, bytes]]:
    for shard, address, slot, value in audit.stream_slots(conn):
        yield shard, lthash.slot_element(address, int.from_bytes(slot, "big"), int.from_bytes(value, "big"))
