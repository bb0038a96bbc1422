"""The chain once more from genesis, in memory: what ``verify_chain`` compares with and ``rebuild_state`` writes.

The stored blocks come in the order in which they were first inserted, and pass through the same engine
as they did then.  Only the state is kept whole; the DAG window moves along.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from chain.core.consensus.chain_state import ChainState
from chain.core.consensus.engine import Arrival, Engine
from chain.core.consensus.hot_state import HotState
from chain.core.consensus.model import BlockRecord, ChainUpdate
from chain.core.errors import StoreError
from chain.core.execution.memory_state import MemoryState
from chain.core.genesis import Genesis
from chain.core.ghostdag import Dag
from chain.core.spec import ChainSpec
from chain.core.types import BlockStatus, EpochSummary, StateDiff, Transaction
from chain.stores.genesis import genesis_record

# The first writer judged finality conflicts by a finality point that was up to one of its batches old.  A
# replay must not be stricter than it was, so its own point is older; older refuses nothing that was taken.
FINALITY_LAG_BLOCKS = 512

Bodies = Callable[[Sequence[bytes]], dict[bytes, tuple[Transaction, ...]]]
SummaryOnChain = Callable[[bytes], EpochSummary | None]


@dataclass(frozen=True)
class Start:
    """Where a replay begins: genesis, or a block of the chain whose state is known.

    ``floor`` is that block: the state cannot go below it.  ``finality_point`` lies under it, so that blocks beside
    it are not taken for conflicts.
    """

    engine: Engine
    state: MemoryState
    floor: BlockRecord
    finality_point: bytes
    source: _Source


class Replay:
    """A fresh engine that starts at genesis, or where ``begin`` puts it.

    Parameters
    ----------
    bodies : callable
        Transactions of blocks that were added and are no longer in memory.
    summary_on_chain : callable
        Epoch summary of a final block of the selected chain, None for any other block.
    """

    def __init__(
        self,
        spec: ChainSpec,
        genesis: Genesis,
        bodies: Bodies,
        summary_on_chain: SummaryOnChain,
        begin: Callable[[_Source], Start] | None = None,
    ) -> None:
        self.spec = spec
        source = _Source(bodies, summary_on_chain)
        start = self._genesis(spec, genesis, source) if begin is None else begin(source)
        self.engine = start.engine
        self.state = start.state
        self._source = source
        self._floor = start.floor
        self._finality: deque[tuple[int, bytes]] = deque([(0, start.finality_point)])
        self._blocks = 0

    @staticmethod
    def _genesis(spec: ChainSpec, genesis: Genesis, source: _Source) -> Start:
        state = MemoryState()
        state.apply(genesis.state)
        record = genesis_record(genesis)
        records = {genesis.hash: record}
        dag = Dag(spec.ghostdag_k)
        dag.insert(genesis.hash, (), 0)
        dag.mark_body_valid(genesis.hash)
        chain_state = ChainState(
            spec,
            HotState(state),
            source,
            genesis.lattices,
            record,
            {0: genesis.hash},
            {genesis.hash: genesis.summary},
            records,
        )
        statuses = {genesis.hash: BlockStatus.CHAIN_VALID}
        engine = Engine(spec, dag, records, statuses, chain_state, genesis.hash)
        return Start(engine, state, record, genesis.hash, source)

    def add(self, arrival: Arrival) -> BlockRecord:
        """Take one block; errors as ``Engine.add``."""
        record = self.engine.add(arrival)
        self._blocks += 1
        return record

    def resolve(self) -> ChainUpdate:
        """Everything added since the last ``commit``, resolved."""
        engine = self.engine
        if engine.records[engine.finality_point].header.number < self._floor.header.number:
            # while blocks are taken finality may lie below the state that is known, but the sink may not
            engine.finality_point = self._floor.hash
        engine.resolve()
        self._finality.append((self._blocks, engine.finality_point))
        while len(self._finality) > 1 and self._finality[1][0] <= self._blocks - FINALITY_LAG_BLOCKS:
            self._finality.popleft()
        engine.finality_point = self._finality[0][1]
        return engine.collect()

    def commit(self, update: ChainUpdate) -> None:
        """Take over what was resolved and move the window on."""
        self._source.apply(update, self.engine.records[update.finality_point].header.number)
        self.state.apply(update.state)
        self.engine.committed()

    @property
    def finality_point(self) -> bytes:
        """The finality point without the lag."""
        return self._finality[-1][1]


class _Source:
    """``ChainSource``: undo data back to finality in memory, the rest from whoever replays."""

    def __init__(self, bodies: Bodies, summary_on_chain: SummaryOnChain) -> None:
        self._undo: dict[int, StateDiff] = {}
        self._settled = 0
        self.transactions = bodies
        self.summary_on_chain = summary_on_chain

    def undo_of(self, number: int) -> StateDiff:
        """See ``ChainSource``."""
        try:
            return self._undo[number]
        except KeyError:
            raise StoreError("left_window", "a reorganisation below finality", number=number) from None

    def apply(self, update: ChainUpdate, final_number: int) -> None:
        """Keep the undo data of a settled update, forget that of final epochs."""
        for number in range(update.fork_number + 1, update.fork_number + len(update.removed) + 1):
            self._undo.pop(number, None)
        for epoch in update.added:
            self._undo[epoch.number] = epoch.result.undo
        while self._settled < final_number:
            self._settled += 1
            self._undo.pop(self._settled, None)
