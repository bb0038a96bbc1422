"""Accounts in memory say what the database says at the same block, whatever the chain did in between."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Sequence
from typing import Any

import pytest

from chain.selectors import accounts as select
from tests.factories import wallets
from tests.rpc.conftest import Caller, Scene

pytestmark = pytest.mark.django_db

TARGETS = [wallets.address(n) for n in range(20, 28)]


def h(value: bytes) -> str:
    return "0x" + value.hex()


def settle(rpc: Caller, number: int) -> None:
    """Wait until the head is shown."""

    async def shown() -> None:
        from chain.rpc.app import _holder

        node = await _holder.get()
        while node.head.number != number:
            await node.heads.reload()

    rpc.runner.run(asyncio.wait_for(shown(), 60))


def agree(rpc: Caller, scene: Scene, accounts: Sequence[bytes]) -> None:
    number = rpc("eth_blockNumber")
    assert int(number, 16) == len(scene.hashes) - 1
    for method in ("eth_getBalance", "eth_getTransactionCount"):
        latest = {h(a): rpc(method, h(a)) for a in accounts}
        assert latest == {h(a): rpc(method, h(a), number) for a in accounts}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many accounts each statement read."""
    seen: list[int] = []
    original = select.accounts_at

    async def counted(conn: Any, number: int, shards: Sequence[int], addresses: Sequence[bytes]) -> Any:
        seen.append(len(addresses))
        return await original(conn, number, shards, addresses)

    monkeypatch.setattr(select, "accounts_at", counted)
    return seen


@pytest.mark.parametrize("seed", range(3))
def test_memory_follows_the_chain(rpc: Caller, scene: Scene, seed: int) -> None:
    rng, factory = random.Random(seed), scene.factory
    asked = [*TARGETS, *[wallets.address(n) for n in range(3)]]
    agree(rpc, scene, asked)

    def grow(parent: bytes) -> bytes:
        body = [factory.send(parent, n, rng.choice(TARGETS), rng.randrange(100)) for n in rng.sample(range(3), 2)]
        return factory.extend(parent, body, step_ms=1000 + rng.randrange(1000))

    for _ in range(12):
        depth = rng.choice([0, 0, 1, 2])
        removed = [scene.hashes.pop() for _ in range(depth)]
        made = []
        for _ in range(depth + 1):
            made.append(grow(made[-1] if made else scene.hashes[-1]))
        blocks = [factory.blocks[block] for block in made]
        scene.apply(factory.update(blocks, sink=made[-1], removed=removed, added=made))
        scene.hashes += made
        if rng.random() < 0.7:
            if rng.random() < 0.5:
                scene.publish()
            settle(rpc, len(scene.hashes) - 1)
            agree(rpc, scene, rng.sample(asked, 6))
    scene.publish()
    settle(rpc, len(scene.hashes) - 1)
    agree(rpc, scene, asked)


def test_an_account_is_read_once(rpc: Caller, scene: Scene, reads: list[int]) -> None:
    quiet, busy = wallets.address(31), wallets.address(32)
    asked = [
        {"jsonrpc": "2.0", "id": n, "method": "eth_getBalance", "params": [h(a)]} for n, a in enumerate((quiet, busy))
    ]
    assert [answer["result"] for answer in rpc.raw(asked * 3)] == ["0x0"] * 6
    # all of one moment in one statement
    assert reads == [2]
    factory = scene.factory
    block = factory.extend(scene.hashes[-1], [factory.send(scene.hashes[-1], 0, busy, 7)])
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    scene.publish()
    settle(rpc, len(scene.hashes) - 1)
    assert [rpc("eth_getBalance", h(a)) for a in (quiet, busy)] == ["0x0", "0x7"]
    assert reads == [2]


def test_large_changes_are_forgotten_instead(
    rpc: Caller, scene: Scene, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.rpc.accounts.MAX_CHANGES", 1)
    target, factory = wallets.address(33), scene.factory
    assert rpc("eth_getBalance", h(target)) == "0x0"
    block = factory.extend(scene.hashes[-1], [factory.send(scene.hashes[-1], 1, target, 7)])
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    settle(rpc, len(scene.hashes) - 1)
    assert rpc("eth_getBalance", h(target)) == "0x7"
    assert reads == [1, 1]


def test_an_error_reaches_those_who_wait_and_nobody_later(
    rpc: Caller, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(*_: Any) -> Any:
        raise RuntimeError("broken")

    target = h(wallets.address(34))
    with monkeypatch.context() as patch:
        patch.setattr(select, "accounts_at", fails)
        assert rpc.error("eth_getBalance", target)["code"] == -32603
    assert rpc("eth_getBalance", target) == "0x0"
