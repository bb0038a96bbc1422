"""Slices of proof of work on counted time."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import pytest

from chain.core.codec import decode_block, pre_hash
from chain.core.difficulty import expand
from chain.core.seals import check_work_seal
from chain.core.template import Template
from chain.core.types import Stream
from chain.services.mining.memory import HOLD_MS
from chain.services.mining.work import NONCES, REFRESH_S, SLICE_S, work_slice
from tests.chain.mining_fakes import EASY, START_MS, FakeGround, World, pooled, virtual


class Searcher:
    """Costs ``cost`` seconds a nonce and finds nothing, or what it is told to find."""

    def __init__(self, ground: FakeGround, cost: float = 4e-6) -> None:
        self.ground, self.cost = ground, cost
        self.calls: list[tuple[float, float, Template, int, int]] = []
        self.finds: list[int] = []  # offsets of good nonces in calls to come

    def __call__(self, template: Template, nonce: int, count: int) -> tuple[bytes, ...] | None:
        began = self.ground.world.time
        at_most = self.finds.pop(0) if self.finds else None
        tried = count if at_most is None else at_most + 1
        self.ground.world.work(tried * self.cost)
        self.calls.append((began, self.ground.world.time, template, nonce, tried))
        return None if at_most is None else (((nonce + at_most) % NONCES).to_bytes(8, "little"),)


def make(share: float = 0.2, **changes: object) -> tuple[World, FakeGround, Searcher]:
    world = World()
    ground = FakeGround(world, virtual(**changes), share)
    return world, ground, Searcher(ground)


@pytest.mark.parametrize("share", [0.05, 0.1, 0.15, 0.5, 1.0])
@pytest.mark.parametrize("stream", [Stream.A, Stream.B])
def test_a_slice_takes_its_share(stream: Stream, share: float) -> None:
    world, ground, search = make(share)
    for _ in range(4):
        report = work_slice(stream, ground, search)
        assert report.seconds >= SLICE_S
    one = 8192 * search.cost
    assert world.cpu_time == pytest.approx(share * world.time, abs=4 * (one + 0.1 * share))
    assert world.time < 4 * (SLICE_S + one / share + 0.1)


def test_every_search_is_on_the_newest_virtual_and_short() -> None:
    world, ground, search = make(0.5)
    for step in range(1, 40):
        world.at(step * 0.037, lambda: ground.move(blue_score=ground.current.blue_score + 1))
    work_slice(Stream.A, ground, search)
    assert len({call[2].sequence for call in search.calls}) > 20
    for began, ended, template, _, _ in search.calls:
        newest = 1 + int(began / 0.037 + 1e-9)
        assert template.sequence == min(newest, 40)
        assert ended - began <= 0.05
        assert began in ground.looks


def test_no_nonce_is_tried_twice_on_one_header() -> None:
    _, ground, search = make(1.0)
    report = work_slice(Stream.A, ground, search)
    tried: dict[bytes, list[tuple[int, int]]] = {}
    for _, _, template, nonce, count in search.calls:
        tried.setdefault(template.pre_hash, []).append(((nonce - ground.start_nonce()) % NONCES, count))
    assert all(first >= 0 for ranges in tried.values() for first, _ in ranges)
    for ranges in tried.values():
        ranges.sort()
        assert all(one[0] + one[1] <= other[0] for one, other in pairwise(ranges))
    assert report.hashes == sum(call[4] for call in search.calls)
    assert any(call[3] < 1_000_000 for call in search.calls)  # the start near 2^64 has wrapped around


@pytest.mark.parametrize("stream", [Stream.A, Stream.B])
def test_a_found_block_is_good_and_goes_through_the_door(stream: Stream) -> None:
    world = World()
    ground = FakeGround(world, virtual(target_a=EASY, target_b=EASY))
    ground.pool = [pooled(1), pooled(2)]
    report = work_slice(stream, ground)
    assert len(report.found) == len(ground.submitted) == 1  # then it held still: virtual has not moved
    _, raw, template = ground.submitted[0]
    header = decode_block(raw).header
    check_work_seal(stream, pre_hash(header), header.timestamp_ms, expand(header.target), header.seal)
    assert template.hashes == (pooled(1).hash, pooled(2).hash)
    assert header.coinbase == ground.coinbase
    assert header.vrf_key == ground.key


@pytest.mark.parametrize("accept", [True, False])
def test_no_sibling_of_its_own_block(accept: bool) -> None:
    """After a find, taken or refused, nothing is searched until virtual moves or the hold is over."""
    world, ground, search = make(0.5)
    ground.accept = accept
    search.finds = [100]
    world.at(0.8, ground.move)
    work_slice(Stream.A, ground, search)
    assert len(ground.submitted) == 1
    found_at = ground.submitted[0][0]
    later = [began for began, *_ in search.calls if began > found_at - 1e-9]
    assert later
    assert min(later) >= 0.8

    _, ground, search = make(0.5)
    ground.memory = replace(ground.memory, last_sequence=1, last_found_ms=START_MS + 500 - HOLD_MS)
    work_slice(Stream.A, ground, search)
    assert 0.5 <= search.calls[0][0] < 0.52


def test_new_transactions_are_taken_up_and_nothing_else_restarts_the_header() -> None:
    world, ground, search = make(0.5)
    work_slice(Stream.B, ground, search)
    assert len({call[2].pre_hash for call in search.calls}) == 1
    assert 2 <= len(ground.selects) <= 1 + SLICE_S / REFRESH_S

    world, ground, search = make(0.5)
    world.at(0.3, lambda: ground.arrive(1, 2))
    work_slice(Stream.B, ground, search)
    empty = [began for began, _, template, _, _ in search.calls if not template.hashes]
    full = [began for began, _, template, _, _ in search.calls if template.hashes]
    assert max(empty) < 0.3 + REFRESH_S
    assert min(full) >= 0.3


def test_waits_for_the_writer_and_for_a_clock_behind_a_parent() -> None:
    world = World()
    ground = FakeGround(world, None)
    search = Searcher(ground)

    def publish() -> None:
        ground.current = virtual()

    world.at(0.7, publish)
    work_slice(Stream.A, ground, search)
    assert 0.7 <= search.calls[0][0] < 1.0
    assert len([nap for nap in world.naps if nap > 0.2]) >= 2

    _, ground, search = make(1.0, latest_parent_timestamp=START_MS + 2_300)
    work_slice(Stream.A, ground, search)
    assert 0.3 <= search.calls[0][0] < 0.32
    assert search.calls[0][2].header.timestamp_ms == START_MS + 2_301


def test_bodies_shrink_when_virtual_moves_fast_and_the_pool_is_full() -> None:
    """Building ten thousand transactions on each move would leave no time to hash."""
    world, ground, search = make(0.2)
    ground.pool = [pooled(number) for number in range(6_000)]
    inner = ground.select

    def select(limits, base_fee):  # type: ignore[no-untyped-def]
        chosen = inner(limits, base_fee)
        world.work(len(chosen) * 30e-6)
        return chosen

    ground.select = select  # type: ignore[method-assign]
    for step in range(1, 100):
        world.at(step * 0.1, ground.move)
    for _ in range(5):
        work_slice(Stream.A, ground, search)
    hashing = sum(ended - began for began, ended, *_ in search.calls)
    assert hashing > 0.4 * world.cpu_time
    assert world.cpu_time <= 0.2 * world.time + 0.3


def test_a_stale_find_is_dropped_and_the_search_goes_on() -> None:
    _, ground, search = make(0.5)
    ground.stale = 1
    search.finds = [10, 20]
    report = work_slice(Stream.B, ground, search)
    assert len(report.found) == len(ground.submitted) == 1


def test_the_search_rests_while_transactions_come_fast() -> None:
    world, ground, search = make(1.0)
    ground.look = lambda: (ground.sequence(), int(1_000 * world.time))  # type: ignore[method-assign]
    report = work_slice(Stream.B, ground, search)
    # until it knows how fast they come it searches
    assert max(began for began, *_ in search.calls) < 0.2
    assert report.gave_way == pytest.approx(report.seconds, abs=0.25)
