"""Stale blocks at the merge bound (protocol §6) make nothing unmergeable."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.simulation.merge_bound import shower, stale_at_the_bound
from tests.simulation.rules import Rules, simulated_spec

SHALLOW = Rules(simulated_spec(merge_depth=30, finality_depth=600))


@pytest.mark.parametrize("seed", [1, 2])
def test_stale_blocks_at_the_bound_lose_no_work(seed: int):
    attacked = stale_at_the_bound(SHALLOW, seed)
    assert attacked.released > 80
    assert attacked.work > 180
    assert attacked.work_lost == 0
    # they were merged, which is what endangers the blocks that did so
    assert attacked.stale_merged > 50


def test_without_bridges_honest_work_becomes_unmergeable():
    rules = replace(SHALLOW, bridges=False)
    assert stale_at_the_bound(rules, 1).work_lost > 5
    assert stale_at_the_bound(rules, 1, attack=False).work_lost == 0


def test_fast_blocks_that_keep_away_from_the_bound_are_not_lost_either():
    """Only work may bridge, so a C block that merges at the very bound is at risk; the node's margin of k ends it."""
    careless = stale_at_the_bound(SHALLOW, 1, fast=True, span_s=100)
    assert 0 < careless.fast_lost < 0.1 * careless.fast
    careful = stale_at_the_bound(SHALLOW, 1, fast=True, span_s=100, policy=True)
    assert careful.released > 40
    assert careful.fast > 800
    assert careful.fast_lost == careful.work_lost == 0


def test_blocks_below_the_bound_change_nothing_however_many():
    outcome = shower(SHALLOW, 1)
    assert outcome.tips > outcome.stale == 200
    assert outcome.same_virtual
    assert outcome.merged_later == 0
