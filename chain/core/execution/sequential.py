"""The oracle of serializability: an epoch's canonical order run plainly, one by one, on the EVM alone.

It shares no phase, lane or native transfer with ``execute_epoch``: only admission (the order is checked against
it), the EVM and settlement.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

from chain.core.errors import StoreError
from chain.core.execution.admission import admit
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import ExecutionParams, block_env
from chain.core.execution.receipts import Placed
from chain.core.execution.runner import TransactionRunner
from chain.core.execution.settle import Ran, coinbases_seen, settle
from chain.core.execution.tracing import Tracer
from chain.core.execution.transfer import can_run
from chain.core.ports import BlockHashes, StateReader
from chain.core.types import EpochBlock, EpochEnv, EpochResult, Phase, Skipped, SkipReason


class Turn(NamedTuple):
    """One place in the canonical order."""

    tx_hash: bytes
    phase: Phase


def execute_sequential(
    env: EpochEnv,
    blocks: Sequence[EpochBlock],
    order: Sequence[Turn],
    state: StateReader,
    lattices: tuple[bytes, ...],
    params: ExecutionParams,
    block_hashes: BlockHashes,
    tracer_of: Callable[[bytes], Tracer | None] | None = None,
) -> EpochResult:
    """Run the transactions of ``order`` one by one; admitted ones that it leaves out count as unrunnable.

    Parameters are those of ``execute_epoch``; ``order`` is the canonical order.  ``tracer_of`` gives the tracer of a
    transaction hash, or None for those that nobody wants to watch.

    Raises
    ------
    StoreError
        ``order_not_runnable`` if a transaction of the order is not admitted, or cannot run at its turn.
    """
    reader = CachedReader(state)
    admission = admit(env, blocks, reader)
    positions = {entry.tx.hash: position for position, entry in enumerate(admission.admitted)}
    coinbases = coinbases_seen(env, blocks)
    overlay = StateOverlay(reader)
    runner = TransactionRunner(overlay, block_env(env, params), block_hashes)
    placed: list[Placed] = []
    for tx_hash, phase in order:
        position = positions.pop(tx_hash, None)
        if position is None:
            raise StoreError("order_not_runnable", "not admitted, or named twice", tx_hash=tx_hash)
        tx, block = admission.admitted[position]
        if not can_run(tx, overlay.account(tx.sender), overlay):
            raise StoreError("order_not_runnable", "cannot run at its turn", tx_hash=tx_hash)
        tracer = tracer_of(tx_hash) if tracer_of is not None else None
        placed.append(Placed(runner.run_call(tx, position, coinbases[block.hash], tracer=tracer), phase))
    left_out = sorted(positions.values())
    unrunnable = [
        Skipped(admitted.tx.hash, SkipReason.UNRUNNABLE, admitted.block.hash, admitted.tx.sender)
        for admitted in (admission.admitted[position] for position in left_out)
    ]
    return settle(env, blocks, admission, Ran(placed, unrunnable, runner.destroyed), overlay, lattices, params)
