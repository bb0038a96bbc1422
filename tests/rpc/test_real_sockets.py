"""The application under uvicorn, over real sockets: many subscribers, half-open and stalled connections."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
import websockets

from chain.rpc.app import application
from tests.rpc.conftest import Caller, Scene

pytestmark = pytest.mark.django_db

SUBSCRIBERS = int(os.environ.get("RPC_TEST_SUBSCRIBERS", "150"))


def with_server(rpc: Caller, story: Callable[[int], Awaitable[None]]) -> None:
    """Serve on a free port while a story runs."""

    async def whole() -> None:
        config = uvicorn.Config(application, host="127.0.0.1", port=0, lifespan="off", log_config=None)
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve())
        while not (server.started or serving.done()):  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            await story(server.servers[0].sockets[0].getsockname()[1])
        finally:
            server.should_exit = True
            await serving

    rpc.runner.run(whole())


async def ask(port: int, method: str) -> Any:
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": []}).encode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(
        b"POST / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    )
    answer = await asyncio.wait_for(reader.read(), 120)
    writer.close()
    return json.loads(answer.partition(b"\r\n\r\n")[2])["result"]


def extend(scene: Scene) -> bytes:
    factory = scene.factory
    block = factory.extend(scene.hashes[-1])
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    scene.hashes.append(block)
    scene.publish()
    return block


def test_every_subscriber_hears_every_head_in_order(rpc: Caller, scene: Scene) -> None:
    async def story(port: int) -> None:
        sockets = [await websockets.connect(f"ws://127.0.0.1:{port}", open_timeout=120) for _ in range(SUBSCRIBERS)]
        try:
            for socket in sockets:
                await socket.send('{"jsonrpc":"2.0","id":1,"method":"eth_subscribe","params":["newHeads"]}')
                assert "result" in json.loads(await asyncio.wait_for(socket.recv(), 120))
            made = [extend(scene) for _ in range(3)]
            for socket in sockets:
                heard = [json.loads(await asyncio.wait_for(socket.recv(), 120))["params"]["result"] for _ in made]
                assert [head["hash"] for head in heard] == ["0x" + block.hex() for block in made]
        finally:
            await asyncio.gather(*[socket.close() for socket in sockets])

    with_server(rpc, story)


def test_connections_that_stall_stop_nobody(rpc: Caller, scene: Scene) -> None:
    async def story(port: int) -> None:
        stalled = [await asyncio.open_connection("127.0.0.1", port) for _ in range(60)]
        for n, (_, writer) in enumerate(stalled):
            if n % 3 == 0:
                writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nX-")
            elif n % 3 == 1:
                writer.write(b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100000\r\n\r\n{")
            else:
                writer.write(b"\x16\x03\x01\x02\x00" + bytes(range(250)))
        number = await ask(port, "eth_blockNumber")
        assert int(number, 16) == len(scene.hashes) - 1
        for _, writer in stalled:
            writer.transport.abort()
        assert await ask(port, "eth_blockNumber") == number

    with_server(rpc, story)
