"""Every block of a simulated network, judged once by the real rules of context, without bodies or execution."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from blake3 import blake3

from chain.core.codec import header_hash
from chain.core.consensus.headers import child_target, header_context, merged_headers, own_work
from chain.core.consensus.model import BlockRecord
from chain.core.errors import RuleCode, RuleViolation
from chain.core.genesis import make_genesis
from chain.core.ghostdag import Dag, Evaluation
from chain.core.rules.header_in_context import check_header_in_context
from chain.core.seals.eligibility import Lottery, is_eligible, lot_of, vrf_alpha
from chain.core.types import Header, Stream
from tests.core.consensus.mini import genesis_record
from tests.simulation.rules import Rules


class Ledger:
    """All blocks made so far.  A block's colours and fields follow from its past, so nodes share them.

    ``maker`` names who made a block, ``born_ms`` when.
    """

    def __init__(self, rules: Rules, *, k: int | None = None) -> None:
        self.rules = rules
        self.spec = rules.spec
        self.dag = Dag(rules.spec.ghostdag_k if k is None else k)
        genesis = make_genesis(rules.spec)
        self.genesis = genesis.hash
        self.dag.insert(genesis.hash, (), 0)
        self.records: dict[bytes, BlockRecord] = {genesis.hash: genesis_record(genesis)}
        self.maker: dict[bytes, str] = {genesis.hash: "genesis"}
        self.born_ms: dict[bytes, int] = {genesis.hash: genesis.header.timestamp_ms}
        self._template = genesis.header
        self._lotteries: dict[bytes, Lottery | None] = {}
        self._targets: dict[tuple[bytes, Stream], int] = {}

    def mint(
        self,
        stream: Stream,
        parents: Sequence[bytes],
        timestamp_ms: int,
        *,
        maker: str,
        key: bytes,
        nonce: int,
        now_ms: int,
    ) -> bytes:
        """Make a block, judge it as every node would, and hold it.

        ``nonce`` tells blocks of one maker apart that are otherwise equal.

        Raises
        ------
        RuleViolation
            The rule of context that it breaks.
        """
        header, coloured, beta = self.draft(stream, parents, timestamp_ms, key=key, nonce=nonce)
        parent = self.records[coloured.selected_parent]
        self._check(header, coloured, parent)
        block = header_hash(header)
        is_fast = stream is Stream.C
        counted = is_fast and self.rules.counts_fast_blocks
        drawn = is_fast and self.rules.orders_by_lot
        view = self.dag.insert(
            block,
            header.parents,
            own_work(header, self.spec),
            stream=Stream.A if counted else stream,
            lot=lot_of(beta) if drawn else block,
            vrf_key=key,
            slot=timestamp_ms // self.spec.slot_ms if is_fast and not counted else None,
            evaluation=coloured,
        )
        drift_a, drift_b = self.rules.drifts(header, merged_headers(coloured, self.records), parent, self.spec)
        self.records[block] = BlockRecord(
            hash=block,
            header=header,
            selected_parent=coloured.selected_parent,
            blues=view.blues,
            reds=view.reds,
            work_score=view.work_score,
            weight=view.weight,
            line=view.line,
            lot=view.lot,
            drift_a=drift_a.drift,
            gap_a=drift_a.gap,
            drift_b=drift_b.drift,
            gap_b=drift_b.gap,
        )
        self.maker[block] = maker
        self.born_ms[block] = now_ms
        return block

    def draft(
        self, stream: Stream, parents: Sequence[bytes], timestamp_ms: int, *, key: bytes, nonce: int
    ) -> tuple[Header, Evaluation, bytes]:
        """A header over these parents with what their past demands, its colouring, and its draw (C)."""
        parents = tuple(sorted(parents))
        coloured = self.dag.evaluate(parents)
        parent = self.records[coloured.selected_parent]
        context = header_context(stream, coloured, parent, self._times(parents), self.spec)
        header = replace(
            self._template,
            version=context.version,
            stream=int(stream),
            parents=parents,
            timestamp_ms=timestamp_ms,
            target=context.target,
            stream_counts=context.stream_counts,
            blue_score=context.blue_score,
            blue_work=context.blue_work,
            number=context.number,
            vrf_key=key,
            extra=b"",
            seal=(nonce.to_bytes(8, "little"),),
        )
        beta = b""
        if stream is Stream.C:
            lottery = self.lottery(parent)
            beta = draw(key, lottery.seed, timestamp_ms // self.spec.slot_ms) if lottery else b""
        return header, coloured, beta

    def _check(self, header: Header, coloured: Evaluation, parent: BlockRecord) -> None:
        """The rules of context in the engine's order, without those that this network has given up."""
        self.dag.check_antichain(header.parents)
        context = header_context(header.stream, coloured, parent, self._times(header.parents), self.spec)
        if not self.rules.slot_after_parents:
            context = replace(context, latest_parent_slot=-1)
        check_header_in_context(header, context)
        self.check_bounds(coloured)
        if header.stream == Stream.C:
            self._check_draw(header, parent)

    def check_bounds(self, coloured: Evaluation) -> None:
        """Mergeset limit and merge depth (protocol §6), or merge depth without bridges."""
        rules = self.spec.at(self.records[coloured.selected_parent].work_score)
        if self.rules.bridges:
            self.dag.check_bounds(coloured, rules.mergeset_limit, rules.merge_depth)
            return
        if len(coloured.mergeset) - 1 > rules.mergeset_limit:
            raise RuleViolation(RuleCode.MERGESET_LIMIT, len(coloured.mergeset) - 1, rules.mergeset_limit)
        root = self.dag.merge_root(coloured.selected_parent, rules.merge_depth)
        for block in coloured.mergeset[1:]:
            if root != self.genesis and not self.dag.in_past(root, block):
                raise RuleViolation(RuleCode.MERGE_DEPTH, block, root)

    def _check_draw(self, header: Header, parent: BlockRecord) -> None:
        lottery = self.lottery(parent)
        if lottery is None:
            raise RuleViolation(RuleCode.SEAL_NO_ANCHOR)
        if not self.wins(header.vrf_key, lottery, header.timestamp_ms // self.spec.slot_ms):
            raise RuleViolation(RuleCode.SEAL_NOT_ELIGIBLE)

    def lottery(self, parent: BlockRecord) -> Lottery | None:
        """The drawing for C blocks on this selected parent (protocol §5)."""
        height = parent.work_score - self.spec.vrf_lag
        if height < 0:
            return None
        anchor = self.dag.lowest_chain_block_at_least(parent.hash, height - height % self.spec.vrf_era)
        if anchor not in self._lotteries:
            blocks = self.dag.blue_work_window(anchor, self.spec.vrf_window)
            self._lotteries[anchor] = Lottery.of_window([(b, self.records[b].header.vrf_key) for b in blocks])
        return self._lotteries[anchor]

    def wins(self, key: bytes, lottery: Lottery, slot: int) -> bool:
        """Whether the key draws the slot."""
        beta = draw(key, lottery.seed, slot)
        return is_eligible(beta, lottery.weight(key), lottery.total, self.spec.c_num, self.spec.c_den)

    def target(self, sink: bytes, stream: Stream) -> int:
        """Compact target of a block of ``stream`` on this sink."""
        found = self._targets.get((sink, stream))
        if found is None:
            found = self._targets[sink, stream] = child_target(self.records[sink], stream, self.spec)
        return found

    def time_of(self, block: bytes) -> int:
        """Timestamp in ms."""
        return self.records[block].header.timestamp_ms

    def colours(self, head: bytes) -> Iterator[tuple[bytes, bool]]:
        """(block, is blue) for all of the head's past and the head, in consensus order from the head down."""
        for chain_block in self.dag.selected_chain(head):
            yield chain_block, True
            record = self.records[chain_block]
            blues = frozenset(record.blues)
            for block in self.dag.view(chain_block).mergeset[:0:-1]:
                yield block, block in blues

    def _times(self, parents: Sequence[bytes]) -> list[int]:
        return [self.time_of(parent) for parent in parents]


def draw(key: bytes, seed: bytes, slot: int) -> bytes:
    """What stands for the VRF's 64 bytes of output: one value for each key and input, nobody's choice."""
    return blake3(b"draw" + key + vrf_alpha(seed, slot)).digest(64)
