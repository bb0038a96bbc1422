"""The short way of the rpc process answers as the long one does."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest

from chain.rpc.server import read_head
from tests.rpc import raw_connections
from tests.rpc.raw_connections import ADDRESS, body, gate, post, run, serving

served = raw_connections.served
short = raw_connections.short


def test_whole_requests_take_the_short_way(short: list[bytes]) -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            for n in range(3):
                client.send(post(identity=n))
                status, headers, content = await client.answer()
                assert (status, headers["content-type"]) == (200, "application/json")
                assert json.loads(content) == {"jsonrpc": "2.0", "id": n, "result": "0x1"}
            client.send(post(identity=None))
            assert (await client.answer())[0] == 204

    run(story())
    assert len(short) == 4


@pytest.mark.parametrize("cut", [1, 10, 60, -40, -1])
def test_a_request_may_come_in_pieces(cut: int, short: list[bytes]) -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            whole = post()
            client.send(whole[:cut])
            await asyncio.sleep(0.05)
            client.send(whole[cut:])
            assert await client.result() == "0x1"
            client.send(whole)
            assert await client.result() == "0x1"

    run(story())
    assert short


def test_a_request_may_come_byte_by_byte() -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            for byte in post():
                client.send(bytes([byte]))
                await asyncio.sleep(0.001)
            assert await client.result() == "0x1"

    run(story())


def test_requests_that_follow_each_other_are_answered_in_order() -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            client.send(b"".join(post(identity=n) for n in range(5)))
            assert [json.loads((await client.answer())[2])["id"] for _ in range(5)] == list(range(5))
            client.send(post("test_later", 1))
            await asyncio.sleep(0.05)
            client.send(post("test_now", 2) + post("test_now", 3))
            client.send(b"GET / HTTP/1.1\r\n" + ADDRESS + b"\r\n")
            gate().set()
            assert [json.loads((await client.answer())[2])["id"] for _ in range(3)] == [1, 2, 3]
            assert (await client.answer())[0] == 200

    run(story())


def test_what_waits_behind_a_slow_call_is_bounded() -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            client.send(post("test_later"))
            await asyncio.sleep(0.05)
            (protocol,) = connect.server.server_state.connections
            for _ in range(40):
                client.send(post("test_now") * 1000)
                await asyncio.sleep(0)
            while not protocol.flow.read_paused:  # noqa: ASYNC110 - uvicorn has no event for it
                await asyncio.sleep(0.01)
            # the system's buffers take the rest, and then the caller must wait
            assert len(protocol._held) < 1_000_000
            client.writer.transport.abort()
            gate().set()

    run(story())


def test_other_forms_take_the_long_way(short: list[bytes]) -> None:
    content = body("test_now")
    forms = {
        b"GET / HTTP/1.1\r\n" + ADDRESS + b"\r\n": 200,
        b"OPTIONS / HTTP/1.1\r\n" + ADDRESS + b"Origin: https://dapp.example\r\n\r\n": 204,
        b"PUT / HTTP/1.1\r\n" + ADDRESS + b"Content-Length: 0\r\n\r\n": 405,
        post(headers=b"Host: rebound.example\r\n"): 403,
        b"POST / HTTP/1.1\r\n"
        + ADDRESS
        + b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(content), content): 200,
        post(headers=ADDRESS + b"Connection: close\r\n"): 200,
    }

    async def story() -> None:
        async with serving() as connect:
            for request, expected in forms.items():
                client = await connect()
                client.send(request)
                status, headers, _ = await client.answer()
                assert status == expected, request
                if b"close" in request:
                    assert headers["connection"] == "close"
                    assert await client.ended() == b""
            client = await connect()
            client.send(b"POST / HTTP/1.1\r\n" + ADDRESS + b"Expect: 100-continue\r\nContent-Length: 57\r\n\r\n")
            assert (await client.reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 100")

    run(story())
    assert short == []


@pytest.mark.parametrize(
    "headers",
    [
        b"Content-Length: 5\r\n",
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length : 5\r\n",
        b"Transfer-Encoding: x, chunked\r\n",
        b"X: \x00\r\n",
        b" folded\r\n",
        b"Upgrade: h2c\r\nConnection: Upgrade\r\n",
    ],
)
def test_heads_that_could_be_read_in_two_ways_are_not_for_the_short_way(headers: bytes) -> None:
    good = b"POST / HTTP/1.1\r\n" + ADDRESS + b"Content-Length: 5"
    assert read_head(good) is not None
    assert read_head(good.replace(b"Content-Length", headers + b"Content-Length")) is None


@pytest.mark.parametrize("start", [b"POST http://other/ ", b"POST * ", b"POST "])
def test_only_plain_targets(start: bytes) -> None:
    assert read_head(start + b"HTTP/1.1\r\n" + ADDRESS + b"Content-Length: 5") is None


def test_pages_get_their_header_on_both_ways(settings: Any) -> None:
    async def story() -> None:
        async with serving() as connect:
            client = await connect()
            for extra in (b"", b"Expect: 100-continue\r\n"):
                for origin, expected in ((b"https://dapp.example", "*"), (b"https://evil.example", None)):
                    client.send(post(headers=ADDRESS + b"Origin: %b\r\n%b" % (origin, extra)))
                    if extra:
                        await client.reader.readuntil(b"\r\n\r\n")
                    assert (await client.answer())[1].get("access-control-allow-origin") == expected

    from chain.rpc.hosts import origin_allowed

    settings.MDS_RPC_CORS_ORIGINS = ("https://dapp.example",)
    origin_allowed.cache_clear()
    run(story())
    origin_allowed.cache_clear()
