"""Slices of stream C on counted time: woken by arrivals, one block a slot, one try a slot."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from chain.core.codec import decode_block, pre_hash
from chain.core.seals import check_vrf_seal, eligibility
from chain.core.seals.eligibility import Lottery
from chain.services.mining import fast
from chain.services.mining.fast import SLOTS_A_SLICE, c_slice
from chain.services.mining.pace import Gather
from tests.chain.mining_fakes import KEY, START_MS, FakeGround, World, pooled, virtual

OTHER = bytes([8]) * 32


def make(**changes: object) -> tuple[World, FakeGround]:
    world = World()
    return world, FakeGround(world, virtual(**changes))


def move_after_each_block(ground: FakeGround, delay: float) -> None:
    """The writer: so long after a block it is virtual's parent and its transactions have left the pool."""
    inner = ground.submit

    def submit(template, seal):  # type: ignore[no-untyped-def]
        block_hash = inner(template, seal)

        def commit() -> None:
            time_ms = template.header.timestamp_ms
            ground.pool = [tx for tx in ground.pool if tx.hash not in template.hashes]
            ground.move(parents=(block_hash,), latest_parent_timestamp=time_ms, latest_parent_slot=time_ms // 100)

        ground.world.at(ground.world.time + delay, commit)
        return block_hash

    ground.submit = submit  # type: ignore[method-assign]


def test_an_empty_pool_is_waited_for_and_not_polled() -> None:
    world, ground = make()
    report = c_slice(ground)
    assert report.found == ()
    assert report.hashes == 0
    assert len(ground.selects) == len(ground.waits) == 1
    assert world.time == pytest.approx(SLOTS_A_SLICE * 0.1)
    assert ground.looks == []
    assert world.naps == []


def test_the_first_arrival_becomes_a_good_block_at_once() -> None:
    world, ground = make()
    world.at(0.432, lambda: ground.arrive(1))
    report = c_slice(ground)
    ((when, raw, template),) = ground.submitted
    assert when == pytest.approx(0.432, abs=0.001)  # work costs nothing in this world: no other wait
    assert len(report.found) == 1
    block = decode_block(raw)
    assert block.transactions == (pooled(1).raw,)
    assert block.header.timestamp_ms == START_MS + 432
    assert template.draw is not None
    lottery = virtual().lottery
    check_vrf_seal(
        pre_hash(block.header), KEY, block.header.seal, slot=(START_MS + 432) // 100, lottery=lottery, c_num=1, c_den=1
    )


def test_one_block_a_slot_each_on_the_virtual_after_the_last() -> None:
    world, ground = make()
    move_after_each_block(ground, 0.02)
    for step in range(60):
        world.at(0.001 + step * 0.033, lambda step=step: ground.arrive(step))
    c_slice(ground)
    c_slice(ground)
    slots = [template.draw.slot for _, _, template in ground.submitted if template.draw is not None]
    assert len(slots) == len(set(slots))
    assert 18 <= len(slots) <= 21
    sequences = [template.sequence for *_, template in ground.submitted]
    assert sequences == sorted(set(sequences))
    included = [tx for *_, template in ground.submitted for tx in template.hashes]
    assert len(included) == len(set(included)) >= 55


def test_the_guard_of_slots_outlives_the_slice() -> None:
    """A block of this slot was made before, perhaps by a process that died: the slot is not used again."""
    _world, ground = make()
    ground.memory = replace(ground.memory, last_slot=START_MS // 100)
    ground.arrive(1)
    c_slice(ground)
    assert ground.submitted[0][2].draw is not None
    assert ground.submitted[0][2].draw.slot == START_MS // 100 + 1
    assert ground.submitted[0][0] == pytest.approx(0.05, abs=0.002)


def test_each_slot_is_tried_once(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ground = make(lottery=Lottery(bytes(32), {KEY: 1, OTHER: 599}, 600))
    ground.arrive(1)
    tried: list[int] = []
    inner = fast.try_slot

    def count(secret, seed, slot, **others):  # type: ignore[no-untyped-def]
        tried.append(slot)
        world.work(0.002)
        return inner(secret, seed, slot, **others)

    monkeypatch.setattr(fast, "try_slot", count)
    report = c_slice(ground)
    assert report.hashes == len(tried) == len(set(tried))
    assert SLOTS_A_SLICE <= len(tried) <= SLOTS_A_SLICE + 1
    assert tried == list(range(tried[0], tried[0] + len(tried)))
    assert len(world.naps) < 5 * SLOTS_A_SLICE


def test_a_slot_is_won_by_who_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    """At half the weight some slots are lost, some won, as the protocol's inequality says."""
    world, ground = make(lottery=Lottery(bytes(32), {KEY: 1, OTHER: 1}, 2))
    move_after_each_block(ground, 0.01)
    drawn: dict[int, bool] = {}
    inner = fast.try_slot

    def remember(secret, seed, slot, **others):  # type: ignore[no-untyped-def]
        won = inner(secret, seed, slot, **others)
        drawn[slot] = won is not None
        if won is not None:
            assert eligibility.is_eligible(won[1], 1, 2, 1, 1)
        return won

    monkeypatch.setattr(fast, "try_slot", remember)
    for step in range(40):
        world.at(step * 0.05, lambda step=step: ground.arrive(step))
    c_slice(ground)
    c_slice(ground)
    made = {template.draw.slot for *_, template in ground.submitted if template.draw is not None}
    assert made == {slot for slot, won in drawn.items() if won}
    assert 0 < len(made) < len(drawn)


def test_without_work_in_the_window_nothing_is_tried() -> None:
    for lottery in (None, Lottery(bytes(32), {OTHER: 5}, 5)):
        world, ground = make(lottery=lottery)
        ground.arrive(1)
        assert c_slice(ground).hashes == 0
        assert ground.submitted == []
        assert len(world.naps) <= 5


def test_waits_for_the_slot_after_the_parents() -> None:
    _world, ground = make(latest_parent_timestamp=START_MS + 20, latest_parent_slot=(START_MS + 20) // 100)
    ground.arrive(1)
    c_slice(ground)
    when, _, template = ground.submitted[0]
    assert when == pytest.approx(0.05, abs=0.002)  # the clock began in the middle of a slot
    assert template.header.timestamp_ms // 100 == (START_MS + 20) // 100 + 1


def test_holds_still_until_virtual_has_its_block() -> None:
    world, ground = make()
    ground.arrive(1)
    c_slice(ground)
    assert len(ground.submitted) == 1  # virtual never moved: no sibling with the same transaction
    assert world.time >= SLOTS_A_SLICE * 0.1
    again = FakeGround(world, ground.current)
    again.memory = ground.memory
    again.arrive(1)
    c_slice(again)
    assert again.submitted == []


def test_transactions_that_merged_blocks_hold_wait_for_others() -> None:
    _world, ground = make(in_flight=(pooled(1).hash,))
    ground.arrive(1)
    c_slice(ground)
    assert ground.submitted == []
    assert len(ground.waits) >= SLOTS_A_SLICE - 2
    assert len(ground.selects) <= 2 * SLOTS_A_SLICE


def test_a_heavy_body_keeps_to_the_share(monkeypatch: pytest.MonkeyPatch) -> None:
    world, ground = make()
    move_after_each_block(ground, 0.001)
    inner = ground.submit

    def submit(template, seal):  # type: ignore[no-untyped-def]
        world.work(0.06)
        return inner(template, seal)

    ground.submit = submit  # type: ignore[method-assign]
    for step in range(200):
        world.at(step * 0.02, lambda step=step: ground.arrive(step))
    for _ in range(4):
        c_slice(ground)
    assert world.cpu_time <= ground.share * world.time + 4 * 0.1
    assert len(ground.submitted) >= 10


def test_a_stale_template_is_made_anew_in_the_same_slot() -> None:
    _, ground = make()
    ground.arrive(1)
    ground.stale = 2
    report = c_slice(ground)
    assert len(report.found) == len(ground.submitted) == 1


def flood(world: World, ground: FakeGround, rate: float, seconds: float, first: float = 0.0) -> None:
    """Transactions at an even rate."""
    for number in range(int(rate * seconds)):
        world.at(first + number / rate, lambda number=number: ground.arrive(1_000_000 * int(first * 1000) + number))


def test_while_transactions_come_fast_blocks_are_few_and_large() -> None:
    world, ground = make()
    move_after_each_block(ground, 0.02)
    flood(world, ground, 2_000, 2.0)
    c_slice(ground)
    c_slice(ground)
    times = [when for when, *_ in ground.submitted]
    # the first comes at once, the others as far apart as may be
    assert times[0] == pytest.approx(0, abs=0.01)
    gaps = [later - earlier for earlier, later in pairwise(times)]
    assert len(times) <= 8
    assert max(gaps) <= Gather.MOST_S + 0.1 + 2 * Gather.WINDOW_S


def test_the_end_of_a_flood_is_not_waited_out() -> None:
    world, ground = make()
    move_after_each_block(ground, 0.02)
    flood(world, ground, 2_000, 0.5)
    c_slice(ground)
    # one window to see that nothing comes any more, and the slot after that at the latest
    assert ground.submitted[-1][0] <= 0.5 + 3 * Gather.WINDOW_S + 0.1
    assert ground.pool == []


def test_slow_traffic_has_a_block_in_each_slot() -> None:
    world, ground = make()
    move_after_each_block(ground, 0.02)
    flood(world, ground, Gather.RATE / 5, 0.95)
    c_slice(ground)
    assert len(ground.submitted) >= SLOTS_A_SLICE - 1
