"""What waited in the pool before anybody looked: kept in Redis within bounds, told by the feed and the fee chart."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis as redis_py
from django.test import Client

from chain.services.network import now_ms
from explorer import pool_history
from explorer.live.figures import SERIES_STEP_MS, Figures
from explorer.live.payloads import Pool
from explorer.pages import figures
from tests.explorer.conftest import Growing
from tests.explorer.test_live import Story, Visit, heard, visit  # noqa: F401 - the fixture

AT = 1_795_400_000_000


@pytest.fixture
def redis(redis_url: str) -> Iterator[redis_py.Redis]:
    with redis_py.Redis.from_url(redis_url) as client:
        keys = [pool_history.key_of(width) for width in pool_history.STEPS]
        client.delete(*keys)
        yield client
        client.delete(*keys)


def test_each_step_keeps_the_most_that_waited(redis: redis_py.Redis) -> None:
    for second, waiting in ((0, 5), (1, 9), (4, 2), (5, 1), (3_600, 3)):
        pool_history.note(redis, waiting, AT + 1000 * second)
    first = AT // 1000
    assert pool_history.waited(redis, 5) == {first // 5: 9, first // 5 + 1: 1, first // 5 + 720: 3}
    assert pool_history.waited(redis, 60)[first // 60] == 9
    hours = pool_history.waited(redis, 3_600)
    assert hours == {first // 3_600: 9, first // 3_600 + 1: 3}


def test_it_is_bounded_also_after_a_long_rest(redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pool_history, "STEPS", {5: 10})
    for step in range(30):
        pool_history.note(redis, step, AT + 5_000 * step)
        assert redis.hlen(pool_history.key_of(5)) <= 10
    newest = (AT + 5_000 * 29) // 5_000
    assert pool_history.waited(redis, 5) == {newest - back: 29 - back for back in range(10)}
    pool_history.note(redis, 7, AT + 10**9)
    assert pool_history.waited(redis, 5) == {(AT + 10**9) // 5_000: 7}


def test_it_is_sampled_once_a_second_at_most(redis: redis_py.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    pool_history._pool.cache_clear()
    monkeypatch.setattr(pool_history, "_noted", [-1.0])
    assert pool_history.sample(3_600) is True
    assert pool_history.sample(3_600) is False
    assert list(pool_history.waited(redis, 60).values()) == [0]


def test_lines_begin_before_the_first_visitor() -> None:
    known = Figures(10)
    here = AT // SERIES_STEP_MS
    known.add_pool_history({here - 200: 1, here - 100: 4, here: 6, here + 1: 9}, AT)
    assert (known.point(here - 100).pending, known.point(here).pending) == (4, 6)
    assert (known.point(here - 200).pending, known.point(here + 1).pending) == (None, None)
    # what is seen counts more, and rates are of the time with blocks
    known.see_pool(Pool(2, 0, 1), AT)
    assert known.point(here).pending == 2
    assert known.now(AT).hashrate == (0, 0)
    known.forget(AT + 600_000)
    assert known.point(here - 100).pending is None


def test_the_feed_tells_it(redis: redis_py.Redis, visit: Callable[[Story], None]) -> None:  # noqa: F811
    async def story(visit: Visit) -> None:
        visit.growing.grow()
        pool_history.note(redis, 12, now_ms() - 60_000)
        snapshot = await heard(await visit.open(), "snapshot")
        pending = snapshot["series_columns"].index("pending")
        assert 12 in [row[pending] for row in snapshot["series"]]

    visit(story)


def test_the_fee_chart_tells_it(growing: Growing, redis: redis_py.Redis, client: Client, index_conn: Any) -> None:
    from explorer.indexers.sync import step

    block = growing.grow()
    at = growing.factory.records[block].header.timestamp_ms
    while step(index_conn) is not None:
        pass
    labels = [series["label"] for series in figures.fees(index_conn, figures.SPANS[0], at).chart["series"]]
    assert "Most that waited" not in labels
    pool_history.note(redis, 3, at)
    chart = figures.fees(index_conn, figures.SPANS[0], at).chart
    assert chart["series"][-1] == {
        "label": "Most that waited",
        "values": [*[None] * (len(chart["x"]) - 1), 3],
        "scale": "count",
    }
    month = figures.fees(index_conn, figures.span_of("month"), at).chart["series"]
    assert len(month) == 2
    assert client.get("/fees").status_code == 200
