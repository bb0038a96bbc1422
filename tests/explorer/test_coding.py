"""Data and types that strangers hand in: bounded work, bounded memory, never a fault of the server."""

from __future__ import annotations

import json
import sys
from functools import partial
from typing import Any

import orjson
import pytest
from django.test import Client
from eth_abi import encode
from eth_abi.grammar import parse as grammar_parse

from chain.core.errors import RequestError
from chain.core.types import Log
from explorer import abi, coding
from explorer.contract_abi import ContractAbi, read_abi, stored_abi
from explorer.decoding import decode_input, decode_log
from explorer.signatures import Parameter, Signature


def word(number: int) -> bytes:
    return number.to_bytes(32, "big")


def bomb(size: int, depth: int) -> bytes:
    """An array of arrays whose pointers all lead to the one array of the next level."""
    data = word(32)
    for _ in range(depth - 1):
        data += word(size) + word(32 * size) * size
    return data + word(size) + word(7) * size


def post(client: Client, path: str, body: Any) -> Any:
    return client.post(path, orjson.dumps(body), content_type="application/json")


def calling(kind: str) -> tuple[ContractAbi, bytes]:
    """Tables of a contract with one function that takes one argument, and the function's selector."""
    signature = Signature("take", (Parameter(kind, "what"),))
    return ContractAbi("[]", {signature.selector: signature}, {}, {}), signature.selector


def test_pointers_that_share_a_target_do_not_multiply(client: Client) -> None:
    data = bomb(1_000, 3)
    assert len(data) < abi.MAX_DATA
    answer = post(client, "/abi/decode", {"types": ["uint256[][][]"], "data": "0x" + data.hex()})
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "limit_exceeded"


def test_a_published_abi_does_not_make_them_multiply() -> None:
    own, selector = calling("uint256[][][]")
    assert decode_input(selector + bomb(600, 3), own.functions) is None
    event = Signature("Told", (Parameter("uint256[][][]", "what"),))
    log = Log(bytes(20), (event.topic,), bomb(600, 3))
    assert decode_log(log, {(event.topic, 0): event}) is None


def test_bytes_that_are_shared_do_not_multiply() -> None:
    size = 1_000
    array = word(size) + word(32 * size) * size + word(32_000) + bytes(32_000)
    data = word(64 * 32) * 64 + array
    with pytest.raises(RequestError) as caught:
        coding.decode(["bytes[]"] * 64, data)
    assert caught.value.code == "limit_exceeded"


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("uint256[][][]", (((1, 2), (3,)), (), ((), (4,)))),
        ("(uint8,(string,(bytes,uint256[2])[]))[]", ((1, ("a", ((b"x" * 100, (1, 2)), (b"", (3, 4))))),) * 20),
        ("((((uint256))))[]", tuple([((((number,),),),) for number in range(500)])),
        ("bytes[]", (b"x" * 5_000, b"") * 4),
    ],
)
def test_honest_data_is_decoded(kind: str, value: Any) -> None:
    data = encode([kind], [value])
    assert coding.decode([kind], data) == (value,)
    own, selector = calling(kind)
    assert decode_input(selector + data, own.functions) is not None


@pytest.mark.parametrize("kind", ["uint256[0][]", "uint8[00][]", "()[]", "(())[]", "(uint256[0],())[]"])
def test_elements_without_a_size_are_refused(client: Client, kind: str) -> None:
    data = word(32) + word(2**40)
    answer = post(client, "/abi/decode", {"types": [kind], "data": "0x" + data.hex()})
    assert answer.status_code == 400
    own, selector = calling(kind)
    assert decode_input(selector + data, own.functions) is None
    with pytest.raises(RequestError):
        read_abi(json.dumps([{"type": "function", "name": "f", "inputs": [{"name": "", "type": kind}]}]))


def test_types_of_visitors_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coding, "FORGET_AFTER", 2_000)
    own = coding._codec._registry
    for number in range(1, 400):
        kind = f"uint256[{number}]"
        assert abi.encode_call("f", [kind], [[1] * number])
        assert abi.decode_values([kind], "0x" + bytes(32 * number).hex())
    for known in (own.get_encoder, own.get_decoder, own.get_tuple_encoder, own.get_tuple_decoder, grammar_parse):
        assert known.cache_info().currsize < 400


def test_many_long_types_are_refused(client: Client) -> None:
    long = "(" + ",".join(["uint256"] * 200) + ")"
    answer = post(client, "/abi/decode", {"types": [long] * 40, "data": "0x"})
    assert answer.status_code == 400


DEEP: dict[str, Any] = {"name": "x", "type": "tuple" + "[]" * 400, "components": [{"name": "y", "type": "uint8"}]}


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "function", "name": "f", "inputs": [{"name": "x", "type": "tuple", "components": []}]},
        {"type": "function", "name": "f", "inputs": [DEEP]},
        {"type": "function", "name": "f", "inputs": [{"name": "x", "type": "tuple[0]", "components": [DEEP]}]},
        {"type": "function", "name": "f\n", "inputs": []},
        {"type": "function", "name": "f", "inputs": [{"name": "x\n", "type": "uint256"}]},
        {"type": "function", "name": "f", "inputs": [{**DEEP, "type": "tuple\n"}]},
        {"type": "function", "name": "f", "inputs": [{**DEEP, "type": "tuple[0]"}]},
        {"type": [], "name": "f", "inputs": []},
        {"type": {}, "name": "f", "inputs": []},
    ],
)
def test_an_abi_that_could_not_be_decoded_by_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(RequestError) as caught:
        read_abi(json.dumps([wrong]))
    assert caught.value.code == "invalid_params"


@pytest.mark.parametrize(
    "one",
    [{"name": "x", "type": "tuple", "components": []}, DEEP],
)
def test_one_that_was_kept_before_breaks_no_page(one: dict[str, Any], request: pytest.FixtureRequest) -> None:
    # py-evm raises the bound for the whole process, whoever imports it first
    request.addfinalizer(partial(sys.setrecursionlimit, sys.getrecursionlimit()))
    sys.setrecursionlimit(1_000)
    kept = stored_abi(json.dumps([{"type": "function", "name": "f", "inputs": [one]}]))
    [selector] = kept.functions
    assert decode_input(selector + word(32) + word(0), kept.functions) is None


def test_a_name_with_a_line_break_is_none() -> None:
    with pytest.raises(RequestError):
        abi.encode_call("f\n", [], [])
