"""Whatever is asked, the answer is a result or a coded error, and the node is well afterwards."""

from __future__ import annotations

import asyncio
import random
from typing import Any

import orjson
import pytest

from chain.core.errors import RequestError
from chain.rpc import app
from chain.rpc.registry import METHODS, Parameter
from tests.factories import wallets
from tests.rpc.conftest import LOOPER, TOKEN, Caller, Scene

pytestmark = pytest.mark.django_db

ROUNDS = 25
CODES = {3, -32000, -32001, -32002, -32003, -32004, -32005, -32600, -32601, -32602, -32700, *range(-38030, -38000)}


def h(value: bytes) -> str:
    return "0x" + value.hex()


def values(scene: Scene) -> list[Any]:
    """What parameters are made of: right things in wrong places, and wrong things."""
    deep: Any = "0x1"
    for _ in range(60):
        deep = [deep]
    alice, tx = h(wallets.address(0)), h(scene.hashes[1])
    call = {"from": alice, "to": h(TOKEN), "gas": "0x186a0"}
    return [
        None,
        True,
        False,
        0,
        -1,
        1,
        2**53,
        2**63 - 1,
        -(2**63),
        1e308,
        0.5,
        "",
        "0x",
        "0x0",
        "0x1",
        "0x00",
        "0xzz",
        "x",
        "0x" + "f" * 64,
        "0x" + "f" * 65,
        "0x" + "0" * 40,
        "latest",
        "pending",
        "safe",
        "finalized",
        "earliest",
        "A",
        "C",
        alice,
        alice.upper().replace("0X", "0x"),
        tx,
        h(scene.hashes[-1]),
        h(bytes(32)),
        "0x" + "ab" * 300,
        "\ud7ff\u0000é",
        "newHeads",
        "logs",
        "DEBUG",
        [],
        {},
        [[]],
        [{}],
        [None],
        [alice],
        [tx, tx],
        [0, 50, 100],
        [100, 0],
        deep,
        {"blockHash": tx},
        {"blockNumber": "0x1"},
        {"blockHash": tx, "blockNumber": "0x1"},
        {"fromBlock": "0x0"},
        {"address": alice, "topics": [None, [tx, None]]},
        {"topics": [[[]]]},
        {"fromBlock": "0x5", "toBlock": "0x1"},
        call,
        {**call, "data": "0x" + "60" * 200, "to": None},
        {**call, "value": "0x" + "f" * 64},
        {"to": h(LOOPER), "gas": "0xffff"},
        {**call, "accessList": [{"address": alice, "storageKeys": ["0x0"]}]},
        {**call, "gasPrice": "0x1", "maxFeePerGas": "0x1"},
        {alice: {"balance": "0x1", "stateDiff": {"0x0": "0x1"}}},
        {alice: {"code": "0xfe", "nonce": "0x" + "f" * 20}},
        {"x": {}},
        {"tracer": "callTracer"},
        {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}},
        {"tracer": "évil"},
        {"blockStateCalls": [{"calls": [call]}]},
        {"blockStateCalls": [{"blockOverrides": {"number": "0x" + "f" * 15}}]},
        {"coinbase": alice},
        {"coinbase": 5},
        {"number": "0x1", "time": "0x1"},
        {"baseFeePerGas": "0x" + "f" * 64},
    ]


def fitting(pool: list[Any], parameter: Parameter) -> list[Any]:
    """Values that a parameter's parser takes, so that fuzzing reaches what lies behind it."""
    found = []
    for value in pool:
        try:
            parameter.parse(value)
        except RequestError:
            continue
        found.append(value)
    return found or pool


@pytest.fixture(autouse=True)
def unlimited(settings: Any) -> None:
    """Rate limits would answer in the methods' place."""
    settings.MDS_RPC_RATE = 0


@pytest.mark.parametrize("name", sorted(name for name in app.METHODS if not name.startswith("test_")))
def test_any_parameters(rpc: Caller, scene: Scene, name: str) -> None:
    rng, pool, parameters = random.Random(name), values(scene), METHODS[name].parameters
    fit = [fitting(pool, parameter) for parameter in parameters]
    batch = []
    for n in range(ROUNDS):
        width = len(parameters) + (n % 7 == 0) - (n % 4 == 3)
        params: Any = [rng.choice(fit[at] if at < len(fit) and rng.random() < 0.7 else pool) for at in range(width)]
        if n % 5 == 0:
            params = dict(zip([parameter.name for parameter in parameters], params, strict=False))
        batch.append({"jsonrpc": "2.0", "id": n, "method": name, "params": params})
    answers = rpc.raw(batch)
    assert [answer["id"] for answer in answers] == list(range(ROUNDS))
    wrong = [
        (request["params"], answer["error"])
        for request, answer in zip(batch, answers, strict=True)
        if "error" in answer and answer["error"]["code"] not in CODES
    ]
    assert wrong == []
    assert int(rpc("eth_blockNumber"), 16) == len(scene.hashes) - 1


BODIES = {
    "invalid UTF-8": b'{"jsonrpc":"2.0","id":1,"method":"\xff\xfe"}',
    "invalid UTF-8 in a parameter": b'{"jsonrpc":"2.0","id":1,"method":"web3_sha3","params":["\xc3\x28"]}',
    "lone surrogate": b'{"jsonrpc":"2.0","id":1,"method":"\\ud800","params":[]}',
    "deep arrays": b"[" * 100_000 + b"]" * 100_000,
    "deep objects": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "deep parameters": b'{"jsonrpc":"2.0","id":1,"method":"eth_getLogs","params":' + b"[" * 900 + b"]" * 900 + b"}",
    "huge number": b'{"jsonrpc":"2.0","id":1,"method":"eth_getBlockByNumber","params":[' + b"9" * 5_000 + b"]}",
    "huge id": b'{"jsonrpc":"2.0","id":' + b"9" * 400 + b',"method":"eth_chainId"}',
    "not a number": b'{"jsonrpc":"2.0","id":NaN,"method":"eth_chainId"}',
    "nothing": b"",
    "white space": b" \n\t",
    "a number": b"7",
    "null": b"null",
    "a string": b'"eth_chainId"',
    "two values": b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}{}',
    "long method": b'{"jsonrpc":"2.0","id":1,"method":"' + b"x" * 1_000_000 + b'"}',
    "byte order mark": b'\xef\xbb\xbf{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}',
    "too large": b'{"jsonrpc":"2.0","id":1,"method":"eth_call","params":["0x' + b"0" * 10_000_000 + b'"]}',
    "long batch": b"[" + b",".join([b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId"}'] * 10_000) + b"]",
    "batch of nonsense": b"[" + b"1," * 999 + b"1]",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_any_body(rpc: Caller, body: bytes) -> None:
    status, _, answer = rpc.http(body)
    assert status in (200, 413)
    told = orjson.loads(answer)
    for one in told if isinstance(told, list) else [told]:
        assert one["error"]["code"] in CODES
    # what is refused is refused in few words
    assert len(answer) < 200_000
    assert rpc("eth_chainId")


def test_random_bytes(rpc: Caller) -> None:
    rng = random.Random(7)
    base = b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":["0x' + b"0" * 40 + b'","latest"]}'
    for _ in range(400):
        body = bytearray(base)
        for _ in range(rng.randint(1, 6)):
            body[rng.randrange(len(body))] = rng.randrange(256)
        status, _, answer = rpc.http(bytes(body))
        # a mutation may make it a notification
        assert status in (200, 204)
        if answer:
            told = orjson.loads(answer)
            assert "result" in told or told["error"]["code"] in CODES


def test_a_body_that_never_ends_is_given_up(rpc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app, "BODY_SECONDS", 0.05)
    sent: list[dict[str, Any]] = []
    first = [{"type": "http.request", "body": b"{", "more_body": True}]

    async def run() -> None:
        async def receive() -> dict[str, Any]:
            if first:
                return first.pop()
            await asyncio.sleep(3600)
            raise AssertionError

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": "/", "headers": [(b"host", b"localhost")]}
        await asyncio.wait_for(app.application(scope, receive, send), 60)

    rpc.runner.run(run())
    assert sent[0]["status"] == 413
    assert orjson.loads(sent[1]["body"])["error"]["code"] == -32005
