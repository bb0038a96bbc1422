"""Networks that part and meet, and branches kept back (protocol §6)."""

from __future__ import annotations

import pytest

from tests.simulation.partitions import double_spend, partition, withholding
from tests.simulation.rules import Rules, simulated_spec

DEVNET = Rules(simulated_spec())
SEED = 1


@pytest.mark.parametrize("seed", [1, 2])
def test_a_healed_ten_minute_partition_converges_and_merges_both_sides(seed: int):
    healed = partition(DEVNET, seed)
    assert min(healed.sides) > 400
    # far more than one mergeset may hold, so it takes several blocks
    assert min(healed.sides) > DEVNET.spec.mergeset_limit
    assert healed.one_sink_ms is not None
    assert healed.one_sink_ms < 10_000
    assert healed.all_merged_ms is not None
    assert healed.all_merged_ms < 30_000
    assert healed.lost == 0
    # the branch of less work is red to the last block: it was made behind k blocks of the other
    assert (healed.blue, healed.red) == (max(healed.sides), min(healed.sides))
    assert healed.deepest_reorganisation > 300


def test_the_side_of_more_work_wins_and_beyond_the_merge_bound_the_other_is_left_out():
    healed = partition(DEVNET, SEED, share=0.2, minutes=11)
    assert healed.sides[1] > DEVNET.spec.merge_depth > healed.sides[0]
    assert healed.one_sink_ms is not None
    assert healed.one_sink_ms < 10_000
    assert (healed.blue, healed.lost) == (healed.sides[1], healed.sides[0])


def test_a_withheld_branch_of_less_work_is_red_and_undoes_nothing():
    outcome = withholding(DEVNET, SEED, share=0.3)
    assert outcome.made > 250
    assert outcome.attacker_blue == 0
    assert outcome.honest_blue == 1
    assert outcome.deepest_reorganisation <= 5


def test_without_the_bound_k_withheld_work_is_as_good_as_published_work():
    outcome = withholding(DEVNET, SEED, share=0.3, k=10**6)
    assert outcome.attacker_blue == 1


def test_a_payment_is_safer_with_every_confirmation():
    """Safe tags lie 60 work_score deep: a third of the hash rate does not get there, near half of it does."""
    assert double_spend(DEVNET, SEED, share=0.3, confirmations=60, tries=12).overtaken == 0
    near_half = double_spend(DEVNET, SEED, share=0.48, confirmations=60, tries=12).overtaken
    assert near_half > 0


@pytest.mark.long
@pytest.mark.parametrize("seed", range(3, 11))
@pytest.mark.parametrize("share", [0.5, 0.45])
def test_many_ten_minute_partitions_converge(seed: int, share: float):
    healed = partition(DEVNET, seed, share=share)
    assert healed.one_sink_ms is not None
    assert healed.lost in (0, min(healed.sides))
    assert healed.lost == 0 or max(healed.sides) > DEVNET.spec.merge_depth - 40
