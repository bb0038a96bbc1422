"""After the last transaction: tips, rewards, commitments (protocol §8).

The same in every mode of execution: it sees outcomes in canonical order and does not ask how they came about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from chain.core.execution.admission import Admission
from chain.core.execution.overlay import StateOverlay
from chain.core.execution.params import ExecutionParams
from chain.core.execution.receipts import Placed, build_receipts, logs_bloom, receipts_root
from chain.core.lthash import state_root, update_lattices
from chain.core.rewards import cut_rewards
from chain.core.types import EpochBlock, EpochEnv, EpochResult, Skipped, SupplyChange


class Ran(NamedTuple):
    """What running an epoch's transactions left: outcomes in canonical order, late skips, wei destroyed."""

    placed: list[Placed]
    unrunnable: list[Skipped]
    destroyed: int


def coinbases_seen(env: EpochEnv, blocks: Sequence[EpochBlock]) -> dict[bytes, bytes]:
    """Block hash → COINBASE of its transactions: its own if it is blue, else X's."""
    return {block.hash: block.coinbase if block.is_blue else env.coinbase for block in blocks}


def settle(
    env: EpochEnv,
    blocks: Sequence[EpochBlock],
    admission: Admission,
    ran: Ran,
    overlay: StateOverlay,
    lattices: tuple[bytes, ...],
    params: ExecutionParams,
) -> EpochResult:
    """Credit tips as sums, then rewards; move the lattices; make receipts and roots.

    ``lattices`` are those before the epoch; ``overlay`` holds the state after its last transaction.
    """
    tips: dict[bytes, int] = {}
    tips_burned = gas_used = 0
    base_fee, admitted = env.base_fee, admission.admitted
    for executed, _ in ran.placed:
        gas_used += executed.gas_used
        tip = executed.gas_used * (executed.price - base_fee)
        block = admitted[executed.position].block
        if block.earns:
            tips[block.coinbase] = tips.get(block.coinbase, 0) + tip
        else:
            tips_burned += tip
    for coinbase, amount in tips.items():
        overlay.credit(coinbase, amount)
    claims = [(block.coinbase, block.reward) for block in blocks if block.earns]
    rewards, minted = cut_rewards(env.minted, params.cap, claims)
    for coinbase, amount in rewards:
        overlay.credit(coinbase, amount)
    diff, undo = overlay.changes()
    after = update_lattices(lattices, undo, diff, params.shard_count)
    receipts = build_receipts(ran.placed, admitted, params.shard_count)
    return EpochResult(
        receipts=receipts,
        skipped=(*admission.skipped, *ran.unrunnable),
        diff=diff,
        undo=undo,
        lattices=after,
        state_root=state_root(minted, after),
        receipts_root=receipts_root(receipts),
        gas_used=gas_used,
        logs_bloom=logs_bloom(log for receipt in receipts for log in receipt.logs),
        admitted_count=len(admitted),
        admitted_gas=admission.call_gas,
        reserved_gas=admission.reserved_gas,
        minted=minted,
        supply=SupplyChange(minted - env.minted, base_fee * gas_used, tips_burned, ran.destroyed),
        rewards=rewards,
    )
