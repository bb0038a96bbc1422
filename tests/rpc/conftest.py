"""A chain in the test database, its head in Redis, and the ASGI application as a caller sees it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import orjson
import pytest
import redis as redis_py

from tests.factories import wallets
from tests.factories.chain import ChainFactory, Effects

GWEI = 10**9
TOKEN = bytes([0x70]) * 20
LOOPER = bytes([0x71]) * 20
TOPIC_A, TOPIC_B, TOPIC_C = (bytes([n]) * 32 for n in (0xAA, 0xBB, 0xCC))
# Error("no") in Solidity's ABI
ERROR_NO = bytes.fromhex("08c379a0") + (32).to_bytes(32, "big") + (2).to_bytes(32, "big") + b"no".ljust(32, b"\0")


def token_code() -> bytes:
    """Without input: return slot 0.  With input: revert with what was given."""
    answer = bytes.fromhex("36600f5760005460005260206000f3")
    return answer + bytes.fromhex("5b366000600037366000fd")


def looper_code() -> bytes:
    """Loop for ever."""
    return bytes.fromhex("5b600056")


class Caller:
    """Requests to the application, all in one event loop."""

    def __init__(self, runner: asyncio.Runner) -> None:
        self.runner = runner

    def http(
        self, body: bytes, method: str = "POST", headers: dict[str, str] | None = None, chunks: int = 1
    ) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body of one HTTP exchange."""
        from chain.rpc.app import application

        size = max(1, -(-len(body) // chunks))
        parts = [body[i : i + size] for i in range(0, len(body), size)] or [b""]
        incoming = [
            {"type": "http.request", "body": part, "more_body": i + 1 < len(parts)} for i, part in enumerate(parts)
        ]
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return incoming.pop(0)

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        named = {"host": "127.0.0.1:8545", "content-length": str(len(body)), **(headers or {})}
        scope = {
            "type": "http",
            "method": method,
            "path": "/",
            "headers": [(name.encode(), value.encode()) for name, value in named.items()],
        }
        self.runner.run(application(scope, receive, send))
        answered = {name.decode(): value.decode() for name, value in sent[0]["headers"]}
        return sent[0]["status"], answered, b"".join(message.get("body", b"") for message in sent[1:])

    def raw(self, request: Any) -> Any:
        """The decoded answer to a JSON value."""
        status, _, body = self.http(orjson.dumps(request))
        assert status in (200, 204)
        return orjson.loads(body) if body else None

    def __call__(self, method: str, *params: Any) -> Any:
        """A result; an error fails the test."""
        answer = self.raw({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        assert "error" not in answer, answer
        return answer["result"]

    def error(self, method: str, *params: Any) -> dict[str, Any]:
        """An error object; a result fails the test."""
        answer = self.raw({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)})
        assert "result" not in answer, answer
        return answer["error"]


@dataclass
class Scene:
    """What the database holds, for comparing."""

    factory: ChainFactory
    hashes: list[bytes] = field(default_factory=list)  # the selected chain by number
    apply: Callable[..., None] = lambda *updates: None
    publish: Callable[[], None] = lambda: None


@pytest.fixture(scope="module")
def scene(django_db_setup: None, django_db_blocker: Any) -> Iterator[Scene]:
    """Blocks 1 to 4: transfers; a contract with logs; a merged blue with a shared transaction; empty."""
    from django.conf import settings
    from django.db import connection

    from chain.stores.connection import raw_connection
    from tests.factories.database import StoredChain

    with django_db_blocker.unblock(), redis_py.Redis.from_url(settings.MDS_REDIS_URL) as redis:
        redis.flushall()
        conn = raw_connection()
        wipe(conn)
        stored = StoredChain(conn, joined=False)
        factory = stored.factory
        scene = Scene(factory, [factory.genesis.hash])
        scene.apply = stored.apply
        scene.publish = lambda: publish(redis, factory, scene.hashes)
        fill(scene)
        scene.publish()
        yield scene
        wipe(raw_connection())
        connection.close()
        redis.flushall()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    from chain.rpc.app import _holder

    with asyncio.Runner() as runner:
        yield runner
        runner.run(_holder.close())


# modules that use it are marked django_db: only then is there a test database
@pytest.fixture
def rpc(scene: Scene, runner: asyncio.Runner, django_db_blocker: Any) -> Iterator[Caller]:
    with django_db_blocker.unblock():
        yield Caller(runner)


def fill(scene: Scene) -> None:
    """Commit the scene's blocks."""
    from chain.core.types import Log

    factory = scene.factory
    genesis = factory.genesis.hash
    first = [factory.send(genesis, 0, wallets.address(50), 5), factory.send(genesis, 1, wallets.address(51), 7)]
    one = factory.extend(genesis, first)
    scene.apply(factory.update([factory.blocks[one]], sink=one, added=[one]))
    call = factory.send(one, 0, TOKEN, 0, data=b"\x01", gas_limit=100_000, max_fee=20 * GWEI, max_priority_fee=3 * GWEI)
    other = factory.send(one, 2, wallets.address(50), 9)
    effects = Effects(
        logs={
            0: (Log(TOKEN, (TOPIC_A, TOPIC_B), b"\x01"), Log(TOKEN, (TOPIC_A,), b"")),
            1: (Log(LOOPER, (TOPIC_C, TOPIC_B), b"\x02\x03"),),
        },
        slots={(TOKEN, 0): 0x1234},
        codes={TOKEN: token_code(), LOOPER: looper_code()},
    )
    two = factory.extend(one, [call, other], effects, stream=1)
    scene.apply(factory.update([factory.blocks[two]], sink=two, added=[two]))
    shared = factory.send(two, 3, wallets.address(52), 11)
    side = factory.block(two, [shared], stream=3)
    red = factory.block(two, [factory.send(two, 4, wallets.address(52), 1)], stream=2)
    three = factory.block(two, [shared], blues=[side.record.hash], reds=[red.record.hash])
    factory.execute(three)
    scene.apply(factory.update([side, red, three], sink=three.record.hash, added=[three.record.hash]))
    four = factory.extend(three.record.hash, [])
    scene.apply(factory.update([factory.blocks[four]], sink=four, added=[four]))
    scene.hashes += [one, two, three.record.hash, four]


def publish(redis: redis_py.Redis, factory: ChainFactory, hashes: list[bytes]) -> None:
    """The head as the writer publishes it."""
    from chain.services.network import now_ms
    from chain.services.snapshot import publish_virtual

    record, summary = factory.records[hashes[-1]], factory.summaries[hashes[-1]]
    number = record.header.number
    head = {
        "sequence": factory.sequence,
        "hash": record.hash,
        "number": number,
        "timestamp_ms": record.header.timestamp_ms,
        "blue_score": record.header.blue_score,
        "work_score": record.work_score,
        "stream": record.header.stream,
        "base_fee": str(record.header.base_fee),
        "next_base_fee": str(summary.next_base_fee),
        "latest": number,
        "safe": 0,
        "finalized": 0,
        "tips": 1,
        "published_ms": now_ms(),
    }
    publish_virtual(redis, factory.virtual(record.hash), head)


def wipe(conn: Any) -> None:
    """Empty every chain table."""
    rows = conn.execute(
        "SELECT c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public'"
        " AND c.relname LIKE 'chain\\_%' AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
    ).fetchall()
    conn.execute(f"TRUNCATE {', '.join(row[0] for row in rows)} CASCADE")
