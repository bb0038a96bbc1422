"""The virtual block's bytes and its place in Redis."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import msgpack
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from redis import Redis

from chain.core.consensus.model import VirtualSnapshot
from chain.core.errors import StoreError
from chain.core.seals.eligibility import Lottery
from chain.services.snapshot import (
    HEAD_KEY,
    dump_virtual,
    events_channel,
    load_virtual,
    publish_virtual,
    read_fast_virtual,
    read_sequence,
    read_virtual,
    wait_for_move,
)

HASH = st.binary(min_size=32, max_size=32)
UINT64 = st.integers(0, 2**64 - 1)
UINT256 = st.integers(0, 2**256 - 1)
LOTTERY = st.builds(Lottery, seed=HASH, weights=st.dictionaries(HASH, UINT64, max_size=5), total=UINT64)
SNAPSHOT = st.builds(
    VirtualSnapshot,
    sequence=UINT64,
    sink=HASH,
    parents=st.lists(HASH, max_size=10).map(tuple),
    stream_counts=st.tuples(UINT64, UINT64, UINT64),
    blue_score=UINT64,
    blue_work=UINT256,
    number=UINT64,
    latest_parent_timestamp=UINT64,
    latest_parent_slot=UINT64,
    sink_timestamp_ms=UINT64,
    version=UINT64,
    target_a=UINT64,
    target_b=UINT64,
    state_root=HASH,
    receipts_root=HASH,
    gas_used=UINT64,
    base_fee=UINT256,
    gas_left=UINT64,
    tx_left=UINT64,
    lottery=st.none() | LOTTERY,
    in_flight=st.lists(HASH, max_size=8).map(tuple),
    mergeset_blue=UINT64,
    mergeset_red=UINT64,
)
EXAMPLE = VirtualSnapshot(
    7, bytes([1]) * 32, (bytes([1]) * 32,), (1, 2, 3), 7, 2**255, 6, 5_000, 50, 5_000, 1, 0x1D00FFFF, 0x1E00FFFF,
    bytes(32), bytes(32), 0, 10**9, 1, 2, Lottery(bytes(32), {bytes([2]) * 32: 3}, 3), (), 1, 0,
)  # fmt: skip


@settings(deadline=None, max_examples=100)
@given(SNAPSHOT)
def test_round_trip_keeps_every_field_and_type(snapshot: VirtualSnapshot) -> None:
    again = load_virtual(dump_virtual(snapshot))
    assert again == snapshot
    assert repr(again) == repr(snapshot) or snapshot.lottery is not None  # the lottery's keys come back ascending
    assert hash(again.parents) == hash(snapshot.parents)


def test_equal_snapshots_have_equal_bytes() -> None:
    one, two = bytes([1]) * 32, bytes([2]) * 32
    forward = replace(EXAMPLE, lottery=Lottery(bytes(32), {one: 1, two: 2}, 3))
    backward = replace(EXAMPLE, lottery=Lottery(bytes(32), {two: 2, one: 1}, 3))
    assert dump_virtual(forward) == dump_virtual(backward)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        dump_virtual(EXAMPLE)[:-1],
        dump_virtual(EXAMPLE) + b"\x00",
        msgpack.packb([2, *range(23)]),
        msgpack.packb([1, *range(22)]),
        msgpack.packb([1, *range(23)]),
        msgpack.packb(5),
    ],
)
def test_other_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(StoreError) as refused:
        load_virtual(data)
    assert refused.value.code == "virtual_layout"


def test_publish_shows_everything_and_tells(redis_url: str) -> None:
    with Redis.from_url(redis_url) as redis:
        assert read_virtual(redis) is None
        assert read_sequence(redis) == -1
        listener = redis.pubsub()
        listener.subscribe(events_channel(redis))
        assert listener.get_message(timeout=60) is not None
        publish_virtual(redis, EXAMPLE, {"number": 5, "sink": EXAMPLE.sink, "base_fee": 10**9})
        assert read_virtual(redis) == EXAMPLE
        assert read_sequence(redis) == 7
        head = {"number": 5, "sink": "0x" + "01" * 32, "base_fee": 10**9}
        assert orjson.loads(redis.get(HEAD_KEY)) == head
        message = listener.get_message(timeout=60)
        assert message is not None
        assert orjson.loads(message["data"]) == {**head, "kind": "head"}
        listener.close()


def test_two_nodes_on_one_server_do_not_hear_each_other(redis_url: str) -> None:
    with Redis.from_url(redis_url) as ours, Redis.from_url(redis_url.replace("db=0", "db=1")) as theirs:
        assert events_channel(ours) != events_channel(theirs)
        listener = ours.pubsub()
        listener.subscribe(events_channel(ours))
        assert listener.get_message(timeout=60) is not None
        publish_virtual(theirs, EXAMPLE, {"number": 5})
        assert listener.get_message(timeout=0.2) is None


def test_fast_blocks_stand_on_what_was_chosen_for_them_as_long_as_that_helps(redis_url: str) -> None:
    ahead = replace(EXAMPLE, latest_parent_slot=60)
    with Redis.from_url(redis_url) as client:
        assert read_fast_virtual(client, 5_900, 100) is None
        publish_virtual(client, ahead, {})
        assert read_fast_virtual(client, 5_900, 100) == ahead
        # beside a block that is stamped ahead, until its slot has ended
        older = replace(EXAMPLE, sink=bytes([8]) * 32, parents=(bytes([8]) * 32,))
        publish_virtual(client, ahead, {}, older)
        assert read_virtual(client) == ahead
        assert [read_fast_virtual(client, now, 100) for now in (5_900, 6_099, 6_100)] == [older, older, ahead]
        # away from the merge bound at any time
        careful = replace(ahead, mergeset_blue=0)
        publish_virtual(client, ahead, {}, careful)
        assert [read_fast_virtual(client, now, 100) for now in (5_900, 6_100)] == [careful, careful]
        publish_virtual(client, ahead, {})
        assert read_fast_virtual(client, 6_100, 100) == ahead


def test_who_waits_for_virtual_is_woken_when_it_moves(redis_url: str) -> None:
    redis = Redis.from_url(redis_url)
    publish_virtual(redis, EXAMPLE, {})
    assert wait_for_move(redis, EXAMPLE.sequence - 1, 60)
    # the token of the move before is there still, and wakes nobody for good
    assert not wait_for_move(redis, EXAMPLE.sequence, 0.05)
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(wait_for_move, redis, EXAMPLE.sequence, 60)
        while not redis.info("clients")["blocked_clients"]:
            time.sleep(0.01)
        publish_virtual(redis, replace(EXAMPLE, sequence=EXAMPLE.sequence + 1), {})
        assert waiting.result(timeout=50)
