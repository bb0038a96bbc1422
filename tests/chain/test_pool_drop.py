"""What an operator takes out of the pool, and how the pool shows itself to people."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from chain.core.errors import RequestError
from chain.core.pool import BlockLimits, CodeKind, PoolPolicy, SenderState
from chain.core.types import Transaction
from chain.models import OperatorAction
from chain.services.pool import Pool, browse
from tests.chain.pool_model import make_tx, raw_of

GWEI = 10**9
NOW = 1_800_000_000_000
ALICE, BOB = bytes([0xA1]) * 20, bytes([0xB2]) * 20
RICH = SenderState(0, 1000 * 10**18, CodeKind.NONE, 5)


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


@pytest.fixture
def pool(client: redis.Redis) -> Pool:
    return Pool(client, PoolPolicy())


def fill(pool: Pool, *places: tuple[bytes, int]) -> list[Transaction]:
    made = [make_tx(sender, nonce) for sender, nonce in places]
    for tx in made:
        pool.add(tx, raw_of(tx), GWEI, NOW, RICH)
    return made


def selected(pool: Pool) -> list[tuple[bytes, int]]:
    found = pool.select(BlockLimits(10_000, 30_000_000, 4_000_000), GWEI)
    return sorted((entry.sender, entry.nonce) for entry in found)


def test_a_gap_makes_the_rest_wait_until_it_is_filled(pool: Pool) -> None:
    first, second, third, other = fill(pool, (ALICE, 0), (ALICE, 1), (ALICE, 2), (BOB, 0))
    assert pool.drop(NOW, hashes=[second.hash, second.hash, bytes(32)]) == 1
    assert pool.get(second.hash) is None
    assert pool.get(third.hash) is not None
    assert (pool.sums().count, pool.sums().pending, pool.sums().queued) == (3, 2, 1)
    assert selected(pool) == [(ALICE, 0), (BOB, 0)]
    fill(pool, (ALICE, 1))
    assert selected(pool) == [(ALICE, 0), (ALICE, 1), (ALICE, 2), (BOB, 0)]
    assert first.hash != other.hash


def test_a_sender_leaves_whole_and_may_come_again(pool: Pool, client: redis.Redis) -> None:
    made = fill(pool, *((ALICE, nonce) for nonce in (0, 1, 2, 5)), (BOB, 0))
    assert pool.drop(NOW, hashes=[made[1].hash], senders=[ALICE, ALICE]) == 4
    assert pool.drop(NOW, senders=[ALICE]) == 0
    sums = pool.sums()
    assert (sums.count, sums.pending, sums.bytes) == (1, 1, client.hstrlen(b"mds:pool:s:" + BOB, bytes(8)))
    for index in ("tx", "price", "age"):
        size = client.hlen if index == "tx" else client.zcard
        assert size(f"mds:pool:{index}") == 1
    assert client.smembers("mds:pool:senders") == {BOB}
    fill(pool, (ALICE, 0))
    assert selected(pool) == [(ALICE, 0), (BOB, 0)]


@pytest.mark.django_db
@pytest.mark.usefixtures("no_trail")
def test_people_see_senders_and_each_drop_is_kept(pool: Pool, client: redis.Redis) -> None:
    made = fill(pool, (ALICE, 0), (ALICE, 1), (ALICE, 7), (BOB, 0))
    lines, total = browse.senders(10, client)
    assert total == 2
    assert [(line.address, line.nonce, line.pending, line.queued) for line in lines] == [
        (ALICE, 0, 2, 1),
        (BOB, 0, 1, 0),
    ]
    content = browse.sender_content(ALICE, 2, client)
    assert content is not None
    assert (content.next_nonce, [entry.nonce for entry in content.entries]) == (2, [0, 1])
    assert browse.sender_content(bytes(20), 2, client) is None
    assert browse.drop_transaction(made[3].hash, client).sender == BOB
    assert browse.drop_sender(ALICE, client) == 3
    for again in (lambda: browse.drop_transaction(made[3].hash, client), lambda: browse.drop_sender(ALICE, client)):
        with pytest.raises(RequestError) as refused:
            again()
        assert refused.value.code == "not_found"
    kept = OperatorAction.objects.order_by("id").values_list("action", "outcome", "before")
    assert list(kept) == [
        ("pool.drop_transaction", "done", {"sender": "0x" + BOB.hex(), "nonce": 0}),
        ("pool.drop_sender", "done", {"transactions": 3}),
        ("pool.drop_transaction", "refused", None),
        ("pool.drop_sender", "refused", None),
    ]
