"""Phase 1: the lanes (protocol §8, shards and phases).

A lane takes the transactions whose sender is in its shard and keeps those that touch accounts of its shard
only.  Lanes share nothing: a task and the state before the epoch are all that one needs, so they run in any
order and in any process.  ``lane_codec`` turns tasks and outcomes into plain data.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chain.core.execution.admission import Admitted
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import BlockEnv
from chain.core.execution.runner import TransactionRunner
from chain.core.execution.transfer import TRANSFER_GAS, Executed, can_run
from chain.core.ports import BlockHashes, StateReader
from chain.core.shards import shard_of
from chain.core.types import EMPTY_CODE_HASH, Account, StateDiff, Transaction

_NEVER = 1 << 62


class LaneItem(NamedTuple):
    """One admitted transaction of a lane: its epoch position and the COINBASE that it sees."""

    position: int
    tx: Transaction
    coinbase: bytes


@dataclass(frozen=True, slots=True)
class LaneTask:
    """What a lane has to do.

    ``foreign`` maps accounts of this shard to the epoch position of the first admitted call from another
    shard that names them: to later transactions they count as foreign.
    """

    shard: int
    shard_count: int
    env: BlockEnv
    items: tuple[LaneItem, ...]
    foreign: dict[bytes, int]


@dataclass(frozen=True, slots=True)
class LaneOutcome:
    """What a lane did: ``executed`` and ``deferred`` (positions) ascending, ``diff`` of its shard."""

    shard: int
    executed: tuple[Executed, ...]
    deferred: tuple[int, ...]
    diff: StateDiff
    destroyed: int


def plan_lanes(
    admitted: Sequence[Admitted], coinbases: dict[bytes, bytes], env: BlockEnv, shard_count: int
) -> list[LaneTask]:
    """Share the admitted transactions out to the shards of their senders.

    Parameters
    ----------
    admitted : sequence of Admitted
        In epoch order.
    coinbases : dict
        Block hash → the COINBASE that its transactions see.
    env : BlockEnv
        The epoch's environment.
    shard_count : int
        Number of lanes.

    Returns
    -------
    list of LaneTask
        One for each lane that has work, ascending.
    """
    items: list[list[LaneItem]] = [[] for _ in range(shard_count)]
    foreign: list[dict[bytes, int]] = [{} for _ in range(shard_count)]
    for position, (tx, block) in enumerate(admitted):
        shard = shard_of(tx.sender, shard_count)
        items[shard].append(LaneItem(position, tx, coinbases[block.hash]))
        if not tx.is_simple:
            named = [entry.address for entry in tx.access_list]
            if tx.to is not None:
                named.append(tx.to)
            for address in named:
                other = shard_of(address, shard_count)
                if other != shard:
                    foreign[other].setdefault(address, position)
    return [
        LaneTask(shard, shard_count, env, tuple(items[shard]), foreign[shard])
        for shard in range(shard_count)
        if items[shard]
    ]


class _Guard:
    """Whether an account is foreign to the transaction at ``position`` of a lane."""

    __slots__ = ("foreign", "position", "shard", "shard_count")

    def __init__(self, task: LaneTask) -> None:
        self.shard = task.shard
        self.shard_count = task.shard_count
        self.foreign = task.foreign
        self.position = 0

    def __call__(self, address: bytes) -> bool:
        return shard_of(address, self.shard_count) != self.shard or self.foreign.get(address, _NEVER) < self.position


def run_lane(task: LaneTask, state: StateReader, block_hashes: BlockHashes) -> LaneOutcome:
    """Run a lane over the state before the epoch.

    Parameters
    ----------
    task : LaneTask
        Its transactions in epoch order.
    state : StateReader
        The state before the epoch.
    block_hashes : BlockHashes
        BLOCKHASH of the selected chain.
    """
    reader = state if isinstance(state, CachedReader) else CachedReader(state)
    overlay = StateOverlay(reader)
    runner = TransactionRunner(overlay, task.env, block_hashes)
    guard = _Guard(task)
    accounts, read = overlay.accounts, reader.get_account
    shard, shard_count, foreign, base_fee = task.shard, task.shard_count, task.foreign, task.env.base_fee
    executed: list[Executed] = []
    deferred: list[int] = []
    moved: set[bytes] = set()
    for position, tx, coinbase in task.items:
        sender, to = tx.sender, tx.to
        # a transfer's recipient is touched for sure: seen here, it costs no look at the sender
        if (
            sender in moved
            or (tx.is_simple and to is not None and shard_of(to, shard_count) != shard)
            or (foreign and foreign.get(sender, _NEVER) < position)
            or (foreign and tx.is_simple and to is not None and foreign.get(to, _NEVER) < position)
        ):
            moved.add(sender)
            deferred.append(position)
            continue
        account = accounts[sender] if sender in accounts else overlay.account(sender)
        if not can_run(tx, account, overlay):
            moved.add(sender)
            deferred.append(position)
            continue
        if tx.is_simple and to is not None:
            recipient = accounts[to] if to in accounts else read(to)
            if recipient is None or recipient.code_hash == EMPTY_CODE_HASH:
                executed.append(_transfer(tx, position, base_fee, account, recipient, accounts))
                continue
        outcome = _run_guarded(runner, tx, position, coinbase, guard)
        if outcome is None:
            moved.add(sender)
            deferred.append(position)
        else:
            executed.append(outcome)
    return LaneOutcome(task.shard, tuple(executed), tuple(deferred), overlay.written(), runner.destroyed)


def _transfer(
    tx: Transaction,
    position: int,
    base_fee: int,
    sender: Account | None,
    recipient: Account | None,
    accounts: dict[bytes, Account | None],
) -> Executed:
    """``run_transfer`` with both accounts at hand; the hot path of a node."""
    price = base_fee + tx.max_priority_fee
    price = min(price, tx.max_fee)
    nonce, balance, code_hash = sender if sender is not None else (0, 0, EMPTY_CODE_HASH)
    to, value = tx.to, tx.value
    assert to is not None
    accounts[tx.sender] = Account(nonce + 1, balance - value - TRANSFER_GAS * price, code_hash)
    if value:
        if to == tx.sender:
            recipient = accounts[to]
        if recipient is None:
            accounts[to] = Account(0, value, EMPTY_CODE_HASH)
        else:
            accounts[to] = Account(recipient.nonce, recipient.balance + value, recipient.code_hash)
    return Executed(position, 1, TRANSFER_GAS, price, (), None)


def _run_guarded(
    runner: TransactionRunner, tx: Transaction, position: int, coinbase: bytes, guard: _Guard
) -> Executed | None:
    """Run a call; None if it touched a foreign account and was undone."""
    from chain.core.execution.evm.database import ForeignTouch

    guard.position = position
    try:
        return runner.run_call(tx, position, coinbase, guard)
    except ForeignTouch:
        return None
