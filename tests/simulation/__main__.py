"""Prints the figures of docs/protocol/security.md: ``python -m tests.simulation [--seed 1]``."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import replace

from chain.core.types import Stream
from tests.simulation.difficulty import cheap_reds, clock_liars, cost_of_stale_blocks, hash_rate_step, silence
from tests.simulation.execution import copies_of_a_ticket, crowding, healed_transfers, overtaking
from tests.simulation.fast_blocks import chain_of_one_slot, equivocations, lot_grinding, slots_ahead, ticket_flood
from tests.simulation.fees import burst, busy_chain, dilution, full_blocks
from tests.simulation.merge_bound import stale_at_the_bound
from tests.simulation.partitions import double_spend, partition, withholding
from tests.simulation.rules import (
    Rules,
    credit_all_time,
    credit_capped_by_step,
    debit_per_block,
    simulated_spec,
    with_accounts,
)

DEVNET = Rules(simulated_spec())
TESTNET = Rules(simulated_spec("testnet"))
SHALLOW = Rules(simulated_spec(merge_depth=30, finality_depth=600))
BUSY = Rules(simulated_spec(call_gas_per_s=1_500_000))


def fast_blocks(seed: int) -> Iterator[tuple[str, object]]:
    """Stream C."""
    counted = replace(DEVNET, counts_fast_blocks=True)
    yield "ticket flood, the protocol", ticket_flood(DEVNET, seed)
    yield "ticket flood, C counted", ticket_flood(counted, seed)
    yield "ticket flood, C counted, red share", f"{ticket_flood(counted, seed).red_share:.2f}"
    yield "copies made, most blue of a ticket", equivocations(DEVNET, seed)
    yield "chain of one slot, the protocol", chain_of_one_slot(DEVNET, seed)
    yield "chain of one slot, no slot rule", chain_of_one_slot(replace(DEVNET, slot_after_parents=False), seed)
    yield "C a second, 0.3 makes none", f"{slots_ahead(DEVNET, seed, share=0.3, lies=False):.1f}"
    yield "C a second, 0.3 is two seconds ahead", f"{slots_ahead(DEVNET, seed, share=0.3):.1f}"
    yield "the same, C by the node's policy", f"{slots_ahead(DEVNET, seed, share=0.3, policy=True):.1f}"
    yield "copies of a ticket on an engine", copies_of_a_ticket(seed)
    yield "tries for a tie, by lot", lot_grinding(DEVNET, seed)
    yield "tries for a tie, by hash", lot_grinding(replace(DEVNET, orders_by_lot=False), seed)


def merge_bound(seed: int) -> Iterator[tuple[str, object]]:
    """Merge depth."""
    yield "stale at the bound, the protocol", stale_at_the_bound(SHALLOW, seed)
    yield "stale at the bound, no bridges", stale_at_the_bound(replace(SHALLOW, bridges=False), seed)
    for policy in (False, True):
        name = "by the node's policy" if policy else "at the very bound"
        yield f"stale at the bound, C {name}", stale_at_the_bound(SHALLOW, seed, fast=True, policy=policy)


def difficulty(seed: int) -> Iterator[tuple[str, object]]:
    """Targets."""
    for name, rules in (("the protocol", DEVNET), ("debit per block", _accounts(debit_per_block))):
        yield f"cheap reds, {name}", cheap_reds(rules, seed, share=0.3)
    for everything in (True, False):
        what = "network" if everything else "stream B"
        yield f"an hour without the {what}, the protocol", silence(DEVNET, seed, everything=everything)
        for name, account in (("all time credited", credit_all_time), ("cap by step", credit_capped_by_step)):
            flood = silence(_accounts(account), seed, everything=everything, miners=1, watch_s=2)
            yield f"an hour without the {what}, {name}, 2 s", flood.first_10_s
    for network, rules in (("devnet", DEVNET), ("testnet", TESTNET)):
        for factor in (10, 0.1):
            step = hash_rate_step(rules, seed, factor)
            for minute in (1, 5, 10, 15):
                b = step.interval_ms[Stream.B, minute] / rules.spec.stream_b.interval_ms
                a = step.interval_ms[Stream.A, minute] / rules.spec.stream_a.interval_ms
                yield f"hash rate × {factor}, {network}, minute {minute}", f"interval × {b:.2f} (B), × {a:.2f} (A)"
        for depth in (450, 1_800, 3_400):
            yield f"stale blocks, {network}, {depth} deep", cost_of_stale_blocks(rules, seed, depth)
    for late in (True, False):
        yield f"half lies {'late' if late else 'early'}, B a second", f"{clock_liars(DEVNET, seed, late=late):.3f}"


def networks(seed: int) -> Iterator[tuple[str, object]]:
    """Partitions and secret branches."""
    yield "ten minutes apart, half and half", partition(DEVNET, seed)
    yield "eleven minutes apart, a fifth", partition(DEVNET, seed, share=0.2, minutes=11)
    yield "ten minutes apart on engines", healed_transfers(seed)
    for share in (0.1, 0.3, 0.45):
        yield f"withholding a minute, {share}", withholding(DEVNET, seed, share=share)
    yield "withholding a minute, 0.3, no bound k", withholding(DEVNET, seed, share=0.3, k=10**6)
    for share in (0.3, 0.4, 0.48):
        for depth in (10, 60):
            outcome = double_spend(DEVNET, seed, share=share, confirmations=depth, tries=40)
            yield f"secret branch ahead after {depth}, {share}", outcome


def execution(seed: int) -> Iterator[tuple[str, object]]:
    """Room, fees, order."""
    yield "unfunded calls, the protocol", crowding(seed, funded=False)
    yield "unfunded calls, funds not asked", crowding(seed, funded=False, funds_rule=False)
    yield "who comes first, the protocol", overtaking(seed)
    yield "who comes first, no foreign rule", overtaking(seed, foreign_rule=False)
    steps = busy_chain(BUSY, seed)
    yield "call gas a second of full blocks", full_blocks(BUSY.spec, steps)
    for by_time in (True, False):
        name = "by time" if by_time else "by fullness"
        yield f"base fee after a burst, {name}", burst(BUSY.spec, steps, by_time=by_time)
        yield (
            f"base fee after 12 s diluted, {name}",
            f"× {dilution(BUSY.spec, steps, by_time=by_time, diluted=True):.3f}",
        )


def _accounts(account: object) -> Rules:
    return replace(DEVNET, drifts=with_accounts(account))  # type: ignore[arg-type]


def main() -> None:
    """Run every scenario once."""
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    seed = parser.parse_args().seed
    for part in (fast_blocks, merge_bound, difficulty, networks, execution):
        print(f"== {part.__doc__}")
        for name, figure in part(seed):
            print(f"{name:52} {figure}", flush=True)


if __name__ == "__main__":
    main()
