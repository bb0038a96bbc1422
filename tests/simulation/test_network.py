"""The simulator itself: it is a function of its seed, and an honest network behaves as the protocol promises."""

from __future__ import annotations

import pytest

from chain.core.types import Stream
from tests.simulation.events import Simulation
from tests.simulation.miners import HashRate
from tests.simulation.nodes import uniform_latency
from tests.simulation.rules import Rules, simulated_spec
from tests.simulation.worlds import World, make_world

DEVNET = Rules(simulated_spec())


def test_calls_run_in_the_order_of_their_time():
    simulation = Simulation(1, 1_000)
    seen: list[tuple[str, int]] = []

    def note(name: str) -> None:
        seen.append((name, simulation.now_ms))
        if name == "b":
            simulation.after(0.2, note, "late b")

    simulation.after(20, note, "c")
    simulation.after(10, note, "b")
    simulation.after(10, note, "b too")
    simulation.at(5, note, "past")  # a time that has passed is now
    simulation.run_for(15)
    assert seen == [("past", 1_000), ("b", 1_010), ("b too", 1_010), ("late b", 1_011)]
    assert simulation.now_ms == 1_015


def run(seed: int) -> World:
    world = make_world(DEVNET, seed, miners=4, fast=True)
    world.run_s(40)
    return world


def test_a_run_is_a_function_of_its_seed():
    first, second, other = run(1), run(1), run(2)
    assert list(first.ledger.records) == list(second.ledger.records)
    assert [miner.node.sink for miner in first.miners] == [miner.node.sink for miner in second.miners]
    assert list(first.ledger.records) != list(other.ledger.records)


def test_late_and_disordered_deliveries_wait_for_their_parents():
    world = make_world(DEVNET, 3, miners=5, latency=uniform_latency(0, 4_000), rate=HashRate(1, 4))
    watcher = world.add_node("watcher")
    world.run_s(60)
    for block in watcher.known:
        assert all(parent in watcher.known for parent in world.ledger.records[block].header.parents)
    assert len(watcher.known) > 150
    world.quiet_down()
    assert {node.sink for node in world.network.nodes} == {world.sink}


def test_blocks_from_the_future_wait_for_the_clock():
    world = make_world(DEVNET, 4, miners=1, rate=HashRate(0, 0))
    miner, watcher = world.miners[0], world.add_node("watcher")
    early = miner.mint(Stream.B, miner.parents(), world.simulation.now_ms + 5_000)
    watcher.receive(early)
    world.run_s(2.9)
    assert early not in watcher.known
    world.run_s(0.2)
    assert early in watcher.known


@pytest.mark.parametrize("latency_ms", [300, 2_000])
def test_an_honest_network_keeps_its_intervals_and_wastes_nothing(latency_ms: int):
    world = make_world(DEVNET, 5, latency=uniform_latency(latency_ms // 3, latency_ms))
    world.run_s(1_200)
    blue, red = world.work_colours(world.sink)
    assert red == 0
    assert blue > 1_200
    assert world.blocks_between(Stream.B, 0, 1_200_000) == pytest.approx(1_200, rel=0.06)
    assert world.blocks_between(Stream.A, 0, 1_200_000) == pytest.approx(120, rel=0.25)
    depths = [depth for miner in world.miners for depth in miner.node.reorganisations]
    assert max(depths) <= 8


def test_fast_blocks_fill_the_slots_of_the_network():
    world = make_world(DEVNET, 6, fast=True)
    world.run_s(60)
    # one winner a slot is expected on devnet, and nearly every winner gets a block in
    made = world.blocks_between(Stream.C, 10_000, 60_000)
    assert 0.7 * 500 < made < 1.15 * 500
    assert world.work_colours(world.sink)[1] == 0
