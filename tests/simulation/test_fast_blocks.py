"""Attacks with blocks that cost no work (protocol §5, §6), on the protocol's rules and without their guards."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.fast_blocks import chain_of_one_slot, equivocations, lot_grinding, slots_ahead, ticket_flood
from tests.simulation.rules import Rules, simulated_spec

DEVNET = Rules(simulated_spec())
SEED = 1


def test_twenty_c_blocks_of_one_ticket_beside_every_honest_block_turn_no_work_red():
    attacked = ticket_flood(DEVNET, SEED)
    # the attack took place and reached the pasts of honest blocks
    assert attacked.attacked > 80
    assert attacked.fast_merged > 1_500
    assert attacked.red == 0


def test_counted_c_blocks_turn_honest_work_red():
    rules = replace(DEVNET, counts_fast_blocks=True)
    assert ticket_flood(rules, SEED).red_share > 0.2
    assert ticket_flood(rules, SEED, attack=False).red == 0


@pytest.mark.parametrize("seed", [1, 2])
def test_no_view_holds_two_blue_blocks_of_a_ticket(seed: int):
    made, most = equivocations(DEVNET, seed)
    assert made > 400
    assert most == 1


def test_a_won_slot_gives_one_block_in_a_past():
    assert chain_of_one_slot(DEVNET, SEED) == 1


def test_without_the_slot_rule_one_ticket_makes_a_chain_of_blue_blocks():
    """The selected parent is blue whatever its ticket, so colours alone do not bound a chain."""
    assert chain_of_one_slot(replace(DEVNET, slot_after_parents=False), SEED) == 20


def test_trying_many_c_blocks_wins_no_tie():
    fair = lot_grinding(DEVNET, SEED)
    # one draw a key: about half of the contests, three deviations either way
    assert abs(fair.won - fair.contests / 2) < 3 * (fair.contests / 4) ** 0.5


def test_a_tie_by_hash_is_won_by_trying():
    ground = lot_grinding(replace(DEVNET, orders_by_lot=False), SEED)
    assert ground.won > 0.9 * ground.contests


def test_times_ahead_of_the_clock_stop_fast_blocks_only_for_those_who_wait():
    """A parent's slot closes with its time, which may lie two seconds ahead; older parents are open."""
    honest = slots_ahead(DEVNET, SEED, share=0.3, lies=False)
    waiting = slots_ahead(DEVNET, SEED, share=0.3)
    stepping = slots_ahead(DEVNET, SEED, share=0.3, policy=True)
    assert waiting < 0.75 * honest
    assert stepping > 0.8 * honest
