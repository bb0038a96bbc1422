"""The short way of the rpc process answers as the long one does, and lets nobody hold connections for nothing."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from chain.rpc import app, server
from chain.rpc.hosts import host_allowed
from chain.rpc.registry import METHODS, method
from chain.rpc.server import RpcProtocol, read_head
from mondoshawan.env import Bind
from mondoshawan.rpc_server import listen

ADDRESS = b"Host: 127.0.0.1:8545\r\n"


@pytest.fixture(autouse=True)
def served(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[None]:
    """Methods that need no node: one answers at once, one waits for ``gate``."""

    class Holder:
        ready = object()

        async def close(self) -> None:
            """Nothing is open."""

    monkeypatch.setattr(app, "_holder", Holder())
    settings.ALLOWED_HOSTS = ["localhost"]
    host_allowed.cache_clear()
    server._heads.clear()

    @method("test_now")
    def now(node: Any) -> str:
        """Answer at once."""
        return "0x1"

    @method("test_later")
    async def later(node: Any) -> str:
        """Wait."""
        await gate().wait()
        return "0x2"

    yield
    for name in ("test_now", "test_later"):
        del METHODS[name]
    host_allowed.cache_clear()
    server._heads.clear()
    _gates.clear()


_gates: dict[asyncio.AbstractEventLoop, asyncio.Event] = {}


def gate() -> asyncio.Event:
    """What ``test_later`` waits for."""
    return _gates.setdefault(asyncio.get_running_loop(), asyncio.Event())


def body(name: str, identity: Any = 1) -> bytes:
    asked = {"jsonrpc": "2.0", "method": name, "params": [], **({} if identity is None else {"id": identity})}
    return json.dumps(asked).encode()


def post(name: str = "test_now", identity: Any = 1, headers: bytes = ADDRESS, start: bytes = b"POST / ") -> bytes:
    content = body(name, identity)
    return start + b"HTTP/1.1\r\n" + headers + b"Content-Length: %d\r\n\r\n" % len(content) + content


class Connection:
    """One client connection."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def answer(self) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of the next response."""
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 20)).decode()
        lines = head.split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
        return int(lines[0].split()[1]), headers, await self.reader.readexactly(int(headers["content-length"]))

    async def result(self) -> Any:
        status, _, content = await self.answer()
        assert status == 200
        return json.loads(content)["result"]

    async def ended(self) -> bytes:
        """What comes before the server closes."""
        try:
            return await asyncio.wait_for(self.reader.read(), 20)
        except ConnectionError:
            # it closed while we were still sending
            return b""


@asynccontextmanager
async def serving(**options: Any) -> AsyncIterator[Callable[[], Any]]:
    """A server on a free port; gives what opens connections to it."""
    config = uvicorn.Config(
        app.application, host="127.0.0.1", port=0, lifespan="off", log_config=None, http=RpcProtocol, **options
    )
    running = uvicorn.Server(config)
    task = asyncio.create_task(running.serve())
    while not running.started:  # noqa: ASYNC110 - uvicorn has no event for it
        await asyncio.sleep(0.01)
    port = running.servers[0].sockets[0].getsockname()[1]
    opened: list[Connection] = []

    async def connect() -> Connection:
        opened.append(Connection(*await asyncio.open_connection("127.0.0.1", port)))
        return opened[-1]

    connect.server = running  # type: ignore[attr-defined]
    try:
        yield connect
    finally:
        for connection in opened:
            connection.writer.close()
        gate().set()
        running.should_exit = True
        await asyncio.wait_for(task, 20)


def run(story: Any) -> None:
    """Under the event loop that the process has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(story, 60))


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> list[bytes]:
    """Bodies that went the short way."""
    seen: list[bytes] = []
    original = RpcProtocol._serve

    def serve(self: RpcProtocol, head: Any, content: bytes) -> None:
        seen.append(content)
        original(self, head, content)

    monkeypatch.setattr(RpcProtocol, "_serve", serve)
    return seen


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
            await asyncio.sleep(0.2)
            assert protocol.flow.read_paused
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


async def drip(connection: Connection) -> None:
    """A byte now and then, for ever."""
    while not connection.writer.is_closing():
        connection.send(b"x")
        await asyncio.sleep(0.02)


def test_who_does_not_get_on_is_sent_away(monkeypatch: pytest.MonkeyPatch) -> None:
    """Silent from the start, idle, in the middle of a head, and half a short body."""
    monkeypatch.setattr(server, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(server, "HEAD_SECONDS", 0.2)

    async def story() -> None:
        async with serving(timeout_keep_alive=0.3) as connect:
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
