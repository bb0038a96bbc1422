"""Nobody holds connections of the rpc process for nothing: time, number, size, the end."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from typing import Any

import pytest

from chain.rpc import server
from chain.rpc.registry import METHODS, method
from mondoshawan.env import Bind
from mondoshawan.rpc_server import listen
from tests.rpc import raw_connections
from tests.rpc.raw_connections import Connection, gate, post, run, serving

served = raw_connections.served


async def drip(connection: Connection) -> None:
    """A byte now and then, for ever."""
    while not connection.writer.is_closing():
        connection.send(b"x")
        await asyncio.sleep(0.02)


def test_who_does_not_get_on_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent from the start, idle, in the middle of a head, and half a short body."""
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.05)
    # longer than this process may be held up before it has said something
    monkeypatch.setattr(server, "HEAD_SECONDS", 1.5)

    async def story() -> None:
        async with serving(timeout_keep_alive=2) as connect:
            silent, idle, slow, half, waiting = [await connect() for _ in range(5)]
            waiting.send(post("test_later"))
            idle.send(post())
            assert await idle.result() == "0x1"
            half.send(post()[:-5])
            slow.send(b"POST / HTTP/1.1\r\nX: ")
            trickle = asyncio.create_task(drip(slow))
            for connection in (silent, idle, slow, half):
                assert await connection.ended() == b""
            trickle.cancel()
            gate().set()
            assert await waiting.result() == "0x2"

    run(story())


def test_connections_are_limited(settings: Any) -> None:
    settings.MDS_RPC_MAX_CONNECTIONS = 3

    async def story() -> None:
        async with serving() as connect:
            kept = [await connect() for _ in range(3)]
            for client in kept:
                client.send(post())
                assert await client.result() == "0x1"
            refused = await connect()
            refused.send(post())
            assert await refused.ended() == b""
            kept[0].writer.close()
            await kept[0].writer.wait_closed()
            await asyncio.sleep(0.05)
            again = await connect()
            again.send(post())
            assert await again.result() == "0x1"

    run(story())


def test_the_end_waits_for_answers_under_way() -> None:
    async def story() -> None:
        async with serving() as connect:
            client, idle = await connect(), await connect()
            idle.send(post())
            await idle.result()
            client.send(post("test_later"))
            await asyncio.sleep(0.05)
            connect.server.should_exit = True
            assert await idle.ended() == b""
            gate().set()
            assert await client.result() == "0x2"
            assert await client.ended() == b""

    run(story())


def test_a_reader_that_does_not_read_holds_back_its_own_requests(monkeypatch: pytest.MonkeyPatch) -> None:
    @method("test_large")
    def large(node: Any) -> str:
        """A long answer."""
        return "x" * 200_000

    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            client.writer.transport.pause_reading()
            (protocol,) = connect.server.server_state.connections
            for _ in range(200):
                client.send(post("test_large"))
                await asyncio.sleep(0.001)
            assert protocol.flow.write_paused
            assert protocol.transport.get_write_buffer_size() < 5_000_000

    try:
        run(story())
    finally:
        del METHODS["test_large"]


def test_several_processes_share_a_port_and_one_alone_does_not() -> None:
    with socket.create_server(("127.0.0.1", 0), reuse_port=True) as probe:
        bind = Bind("127.0.0.1", probe.getsockname()[1])
    with listen(bind, shared=True) as one, listen(bind, shared=True) as two:
        answered = set()
        # the system spreads connections by their address
        while len(answered) < 2:
            with socket.create_connection((bind.host, bind.port)):
                for listener in (one, two):
                    with contextlib.suppress(BlockingIOError):
                        listener.accept()[0].close()
                        answered.add(listener)
        with pytest.raises(OSError, match="in use"):
            listen(bind, shared=False)
