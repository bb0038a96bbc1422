"""The executed end of the selected chain, and how it moves along a path: undo, then apply or execute."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Container, Sequence
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import TYPE_CHECKING

from chain.core import lthash
from chain.core.consensus.epochs import epoch_blocks, epoch_env, summarise
from chain.core.consensus.hot_state import HotState
from chain.core.consensus.model import BlockRecord, ExecutedEpoch
from chain.core.consensus.ports import ChainSource, LaneBase, LaneDispatcher
from chain.core.execution.epoch import execute_epoch
from chain.core.execution.params import ExecutionParams
from chain.core.types import EpochSummary, StateDiff, Transaction

if TYPE_CHECKING:
    from chain.core.spec import ChainSpec

# what stays in memory for undoing and merging without the store; counted in transactions as well,
# so that full blocks do not cost gigabytes
MAX_KEPT_EPOCHS = 600
MAX_KEPT_BODIES = 2_400
MAX_KEPT_TRANSACTIONS = 60_000
BLOCKHASH_DEPTH = 256


class ChainState:
    """State after the epoch of ``position``, with what is needed to move.

    ``chain`` maps number → hash along the selected chain that ends at ``position``; it reaches back
    over the whole DAG window and at least ``BLOCKHASH_DEPTH`` numbers.  ``on_window`` are the blocks of
    the DAG window; ``summaries`` has every executed one of them.
    """

    def __init__(
        self,
        spec: ChainSpec,
        hot: HotState,
        source: ChainSource,
        lattices: tuple[bytes, ...],
        position: BlockRecord,
        chain: dict[int, bytes],
        summaries: dict[bytes, EpochSummary],
        on_window: Container[bytes],
        lane_dispatcher: LaneDispatcher | None = None,
    ) -> None:
        self.spec = spec
        self.hot = hot
        self.lattices = lattices
        self.position = position
        self.chain = chain
        self.summaries = summaries
        self.on_window = on_window
        self._bodies: OrderedDict[bytes, tuple[Transaction, ...]] = OrderedDict()
        self._kept_transactions = 0
        self._kept_receipts = 0
        self._source = source
        self._results: OrderedDict[bytes, ExecutedEpoch] = OrderedDict()
        self._params = ExecutionParams.of(spec)
        self._lane_dispatcher = lane_dispatcher
        self._base = position
        # entered around the execution of each epoch, by its number: for who times it, since nothing here has a clock
        self.watch: Callable[[int], AbstractContextManager[object]] = nullcontext

    def result(self, block_hash: bytes) -> ExecutedEpoch:
        """The kept result of an epoch that this session executed."""
        return self._results[block_hash]

    def move(
        self,
        removed: Sequence[BlockRecord],
        added: Sequence[BlockRecord],
        record_of: Callable[[bytes], BlockRecord],
    ) -> None:
        """Undo ``removed`` (from position down) and put ``added`` (from the fork up) in their place."""
        for record in removed:
            self._undo(record, record_of)
        for record in added:
            self._add(record, record_of)

    def transactions_of(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        """Bodies by block hash, from memory or else from the store in one round trip."""
        missing = [block for block in hashes if block not in self._bodies]
        if missing:
            for block, transactions in self._source.transactions(missing).items():
                self.keep_body(block, transactions)
        return {block: self._bodies[block] for block in hashes}

    def keep_body(self, block_hash: bytes, transactions: tuple[Transaction, ...]) -> None:
        """Hold a body in memory, for its epoch and for merging."""
        if block_hash not in self._bodies:
            self._bodies[block_hash] = transactions
            self._kept_transactions += len(transactions)

    def committed(self) -> None:
        """Everything so far is in the store: memory may be bounded again."""
        self.hot.committed()
        self._base = self.position
        while len(self._results) > MAX_KEPT_EPOCHS or self._kept_receipts > MAX_KEPT_TRANSACTIONS:
            _, epoch = self._results.popitem(last=False)
            self._kept_receipts -= len(epoch.result.receipts)
        while len(self._bodies) > MAX_KEPT_BODIES or self._kept_transactions > MAX_KEPT_TRANSACTIONS:
            _, body = self._bodies.popitem(last=False)
            self._kept_transactions -= len(body)

    def forget(self, gone: Sequence[BlockRecord]) -> None:
        """Drop what left the DAG window, but the hashes that BLOCKHASH may still name."""
        lowest = self.position.header.number - 2 * BLOCKHASH_DEPTH
        for record in gone:
            self.summaries.pop(record.hash, None)
            self._kept_transactions -= len(self._bodies.pop(record.hash, ()))
            epoch = self._results.pop(record.hash, None)
            self._kept_receipts -= len(epoch.result.receipts) if epoch else 0
        for number in [number for number in self.chain if number < lowest and self.chain[number] not in self.on_window]:
            del self.chain[number]

    def _undo(self, record: BlockRecord, record_of: Callable[[bytes], BlockRecord]) -> None:
        kept = self._results.get(record.hash)
        undo = kept.result.undo if kept else self._source.undo_of(record.header.number)
        now = self._current_values(undo)
        self.lattices = lthash.update_lattices(self.lattices, now, undo, self.spec.shard_count)
        self.hot.apply(undo)
        del self.chain[record.header.number]
        assert record.selected_parent is not None
        self.position = record_of(record.selected_parent)

    def _current_values(self, keys: StateDiff) -> StateDiff:
        return StateDiff(
            accounts={address: self.hot.get_account(address) for address in keys.accounts},
            slots={(address, slot): self.hot.get_slot(address, slot) for address, slot in keys.slots},
            codes={},
        )

    def _add(self, record: BlockRecord, record_of: Callable[[bytes], BlockRecord]) -> None:
        epoch = self._results.get(record.hash)
        if epoch is None:
            epoch = self._execute(record, record_of)
            self.summaries[record.hash] = epoch.summary
            self._results[record.hash] = epoch
            self._kept_receipts += len(epoch.result.receipts)
        self._results.move_to_end(record.hash)
        self.hot.apply(epoch.result.diff)
        self.lattices = epoch.result.lattices
        self.chain[record.header.number] = record.hash
        self.position = record

    def _execute(self, record: BlockRecord, record_of: Callable[[bytes], BlockRecord]) -> ExecutedEpoch:
        parent = self.position
        parent_summary = self.summaries[parent.hash]
        merged = [record_of(part) for part in merge_order(record, record_of)]
        wanted = [part.hash for part in (*merged, record)]
        env = epoch_env(record, parent, parent_summary, self.spec)
        blocks = epoch_blocks(record, merged, self.transactions_of(wanted), self.parent_summary, self.spec)
        lane_runner = None
        if self._lane_dispatcher is not None:
            base = LaneBase(self._base.header.number, self._base.hash, self.hot)
            lane_runner = partial(self._lane_dispatcher, base)
        with self.watch(record.header.number):
            result = execute_epoch(
                env, blocks, self.hot, self.lattices, self._params, self._block_hash, lane_runner=lane_runner
            )
        return ExecutedEpoch(
            hash=record.hash,
            number=record.header.number,
            parent_hash=parent.hash,
            base_fee=record.header.base_fee,
            timestamp_ms=record.header.timestamp_ms,
            result=result,
            summary=summarise(record, parent, env, result, self.spec),
        )

    def parent_summary(self, merged: BlockRecord) -> EpochSummary | None:
        """The epoch summary of a merged block's selected parent where the executing chain holds it."""
        assert merged.selected_parent is not None
        if merged.selected_parent not in self.summaries:
            if merged.selected_parent in self.on_window:
                return None
            return self._source.summary_on_chain(merged.selected_parent)
        number = merged.header.number - 1
        return self.summaries[merged.selected_parent] if self.chain.get(number) == merged.selected_parent else None

    def _block_hash(self, number: int) -> bytes | None:
        """BLOCKHASH: the 256 chain blocks under the one that executes; position is its parent."""
        if not self.position.header.number - (BLOCKHASH_DEPTH - 1) <= number <= self.position.header.number:
            return None
        return self.chain.get(number)


def merge_order(record: BlockRecord, record_of: Callable[[bytes], BlockRecord]) -> list[bytes]:
    """mergeset(X) without the selected parent, ascending in the consensus order."""
    parts = [record_of(part) for part in (*record.blues[1:], *record.reds)]
    parts.sort(key=order_key)
    return [part.hash for part in parts]


def order_key(record: BlockRecord) -> tuple[int, bytes, int, bytes, bytes]:
    """The order of blocks: (weight, line, blue_score, lot, hash) (protocol §6)."""
    return record.weight, record.line, record.header.blue_score, record.lot, record.hash
