"""JSON-RPC 2.0 to the letter, and the HTTP and WebSocket around it."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from chain.core.errors import ConfigError, RequestError
from chain.rpc import app
from chain.rpc.hosts import host_allowed
from chain.rpc.params import Quantity
from chain.rpc.registry import METHODS, method
from tests.rpc.conftest import Caller


@pytest.fixture(autouse=True)
def methods() -> Iterator[None]:
    """A few methods that need no node."""

    one = Quantity(1)

    @method("test_add")
    async def add(node: Any, left: Quantity, right: Quantity = one) -> str:
        """Add."""
        await asyncio.sleep(0)
        return hex(left + right)

    @method("test_fail")
    def fail(node: Any) -> None:
        """Fail in a way that nobody foresaw."""
        raise ZeroDivisionError("secret")

    @method("test_big", body_limit=9 * 1024 * 1024)
    def big(node: Any, text: str | None = None) -> int:
        """Takes a large body."""
        return 1

    yield
    for name in ("test_add", "test_fail", "test_big"):
        del METHODS[name]


@pytest.fixture
def caller(monkeypatch: pytest.MonkeyPatch, settings: Any) -> Iterator[Caller]:
    class Holder:
        ready = object()

    monkeypatch.setattr(app, "_holder", Holder())
    settings.ALLOWED_HOSTS = ["localhost", ".example.org"]
    host_allowed.cache_clear()
    with asyncio.Runner() as runner:
        yield Caller(runner)
    host_allowed.cache_clear()


def request(name: str, params: Any = None, **more: Any) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "method": name, **({} if params is None else {"params": params}), **more}


class TestProtocol:
    @pytest.mark.parametrize("identity", [1, "a", None, 2.5, 0])
    def test_ids_are_echoed(self, caller: Caller, identity: Any) -> None:
        answer = caller.raw(request("test_add", ["0x1", "0x2"], id=identity))
        assert answer == {"jsonrpc": "2.0", "id": identity, "result": "0x3"}

    def test_parameters_by_name_and_defaults(self, caller: Caller) -> None:
        assert caller("test_add", "0x1") == "0x2"
        assert caller.raw(request("test_add", {"right": "0x5", "left": "0x1"}, id=1))["result"] == "0x6"
        assert caller.raw(request("test_add", {"up": "0x5"}, id=1))["error"]["code"] == -32602

    @pytest.mark.parametrize(
        ("body", "code"),
        [
            (b"{", -32700),
            (b"", -32700),
            (b'"x"', -32600),
            (b"[]", -32600),
            (b"1", -32600),
            (b'{"id":1,"method":"test_add"}', -32600),
            (b'{"jsonrpc":"2.0","id":1,"method":5}', -32600),
            (b'{"jsonrpc":"2.0","id":1,"method":"test_add","params":"x"}', -32600),
            (b'{"jsonrpc":"2.0","id":[1],"method":"test_add"}', -32600),
            (b'{"jsonrpc":"2.0","id":true,"method":"test_add"}', -32600),
            (b'{"jsonrpc":"2.0","id":1,"method":"eth_nothing"}', -32601),
            (b'{"jsonrpc":"2.0","id":1,"method":"test_add"}', -32602),
            (b'{"jsonrpc":"2.0","id":1,"method":"test_add","params":["0x1","0x1","0x1"]}', -32602),
            (b'{"jsonrpc":"2.0","id":1,"method":"test_add","params":["1"]}', -32602),
            (b'{"jsonrpc":"2.0","id":1,"method":"test_fail"}', -32603),
            (b"[" * 100_000, -32700),
        ],
    )
    def test_errors(self, caller: Caller, body: bytes, code: int) -> None:
        status, _, answer = caller.http(body)
        assert status == 200
        assert orjson.loads(answer)["error"]["code"] == code
        assert b"secret" not in answer

    def test_batches_keep_order_and_leave_notifications_out(self, caller: Caller) -> None:
        batch = [
            request("test_add", ["0x1"], id=1),
            request("test_add", ["0x1"]),
            7,
            request("eth_nothing", id=2),
            request("test_fail"),
            request("test_add", ["0x2"], id=3),
        ]
        answers = caller.raw(batch)
        assert [answer["id"] for answer in answers] == [1, None, 2, 3]
        assert [answer.get("result") for answer in answers] == ["0x2", None, None, "0x3"]

    def test_notifications_alone_are_answered_by_nothing(self, caller: Caller) -> None:
        for body in (request("test_add", ["0x1"]), [request("test_add", ["0x1"]), request("eth_nothing")]):
            status, _, answer = caller.http(orjson.dumps(body))
            assert (status, answer) == (204, b"")

    def test_batches_are_bounded(self, caller: Caller, settings: Any) -> None:
        assert len(caller.raw([request("test_add", ["0x1"], id=n) for n in range(1000)])) == 1000
        assert caller.raw([request("test_add", ["0x1"], id=1)] * 1001)["error"]["code"] == -32005
        settings.MDS_RPC_MAX_BATCH = 1
        assert caller.raw([request("test_add", ["0x1"], id=1)] * 2)["error"]["code"] == -32005

    def test_a_name_is_registered_once(self) -> None:
        with pytest.raises(ConfigError):
            method("test_add")(lambda node: None)

    def test_every_method_is_documented(self) -> None:
        assert [name for name, one in METHODS.items() if not one.handler.__doc__] == []


class TestHttp:
    def test_preflight_and_cors(self, caller: Caller) -> None:
        status, headers, _ = caller.http(b"", "OPTIONS", {"origin": "https://dapp.example"})
        assert status == 204
        assert headers["access-control-allow-origin"] == "*"
        assert "POST" in headers["access-control-allow-methods"]
        _, headers, _ = caller.http(orjson.dumps(request("test_add", ["0x1"], id=1)), headers={"origin": "null"})
        assert (headers["access-control-allow-origin"], headers["content-type"]) == ("*", "application/json")

    @pytest.mark.parametrize(
        ("host", "allowed"),
        [
            ("127.0.0.1:8545", True),
            ("[::1]:8545", True),
            ("localhost:8545", True),
            ("node.example.org", True),
            ("evil.test:8545", False),
            ("localhost.evil.test", False),
        ],
    )
    def test_a_rebound_name_is_refused(self, caller: Caller, host: str, allowed: bool) -> None:
        status, _, _ = caller.http(orjson.dumps(request("test_add", ["0x1"], id=1)), headers={"host": host})
        assert status == (200 if allowed else 403)

    def test_other_verbs(self, caller: Caller) -> None:
        assert caller.http(b"", "GET")[0] == 200
        assert caller.http(b"", "DELETE")[0] == 405

    @pytest.mark.parametrize("chunks", [1, 7])
    def test_bodies_are_bounded_but_for_methods_that_need_more(self, caller: Caller, chunks: int) -> None:
        filler = "x" * (6 * 1024 * 1024)
        status, _, body = caller.http(orjson.dumps(request("test_add", [filler], id=1)), chunks=chunks)
        assert status == 413
        assert orjson.loads(body)["error"]["code"] == -32005
        status, _, body = caller.http(orjson.dumps(request("test_big", [filler], id=1)), chunks=chunks)
        assert status == 200
        assert orjson.loads(body)["error"]["code"] == -32602
        status, _, _ = caller.http(orjson.dumps(request("test_big", [filler * 2], id=1)), chunks=chunks)
        assert status == 413


class TestWebSocket:
    def exchange(self, caller: Caller, texts: list[str], headers: list[tuple[bytes, bytes]]) -> list[dict[str, Any]]:
        """All that the application sends while it gets these texts."""
        sent: list[dict[str, Any]] = []

        async def talk() -> None:
            incoming: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
            incoming.put_nowait({"type": "websocket.connect"})
            for text in texts:
                incoming.put_nowait({"type": "websocket.receive", "text": text})
            done = asyncio.Event()

            async def send(message: dict[str, Any]) -> None:
                sent.append(message)
                if len([m for m in sent if m["type"] == "websocket.send"]) == len(texts):
                    done.set()

            scope = {"type": "websocket", "path": "/", "headers": headers}
            task = asyncio.create_task(app.application(scope, incoming.get, send))
            waiting = asyncio.create_task(done.wait())
            await asyncio.wait([task, waiting], timeout=60, return_when=asyncio.FIRST_COMPLETED)
            incoming.put_nowait({"type": "websocket.disconnect"})
            await asyncio.wait_for(task, 60)
            waiting.cancel()

        caller.runner.run(talk())
        return sent

    def test_requests_and_answers(self, caller: Caller) -> None:
        texts = [orjson.dumps(request("test_add", [hex(n)], id=n)).decode() for n in range(40)] + ["{"]
        sent = self.exchange(caller, texts, [(b"host", b"localhost:8545")])
        assert sent[0] == {"type": "websocket.accept"}
        answers = [orjson.loads(message["text"]) for message in sent[1:]]
        assert {a["id"]: a["result"] for a in answers if "result" in a} == {n: hex(n + 1) for n in range(40)}
        assert [a["error"]["code"] for a in answers if "error" in a] == [-32700]

    def test_a_rebound_name_is_refused(self, caller: Caller) -> None:
        sent = self.exchange(caller, [], [(b"host", b"evil.test")])
        assert sent == [{"type": "websocket.close", "code": 4403}]


def test_registered_parameters_are_typed() -> None:
    described = METHODS["eth_getBalance"].parameters
    assert [(item.name, item.is_required) for item in described] == [("address", True), ("block", False)]
    with pytest.raises(RequestError):
        METHODS["eth_getBalance"].arguments(["0x12"])
