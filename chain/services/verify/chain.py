"""``verify_chain``: execute everything again from genesis and compare it with what is stored."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from chain.core.codec import header_hash
from chain.core.consensus.engine import Arrival
from chain.core.errors import BadDelivery, BlockchainError, NotYet, RuleViolation, StoreError
from chain.core.genesis import Genesis
from chain.core.spec import ChainSpec
from chain.core.transactions import decode_transaction
from chain.core.types import BlockStatus, EpochSummary, Header, Stream, Transaction
from chain.pipeline.replay import Replay
from chain.pipeline.warm import start_at
from chain.services.verify.epochs import EpochChecks
from chain.services.verify.findings import EnoughFound, Findings
from chain.services.verify.state import check_state
from chain.services.verify.stored import arrival_of, check_header_of
from chain.stores import audit, load, window
from chain.stores.connection import Connection
from chain.stores.genesis import genesis_record, read_identity
from chain.stores.prune import Horizon, read_horizon
from chain.stores.rows import block_size

BATCH_BLOCKS = 256
_JUDGED = (BlockStatus.CHAIN_VALID, BlockStatus.DISQUALIFIED)

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Verification:
    """What was checked and found; without ``differences`` everything stored follows from the blocks.

    ``complete`` is False where the search ended early because enough differences were found.  ``horizon``: up to this
    number the node has pruned its history, so that headers were checked from genesis and everything else from there.
    """

    blocks: int
    epochs: int
    transactions: int
    sink: bytes
    number: int
    differences: tuple[StoreError, ...]
    complete: bool
    horizon: int | None = None


def verify_chain(
    conn: Connection,
    spec: ChainSpec,
    genesis: Genesis,
    *,
    seals: bool = True,
    limit: int = 10,
    progress: Progress = lambda done, total: None,
) -> Verification:
    """Verify a chain in one snapshot of its database; a writer may go on meanwhile.

    Parameters
    ----------
    conn : psycopg.Connection
        One's own, in autocommit.
    seals : bool
        Check the proofs of work of A and B too; C's proof is always checked, since its lot is part of it.
    limit : int
        Differences after which the search ends.  One damaged block lets many others differ.
    progress : callable
        Told (blocks done, blocks in all).

    Returns
    -------
    Verification
        ``differences`` are ``StoreError`` whose codes begin with ``verify_``.

    Raises
    ------
    StoreError
        ``not_initialised``, ``wrong_network``, or an error of the database.
    """
    with audit.snapshot(conn):
        identity = read_identity(conn)
        if identity is None:
            raise StoreError("not_initialised", "the database holds no chain yet", hint="run init_chain")
        if identity.genesis_hash != genesis.hash:
            raise StoreError("wrong_network", got=identity.genesis_hash, expected=genesis.hash)
        return _Verifier(conn, spec, genesis, seals, Findings(limit), progress, read_horizon(conn)).run()


class _Verifier:
    def __init__(
        self,
        conn: Connection,
        spec: ChainSpec,
        genesis: Genesis,
        seals: bool,
        findings: Findings,
        progress: Progress,
        horizon: Horizon | None,
    ) -> None:
        self.conn = conn
        self.spec = spec
        self.genesis = genesis
        self.seals = seals
        self.findings = findings
        self.progress = progress
        self.horizon = horizon
        begin = None if horizon is None else partial(start_at, conn, spec, horizon)
        self.replay = Replay(spec, genesis, self._bodies, self._summary, begin)
        self.epochs = EpochChecks(conn, spec, findings, self.replay.engine.record)
        self.blocks = self.transactions = self.edges = 0
        self.by_stream = [0, 0, 0, 0]

    def run(self) -> Verification:
        total, after, complete = audit.count_blocks(self.conn), -1, True
        try:
            self.epochs.check_genesis(self.genesis, with_state=self.horizon is None)
            if self.horizon is not None:
                self.epochs.start_at(self.horizon, self.replay.engine.state.lattices)
            while batch := audit.read_blocks(self.conn, after, BATCH_BLOCKS):
                trusted = self._merged_below(batch)
                for block in batch:
                    if block.seq != after + 1:
                        self.findings.add("verify_block_gap", "insertion numbers are missing", got=block.seq,
                                          expected=after + 1)  # fmt: skip
                    after = block.seq
                    self._block(block, header_only=block.record.hash in trusted)
                self._edges(batch)
                self._settle()
                self.progress(self.blocks, total)
            self._end()
        except EnoughFound:
            complete = False
        sink = self.replay.engine.sink
        return Verification(
            self.blocks,
            self.epochs.checked,
            self.transactions,
            sink.hash,
            sink.header.number,
            tuple(self.findings.errors),
            complete,
            None if self.horizon is None else self.horizon.number,
        )

    # blocks

    def _block(self, stored: audit.AuditedBlock, *, header_only: bool) -> None:
        self.blocks += 1
        record = stored.record
        # the hash that the row claims must not stand in for the one that its fields give
        header = replace(record.header)
        name = header_hash(header)
        if not self.findings.equal("verify_block_hash", record.hash, name, seq=stored.seq):
            return
        self.by_stream[header.stream] += 1
        if header.stream == Stream.GENESIS:
            self._genesis(stored)
            return
        try:
            if header_only:
                check_header_of(header, self.spec, seals=self.seals)
                return
            arrival = arrival_of(stored, header, self.spec, seals=self.seals)
            self._body(stored, arrival)
            made = self.replay.add(arrival)
        except (RuleViolation, BadDelivery, NotYet) as error:
            if self._left_behind(header, error):
                return
            self._unusable(stored, error)
            return
        self.transactions += len(arrival.transactions)
        self.findings.equal_fields("verify_block", record, made, leave_out=("hash", "header"), hash=name)

    def _merged_below(self, batch: Sequence[audit.AuditedBlock]) -> frozenset[bytes]:
        """Those of the blocks that pruned epochs merged: their bodies are gone."""
        if self.horizon is None:
            return frozenset()
        return audit.merged_until(self.conn, [block.record.hash for block in batch], self.horizon.number)

    def _left_behind(self, header: Header, error: BlockchainError) -> bool:
        """Whether a block that nobody merged builds on what lies below the window that the horizon leaves."""
        return self.horizon is not None and isinstance(error, NotYet) and header.number <= self.horizon.number

    def _genesis(self, stored: audit.AuditedBlock) -> None:
        expected = genesis_record(self.genesis)
        self.findings.equal("verify_block", stored.record.hash, expected.hash, field="hash", seq=stored.seq)
        self.findings.equal_fields("verify_block", stored.record, expected, ("header",), hash=expected.hash)
        self.findings.equal("verify_status", stored.status, str(BlockStatus.CHAIN_VALID), hash=expected.hash)

    def _body(self, stored: audit.AuditedBlock, arrival: Arrival) -> None:
        equal, name = self.findings.equal, stored.record.hash
        equal("verify_block", stored.size, block_size(arrival.header, arrival.envelopes), field="size", hash=name)
        equal("verify_block", stored.tx_count, len(arrival.transactions), field="tx_count", hash=name)
        for place, (row, tx) in enumerate(zip(stored.body, arrival.transactions, strict=True)):
            equal("verify_body", row.position, place, field="position", hash=name)
            equal("verify_transaction", row.hash, tx.hash, field="hash", tx=tx.hash)
            equal("verify_transaction", row.sender, tx.sender, field="sender", tx=tx.hash)
            equal("verify_transaction", row.nonce, tx.nonce, field="nonce", tx=tx.hash)

    def _unusable(self, stored: audit.AuditedBlock, error: BlockchainError) -> None:
        absent = [row.hash for row in stored.body if row.raw is None]
        self.findings.add(
            "verify_block_unusable",
            f"the stored block does not pass: {error}",
            hash=stored.record.hash,
            seq=stored.seq,
            reason=error.code,
            missing_transaction=absent[0] if absent else None,
        )

    def _edges(self, batch: Sequence[audit.AuditedBlock]) -> None:
        edges = [(parent, block.record.hash) for block in batch for parent in block.record.header.parents]
        self.edges += len(edges)
        for parent, block in audit.missing_edges(self.conn, edges):
            self.findings.add("verify_edge", "an edge of the DAG is not stored", parent=parent, hash=block)

    # epochs and statuses

    def _settle(self) -> None:
        update = self.replay.resolve()
        judged = {block: status for block, status in update.statuses if status in _JUDGED}
        stored = audit.read_statuses(self.conn, list(judged))
        for block, status in judged.items():
            found = stored.get(block)
            # which side branches were judged depends on the order of arrival; how they were judged does not
            if found is not None and found != str(BlockStatus.BODY_VALID):
                self.findings.equal("verify_status", found, str(status), hash=block)
        self.epochs.settled(update)
        self.replay.commit(update)

    def _end(self) -> None:
        engine, equal = self.replay.engine, self.findings.equal
        self.epochs.end(engine.sink)
        node = load.load_node_state(self.conn)
        equal("verify_node_state", node.sink, engine.sink.hash, field="sink")
        equal("verify_node_state", node.sink_number, engine.sink.header.number, field="sink_number")
        equal("verify_node_state", list(node.blocks_by_stream), self.by_stream, field="blocks_by_stream")
        equal("verify_node_state", node.accepted, self.epochs.accepted, field="accepted")
        self._finality(node)
        edges = audit.count_rows(self.conn, "chain_block_parent")
        equal("verify_edge", edges, self.edges, "edges that no block has", field="count")
        check_state(self.conn, self.spec, self.replay, self.findings)

    def _finality(self, node: load.NodeStateRow) -> None:
        """It never moves back, so it may lie above the one that this sink alone would give, on its chain."""
        engine = self.replay.engine
        least = engine.records[self.replay.finality_point].header.number
        record = engine.records.get(node.finality_point)
        number = -1 if record is None else record.header.number
        if number < least or not engine.dag.on_selected_chain(node.finality_point, engine.sink.hash):
            self.findings.add(
                "verify_node_state", field="finality_point", got=node.finality_point,
                expected=self.replay.finality_point,
            )  # fmt: skip

    # what the replay asks for

    def _bodies(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        return {
            block: tuple([decode_transaction(raw) for raw, _ in body])
            for block, body in load.load_envelopes(self.conn, hashes).items()
        }

    def _summary(self, block: bytes) -> EpochSummary | None:
        epoch = window.load_epoch_on_chain(self.conn, block)
        return None if epoch is None else epoch.summary
