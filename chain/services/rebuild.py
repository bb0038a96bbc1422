"""``rebuild_state``: repair what follows from other rows, all of it or nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from chain import locks
from chain.core import lthash
from chain.core.codec import header_hash
from chain.core.errors import BadDelivery, NotYet, RequestCode, RequestError, RuleViolation, StoreError
from chain.core.genesis import Genesis
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction
from chain.core.types import EpochSummary, Stream, Transaction
from chain.pipeline.replay import Replay
from chain.services.verify.stored import arrival_of
from chain.stores import audit, load, rebuild, window
from chain.stores.commit import apply_update
from chain.stores.connection import Connection, database_errors
from chain.stores.prune import read_horizon

BATCH_BLOCKS = 256


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """Rows that were wrong (accounts and slots, lattices), or blocks executed and left out; the sink after it."""

    rows: int
    lattices: int
    blocks: int
    dropped: tuple[tuple[bytes, str], ...]
    number: int


def rebuild_from_versions(conn: Connection, spec: ChainSpec) -> Rebuilt:
    """Make the current state and the lattices anew from the versions, which must give the sink's state root.

    Parameters
    ----------
    conn : psycopg.Connection
        One's own, in autocommit.

    Raises
    ------
    StoreError
        ``writer_locked`` while a writer runs; ``versions_damaged`` when the versions do not give what the sink's
        epoch says (then only executing again helps); errors of the database.  Nothing is changed then.
    """
    with _as_writer(conn), database_errors(), conn.transaction():
        audit.unhurried(conn)
        node = load.load_node_state(conn)
        epoch = audit.read_epochs(conn, [node.sink]).get(node.sink)
        if epoch is None:
            raise StoreError("versions_damaged", "the sink's epoch is not stored", hash=node.sink)
        rows = rebuild.rebuild_current(conn, node.sink_number)
        lattices = rebuild.sum_lattices(conn, spec.shard_count)
        root = lthash.state_root(epoch.summary.minted, lattices)
        if root != epoch.summary.state_root:
            raise StoreError(
                "versions_damaged", "the versions do not give the sink's state root", got=root,
                expected=epoch.summary.state_root, number=node.sink_number, hint="rebuild_state --re-execute",
            )  # fmt: skip
        wrong = rebuild.put_lattices(conn, lattices, node.sink_number)
    return Rebuilt(rows, wrong, 0, (), node.sink_number)


def rebuild_by_execution(
    conn: Connection,
    spec: ChainSpec,
    genesis: Genesis,
    *,
    drop_damaged: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Rebuilt:
    """Execute every block again and write everything that follows from it, in one database transaction.

    Parameters
    ----------
    drop_damaged : bool
        Leave out blocks whose rows hold no valid block, and those above them; a peer or a file brings them again.
    progress : callable
        Told (blocks done, blocks in all).

    Raises
    ------
    RequestError
        ``history_pruned``: restore a backup instead.
    StoreError
        ``writer_locked``, ``block_unusable`` for a damaged block, or an error of the database; nothing is changed.
    """
    with _as_writer(conn), database_errors(), conn.transaction():
        audit.unhurried(conn)
        horizon = read_horizon(conn)
        if horizon is not None:
            raise RequestError(
                RequestCode.HISTORY_PRUNED, "older bodies were pruned, so nothing can be executed from genesis again",
                oldest=horizon.number + 1,
            )  # fmt: skip
        node, total = load.load_node_state(conn), audit.count_blocks(conn)
        left = rebuild.set_aside(conn, spec, genesis)
        term = locks.new_term(conn, "rebuild_state")
        run = _Execution(conn, spec, genesis, term, drop_damaged)
        after = done = -1
        while batch := audit.read_blocks(conn, after, BATCH_BLOCKS, prefix=rebuild.OLD):
            after = batch[-1].seq
            run.take(batch)
            done += len(batch)
            progress(done + 1, total)
        engine = run.replay.engine
        rebuild.put_back(conn, node, left, run.finality_point(node.finality_point))
    return Rebuilt(0, 0, run.blocks, tuple(run.dropped), engine.sink.header.number)


class _Execution:
    def __init__(self, conn: Connection, spec: ChainSpec, genesis: Genesis, term: int, drop_damaged: bool) -> None:
        self.conn = conn
        self.spec = spec
        self.term = term
        self.drop_damaged = drop_damaged
        self.blocks = 0
        self.dropped: list[tuple[bytes, str]] = []
        self.replay = Replay(spec, genesis, self._bodies, self._summary)

    def take(self, batch: Sequence[audit.AuditedBlock]) -> None:
        """Execute and store a batch."""
        for stored in batch:
            header = replace(stored.record.header)
            if header.stream == Stream.GENESIS:
                continue
            try:
                self.replay.add(arrival_of(stored, header, self.spec, seals=True))
                self.blocks += 1
            except (RuleViolation, BadDelivery, NotYet) as error:
                if not self.drop_damaged:
                    raise StoreError(
                        "block_unusable", f"a stored block does not pass: {error}", hash=stored.record.hash,
                        reason=error.code, hint="rebuild_state --re-execute --drop-damaged leaves it out",
                    ) from error  # fmt: skip
                self.dropped.append((header_hash(header), error.code))
        update = self.replay.resolve()
        apply_update(self.conn, update, self.term, joined=True)
        self.replay.commit(update)

    def finality_point(self, before: bytes) -> bytes:
        """It never moves back: the one before, where the rebuilt chain still holds it above our own."""
        engine, ours = self.replay.engine, self.replay.finality_point
        held = before in engine.records and engine.dag.on_selected_chain(before, engine.sink.hash)
        if held and engine.records[before].header.number > engine.records[ours].header.number:
            return before
        return ours

    def _bodies(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        return {
            block: tuple([decode_transaction(raw) for raw, _ in body])
            for block, body in load.load_envelopes(self.conn, hashes).items()
        }

    def _summary(self, block: bytes) -> EpochSummary | None:
        epoch = window.load_epoch_on_chain(self.conn, block)
        return None if epoch is None else epoch.summary


@contextmanager
def _as_writer(conn: Connection) -> Iterator[None]:
    with database_errors():
        if not locks.try_lock(conn, locks.Lock.WRITER):
            raise StoreError("writer_locked", "another process is this chain's writer", hint="stop the node first")
        try:
            yield
        finally:
            if not conn.closed:
                locks.unlock(conn, locks.Lock.WRITER)
