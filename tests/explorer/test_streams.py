"""Streams and miners: rates and hashrates by the blocks themselves, what was paid, ranks."""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from chain.selectors.live import STANDING
from chain.stores.connection import Connection
from explorer.indexers.sync import step
from explorer.pages import streams
from explorer.pages.figures import SPANS
from explorer.selectors import streams as selectors
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import hexed, text_of
from tests.factories import wallets

ALICE, BOB = wallets.address(0), wallets.address(1)


@pytest.fixture
def mined(growing: Growing, index_conn: Connection) -> int:
    """Alice mines two blocks of A and one of B, Bob one of B and one of C; the time of the newest, ms."""
    for stream, coinbase in ((1, ALICE), (1, ALICE), (2, ALICE), (2, BOB), (3, BOB)):
        block = growing.grow(stream=stream, coinbase=coinbase)
    while step(index_conn) is not None:
        pass
    return growing.factory.records[block].header.timestamp_ms + 1


def test_streams_side_by_side(mined: int, growing: Growing, index_conn: Connection) -> None:
    page = streams.streams(index_conn, SPANS[0], mined)
    a, b, c = page.streams
    assert [(one.name, one.window.blocks if one.window else 0, one.total) for one in page.streams] == [
        ("A", 2, 2),
        ("B", 2, 2),
        ("C", 1, 1),
    ]
    headers = [growing.factory.records[block].header for block in growing.path[1:]]
    expected = [sum(selectors.expected(h.target) for h in headers if h.stream == stream) for stream in (1, 2)]
    assert [a.hashrate, b.hashrate, c.hashrate] == [expected[0] / 600, expected[1] / 600, None]
    assert a.difficulty == selectors.expected(headers[1].target)
    assert (c.difficulty, c.is_work) == (None, False)
    assert [one.newest.hash for one in page.streams if one.newest] == [
        growing.path[2],
        growing.path[4],
        growing.path[5],
    ]
    rewards = sum(one.paid.rewards for one in page.streams if one.paid)
    standing = STANDING.one(index_conn)
    assert standing is not None
    assert rewards > 0
    # the chain is younger than ten minutes: its rate is that of its life
    age_ms = max(1_000, mined - headers[0].timestamp_ms)
    assert age_ms < 600_000
    assert (a.interval_s, a.an_hour) == (age_ms / 2_000, 2 * 3_600_000 / age_ms)
    later = streams.streams(index_conn, SPANS[0], headers[0].timestamp_ms + 599_000).streams[0]
    assert later.interval_s == 299.5
    # long after, nothing is left but what was found since genesis
    late = streams.streams(index_conn, SPANS[0], mined + 10 * 3_600_000).streams
    assert [(one.window, one.hashrate, one.total) for one in late] == [(None, 0, 2), (None, 0, 2), (None, None, 1)]
    assert [one.paid for one in late] == [None, None, None]


def test_miners_have_ranks_and_hashrates(mined: int, index_conn: Connection, monkeypatch: Any) -> None:
    first, second = streams.miners(index_conn, None, mined).miners
    assert (first.rank, first.view.coinbase, second.rank, second.view.coinbase) == (1, ALICE, 2, BOB)
    assert first.hashrates is not None
    assert (first.hashrates.blocks_a, first.hashrates.blocks_b) == (2, 1)
    assert first.hashrates.a > 0
    assert second.hashrates is not None
    assert (second.hashrates.a, second.hashrates.blocks_b) == (0, 1)
    # ranks go on over the pages
    below = streams.miners(index_conn, (first.view.income, ALICE), mined)
    assert [one.rank for one in below.miners] == [2]
    assert streams.miner(index_conn, second.view, mined).rank == 2
    late = streams.miner(index_conn, second.view, mined + 3_600_000)
    assert late.hashrates == streams.Hashrates(0, 0, 0, 0)


def test_pages_and_answers(mined: int, client: Client) -> None:
    told = text_of(client.get("/streams"))
    assert "BLAKE3 work" in told
    assert "VRF lottery" in told
    assert "Rank 2" in text_of(client.get(f"/miner/{hexed(BOB)}"))
    assert "1 0x" in text_of(client.get("/miners"))
    found = client.get("/api/v1/streams").json()
    assert [(one["stream"], one["blocks"], one["hashrate"] is None) for one in found] == [
        ("A", 2, False),
        ("B", 2, False),
        ("C", 1, True),
    ]
