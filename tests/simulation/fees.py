"""Scenarios about room and fees: what a busy network lets through, and who can move the base fee."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from chain.core.base_fee import next_base_fee
from chain.core.room import gas_room
from chain.core.spec import ChainSpec
from tests.simulation.rules import Rules
from tests.simulation.worlds import World, make_world

GWEI = 10**9


@dataclass(frozen=True)
class Step:
    """One selected-chain block: ms since its selected parent, and the call gas that its epoch's blocks may hold."""

    delta_ms: int
    limit: int


def busy_chain(rules: Rules, seed: int, span_s: int = 60) -> list[Step]:
    """The selected chain of a network in which every stream, C too, is mined all the time."""
    world = make_world(rules, seed, fast=True)
    world.run_s(span_s)
    return steps_of(world)


def steps_of(world: World) -> list[Step]:
    """The world's selected chain from the tenth second on, oldest first."""
    ledger = world.ledger
    chain = list(ledger.dag.selected_chain(world.sink))[::-1]
    steps = []
    for parent, block in pairwise(chain):
        if ledger.time_of(parent) < world.simulation.start_ms + 10_000:
            continue
        blocks = ledger.dag.consensus_order_of(block)
        limit = sum(ledger.spec.stream(ledger.records[part].header.stream).call_gas_limit for part in blocks)
        steps.append(Step(ledger.time_of(block) - ledger.time_of(parent), limit))
    return steps


@dataclass(frozen=True)
class Throughput:
    """Call gas a second that full blocks get executed, by credits of time and by each block's own limit."""

    by_time: float
    by_block: float
    rate: int


def full_blocks(spec: ChainSpec, steps: list[Step]) -> Throughput:
    """Every block is full of calls."""
    seconds = sum(step.delta_ms for step in steps) / 1000
    left, admitted = 0, 0
    for step in steps:
        room = gas_room(left, step.delta_ms, spec.epoch_call_gas, spec.call_gas_per_s)
        taken = min(room, step.limit)
        left = room - taken
        admitted += taken
    return Throughput(admitted / seconds, sum(step.limit for step in steps) / seconds, spec.call_gas_per_s)


def fee_by_time(spec: ChainSpec, base_fee: int, delta_ms: int, gas: int, _limit: int) -> int:
    """The protocol's base fee."""
    return next_base_fee(
        base_fee,
        delta_ms,
        gas,
        0,
        call_gas_per_s=spec.call_gas_per_s,
        tx_per_s=spec.tx_per_s,
        min_base_fee=spec.min_base_fee,
    )


def fee_by_fullness(spec: ChainSpec, base_fee: int, _delta_ms: int, gas: int, limit: int) -> int:
    """The base fee of a chain of equal blocks: an eighth up when full, an eighth down when empty (EIP-1559)."""
    return max(spec.min_base_fee, base_fee + base_fee * (2 * gas - limit) // (8 * limit))


@dataclass(frozen=True)
class Burst:
    """How many times its start the base fee is after some seconds of full load."""

    after_1_s: float
    after_12_s: float


def burst(spec: ChainSpec, steps: list[Step], *, by_time: bool) -> Burst:
    """All that the network can execute is asked for, block after block."""
    rule = fee_by_time if by_time else fee_by_fullness
    start = fee = 1_000 * GWEI
    elapsed, at = 0, {}
    for step in steps:
        used = step.delta_ms * spec.call_gas_per_s // 1000
        # "full" in each rule's own measure: the network's rate, or the blocks' limit
        fee = rule(spec, fee, step.delta_ms, used if by_time else step.limit, step.limit)
        elapsed += step.delta_ms
        for mark in (1_000, 12_000):
            if elapsed >= mark:
                at.setdefault(mark, fee / start)
    return Burst(at[1_000], at[12_000])


def dilution(spec: ChainSpec, steps: list[Step], *, by_time: bool, diluted: bool, span_ms: int = 12_000) -> float:
    """The base fee after a time of full load, over its start, when each block is followed by an empty one or not."""
    rule = fee_by_time if by_time else fee_by_fullness
    start = fee = 1_000 * GWEI
    elapsed = 0
    for step in steps:
        if elapsed >= span_ms:
            break
        elapsed += step.delta_ms
        gas = step.delta_ms * spec.call_gas_per_s // 1000 if by_time else step.limit
        parts = (
            [(step.delta_ms // 2, gas), (step.delta_ms - step.delta_ms // 2, 0)] if diluted else [(step.delta_ms, gas)]
        )
        for delta, used in parts:
            fee = rule(spec, fee, delta, used, step.limit)
    return fee / start
