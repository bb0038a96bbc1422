"""Phases 2 and 3: what the lanes could not keep (protocol §8, shards and phases)."""

from __future__ import annotations

from collections.abc import Sequence

from chain.core.execution.admission import Admitted
from chain.core.execution.overlay import StateOverlay
from chain.core.execution.runner import TransactionRunner
from chain.core.execution.transfer import TRANSFER_GAS, Executed, can_run, effective_gas_price, is_native
from chain.core.types import EMPTY_CODE_HASH, Account, Skipped, SkipReason


def sort_deferred(
    deferred: Sequence[int], admitted: Sequence[Admitted], overlay: StateOverlay
) -> tuple[list[int], list[int]]:
    """Which of the deferred positions may try phase 2, and which go to phase 3.

    Parameters
    ----------
    deferred : sequence of int
        Epoch positions, ascending.
    admitted : sequence of Admitted
        The epoch.
    overlay : StateOverlay
        The state at the end of phase 1: a recipient with code there, or a delegation, means phase 3.

    Returns
    -------
    tuple
        (phase 2, phase 3), each ascending; none of a sender's is in phase 2 after one in phase 3.
    """
    second: list[int] = []
    third: list[int] = []
    late: set[bytes] = set()
    for position in deferred:
        tx = admitted[position].tx
        if tx.sender not in late and is_native(tx, overlay):
            second.append(position)
        else:
            late.add(tx.sender)
            third.append(position)
    return second, third


def run_transfers(
    positions: Sequence[int], admitted: Sequence[Admitted], base_fee: int, overlay: StateOverlay
) -> tuple[list[Executed], list[int]]:
    """Phase 2: debits by sender in nonce order, then credits as sums.

    A debit may not count on a credit of this phase; one that cannot run goes to phase 3, and so do all later
    ones of its sender.

    Returns
    -------
    tuple
        Outcomes in canonical order, and the positions that phase 3 gets.
    """
    by_sender: dict[bytes, list[int]] = {}
    for position in positions:
        by_sender.setdefault(admitted[position].tx.sender, []).append(position)
    executed: list[Executed] = []
    late: list[int] = []
    credits: dict[bytes, int] = {}
    for sender, own in by_sender.items():
        account = overlay.account(sender)
        for index, position in enumerate(own):
            tx = admitted[position].tx
            if not can_run(tx, account, overlay):
                late.extend(own[index:])
                break
            price = effective_gas_price(tx, base_fee)
            nonce, balance, code_hash = account if account is not None else (0, 0, EMPTY_CODE_HASH)
            account = Account(nonce + 1, balance - tx.value - TRANSFER_GAS * price, code_hash)
            assert tx.to is not None
            if tx.value:
                credits[tx.to] = credits.get(tx.to, 0) + tx.value
            executed.append(Executed(position, 1, TRANSFER_GAS, price, (), None))
        overlay.accounts[sender] = account
    for address, amount in credits.items():
        overlay.credit(address, amount)
    return executed, late


def run_cross(
    positions: Sequence[int],
    admitted: Sequence[Admitted],
    coinbases: dict[bytes, bytes],
    runner: TransactionRunner,
) -> tuple[list[Executed], list[Skipped]]:
    """Phase 3: one by one over the whole state, in epoch order; what still cannot run is skipped."""
    executed: list[Executed] = []
    skipped: list[Skipped] = []
    overlay = runner.overlay
    for position in positions:
        tx, block = admitted[position]
        if can_run(tx, overlay.account(tx.sender), overlay):
            executed.append(runner.run(tx, position, coinbases[block.hash]))
        else:
            skipped.append(Skipped(tx.hash, SkipReason.UNRUNNABLE, block.hash, tx.sender))
    return executed, skipped
