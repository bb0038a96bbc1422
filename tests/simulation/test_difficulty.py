"""Attacks on difficulty (protocol §5), each on the protocol's rule and on the rule without its guard."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chain.core.types import Stream
from tests.simulation.difficulty import cheap_reds, clock_liars, hash_rate_step, silence
from tests.simulation.rules import (
    Rules,
    credit_all_time,
    credit_capped_by_step,
    debit_per_block,
    simulated_spec,
    with_accounts,
)

DEVNET = Rules(simulated_spec())
SEED = 1


def test_ten_times_the_hash_rate_settles():
    step = hash_rate_step(DEVNET, SEED, 10)
    # the flood of the first minutes ends; at ten minutes the target fits the new rate
    assert step.per_s[0] > 3
    assert step.interval_ms[Stream.B, 10] == pytest.approx(1_000, rel=0.1)
    assert sum(step.per_s[10:15]) / 5 == pytest.approx(1, rel=0.12)
    # A has a half-life of ten minutes and is under way
    assert 4_000 < step.interval_ms[Stream.A, 10] < 9_000


def test_a_tenth_of_the_hash_rate_comes_back_to_its_pace():
    """The way down takes longer: time is credited at one second a second at most."""
    step = hash_rate_step(DEVNET, SEED, 0.1, minutes=15)
    assert step.per_s[0] < 0.3
    assert step.interval_ms[Stream.B, 10] < 1_600
    assert step.interval_ms[Stream.B, 15] == pytest.approx(1_000, rel=0.25)


@pytest.mark.parametrize("everything", [True, False], ids=["network", "stream B"])
def test_no_flood_after_an_hour_of_silence(everything: bool):
    after = silence(DEVNET, SEED, everything=everything)
    # 80 intervals are made up for at most, at 1.6 times the pace and less
    assert after.first_10_s <= 30
    assert after.first_minute <= 120
    assert after.ten_minutes is not None
    assert after.ten_minutes <= 600 + 80 + 3 * 600**0.5


@pytest.mark.parametrize("everything", [True, False], ids=["network", "stream B"])
def test_without_a_cap_on_credit_the_silence_ends_in_a_flood(everything: bool):
    rules = replace(DEVNET, drifts=with_accounts(credit_all_time))
    assert silence(rules, SEED, everything=everything, miners=1, watch_s=2).first_10_s > 200


def test_a_cap_on_each_step_alone_does_not_stop_the_flood_of_one_stream():
    rules = replace(DEVNET, drifts=with_accounts(credit_capped_by_step))
    assert silence(rules, SEED, everything=False, miners=1, watch_s=2).first_10_s > 200
    assert silence(rules, SEED, everything=True, miners=1, watch_s=2).first_10_s < 20


def test_cheap_merged_reds_cost_honest_miners_no_more_than_honest_mining_would():
    quiet = cheap_reds(DEVNET, SEED, share=0)
    attacked = cheap_reds(DEVNET, SEED, share=0.3)
    assert attacked.reds > 1_000
    # 30 % more hash rate, spent honestly, leaves 1/1.3 of the blocks to the others
    assert attacked.honest_per_s > 0.92 * quiet.honest_per_s / 1.3


def test_cheap_merged_reds_strangle_a_chain_that_debits_each_block_alike():
    rules = replace(DEVNET, drifts=with_accounts(debit_per_block))
    attacked = cheap_reds(rules, SEED, share=0.3)
    assert attacked.honest_per_s < 0.4
    assert attacked.interval_ms > 5_000


@pytest.mark.parametrize("late", [True, False])
def test_lies_about_time_gain_nothing(late: bool):
    """Credits are differences of time stamps, so their sum along the chain knows only its ends."""
    assert clock_liars(DEVNET, SEED, late=late) == pytest.approx(1, abs=0.06)
