"""A warm engine from the store: the DAG window, statuses, executed summaries and lattices of the last commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from chain.core import lthash
from chain.core.consensus.chain_state import BLOCKHASH_DEPTH, ChainState, order_key
from chain.core.consensus.engine import Engine
from chain.core.consensus.hot_state import HotState
from chain.core.execution.memory_state import MemoryState
from chain.core.ghostdag import BlockView, Dag, history_depth
from chain.core.types import BlockStatus, EpochSummary, StateDiff, Stream, Transaction
from chain.pipeline.replay import Start
from chain.stores import audit, load, prune, window
from chain.stores.state import PostgresState

if TYPE_CHECKING:
    import psycopg

    from chain.core.consensus.model import BlockRecord
    from chain.core.consensus.ports import LaneDispatcher
    from chain.core.spec import ChainSpec
    from chain.stores.prune import Horizon

# a replay from a horizon takes blocks that fork so many numbers below it
FINALITY_BELOW = 1_000


class StoredChain:
    """``ChainSource`` over the writer's connection."""

    def __init__(self, connection: psycopg.Connection) -> None:
        self._connection = connection

    def transactions(self, hashes: Sequence[bytes]) -> dict[bytes, tuple[Transaction, ...]]:
        """See ``ChainSource``."""
        return load.load_bodies(self._connection, hashes)

    def undo_of(self, number: int) -> StateDiff:
        """See ``ChainSource``."""
        return load.load_undo(self._connection, number)

    def summary_on_chain(self, block_hash: bytes) -> EpochSummary | None:
        """See ``ChainSource``."""
        epoch = window.load_epoch_on_chain(self._connection, block_hash)
        return None if epoch is None else epoch.summary


def load_engine(
    connection: psycopg.Connection, spec: ChainSpec, lane_dispatcher: LaneDispatcher | None = None
) -> Engine:
    """Read everything that the engine keeps in memory.

    Raises
    ------
    StoreError
        ``not_initialised`` before ``init_chain``, or an error of the database.
    """
    node = load.load_node_state(connection)
    stored = window.load_window(connection, _least_weight(connection, spec, node.finality_point))
    records = {block.record.hash: block.record for block in stored}
    statuses = {block.record.hash: block.status for block in stored}
    for refused in load.load_refused(connection):
        statuses.setdefault(refused, BlockStatus.INVALID)
    keys = _order_keys(connection, records)
    dag = Dag.restore(
        spec.ghostdag_k,
        [view_of(block.record, spec, keys) for block in stored],
        [block.record.hash for block in stored if block.status.has_body],
        node.finality_point,
        has_left=lambda block: window.is_stored(connection, block),
    )
    lowest = min([record.header.number for record in records.values()])
    from_number = max(0, min(lowest, node.sink_number - 2 * BLOCKHASH_DEPTH))
    chain = dict(load.load_selected_chain(connection, from_number))
    summaries = {
        epoch.hash: epoch.summary for epoch in load.load_epochs(connection, from_number) if epoch.hash in records
    }
    state = ChainState(
        spec,
        HotState(PostgresState(connection)),
        StoredChain(connection),
        load.load_lattices(connection),
        records[node.sink],
        chain,
        summaries,
        records,
        lane_dispatcher,
    )
    return Engine(spec, dag, records, statuses, state, node.finality_point, node.sequence)


def start_at(connection: psycopg.Connection, spec: ChainSpec, horizon: Horizon, source: Any) -> Start:
    """A replay's start on a pruned chain: the past of the horizon's block, believed, and the state after its epoch.

    Blocks beside it are not part of it; whoever replays adds them.
    """
    below = dict(load.load_selected_chain(connection, max(0, horizon.number - FINALITY_BELOW)))
    finality_point = below[min(below)]
    window_of = window.load_window(connection, _least_weight(connection, spec, finality_point))
    past = audit.merged_until(connection, [block.record.hash for block in window_of], horizon.number)
    stored = [block for block in window_of if block.record.hash in past]
    records = {block.record.hash: block.record for block in stored}
    statuses = {block.record.hash: block.status for block in stored}
    keys = _order_keys(connection, records)
    dag = Dag.restore(
        spec.ghostdag_k,
        [view_of(block.record, spec, keys) for block in stored],
        [block.record.hash for block in stored if block.status.has_body],
        finality_point,
        has_left=lambda block: window.is_stored(connection, block),
    )
    lowest = min([record.header.number for record in records.values()])
    from_number = max(0, min(lowest, horizon.number - 2 * BLOCKHASH_DEPTH))
    chain = {
        number: block for number, block in load.load_selected_chain(connection, from_number) if number <= horizon.number
    }
    summaries = {
        epoch.hash: epoch.summary for epoch in load.load_epochs(connection, from_number) if epoch.hash in records
    }
    whole = prune.state_at(connection, horizon.number)
    state = MemoryState()
    state.apply(whole)
    empty = (lthash.EMPTY_LATTICE,) * spec.shard_count
    lattices = lthash.update_lattices(empty, StateDiff({}, {}, {}), whole, spec.shard_count)
    floor = records[horizon.hash]
    chain_state = ChainState(spec, HotState(state), source, lattices, floor, chain, summaries, records)
    engine = Engine(spec, dag, records, statuses, chain_state, finality_point)
    return Start(engine, state, floor, finality_point, source)


def view_of(record: BlockRecord, spec: ChainSpec, keys: dict[bytes, window.OrderKey]) -> BlockView:
    """A record as the DAG keeps it; ``keys`` order its mergeset."""
    header = record.header
    fast = header.stream == Stream.C
    return BlockView(
        hash=record.hash,
        parents=header.parents,
        stream=Stream(header.stream),
        work=record.weight - header.blue_work,
        lot=record.lot,
        vrf_key=header.vrf_key,
        slot=header.timestamp_ms // spec.slot_ms if fast else None,
        selected_parent=record.selected_parent,
        mergeset=(*record.blues[:1], *sorted([*record.blues[1:], *record.reds], key=keys.__getitem__)),
        blues=record.blues,
        reds=record.reds,
        stream_counts=header.stream_counts,
        blue_score=header.blue_score,
        blue_work=header.blue_work,
        weight=record.weight,
        line=record.line,
        number=header.number,
    )


def _order_keys(connection: psycopg.Connection, records: dict[bytes, BlockRecord]) -> dict[bytes, window.OrderKey]:
    """Order keys of every block that a mergeset of the window names, also of those below the window."""
    keys = {block: order_key(record) for block, record in records.items()}
    named = {block for record in records.values() for block in (*record.blues[1:], *record.reds)}
    keys.update(window.load_order_keys(connection, sorted(named - keys.keys())))
    return keys


def _least_weight(connection: psycopg.Connection, spec: ChainSpec, finality_point: bytes) -> int:
    """A weight below which no block can matter any more.

    The blocks above any weight are upward closed.  Twice the history that the live window keeps
    under the finality point leaves room for merged blocks that weigh less than their chain.
    """
    history = history_depth(spec.merge_depth, spec.vrf_window, spec.vrf_lag, spec.vrf_era)
    return window.chain_weight_below(connection, finality_point, 2 * history)
