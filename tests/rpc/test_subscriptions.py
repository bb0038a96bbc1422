"""Subscriptions: what each kind tells, in which order, and who is dropped."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
import pytest

from chain.core.types import Log
from chain.rpc import sockets
from chain.rpc.app import application
from tests.factories import wallets
from tests.factories.chain import Effects
from tests.rpc.conftest import TOKEN, TOPIC_A, TOPIC_B, Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


class Talk:
    """One WebSocket conversation with the application."""

    def __init__(self) -> None:
        self.incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.stuck = asyncio.Event()
        self.stuck.set()
        self.ids = 0

    async def __aenter__(self) -> Talk:
        async def send(message: dict[str, Any]) -> None:
            if message["type"] == "websocket.send":
                await self.stuck.wait()
            self.sent.put_nowait(message)

        self.incoming.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/", "headers": [(b"host", b"localhost")], "client": ("127.0.0.1", 5)}
        self.task = asyncio.create_task(application(scope, self.incoming.get, send))
        assert (await asyncio.wait_for(self.sent.get(), 60))["type"] == "websocket.accept"
        return self

    async def __aexit__(self, *error: object) -> None:
        self.incoming.put_nowait({"type": "websocket.disconnect"})
        await asyncio.wait_for(self.task, 60)

    async def next(self) -> dict[str, Any]:
        message = await asyncio.wait_for(self.sent.get(), 60)
        return orjson.loads(message["text"])

    async def ask(self, method: str, *params: Any) -> Any:
        self.ids += 1
        request = {"jsonrpc": "2.0", "id": self.ids, "method": method, "params": list(params)}
        self.incoming.put_nowait({"type": "websocket.receive", "text": orjson.dumps(request).decode()})
        answer = await self.next()
        assert answer["id"] == self.ids, answer
        return answer.get("result", answer.get("error"))

    async def heard(self, subscription: str) -> Any:
        message = await self.next()
        assert message["method"] == "eth_subscription"
        assert message["params"]["subscription"] == subscription
        return message["params"]["result"]


@pytest.fixture
def talk(rpc: Caller) -> Callable[[Callable[[Talk], Coroutine[Any, Any, None]]], None]:
    def run(story: Callable[[Talk], Coroutine[Any, Any, None]]) -> None:
        async def whole() -> None:
            async with Talk() as one:
                await story(one)

        rpc.runner.run(whole())

    return run


def extend(scene: Scene, *blocks_logs: tuple[Log, ...]) -> list[bytes]:
    factory, made = scene.factory, []
    for logs in blocks_logs:
        parent = scene.hashes[-1]
        body = [factory.send(parent, 3, wallets.address(80), 1)]
        block = factory.extend(parent, body, Effects(logs={0: logs} if logs else {}))
        scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
        scene.hashes.append(block)
        made.append(block)
    scene.publish()
    return made


def test_heads_and_logs(rpc: Caller, scene: Scene, talk: Any) -> None:
    async def story(one: Talk) -> None:
        heads = await one.ask("eth_subscribe", "newHeads")
        (block,) = extend(scene, ())
        head = await one.heard(heads)
        assert (head["hash"], head["number"]) == (h(block), hex(len(scene.hashes) - 1))
        assert "transactions" not in head
        assert await one.ask("eth_unsubscribe", heads) is True
        assert (await one.ask("eth_unsubscribe", heads))["message"] == "subscription not found"
        logs = await one.ask("eth_subscribe", "logs", {"address": h(TOKEN), "topics": [h(TOPIC_A)]})
        extend(scene, (Log(TOKEN, (TOPIC_B,), b""), Log(TOKEN, (TOPIC_A, TOPIC_B), b"\x09")), ())
        told = await one.heard(logs)
        assert (told["data"], told["removed"], told["logIndex"]) == ("0x09", False, "0x1")

    talk(story)


def test_a_reorganisation(rpc: Caller, scene: Scene, talk: Any) -> None:
    factory = scene.factory

    async def story(one: Talk) -> None:
        heads, logs = await one.ask("eth_subscribe", "newHeads"), await one.ask("eth_subscribe", "logs", {})
        fork = scene.hashes[-1]
        (undone,) = extend(scene, (Log(TOKEN, (TOPIC_A,), b"\x01"),))
        assert (await one.heard(heads))["hash"] == h(undone)
        first = await one.heard(logs)
        body = [factory.send(fork, 4, wallets.address(81), 1)]
        left = factory.extend(fork, body, Effects(logs={0: (Log(TOKEN, (TOPIC_B,), b"\x02"),)}), step_ms=1500)
        right = factory.extend(left)
        blocks = [factory.blocks[left], factory.blocks[right]]
        scene.apply(factory.update(blocks, sink=right, removed=[undone], added=[left, right]))
        scene.hashes[-1:] = [left, right]
        scene.publish()
        assert [(await one.heard(heads))["hash"] for _ in range(2)] == [h(left), h(right)]
        assert await one.heard(logs) == {**first, "removed": True}
        assert (await one.heard(logs))["data"] == "0x02"

    talk(story)


def test_what_comes_right_behind_the_answer_is_heard(
    rpc: Caller, scene: Scene, talk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However long Redis takes to say where the stream of the pool ends."""
    from chain.rpc.app import process_node

    async def story(one: Talk) -> None:
        redis = (await process_node()).redis
        asked = redis.xrevrange

        async def slow(*args: Any, **named: Any) -> Any:
            await asyncio.sleep(0.3)
            return await asked(*args, **named)

        monkeypatch.setattr(redis, "xrevrange", slow)
        short = await one.ask("eth_subscribe", "newPendingTransactions")
        raw, tx = scene.factory.send(scene.hashes[-1], 7, wallets.address(82), 1)
        async with Talk() as other:
            assert await other.ask("eth_sendRawTransaction", h(raw)) == h(tx.hash)
        assert await one.heard(short) == h(tx.hash)

    talk(story)


def test_pool_dag_and_figures(rpc: Caller, scene: Scene, talk: Any) -> None:
    async def story(one: Talk) -> None:
        short = await one.ask("eth_subscribe", "newPendingTransactions")
        raw, tx = scene.factory.send(scene.hashes[-1], 2, wallets.address(82), 1)
        # whoever has the answer hears of all that comes from then on
        await one_off(raw)
        assert await one.heard(short) == h(tx.hash)
        await one.ask("eth_unsubscribe", short)
        full = await one.ask("eth_subscribe", "newPendingTransactions", True)
        raw, tx = scene.factory.send(scene.hashes[-1], 1, wallets.address(82), 1)
        await one_off(raw)
        pending = await one.heard(full)
        assert (pending["hash"], pending["blockHash"]) == (h(tx.hash), None)
        await one.ask("eth_unsubscribe", full)
        dag = await one.ask("eth_subscribe", "mds_dag")
        (block,) = extend(scene, ())
        told = await one.heard(dag)
        assert [entry["hash"] for entry in told["blocks"]] == [h(block)]
        assert told["added"] == [{"number": len(scene.hashes) - 1, "hash": h(block)}]
        await one.ask("eth_unsubscribe", dag)
        stats = await one.ask("eth_subscribe", "mds_stats")
        assert (await one.heard(stats))["number"] == len(scene.hashes) - 1
        await one.ask("eth_unsubscribe", stats)

    async def one_off(raw: bytes) -> None:
        async with Talk() as other:
            assert isinstance(await other.ask("eth_sendRawTransaction", h(raw)), str)

    talk(story)


def test_falling_behind_and_catching_up(rpc: Caller, scene: Scene, talk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks that came long ago and still wait are what makes a node one that is syncing."""
    from chain.services.network import now_ms
    from chain.stores.candidates import add_candidate
    from chain.stores.connection import raw_connection

    monkeypatch.setattr("chain.rpc.syncing.FRESH_S", 0.0)
    monkeypatch.setattr("chain.rpc.feed.SYNCING_S", 0.05)
    current, conn = hex(len(scene.hashes) - 1), raw_connection()

    def wait(age_ms: int, name: int) -> None:
        came = now_ms() - age_ms
        add_candidate(conn, bytes([name]) * 32, b"raw", senders=b"", source="import", received_ms=came)

    async def story(one: Talk) -> None:
        followed = await one.ask("eth_subscribe", "syncing")
        wait(0, 1)
        await asyncio.sleep(0.2)
        assert await one.ask("eth_syncing") is False
        with conn.transaction():
            conn.execute("DELETE FROM chain_candidate")
            wait(60_000, 2)
            wait(0, 3)
        behind = {"startingBlock": current, "currentBlock": current, "highestBlock": hex(int(current, 16) + 2)}
        assert (await one.heard(followed))["syncing"] is True
        assert await one.ask("eth_syncing") == behind
        late = await one.ask("eth_subscribe", "syncing")
        assert await one.heard(late) == {"syncing": True, "status": behind}
        with conn.transaction():
            conn.execute("DELETE FROM chain_candidate")
        assert [await one.heard(which) for which in (followed, late)] == [False, False]
        assert await one.ask("eth_syncing") is False

    talk(story)


@pytest.mark.parametrize(
    "params", [("nothing",), (), ("newHeads", {}), ("logs", 5), ("logs", {"blockHash": h(bytes(32))}), (5,)]
)
def test_wrong_subscriptions(talk: Any, params: tuple[Any, ...]) -> None:
    async def story(one: Talk) -> None:
        assert (await one.ask("eth_subscribe", *params))["code"] == -32602

    talk(story)


def test_over_http_there_are_none(rpc: Caller) -> None:
    error = rpc.error("eth_subscribe", "newHeads")
    assert (error["code"], error["message"]) == (-32601, "notifications not supported")


def test_subscriptions_of_a_connection_are_capped(talk: Any, settings: Any) -> None:
    settings.MDS_RPC_MAX_SUBSCRIPTIONS = 2

    async def story(one: Talk) -> None:
        for _ in range(2):
            assert isinstance(await one.ask("eth_subscribe", "newHeads"), str)
        assert (await one.ask("eth_subscribe", "newHeads"))["code"] == -32005

    talk(story)


def test_connections_are_capped(rpc: Caller, settings: Any) -> None:
    settings.MDS_RPC_MAX_SOCKETS = 0
    sent: list[dict[str, Any]] = []

    async def connect() -> None:
        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        async def receive() -> dict[str, Any]:
            return {"type": "websocket.connect"}

        await application({"type": "websocket", "headers": [(b"host", b"localhost")]}, receive, send)

    rpc.runner.run(connect())
    assert sent == [{"type": "websocket.close", "code": 1013}]


def test_who_does_not_read_is_dropped_and_others_hear(
    rpc: Caller, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets, "MAX_WAITING", 3)

    async def whole() -> None:
        async with Talk() as slow, Talk() as quick:
            await slow.ask("eth_subscribe", "newHeads")
            heads = await quick.ask("eth_subscribe", "newHeads")
            slow.stuck.clear()
            for _ in range(6):
                extend(scene, ())
                await quick.heard(heads)
            await asyncio.wait_for(slow.task, 60)
            assert slow.sent.get_nowait() == {"type": "websocket.close", "code": 1013}
            from chain.rpc.app import _holder

            assert (await _holder.get()).feed.count() == 1

    rpc.runner.run(whole())
