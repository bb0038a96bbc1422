"""Attacks on execution, on whole engines (protocol §5 to §8); the last ones with a rule taken out."""

from __future__ import annotations

import pytest

from chain.core.types import SkipReason
from tests.simulation.execution import copies_of_a_ticket, crowding, healed_transfers, overtaking

SEED = 1
EPOCH_CALL_GAS = 30_000_000


def test_a_healed_ten_minute_partition_leaves_one_state_and_pays_everybody_once():
    healed = healed_transfers(SEED)
    assert min(healed.blocks) > 400
    assert healed.undone > 300
    assert healed.same_sink
    assert healed.same_state
    assert healed.unmerged == 0
    # every payment of either side took effect, and of two with one nonce exactly one
    assert healed.paid_left == healed.paid_right == 0
    assert healed.conflicts > 100
    assert healed.paid_twice == 0


def test_unfunded_calls_take_no_room():
    crowd = crowding(SEED, funded=False)
    assert (crowd.attacker_accepted, crowd.attacker_skipped) == (0, 15)
    assert crowd.user_accepted
    assert crowd.room_taken == 2_000_000


def test_funded_calls_do_take_room():
    """They pay for it; the scene is one in which room is scarce."""
    crowd = crowding(SEED, funded=True)
    assert crowd.attacker_accepted == 15
    assert (crowd.user_accepted, crowd.user_reason) == (False, SkipReason.ROOM)
    assert crowd.room_taken == EPOCH_CALL_GAS


def test_admission_that_asks_for_no_money_is_filled_for_nothing():
    crowd = crowding(SEED, funded=False, funds_rule=False)
    assert crowd.attacker_accepted == 0
    assert crowd.user_reason == SkipReason.ROOM
    assert crowd.room_taken == EPOCH_CALL_GAS


@pytest.mark.parametrize("same_block", [True, False])
def test_a_local_transaction_does_not_overtake_a_cross_shard_one(same_block: bool):
    assert overtaking(SEED, same_block=same_block) == "user"


@pytest.mark.parametrize("same_block", [True, False])
def test_without_the_foreign_rule_the_local_one_comes_first(same_block: bool):
    assert overtaking(SEED, same_block=same_block, foreign_rule=False) == "local"


def test_of_a_tickets_copies_one_is_blue_and_one_is_executed():
    copies = copies_of_a_ticket(SEED)
    assert (copies.merged, copies.blue, copies.executed) == (6, 1, 1)
    # honest miners name one of them only
    assert copies.honest_named == 1
