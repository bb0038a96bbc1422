"""Writing blocks, their edges and their transactions, and settling the candidates that they were."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from chain.core.consensus.model import NewBlock
from chain.core.types import BlockStatus, Transaction
from chain.stores.connection import Cursor, copy_rows
from chain.stores.rows import BLOCK_COLUMNS, block_size, header_values, place_values

PARENT_COLUMNS = (("parent", "bytea"), ("block", "bytea"))
TRANSACTION_COLUMNS = (("hash", "bytea"), ("sender", "bytea"), ("nonce", "numeric"), ("raw", "bytea"))
PLACE_OF_TRANSACTION = (("block", "bytea"), ("position", "int4"), ("tx", "bytea"))


def insert_blocks(cur: Cursor, blocks: Sequence[NewBlock]) -> list[int]:
    """Insert the blocks that are not there, with edges and bodies.

    Returns
    -------
    list of int
        How many new blocks each stream has: genesis, A, B, C.
    """
    counts = [0, 0, 0, 0]
    if not blocks:
        return counts
    known: dict[bytes, str] = dict(
        cur.execute(
            "SELECT hash, status FROM chain_block WHERE hash = ANY(%s)",
            ([block.record.hash for block in blocks],),
            binary=True,
        ).fetchall()
    )
    new = [block for block in blocks if block.record.hash not in known]
    for block in new:
        counts[block.record.header.stream] += 1
    _copy_headers(cur, new)
    # a block that was known by its header only now brings its body
    filled = [block for block in blocks if known.get(block.record.hash) == BlockStatus.HEADER_ONLY]
    filled = [block for block in filled if block.status is not BlockStatus.HEADER_ONLY]
    if filled:
        cur.executemany(
            "UPDATE chain_block SET status = %s, size = %s, tx_count = %s WHERE hash = %s",
            [
                (
                    str(block.status),
                    block_size(block.record.header, block.envelopes),
                    len(block.envelopes),
                    block.record.hash,
                )
                for block in filled
            ],
        )
    _copy_bodies(cur, sorted(new + filled, key=lambda block: block.record.hash))
    return counts


def _copy_headers(cur: Cursor, new: Sequence[NewBlock]) -> None:
    if not new:
        return
    row = cur.execute("SELECT coalesce(max(seq), -1) + 1 FROM chain_block", binary=True).fetchone()
    first: int = row[0] if row else 0
    copy_rows(
        cur,
        "chain_block",
        BLOCK_COLUMNS,
        [
            (
                first + offset,
                *header_values(block.record.hash, block.record.header),
                *place_values(block.record),
                str(block.status),
                block.source,
                block.received_ms,
                block_size(block.record.header, block.envelopes),
                len(block.envelopes),
            )
            for offset, block in enumerate(new)
        ],
    )
    edges = [(parent, block.record.hash) for block in new for parent in block.record.header.parents]
    copy_rows(cur, "chain_block_parent", PARENT_COLUMNS, sorted(edges))


def _copy_bodies(cur: Cursor, blocks: Sequence[NewBlock]) -> None:
    """Transactions are shared by blocks: only new ones are written."""
    wanted: dict[bytes, tuple[Transaction, bytes]] = {}
    for block in blocks:
        for tx, raw in zip(block.transactions, block.envelopes, strict=True):
            wanted[tx.hash] = (tx, raw)
    if not wanted:
        return
    hashes = sorted(wanted)
    rows = cur.execute("SELECT hash FROM chain_transaction WHERE hash = ANY(%s)", (hashes,), binary=True).fetchall()
    known = {row[0] for row in rows}
    copy_rows(
        cur,
        "chain_transaction",
        TRANSACTION_COLUMNS,
        ((h, wanted[h][0].sender, wanted[h][0].nonce, wanted[h][1]) for h in hashes if h not in known),
    )
    copy_rows(
        cur,
        "chain_block_transaction",
        PLACE_OF_TRANSACTION,
        ((block.record.hash, position, tx.hash) for block in blocks for position, tx in enumerate(block.transactions)),
    )


def set_statuses(cur: Cursor, statuses: Iterable[tuple[bytes, BlockStatus]]) -> None:
    """Move blocks on the status ladder; the last status named for a block counts."""
    last = dict(statuses)
    if last:
        hashes = sorted(last)
        cur.execute(
            "UPDATE chain_block b SET status = n.status FROM unnest(%s::bytea[], %s::varchar[]) n(hash, status)"
            " WHERE b.hash = n.hash AND b.status <> n.status",
            (hashes, [str(last[block_hash]) for block_hash in hashes]),
        )


def settle_candidates(cur: Cursor, blocks: Sequence[NewBlock], invalid: Sequence[tuple[bytes, str]]) -> None:
    """Candidates that became blocks go; refused ones keep their code and lose their bytes."""
    if blocks:
        cur.execute("DELETE FROM chain_candidate WHERE hash = ANY(%s)", (sorted([b.record.hash for b in blocks]),))
    if invalid:
        codes = dict(invalid)
        hashes = sorted(codes)
        cur.execute(
            "UPDATE chain_candidate c SET state = 'refused', code = n.code, raw = NULL, senders = NULL,"
            " missing = '{}', until_ms = NULL FROM unnest(%s::bytea[], %s::varchar[]) n(hash, code)"
            " WHERE c.hash = n.hash",
            (hashes, [str(codes[block_hash])[:64] for block_hash in hashes]),
        )
