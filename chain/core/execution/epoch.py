"""How an epoch runs: admission, three phases, settlement (protocol §8)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from heapq import merge

from chain.core.errors import StoreError
from chain.core.execution.admission import Admitted, admit
from chain.core.execution.lanes import LaneOutcome, LaneTask, plan_lanes, run_lane
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import ExecutionParams, block_env
from chain.core.execution.phases import run_cross, run_transfers, sort_deferred
from chain.core.execution.receipts import Placed
from chain.core.execution.runner import TransactionRunner
from chain.core.execution.settle import Ran, coinbases_seen, settle
from chain.core.ports import BlockHashes, StateReader
from chain.core.types import EpochBlock, EpochEnv, EpochResult, Phase

# Runs lanes over the state before the epoch, wherever it likes, and returns their outcomes in any order
LaneRunner = Callable[[Sequence[LaneTask], CachedReader, BlockHashes], Sequence[LaneOutcome]]


def execute_epoch(
    env: EpochEnv,
    blocks: Sequence[EpochBlock],
    state: StateReader,
    lattices: tuple[bytes, ...],
    params: ExecutionParams,
    block_hashes: BlockHashes,
    lane_runner: LaneRunner | None = None,
) -> EpochResult:
    """Execute the epoch of a selected-chain block X.

    Parameters
    ----------
    env : EpochEnv
        Environment and room of X.
    blocks : sequence of EpochBlock
        mergeset(X) \\ {SP} ascending, then X.
    state : StateReader
        The state before the epoch; not changed.
    lattices : tuple of bytes
        One a shard, before the epoch.
    params : ExecutionParams
        Parameters of the chain.
    block_hashes : BlockHashes
        BLOCKHASH of the selected chain below X.
    lane_runner : LaneRunner, optional
        Runs the lanes elsewhere; left out, they run here one after another.

    Returns
    -------
    EpochResult
        Equal, whoever runs the lanes and in which order.

    Raises
    ------
    StoreError
        ``lane_missing`` if ``lane_runner`` does not answer every task exactly once.
    """
    reader = CachedReader(state)
    prefetch(blocks, reader)
    admission = admit(env, blocks, reader)
    coinbases = coinbases_seen(env, blocks)
    evm_env = block_env(env, params)
    tasks = plan_lanes(admission.admitted, coinbases, evm_env, params.shard_count)
    if lane_runner is None:
        outcomes: Sequence[LaneOutcome] = [run_lane(task, reader, block_hashes) for task in tasks]
    else:
        outcomes = sorted(lane_runner(tasks, reader, block_hashes), key=lambda outcome: outcome.shard)
        if [outcome.shard for outcome in outcomes] != [task.shard for task in tasks]:
            raise StoreError("lane_missing", got=[o.shard for o in outcomes], expected=[t.shard for t in tasks])
    overlay = StateOverlay(reader)
    runner = TransactionRunner(overlay, evm_env, block_hashes)
    ran = _join(outcomes, admission.admitted, coinbases, runner)
    return settle(env, blocks, admission, ran, overlay, lattices, params)


def _join(
    outcomes: Sequence[LaneOutcome],
    admitted: Sequence[Admitted],
    coinbases: dict[bytes, bytes],
    runner: TransactionRunner,
) -> Ran:
    """Merge the lanes and run phases 2 and 3."""
    placed: list[Placed] = []
    overlay = runner.overlay
    for outcome in outcomes:
        overlay.take(outcome.diff)
        runner.destroyed += outcome.destroyed
        placed.extend([Placed(executed, Phase.LOCAL) for executed in outcome.executed])
    deferred = list(merge(*(outcome.deferred for outcome in outcomes)))
    second, third = sort_deferred(deferred, admitted, overlay)
    transfers, late = run_transfers(second, admitted, runner.env.base_fee, overlay)
    placed.extend([Placed(executed, Phase.TRANSFER) for executed in transfers])
    calls, unrunnable = run_cross(sorted(third + late), admitted, coinbases, runner)
    placed.extend([Placed(executed, Phase.CROSS) for executed in calls])
    return Ran(placed, unrunnable, runner.destroyed)


def prefetch(blocks: Sequence[EpochBlock], reader: StateReader) -> None:
    """Ask for all that the transactions name, in one round trip."""
    addresses: dict[bytes, None] = {}
    slots: dict[tuple[bytes, int], None] = {}
    for block in blocks:
        addresses[block.coinbase] = None
        for tx in block.transactions:
            addresses[tx.sender] = None
            if tx.to is not None:
                addresses[tx.to] = None
            for entry in tx.access_list:
                addresses[entry.address] = None
                for slot in entry.slots:
                    slots[entry.address, slot] = None
    reader.prefetch(addresses, slots)
