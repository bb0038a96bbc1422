"""The head in memory: follows events, never falls behind what a reader has met in the database."""

from __future__ import annotations

import asyncio

import pytest
import redis as redis_py

from chain.core.errors import StoreError
from chain.rpc.head import parse_head
from tests.factories import wallets
from tests.rpc.conftest import Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


def test_a_commit_that_nobody_published_is_met_with_its_receipt(rpc: Caller, scene: Scene) -> None:
    """A caller that sees a receipt must not then read an older balance or number."""
    factory, target = scene.factory, wallets.address(60)
    assert rpc("eth_getBalance", h(target)) == "0x0"
    before = int(rpc("eth_blockNumber"), 16)
    raw, tx = factory.send(scene.hashes[-1], 8, target, 123)
    assert rpc("eth_getTransactionReceipt", h(tx.hash)) is None
    block = factory.extend(scene.hashes[-1], [(raw, tx)])
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    # kept for the old head until the receipt shows the new one
    assert rpc("eth_getBalance", h(target)) == "0x0"
    assert rpc("eth_getTransactionReceipt", h(tx.hash))["blockNumber"] == hex(before + 1)
    assert rpc("eth_getBalance", h(target)) == hex(123)
    assert rpc("eth_blockNumber") == hex(before + 1)


def test_events_move_the_head(rpc: Caller, scene: Scene, runner: asyncio.Runner) -> None:
    factory = scene.factory
    before = int(rpc("eth_blockNumber"), 16)
    block = factory.extend(scene.hashes[-1])
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    scene.publish()

    async def until_moved() -> None:
        from chain.rpc.app import _holder

        moved = asyncio.Event()
        node = await _holder.get()
        node.heads.listen(lambda head: moved.set())
        if node.head.number == before:
            await asyncio.wait_for(moved.wait(), 60)

    runner.run(until_moved())
    assert rpc("eth_blockNumber") == hex(before + 1)


def test_a_reorganisation_takes_receipts_back(rpc: Caller, scene: Scene) -> None:
    factory, fork = scene.factory, scene.hashes[-1]
    body = [factory.send(fork, 9, wallets.address(61), 5)]
    undone = factory.extend(fork, body)
    scene.apply(factory.update([factory.blocks[undone]], sink=undone, added=[undone]))
    assert rpc("eth_getTransactionReceipt", h(body[0][1].hash)) is not None
    assert rpc("eth_getBalance", h(wallets.address(61))) == "0x5"
    one = factory.extend(fork, step_ms=2000)
    two = factory.extend(one)
    update = factory.update([factory.blocks[one], factory.blocks[two]], sink=two, removed=[undone], added=[one, two])
    scene.apply(update)
    scene.hashes += [one, two]
    scene.publish()
    assert rpc("eth_getTransactionReceipt", h(body[0][1].hash)) is None
    assert rpc("eth_getBlockByHash", h(undone), False) is None
    assert rpc("eth_getBlockByNumber", hex(len(scene.hashes) - 1), False)["hash"] == h(two)
    assert rpc("eth_getBalance", h(wallets.address(61))) == "0x0"


def test_without_redis_values_the_database_is_asked(rpc: Caller, scene: Scene, runner: asyncio.Runner) -> None:
    from django.conf import settings

    from chain.rpc.node import Node

    with redis_py.Redis.from_url(settings.MDS_REDIS_URL) as redis:
        redis.delete("mds:head")

    async def head_of_a_new_node() -> tuple[int, int, bytes]:
        node = Node()
        await node.start()
        try:
            return node.head.sequence, node.head.latest, node.head.hash
        finally:
            await node.stop()

    expected = (scene.factory.sequence, len(scene.hashes) - 1, scene.hashes[-1])
    assert runner.run(head_of_a_new_node()) == expected


@pytest.mark.parametrize("raw", [b"{", b"{}", b"[]", b'{"sequence":1,"hash":5}'])
def test_a_corrupt_head_is_a_store_error(raw: bytes) -> None:
    with pytest.raises(StoreError):
        parse_head(raw)
