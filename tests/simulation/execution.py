"""Scenarios on whole engines: what attacks and accidents do to transactions and balances."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from typing import Any
from unittest.mock import patch

from chain.core.consensus.headers import child_target
from chain.core.execution import epoch as epoch_rules
from chain.core.execution.admission import Admission, admit
from chain.core.execution.lanes import LaneTask, plan_lanes
from chain.core.execution.overlay import CachedReader
from chain.core.shards import shard_of
from chain.core.spec import AllocAccount, ChainSpec
from chain.core.transactions import decode_transaction
from chain.core.types import Account, Block, EpochBlock, EpochEnv, SkipReason, Stream
from tests.core.consensus.mini import dev, name, transfer
from tests.core.execution import asm
from tests.simulation.engines import EngineNetwork, EngineNode
from tests.simulation.events import Simulation
from tests.simulation.miners import HashRate
from tests.simulation.rules import simulated_spec

GWEI = 10**9
# slot 0 becomes the first caller's address, whoever calls later
FIRST_COMES = asm.asm(asm.push(0), asm.SLOAD, asm.push(8), asm.JUMPI, asm.CALLER, asm.push(0), asm.SSTORE, asm.JUMPDEST)


def address_of(index: int) -> bytes:
    """The address of a development account."""
    return bytes.fromhex(dev(index).address[2:])


def call(spec: ChainSpec, index: int, nonce: int, to: bytes, gas_limit: int, max_fee: int = 100 * GWEI) -> bytes:
    """A signed call's envelope."""
    fields = {
        "type": 2,
        "chainId": spec.chain_id,
        "nonce": nonce,
        "maxPriorityFeePerGas": GWEI,
        "maxFeePerGas": max_fee,
        "gas": gas_limit,
        "to": to,
        "value": 0,
        "data": b"\x01",
    }
    return bytes(dev(index).sign_transaction(fields).raw_transaction)


@dataclass(frozen=True)
class HealedState:
    """What two engines say after a partition: equal sinks and states, and where the money went."""

    blocks: tuple[int, int]
    undone: int
    same_sink: bool
    same_state: bool
    paid_left: int
    paid_right: int
    paid_twice: int
    conflicts: int
    unmerged: int


def healed_transfers(seed: int, minutes: float = 10, every: int = 4) -> HealedState:
    """Both sides pay all the time; one account spends each nonce on both sides, to different recipients."""
    spec = simulated_spec()
    network = EngineNetwork(spec, seed, ["left", "right"], HashRate(1, 1))
    left, right = b"\x11" * 20, b"\x22" * 20
    conflict = {"left": b"\x33" * 20, "right": b"\x44" * 20}
    nonces: dict[int | str, int] = {}
    sent: dict[str, int] = {"left": 0, "right": 0}

    def bodies(node: EngineNode) -> Sequence[bytes]:
        nonces[node.name] = nonces.get(node.name, 0) + 1
        if nonces[node.name] % every:
            return ()
        account, to = (1, left) if node.name == "left" else (2, right)
        sent[node.name] += 1
        envelopes = [transfer(spec, account, sent[node.name] - 1, to)]
        if network.parted:
            key = "double " + node.name
            nonces[key] = nonces.get(key, 0) + 1
            envelopes.append(transfer(spec, 3, nonces[key] - 1, conflict[node.name]))
        return envelopes

    network.run_s(30)
    network.bodies = bodies
    network.parted = True
    network.run_s(60 * minutes)
    network.bodies = lambda _node: ()
    blocks = tuple([len(node.blocks) for node in network.nodes])
    network.heal()
    network.run_s(20)
    one, other = network.nodes
    sink = one.engine.sink.hash
    twice = [one.balance(address) for address in conflict.values()]
    return HealedState(
        blocks=(blocks[0], blocks[1]),
        undone=max(len(update.removed) for node in network.nodes for update in node.updates),
        same_sink=sink == other.engine.sink.hash,
        same_state=one.engine.state.summaries[sink] == other.engine.state.summaries[sink]
        and one.engine.state.lattices == other.engine.state.lattices,
        paid_left=one.balance(left) - sent["left"],
        paid_right=one.balance(right) - sent["right"],
        paid_twice=sum(twice) - max(nonces["double left"], nonces["double right"]),
        conflicts=min(nonces["double left"], nonces["double right"]),
        unmerged=sum(block != sink and not one.engine.dag.in_past(block, sink) for block in one.blocks),
    )


def new_node(spec: ChainSpec, seed: int, node: str = "miner") -> EngineNode:
    """One engine alone; blocks are made by hand."""
    return EngineNode(spec, Simulation(seed, spec.timestamp_ms + 1_000), node)


def grow(node: EngineNode, count: int, stream: Stream = Stream.B) -> None:
    """Let the node find empty blocks, one a second."""
    for _ in range(count):
        node.simulation.run_for(1_000)
        node.receive([node.draft(stream)])


@dataclass(frozen=True)
class Crowded:
    """An epoch full of an attacker's calls, and what became of a user's."""

    attacker_accepted: int
    attacker_skipped: int
    user_accepted: bool
    user_reason: SkipReason | None
    room_taken: int


def crowding(seed: int, *, funded: bool, funds_rule: bool = True) -> Crowded:
    """Three blocks whose calls would fill an epoch's room are merged ahead of a user's call.

    ``funded``: whether the attacker's accounts hold the money for it.  ``funds_rule``: admission asks.
    """
    with nullcontext() if funds_rule else without_funds_rule():
        return _crowding(seed, funded)


def _crowding(seed: int, funded: bool) -> Crowded:
    users = simulated_spec().alloc
    attackers = {address_of(index) for index in range(3)}
    alloc = tuple([a if funded or a.address not in attackers else replace(a, balance=1) for a in users])
    spec = replace(simulated_spec(), alloc=alloc)
    node = new_node(spec, seed)
    grow(node, 4)
    # a whole epoch's room is there
    node.simulation.run_for(10_000)
    snapshot = node.engine.virtual()
    target = b"\x77" * 20
    blocks = []
    for index in range(3):
        calls = [call(spec, index, nonce, target, 2_000_000) for nonce in range(5)]
        blocks.append(node.draft(Stream.B, calls, snapshot=snapshot))
    node.receive(blocks)
    node.simulation.run_for(10)
    mine = call(spec, 5, 0, target, 2_000_000)
    final = node.draft(Stream.A, [mine])
    node.receive([final])
    epochs = [epoch for update in node.updates for epoch in update.added][-2:]
    user = decode_transaction(mine)
    accepted = {receipt.tx_hash for epoch in epochs for receipt in epoch.result.receipts}
    skipped = {entry.tx_hash: entry for epoch in epochs for entry in epoch.result.skipped}
    own = [tx for block in blocks for tx in map(decode_transaction, block.transactions)]
    return Crowded(
        attacker_accepted=sum(tx.hash in accepted for tx in own),
        attacker_skipped=sum(tx.hash in skipped for tx in own),
        user_accepted=user.hash in accepted,
        user_reason=skipped[user.hash].reason if user.hash in skipped else None,
        room_taken=sum(epoch.result.admitted_gas for epoch in epochs),
    )


def overtaking(seed: int, *, foreign_rule: bool = True, same_block: bool = False) -> str:
    """Who gets what only the first caller gets: a user from another shard, or a local who acts after seeing it.

    ``foreign_rule``: accounts that an earlier call from another shard names count as foreign to later ones.
    """
    with nullcontext() if foreign_rule else without_foreign_rule():
        return _overtaking(seed, same_block)


def _overtaking(seed: int, same_block: bool) -> str:
    spec = simulated_spec()
    local = 1
    shard = shard_of(address_of(local), spec.shard_count)
    user = next(i for i in range(2, 10) if shard_of(address_of(i), spec.shard_count) != shard)
    prize = next(
        candidate
        for number in range(1_000)
        if shard_of(candidate := number.to_bytes(2, "big") * 10, spec.shard_count) == shard
    )
    spec = replace(spec, alloc=(*spec.alloc, AllocAccount(prize, 0, 1, FIRST_COMES)))
    node = new_node(spec, seed)
    grow(node, 3)
    first = call(spec, user, 0, prize, 200_000)
    second = call(spec, local, 0, prize, 200_000)
    if same_block:
        node.receive([node.draft(Stream.B, [first, second])])
    else:
        snapshot = node.engine.virtual()
        seen = node.draft(Stream.A, [first], snapshot=snapshot)
        # a heavier sibling keeps the user's block off the selected chain, so that both calls meet in one epoch
        heavier = node.draft(Stream.B, snapshot=snapshot)
        node.receive([seen, heavier])
        assert node.engine.sink.hash == name(heavier)
        node.simulation.run_for(200)
        node.receive([node.draft(Stream.B, [second])])
    winner = node.engine.state.hot.get_slot(prize, 0).to_bytes(20, "big")
    return {address_of(user): "user", address_of(local): "local"}[winner]


class _RichReader:
    """Balances as admission would see them if it did not ask for money."""

    def __init__(self, reader: CachedReader) -> None:
        self._reader = reader

    def get_account(self, address: bytes) -> Account | None:
        account = self._reader.get_account(address)
        return account._replace(balance=10**30) if account else None

    def get_code(self, code_hash: bytes) -> bytes:
        return self._reader.get_code(code_hash)


def without_funds_rule() -> AbstractContextManager[object]:
    """Admission takes what its sender cannot pay for; such a transaction finds out at its turn."""

    def careless(env: EpochEnv, blocks: Sequence[EpochBlock], reader: CachedReader) -> Admission:
        return admit(env, blocks, _RichReader(reader))  # type: ignore[arg-type]

    return patch.object(epoch_rules, "admit", careless)


def without_foreign_rule() -> AbstractContextManager[object]:
    """Lanes do not know what earlier calls from other shards name."""

    def careless(*arguments: Any) -> list[LaneTask]:
        return [replace(task, foreign={}) for task in plan_lanes(*arguments)]

    return patch.object(epoch_rules, "plan_lanes", careless)


@dataclass(frozen=True)
class Copies:
    """C blocks of one ticket with different transactions, all merged by the attacker's own block."""

    merged: int
    blue: int
    executed: int
    honest_named: int


def copies_of_a_ticket(seed: int, count: int = 6) -> Copies:
    """A ticket's holder makes ``count`` blocks of it, each with another payment, and merges them itself."""
    spec = simulated_spec()
    node = new_node(spec, seed)
    grow(node, 6)
    snapshot = node.engine.virtual()
    copies: list[Block] = []
    while not node.wins(snapshot):
        node.simulation.run_for(spec.slot_ms)
    for index in range(count):
        copies.append(node.draft(Stream.C, [transfer(spec, index, 0, b"\x55" * 20)], snapshot=snapshot))
    node.receive(copies)
    honest = node.engine.virtual()
    names = {name(block) for block in copies}
    named = sum(parent in names for parent in honest.parents)
    node.simulation.run_for(300)
    merging = _naming(node, sorted(names))
    node.receive([merging])
    record = node.engine.record(name(merging))
    assert node.engine.sink.hash == record.hash
    assert names <= {*record.blues, *record.reds}
    return Copies(
        merged=count,
        blue=len(names.intersection(record.blues)),
        executed=node.balance(b"\x55" * 20),
        honest_named=named,
    )


def _naming(node: EngineNode, parents: list[bytes]) -> Block:
    """A work block on parents of its maker's choice, with all fields as they must be."""
    engine = node.engine
    coloured = engine.dag.evaluate(tuple(parents))
    parent = engine.record(coloured.selected_parent)
    summary = engine.state.summaries[parent.hash]
    latest = max(engine.record(part).header.timestamp_ms for part in parents)
    snapshot = replace(
        engine.virtual(),
        sink=parent.hash,
        parents=tuple(parents),
        stream_counts=coloured.stream_counts,
        blue_score=coloured.blue_score,
        blue_work=coloured.blue_work,
        number=parent.header.number + 1,
        latest_parent_timestamp=latest,
        latest_parent_slot=latest // node.spec.slot_ms,
        sink_timestamp_ms=parent.header.timestamp_ms,
        target_a=child_target(parent, Stream.A, node.spec),
        target_b=child_target(parent, Stream.B, node.spec),
        state_root=summary.state_root,
        receipts_root=summary.receipts_root,
        gas_used=summary.gas_used,
        base_fee=summary.next_base_fee,
    )
    return node.draft(Stream.B, snapshot=snapshot)
