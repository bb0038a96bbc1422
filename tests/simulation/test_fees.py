"""Room and base fee on a busy network (protocol §4, §7)."""

from __future__ import annotations

import pytest

from tests.simulation.fees import Step, burst, busy_chain, dilution, full_blocks
from tests.simulation.rules import Rules, simulated_spec

# one C block a slot is what the limits are dangerous at; the rate is a public network's
SPEC = simulated_spec(call_gas_per_s=1_500_000)


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    return busy_chain(Rules(SPEC), 1)


def test_full_blocks_get_what_nodes_have_seconds_for(steps: list[Step]):
    through = full_blocks(SPEC, steps)
    assert through.by_time <= through.rate * 1.001
    assert through.by_time > 0.99 * through.rate
    # the blocks' own limits, all that bounds a chain without room, allow twenty times as much
    assert through.by_block > 20 * through.rate


def test_a_burst_moves_the_base_fee_by_seconds_and_not_by_blocks(steps: list[Step]):
    fair = burst(SPEC, steps, by_time=True)
    assert 1 < fair.after_1_s < 1.02
    assert 1.12 < fair.after_12_s < 1.14
    assert burst(SPEC, steps, by_time=False).after_12_s > 50


def test_empty_blocks_do_not_dilute_the_base_fee(steps: list[Step]):
    full, diluted = (dilution(SPEC, steps, by_time=True, diluted=diluted) for diluted in (False, True))
    assert full == pytest.approx(diluted, rel=0.001)
    assert full > 1.12
    # by fullness, an empty block costs nothing and takes all of a full one's rise away
    assert dilution(SPEC, steps, by_time=False, diluted=True) < 1
