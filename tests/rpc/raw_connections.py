"""Bytes to a server of the rpc process, and its answers."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn
import uvloop

from chain.rpc import app, server
from chain.rpc.hosts import host_allowed
from chain.rpc.registry import METHODS, method
from chain.rpc.server import RpcProtocol

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
        head = (await asyncio.wait_for(self.reader.readuntil(b"\r\n\r\n"), 60)).decode()
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
            return await asyncio.wait_for(self.reader.read(), 60)
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
    while not (running.started or task.done()):  # noqa: ASYNC110 - uvicorn has no event for it
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
        await asyncio.wait_for(task, 60)


def run(story: Any) -> None:
    """Under the event loop that the process has."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(asyncio.wait_for(story, 240))


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
