"""A database that holds nothing but states: what lanes read, without blocks and epochs."""

from __future__ import annotations

import psycopg
from blake3 import blake3

from chain.core.types import StateDiff
from chain.stores import epochs


def truncate(connection: psycopg.Connection) -> None:
    """Empty every table of the chain, partitions too."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'chain\\_%'").fetchall()
    if rows:
        connection.execute(f"TRUNCATE {', '.join([row[0] for row in rows])} CASCADE")


def base_hash(number: int, branch: str = "") -> bytes:
    """A made-up block of the selected chain."""
    return blake3(f"lane base {branch} {number}".encode()).digest()


def write_state(connection: psycopg.Connection, number: int, block: bytes, diff: StateDiff, shard_count: int) -> None:
    """Commit ``diff`` as what the epoch ``number`` of ``block`` changed."""
    with connection.transaction():
        cursor = psycopg.Cursor(connection)
        cursor.execute("DELETE FROM chain_selected_chain WHERE number = %s", (number,))
        # a block like genesis, but for its hash
        cursor.execute(
            "INSERT INTO chain_block SELECT (jsonb_populate_record(b, jsonb_build_object('hash', %s::text,"
            " 'seq', (SELECT max(seq) + 1 FROM chain_block)))).*"
            " FROM chain_block b WHERE number = 0 AND NOT EXISTS (SELECT 1 FROM chain_block WHERE hash = %s)"
            " ORDER BY received_ms LIMIT 1",
            ("\\x" + block.hex(), block),
        )
        cursor.execute("INSERT INTO chain_selected_chain (number, hash) VALUES (%s, %s)", (number, block))
        if diff.codes:
            cursor.executemany(
                "INSERT INTO chain_code (hash, code) VALUES (%s, %s) ON CONFLICT DO NOTHING", sorted(diff.codes.items())
            )
        epochs.insert_versions(cursor, [(number, diff)], shard_count)
        epochs.set_current_state(cursor, diff, shard_count)


def undo_state(connection: psycopg.Connection, number: int, undo: StateDiff, shard_count: int) -> None:
    """Take the epoch ``number`` off the selected chain."""
    with connection.transaction():
        cursor = psycopg.Cursor(connection)
        for table in ("chain_selected_chain", "chain_account_version", "chain_slot_version"):
            cursor.execute(f"DELETE FROM {table} WHERE number = %s", (number,))
        epochs.set_current_state(cursor, undo, shard_count)
