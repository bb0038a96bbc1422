"""ABIs that operators publish: read strictly, matched with the code, told to everybody, taken back."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from eth_abi import encode

from chain.core.errors import RequestError
from chain.core.transactions import keccak
from chain.core.types import Log
from chain.models import OperatorAction
from chain.stores.connection import Connection
from explorer import contract_abi, published
from explorer.contract_abi import read_abi
from explorer.indexers.sync import step
from explorer.models import PublishedAbi
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import hexed, text_of
from tests.factories.chain import Effects

VAULT = keccak(b"a vault")[12:]
EVIL = "<script>alert(1)</script>"


def parameter(kind: str, name: str = "", **more: Any) -> dict[str, Any]:
    return {"type": kind, "name": name, "internalType": kind, **more}


POINT = {**parameter("tuple[]", "points"), "components": [parameter("uint8", "x"), parameter("address", "who")]}
ABI: list[dict[str, Any]] = [
    {"type": "function", "name": "store", "inputs": [parameter("uint256", "pieces"), POINT], "outputs": [],
     "stateMutability": "nonpayable"},
    {"type": "function", "name": "held", "inputs": [], "outputs": [parameter("uint256")], "constant": True},
    {"type": "event", "name": "Stored",
     "inputs": [parameter("address", "by", indexed=True), parameter("string", "note")],
     "anonymous": False},
    {"type": "error", "name": "TooMuch", "inputs": [parameter("uint256", "most")]},
    {"type": "receive", "stateMutability": "payable"},
]  # fmt: skip
STORE = keccak(b"store(uint256,(uint8,address)[])")[:4]
HELD = keccak(b"held()")[:4]
STORED = keccak(b"Stored(address,string)")
TOO_MUCH = keccak(b"TooMuch(uint256)")[:4]
CODE = b"\x60\x00\x63" + STORE + b"\x14\x57" + b"\x63" + HELD + b"\x14\x57\x00"


@pytest.fixture
def vault(growing: Growing, index_conn: Connection) -> str:
    """A contract in the index, and a call of it with a log; the hash of the call."""
    PublishedAbi.objects.all().delete()
    who = keccak(b"somebody")[12:]
    data = STORE + encode(["uint256", "(uint8,address)[]"], [7, [(3, "0x" + who.hex())]])
    made = growing.factory.send(growing.sink, 0, None)
    growing.grow([made], Effects(codes={VAULT: CODE}, logs={0: ()}))
    sent = growing.factory.send(growing.sink, 0, VAULT, data=data)
    log = Log(VAULT, (STORED, bytes(12) + who), encode(["string"], [EVIL]))
    growing.grow([sent], Effects(logs={0: (log,)}))
    while step(index_conn) is not None:
        pass
    return hexed(sent[1].hash)


def test_it_is_kept_in_one_form_and_makes_tables() -> None:
    abi = read_abi(json.dumps({"abi": ABI, "bytecode": "0x"}))
    assert set(abi.functions) == {STORE, HELD}
    assert abi.functions[STORE].canonical == "store(uint256,(uint8,address)[])"
    assert set(abi.events) == {(STORED, 1)}
    assert set(abi.errors) == {TOO_MUCH}
    kept = json.loads(abi.text)
    assert "internalType" not in abi.text
    assert [one.get("stateMutability") for one in kept] == ["nonpayable", "view", None, None, "payable"]
    assert contract_abi.stored_abi(abi.text) == abi


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        ("nonsense", "no JSON"),
        ({"abi": 5}, "a list of functions"),
        ([], "a list of functions"),
        ([5], "entry 1 is no object"),
        ([{"type": "thing"}], "entry 1: its type is one of"),
        ([{"type": "function", "name": "a b"}], "entry 1 (a b): a name is expected"),
        ([ABI[1], {"type": "function", "name": "x", "inputs": [{"type": "uint257"}]}], "entry 2 (x): 'uint257' is no"),
        ([{"type": "function", "name": "x", "inputs": [{"type": "uint"}]}], "'uint' is no ABI type"),
        ([{"type": "function", "name": "x", "inputs": [{"type": "tuple"}]}], "a list of at most"),
        ([{"type": "function", "name": "x", "inputs": [{"type": "bool", "name": "<b>"}]}], "a parameter has a type"),
        ([{"type": "function", "name": "x", "stateMutability": "odd"}], "stateMutability is one of"),
        ([{"type": "event", "name": "x", "inputs": [{"type": "bool", "indexed": True}] * 4}], "too many indexed"),
        ([{"type": "function", "name": "x", "inputs": [{"type": "bool"}] * 65}], "at most 64 parameters"),
    ],
)
def test_what_is_no_abi_is_refused_by_its_place(wrong: Any, said: str) -> None:
    with pytest.raises(RequestError) as refused:
        read_abi(wrong if isinstance(wrong, str) else json.dumps(wrong))
    assert said in refused.value.message
    assert refused.value.code == "invalid_params"


def test_it_is_bounded() -> None:
    deep: dict[str, Any] = {"type": "tuple", "components": []}
    for _ in range(12):
        deep = {"type": "tuple", "components": [deep]}
    with pytest.raises(RequestError, match="at most 64 parameters"):
        read_abi(json.dumps([{"type": "function", "name": "x", "inputs": [deep]}]))
    for many in (json.dumps([ABI[1]] * 1001), " " * 200_001):
        with pytest.raises(RequestError) as refused:
            read_abi(many)
        assert refused.value.code == "limit_exceeded"


def test_everybody_reads_what_was_published(vault: str, client: Client) -> None:
    def etherscan(action: str) -> Any:
        return client.get("/api", {"module": "contract", "action": action, "address": hexed(VAULT)}).json()

    path = f"/api/v1/addresses/{hexed(VAULT)}/abi"
    assert client.get(path).status_code == 404
    assert "store" not in text_of(client.get(f"/tx/{vault}"))
    assert "published-abi" not in client.get(f"/address/{hexed(VAULT)}/contract").content.decode()
    done = published.publish(VAULT, "Vault", json.dumps(ABI), by="olga")
    assert (done.functions, done.matched) == (2, 2)
    told = text_of(client.get(f"/tx/{vault}"))
    assert "store of" in told
    assert "pieces uint256 7" in told
    assert f"[[3, 0x{keccak(b'somebody')[12:].hex()}]]" in told
    assert "Stored of" in told
    assert EVIL not in client.get(f"/tx/{vault}").content.decode()
    # lists name the function too
    for path_of_list in ("/tx", "/block/2", f"/address/{hexed(VAULT)}"):
        assert "store" in text_of(client.get(path_of_list)), path_of_list
    assert client.get("/api/v1/transactions").json()["items"][0]["method"] == "store"
    listed = client.get("/api", {"module": "account", "action": "txlist", "address": hexed(VAULT)}).json()["result"]
    assert [row["functionName"] for row in listed] == ["store"]
    one = client.get(f"/api/v1/transactions/{vault}").json()
    assert one["call"]["name"] == "store"
    assert one["logs"][0]["event"]["arguments"][1]["value"] == EVIL
    answer = client.get(path).json()
    assert (answer["name"], answer["functions_in_code"]) == ("Vault", 2)
    assert etherscan("getabi") == {
        "status": "1",
        "message": "OK",
        "result": json.dumps(answer["abi"], separators=(",", ":")),
    }
    assert etherscan("getsourcecode")["result"][0]["ContractName"] == "Vault"
    page = client.get(f"/address/{hexed(VAULT)}/contract").content.decode()
    assert "published-abi" in page
    assert "olga" not in page, "who may log in is nobody's business"
    error = {"address": hexed(VAULT), "data": "0x" + (TOO_MUCH + encode(["uint256"], [5])).hex()}
    said = client.post("/abi/error", json.dumps(error), content_type="application/json").json()
    assert said == {"text": "TooMuch(most: 5)"}
    published.withdraw(VAULT, by="olga")
    assert client.get(path).status_code == 404
    assert "Stored of" not in text_of(client.get(f"/tx/{vault}"))
    trail = OperatorAction.objects.filter(action__startswith="abi.").order_by("id")
    assert [(row.action, row.actor, row.outcome) for row in trail][-2:] == [
        ("abi.publish", "olga", "done"),
        ("abi.withdraw", "olga", "done"),
    ]


def test_errors_that_everybody_knows_need_no_abi(client: Client, db: None) -> None:
    def said(data: bytes) -> Any:
        return client.post(
            "/abi/error", json.dumps({"data": "0x" + data.hex()}), content_type="application/json"
        ).json()

    assert said(keccak(b"Error(string)")[:4] + encode(["string"], ["no"])) == {"text": "no"}
    assert said(keccak(b"Panic(uint256)")[:4] + encode(["uint256"], [17])) == {"text": "panic 17"}
    assert said(b"\x01\x02\x03\x04") == {"text": ""}
    # a function's selector is no error
    assert said(keccak(b"balanceOf(address)")[:4] + bytes(32)) == {"text": ""}
    wrong = client.post("/abi/error", "{}", content_type="application/json")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "invalid_params")


def test_an_abi_of_something_else_is_refused(vault: str) -> None:
    def refusal(act: Callable[[], object]) -> str:
        with pytest.raises(RequestError) as refused:
            act()
        return str(refused.value.code)

    other = json.dumps([{"type": "function", "name": "other", "inputs": []}])
    assert refusal(lambda: published.publish(VAULT, "X", other)) == "invalid_params"
    assert published.publish(VAULT, "X", other, is_unchecked=True).matched == 0
    assert refusal(lambda: published.publish(keccak(b"none")[12:], "X", json.dumps(ABI))) == "not_found"
    assert refusal(lambda: published.publish(VAULT, " ", json.dumps(ABI))) == "invalid_params"
    assert refusal(lambda: published.withdraw(keccak(b"none")[12:])) == "not_found"


def test_a_proxy_is_looked_through(growing: Growing, index_conn: Connection) -> None:
    PublishedAbi.objects.all().delete()
    minimal, kept = keccak(b"minimal")[12:], keccak(b"kept")[12:]
    head, tail = published._MINIMAL
    codes = {VAULT: CODE, minimal: head + VAULT + tail, kept: b"\x36\x3d\x3d\x37"}
    slots = {(kept, int.from_bytes(published._SLOT_1967, "big")): int.from_bytes(VAULT, "big")}
    sent = growing.factory.send(growing.sink, 0, None)
    growing.grow([sent], Effects(codes=codes, slots=slots, logs={0: ()}))
    while step(index_conn) is not None:
        pass
    for proxy in (minimal, kept):
        assert published.publish(proxy, "Proxy", json.dumps(ABI)).matched == 2
