"""The stored blocks as a file, out of one snapshot of a database that may be in use."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from chain.core.codec import encode_block, header_hash
from chain.core.errors import RequestCode, RequestError, StoreError
from chain.core.types import Block, Stream
from chain.services.block_file import BlockFile, write_block_file
from chain.stores import audit
from chain.stores.connection import Connection
from chain.stores.genesis import read_identity
from chain.stores.prune import read_horizon

BATCH_BLOCKS = 256


def export_blocks(
    conn: Connection,
    path: Path,
    *,
    from_number: int | None = None,
    to_number: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> BlockFile:
    """Write every block but genesis, or those that the selected chain merged from one number to another.

    Parameters
    ----------
    conn : psycopg.Connection
        One's own, in autocommit.
    path : Path
        The file; it appears when it is complete.
    from_number, to_number : int, optional
        Bounds, both within, of the epochs whose blocks are wanted.  Without them side branches go along too.
    progress : callable
        Told (blocks done, blocks in all).

    Raises
    ------
    RequestError
        ``number_range`` for bounds that hold nothing, ``history_pruned``, or an error of ``write_block_file``.
    StoreError
        ``not_initialised``, ``missing_body`` where a stored block is not whole, or an error of the database.
    """
    with audit.snapshot(conn):
        identity = read_identity(conn)
        if identity is None:
            raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
        horizon = read_horizon(conn)
        bounds = None
        if from_number is not None or to_number is not None:
            bounds = (max(1, from_number or 1), to_number if to_number is not None else 2**62)
            if bounds[0] > bounds[1]:
                raise RequestError("number_range", got=bounds, expected="from ≤ to")
        if horizon is not None and (bounds is None or bounds[0] <= horizon.number):
            raise RequestError(RequestCode.HISTORY_PRUNED, "older bodies were pruned", oldest=horizon.number + 1)
        total = audit.count_exported(conn, bounds)
        return write_block_file(path, identity.genesis_hash, total, _blocks(conn, bounds, total, progress))


def _blocks(
    conn: Connection, bounds: tuple[int, int] | None, total: int, progress: Callable[[int, int], None]
) -> Iterator[bytes]:
    after, done = -1, 0
    while batch := audit.read_blocks(conn, after, BATCH_BLOCKS, within=bounds):
        after = batch[-1].seq
        for stored in batch:
            header = stored.record.header
            if header.stream == Stream.GENESIS:
                continue
            envelopes = [row.raw for row in stored.body if row.raw is not None]
            if len(envelopes) != stored.tx_count:
                raise StoreError("missing_body", hash=header_hash(header), got=len(envelopes), expected=stored.tx_count)
            yield encode_block(Block(header, tuple(envelopes)))
            done += 1
        progress(done, total)
