"""The live pages' parts without a database: numbering and listeners, rolling figures, what a page may say."""

from __future__ import annotations

import asyncio

import pytest

from chain.core.difficulty import compact
from chain.selectors.live import Bucket, DrawnBlock, DrawnEpoch, MergedBlock
from explorer.live import consumer, hub
from explorer.live.figures import HOUR_STEP_MS, SERIES_STEP_MS, Figures, expected_hashes, reds_of
from explorer.live.hub import Hub, Listener
from explorer.live.payloads import Pool

NOW = 1_800_000_000_000
TARGET = compact(2**240)


def heard(listener: Listener) -> list[str | None]:
    return [listener.queue.get_nowait() for _ in range(listener.queue.qsize())]


def test_a_delta_is_written_once_and_everybody_hears_the_same() -> None:
    written = []

    def make(seq: int) -> str:
        written.append(seq)
        return f"delta {seq}"

    tower = Hub("one")
    listeners = [Listener() for _ in range(3)]
    for listener in listeners:
        tower.add(listener, ["snapshot"])
    tower.publish(make)
    tower.publish(make)
    assert written == [1, 2]
    assert [heard(listener) for listener in listeners] == [["snapshot", "delta 1", "delta 2"]] * 3


def test_what_was_missed_is_known_as_long_as_it_is_kept() -> None:
    tower = Hub("one", kept=3)
    assert tower.since("one", 0) == []
    for _ in range(5):
        tower.publish(str)
    assert tower.since("one", 5) == []
    assert tower.since("one", 3) == ["4", "5"]
    assert tower.since("one", 2) == ["3", "4", "5"]
    assert tower.since("one", 1) is None, "the second is not kept any more"
    assert tower.since("one", 6) is None, "a number that was never given"
    assert tower.since("two", 5) is None
    tower.rename("two")
    assert tower.since("two", 4) is None


def test_who_does_not_take_what_waits_is_dropped() -> None:
    tower = Hub("one", unread=10_000)
    slow, quick = Listener(), Listener()
    tower.add(slow, [])
    tower.add(quick, [])
    for _ in range(hub.WAITING + 1):
        tower.publish(str)
        heard(quick)
    assert (slow.is_dropped, quick.is_dropped) == (True, False)
    assert heard(slow) == [None], "what waited is forgotten, and its writer told to end"
    assert len(tower) == 1


def test_who_takes_but_never_acknowledges_is_dropped() -> None:
    tower = Hub("one", unread=5)
    silent, polite = Listener(), Listener()
    tower.add(silent, [])
    tower.add(polite, [])
    for seq in range(1, 8):
        tower.publish(str)
        heard(silent)
        heard(polite)
        polite.acknowledged = seq
    assert (silent.is_dropped, polite.is_dropped) == (True, False)


def test_too_much_to_catch_up_with_is_refused() -> None:
    tower = Hub("one")
    listener = Listener()
    assert not tower.add(listener, ["x"] * (hub.WAITING + 1))
    assert listener.is_dropped
    assert len(tower) == 0


def drawn(seq: int, stream: int, at_ms: int, score: int = 7) -> DrawnBlock:
    return DrawnBlock(seq, bytes(32), stream, score, at_ms, 0, bytes(20), TARGET, None, None, None, 0, (0,))


def epoch(number: int, at_ms: int, txs: int = 0, lanes: tuple[int, ...] = (0, 0)) -> DrawnEpoch:
    return DrawnEpoch(number, at_ms, txs, txs * 21_000, 2 * 10**9, lanes, (txs, 0, 0))


def test_figures_of_the_moment() -> None:
    figures = Figures(2)
    for second in range(60):
        figures.add_block(drawn(second, 2, NOW - 60_000 + second * 1000))
    figures.add_block(drawn(100, 1, NOW - 20_000))
    figures.add_epoch(epoch(1, NOW - 30_000, 60, (40, 20)), [(1, 15)], 1)
    figures.add_epoch(epoch(2, NOW - 4_000, 20, (20, 0)), [(0, 5)], 0)
    figures.see_pool(Pool(3, 2, 900), NOW)
    now = figures.now(NOW)
    assert now.tps == 2.0
    assert now.gas == 42_000.0
    assert now.blocks == (round(1 / 60, 3), 1.0, 0.0)
    assert now.reds == 1
    assert (now.shards, now.crossing) == ((60, 20), (5, 15))
    assert now.pool == Pool(3, 2, 900)
    hashes = expected_hashes(TARGET)
    assert now.difficulty == (float(hashes), float(hashes))
    # sixty blocks since the first step that is known, a minute ago
    assert now.hashrate[1] == pytest.approx(60 * hashes / 60, rel=0.1)


def test_an_undone_epoch_leaves_no_trace() -> None:
    figures = Figures(2)
    figures.add_epoch(epoch(1, NOW - 8_000, 10, (10, 0)), [], 0)
    before = (figures.now(NOW), figures.series(NOW))
    figures.add_epoch(epoch(2, NOW - 6_000, 30, (0, 30)), [(1, 30)], 2)
    figures.add_epoch(epoch(3, NOW - 3_000, 5, (5, 0)), [], 0)
    assert figures.now(NOW).tps == 4.5
    figures.remove_above(1)
    assert figures.now(NOW) == before[0]
    lines = [(point.tps, point.gas, point.reds) for point in figures.series(NOW)]
    assert lines == [(point.tps, point.gas, point.reds) for point in before[1]]


def test_lines_have_every_step_and_hold_what_does_not_change() -> None:
    figures = Figures(2)
    figures.add_epoch(epoch(1, NOW - 100_000, 50), [], 0)
    figures.add_reorg(NOW)
    series = figures.series(NOW)
    assert len(series) == 120
    assert [point.step for point in series] == list(range(series[0].step, series[0].step + 120))
    there = (NOW - 100_000) // SERIES_STEP_MS - series[0].step
    assert series[there].tps == 10.0
    assert series[there - 1].fee is None, "nobody knows the fee before the first epoch"
    assert {point.fee for point in series[there:]} == {2.0}
    assert series[-1].reorgs == 1
    figures.forget(NOW + 700_000)
    assert {point.tps for point in figures.series(NOW + 700_000)} == {0.0}
    assert figures.now(NOW + 700_000).reorgs == 0


def test_the_hour_begins_with_what_the_database_counted() -> None:
    figures = Figures(2)
    since = NOW // HOUR_STEP_MS * HOUR_STEP_MS - 10 * HOUR_STEP_MS
    figures.add_history(since, [Bucket(0, 1, 3, 1, 10, 14, TARGET), Bucket(0, 3, 9, 0, 11, 30, TARGET)], HOUR_STEP_MS)
    figures.add_block(drawn(1, 2, since + 5, score=31))
    (step,) = figures.hour(NOW)
    assert (step.blocks, step.reds, step.low, step.high) == ((3, 1, 9), 1, 10, 31)


def test_reds_are_counted_by_the_number_that_merged_them() -> None:
    places = [MergedBlock(1, 5, True, True), MergedBlock(2, 6, False, False), MergedBlock(3, 6, False, False)]
    assert reds_of(places) == {6: 2}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (b"", ("", -1)),
        (b"feed=ab12&seq=7", ("ab12", 7)),
        (b"feed=ab12&seq=-7", ("ab12", -1)),
        (b"feed=ab12&seq=" + b"9" * 40, ("ab12", -1)),
        (b"x=" + b"y" * 300, ("", -1)),
        (b"feed=%ff&seq=\xff", ("\ufffd", -1)),
    ],
)
def test_the_place_that_a_page_names(query: bytes, expected: tuple[str, int]) -> None:
    assert consumer._place(consumer._asked(query)) == expected


@pytest.mark.parametrize(
    "text",
    [
        None,
        "",
        "x",
        "[]",
        '{"type":"ack"}',
        '{"type":"ack","seq":true}',
        '{"type":"ack","seq":-1}',
        '{"type":"mine","seq":1}',
    ]
    + ['{"type":"ack","seq":1,"x":"' + "y" * 600 + '"}'],
)
def test_what_a_page_may_not_say(text: str | None) -> None:
    assert consumer._message(text) is None


def test_a_queue_that_is_full_says_so() -> None:
    async def story() -> None:
        listener = Listener()
        assert all(listener.offer("x") for _ in range(hub.WAITING))
        assert not listener.offer("x")
        listener.drop()
        assert await listener.queue.get() is None

    asyncio.run(story())
