"""The consensus engine: headers and bodies in, the selected chain and its executed state out.

Pure: no clock, no database.  One engine serves one writer; what it has done since the last
``committed`` call is handed over as a ``ChainUpdate`` that a store writes at once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

from chain.core.codec import header_hash, pre_hash
from chain.core.consensus.chain_state import ChainState, merge_order
from chain.core.consensus.fast import fast_parents
from chain.core.consensus.headers import child_drifts, child_target, header_context, merged_headers, own_work
from chain.core.consensus.model import BlockRecord, ChainUpdate, NewBlock, VirtualSnapshot
from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.ghostdag import Dag, history_depth
from chain.core.rules.header_in_context import check_header_in_context, commitments_match
from chain.core.seals.checks import check_vrf_seal
from chain.core.seals.eligibility import Lottery
from chain.core.spec import ChainSpec
from chain.core.types import BlockStatus, Header, Stream, Transaction

# hashes of invalid blocks in memory; an older one is judged again if it comes again
MAX_KEPT_INVALID = 10_000


@dataclass(frozen=True, slots=True)
class Arrival:
    """A body-valid block on its way into the DAG."""

    header: Header
    transactions: tuple[Transaction, ...]
    envelopes: tuple[bytes, ...]
    source: str
    received_ms: int


class Engine:
    """The DAG, the statuses of its blocks and the executed selected chain of one network."""

    def __init__(
        self,
        spec: ChainSpec,
        dag: Dag,
        records: dict[bytes, BlockRecord],
        statuses: dict[bytes, BlockStatus],
        state: ChainState,
        finality_point: bytes,
        sequence: int = 0,
    ) -> None:
        self.spec = spec
        self.dag = dag
        self.records = records
        self.statuses = statuses
        self.state = state
        self.finality_point = finality_point
        self.sequence = sequence
        self._sink = state.position.hash
        self._committed_sink = self._sink
        self._rest: list[bytes] = []
        self._new: list[tuple[BlockRecord, Arrival]] = []
        self._status_changes: dict[bytes, BlockStatus] = {}
        self._refused: dict[bytes, str] = {}
        self._lottery_at = lru_cache(maxsize=256)(self._draw)

    @property
    def sink(self) -> BlockRecord:
        """The head of the selected chain; its epoch is executed."""
        return self.records[self._sink]

    def record(self, block_hash: bytes) -> BlockRecord:
        """The record of a block in the window."""
        return self.records[block_hash]

    def knows(self, block_hash: bytes) -> bool:
        """Whether a block is in the DAG (of any status) or was refused."""
        return block_hash in self.records or self.statuses.get(block_hash) is BlockStatus.INVALID

    def lottery(self, parent: BlockRecord) -> Lottery | None:
        """The drawing that C blocks on this selected parent take part in (protocol §5)."""
        rules = self.spec.at(parent.work_score)
        height = parent.work_score - rules.vrf_lag
        if height < 0:
            return None
        anchor = self.dag.lowest_chain_block_at_least(parent.hash, height - height % rules.vrf_era)
        return self._lottery_at(anchor, rules.vrf_window)

    def add(self, arrival: Arrival) -> BlockRecord:
        """Take a block whose header and body pass in isolation into the DAG as body-valid.

        Raises
        ------
        NotYet
            UNKNOWN_PARENTS with the missing hashes, or FINALITY_CONFLICT (also where parents left the window).
        RuleViolation
            A rule of context; the block is invalid for good.
        """
        header = arrival.header
        block_hash = header_hash(header)
        try:
            record = self._in_context(header, block_hash)
        except RuleViolation as violation:
            self.statuses[block_hash] = BlockStatus.INVALID
            self._refused[block_hash] = violation.code
            raise
        self.records[block_hash] = record
        self.dag.mark_body_valid(block_hash)
        self._set_status(block_hash, BlockStatus.BODY_VALID)
        self.state.keep_body(block_hash, arrival.transactions)
        self._new.append((record, arrival))
        return record

    def refuse(self, block_hash: bytes, code: str) -> None:
        """Remember a block that is invalid in isolation, so that its children are invalid too."""
        self.statuses[block_hash] = BlockStatus.INVALID
        self._refused[block_hash] = code

    def resolve(self) -> BlockRecord:
        """Find the sink over everything added and execute up to it (protocol §6)."""
        sink, self._rest = self.dag.find_sink(self._chain_valid, self.finality_point)
        self._move_state(sink)
        self._sink = sink
        self.finality_point = self.dag.finality_point(sink, self.spec.finality_depth, self.finality_point)
        return self.records[sink]

    def collect(self) -> ChainUpdate:
        """Everything since the last ``committed``, as one update for a store."""
        removed, added = self.dag.chain_path(self._committed_sink, self._sink)
        fork = (
            self.records[removed[-1]].header.number - 1 if removed else self.records[self._committed_sink].header.number
        )
        epochs = tuple([self.state.result(block) for block in added])
        return ChainUpdate(
            sequence=self.sequence + 1,
            blocks=tuple(
                [
                    NewBlock(
                        record=record,
                        status=self.statuses[record.hash],
                        transactions=arrival.transactions,
                        envelopes=arrival.envelopes,
                        source=arrival.source,
                        received_ms=arrival.received_ms,
                    )
                    for record, arrival in self._new
                ]
            ),
            statuses=tuple(self._status_changes.items()),
            invalid=tuple(self._refused.items()),
            fork_number=fork,
            removed=tuple(removed),
            added=epochs,
            state=self.state.hot.net_changes(),
            lattices=self.state.lattices,
            returned=self._returned(removed, added),
            virtual=self.virtual(self.sequence + 1),
            finality_point=self.finality_point,
            tips=tuple(sorted(self.dag.tips)),
        )

    def committed(self) -> None:
        """The last collected update is in the store."""
        self.sequence += 1
        self._committed_sink = self._sink
        self._new.clear()
        self._status_changes.clear()
        self._refused.clear()
        self.state.committed()
        self._advance_window()

    def virtual(self, sequence: int | None = None) -> VirtualSnapshot:
        """What templates build on: virtual's parents and every past-derived field.

        ``sequence`` is that of the commit which shows it; left out, of the last one.
        """
        return self._snapshot(self._virtual_parents(), self.sequence if sequence is None else sequence)

    def fast_virtual(self, virtual: VirtualSnapshot, now_ms: int) -> VirtualSnapshot | None:
        """What this node's C templates build on (``fast_parents``), or None where that is ``virtual``."""
        rules = self.spec.at(self.sink.work_score)
        parents = fast_parents(self.dag, self.records, rules, self._sink, self._rest, now_ms)
        if tuple(sorted(parents)) == virtual.parents or parents[0] not in self.state.summaries:
            return None
        made = self._snapshot(parents, virtual.sequence)
        # blocks beside it come first in the order: what they hold would be there twice
        return replace(made, in_flight=tuple(dict.fromkeys((*virtual.in_flight, *made.in_flight))))

    def _virtual_parents(self) -> list[bytes]:
        rules = self.spec.at(self.sink.work_score)
        limits = rules.max_parents, rules.mergeset_limit, rules.merge_depth
        return self.dag.virtual_parents(self._sink, self._rest, *limits)

    def _snapshot(self, parents: Sequence[bytes], sequence: int) -> VirtualSnapshot:
        """Every past-derived field of a block with these parents, the selected one first."""
        sink = parents[0]
        rules = self.spec.at(self.records[sink].work_score)
        coloured = self.dag.evaluate(parents)
        parent = self.records[sink]
        summary = self.state.summaries[sink]
        latest = max(self.records[part].header.timestamp_ms for part in parents)
        # the transactions of a red C block belong to no epoch: they are free for the next block
        reds = frozenset(coloured.reds)
        runs = [
            part
            for part in coloured.mergeset
            if part != sink and not (part in reds and self.records[part].header.stream == Stream.C)
        ]
        bodies = self.state.transactions_of(runs)
        return VirtualSnapshot(
            sequence=sequence,
            sink=sink,
            parents=tuple(sorted(parents)),
            stream_counts=coloured.stream_counts,
            blue_score=coloured.blue_score,
            blue_work=coloured.blue_work,
            number=parent.header.number + 1,
            latest_parent_timestamp=latest,
            latest_parent_slot=latest // rules.slot_ms,
            sink_timestamp_ms=parent.header.timestamp_ms,
            version=rules.version,
            target_a=child_target(parent, Stream.A, self.spec),
            target_b=child_target(parent, Stream.B, self.spec),
            state_root=summary.state_root,
            receipts_root=summary.receipts_root,
            gas_used=summary.gas_used,
            base_fee=summary.next_base_fee,
            gas_left=summary.gas_left,
            tx_left=summary.tx_left,
            lottery=self.lottery(parent),
            in_flight=tuple([tx.hash for part in runs for tx in bodies[part]]),
            mergeset_blue=len(coloured.blues),
            mergeset_red=len(coloured.reds),
        )

    def _in_context(self, header: Header, block_hash: bytes) -> BlockRecord:
        for named in header.parents:
            if named not in self.records and self.statuses.get(named) is BlockStatus.INVALID:
                raise RuleViolation(RuleCode.PARENT_INVALID, named, "valid parents")
        # also tells parents that are unknown from those that left the window
        self.dag.check_antichain(header.parents)
        slot = header.timestamp_ms // self.spec.slot_ms if header.stream == Stream.C else None
        coloured = self.dag.evaluate(header.parents)
        assert coloured.selected_parent is not None
        parent = self.records[coloured.selected_parent]
        if not self.dag.on_selected_chain(self.finality_point, parent.hash):
            raise NotYet(WaitCode.FINALITY_CONFLICT, finality_point=self.finality_point)
        rules = self.spec.at(parent.work_score)
        times = [self.records[part].header.timestamp_ms for part in header.parents]
        check_header_in_context(header, header_context(header.stream, coloured, parent, times, self.spec))
        self.dag.check_bounds(coloured, rules.mergeset_limit, rules.merge_depth)
        lot = check_seal_in_context(header, block_hash, self.lottery(parent) if slot is not None else None, rules)
        view = self.dag.insert(
            block_hash,
            header.parents,
            own_work(header, self.spec),
            stream=header.stream,
            lot=lot,
            vrf_key=header.vrf_key,
            slot=slot,
            evaluation=coloured,
        )
        drift_a, drift_b = child_drifts(header, merged_headers(coloured, self.records), parent, self.spec)
        return BlockRecord(
            hash=block_hash,
            header=header,
            selected_parent=coloured.selected_parent,
            blues=view.blues,
            reds=view.reds,
            work_score=view.work_score,
            weight=view.weight,
            line=view.line,
            lot=lot,
            drift_a=drift_a.drift,
            gap_a=drift_a.gap,
            drift_b=drift_b.drift,
            gap_b=drift_b.gap,
        )

    def _chain_valid(self, block_hash: bytes) -> bool:
        """Judge a block and what it stands on, executing the epochs that the judgement needs."""
        unknown: list[bytes] = []
        walk = block_hash
        while self.statuses[walk] is BlockStatus.BODY_VALID:
            unknown.append(walk)
            parent = self.records[walk].selected_parent
            assert parent is not None
            walk = parent
        for judged in reversed(unknown):
            record = self.records[judged]
            assert record.selected_parent is not None
            valid = self.statuses[record.selected_parent] is BlockStatus.CHAIN_VALID
            if valid:
                if record.selected_parent not in self.state.summaries:
                    self._move_state(record.selected_parent)
                valid = commitments_match(record.header, self.state.summaries[record.selected_parent])
            self._set_status(judged, BlockStatus.CHAIN_VALID if valid else BlockStatus.DISQUALIFIED)
        return self.statuses[block_hash] is BlockStatus.CHAIN_VALID

    def _move_state(self, target: bytes) -> None:
        removed, added = self.dag.chain_path(self.state.position.hash, target)
        self.state.move(
            [self.records[block] for block in removed], [self.records[block] for block in added], self.record
        )

    def _advance_window(self) -> None:
        """Forget what finality has settled, so that memory stays flat."""
        rules = self.spec
        history = history_depth(rules.merge_depth, rules.vrf_window, rules.vrf_lag, rules.vrf_era)
        if not self.dag.advance(self.finality_point, history):
            return
        gone = [record for block, record in self.records.items() if block not in self.dag]
        for record in gone:
            del self.records[record.hash]
            self.statuses.pop(record.hash, None)
        self.state.forget(gone)
        invalid = [block for block, status in self.statuses.items() if status is BlockStatus.INVALID]
        for block in invalid[:-MAX_KEPT_INVALID]:
            del self.statuses[block]

    def _set_status(self, block_hash: bytes, status: BlockStatus) -> None:
        self.statuses[block_hash] = status
        self._status_changes[block_hash] = status

    def _draw(self, anchor: bytes, window: int) -> Lottery | None:
        blocks = self.dag.blue_work_window(anchor, window)
        return Lottery.of_window([(block, self.records[block].header.vrf_key) for block in blocks])

    def _returned(self, removed: Sequence[bytes], added: Sequence[bytes]) -> tuple[Transaction, ...]:
        """Transactions of the removed path that the added one did not accept."""
        if not removed:
            return ()
        accepted = {receipt.tx_hash for block in added for receipt in self.state.result(block).result.receipts}
        blocks: dict[bytes, None] = {}
        for block in reversed(removed):
            blocks.update(dict.fromkeys([*merge_order(self.records[block], self.record), block]))
        returned: dict[bytes, Transaction] = {}
        for transactions in self.state.transactions_of(list(blocks)).values():
            for tx in transactions:
                if tx.hash not in accepted:
                    returned[tx.hash] = tx
        return tuple(returned.values())


def check_seal_in_context(header: Header, block_hash: bytes, lottery: Lottery | None, rules: ChainSpec) -> bytes:
    """The lot of a block; work seals were checked in isolation, C's is checked here.

    Raises
    ------
    RuleViolation
        SEAL_*.
    """
    if header.stream != Stream.C:
        return block_hash
    return check_vrf_seal(
        pre_hash(header),
        header.vrf_key,
        header.seal,
        slot=header.timestamp_ms // rules.slot_ms,
        lottery=lottery,
        c_num=rules.c_num,
        c_den=rules.c_den,
    )
