"""Every answer has the shape that the Ethereum execution-apis document gives it; docs and rpc.discover are current."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from eth_account import Account as Wallet

import chain.rpc.app  # noqa: F401 - registers the methods
from chain.core.transactions import decode_transaction
from chain.rpc import formats
from chain.rpc.openrpc import KINDS, discover, markdown
from chain.rpc.params import PARSERS
from chain.rpc.registry import METHODS
from tests.factories import wallets
from tests.rpc.conftest import ERROR_NO, TOKEN, TOPIC_A, Caller, Scene
from tests.rpc.test_formats import KEY, TO, sign

pytestmark = pytest.mark.django_db
FOLDER = Path(__file__).parent / "schemas"
DOCUMENT = json.loads((FOLDER / "execution-apis.json").read_text())
TYPES, RESULTS = DOCUMENT["types"], DOCUMENT["results"]
_KINDS = {"string": str, "boolean": bool, "array": list, "object": dict, "null": type(None)}


_COUNT = "eth_getBlockTransactionCountByNumber"


def h(value: bytes) -> str:
    return "0x" + value.hex()


def problems(value: Any, schema: dict[str, Any], at: str = "result") -> list[str]:
    """Where a value departs from a JSON schema of the keywords that the data uses."""
    if "$ref" in schema:
        return problems(value, TYPES[schema["$ref"]], at)
    for word in ("oneOf", "anyOf"):
        if word in schema:
            tried = [problems(value, option, at) for option in schema[word]]
            fits = sum(not found for found in tried)
            if fits == 1 or (fits and word == "anyOf"):
                return []
            return [f"{at}: fits {fits} of {word}", *min(tried, key=len)]
    kind = schema.get("type")
    if kind in ("number", "integer"):
        if isinstance(value, bool) or not isinstance(value, int if kind == "integer" else (int, float)):
            return [f"{at}: {value!r} is no {kind}"]
        return (
            [] if schema.get("minimum", value) <= value <= schema.get("maximum", value) else [f"{at}: {value} is out"]
        )
    if kind is not None and not isinstance(value, _KINDS[kind]):
        return [f"{at}: {value!r} is no {kind}"]
    found = []
    if "pattern" in schema and not re.search(schema["pattern"], value):
        found.append(f"{at}: {value!r} does not fit {schema['pattern']}")
    if "enum" in schema and value not in schema["enum"]:
        found.append(f"{at}: {value!r} is none of {schema['enum']}")
    if kind == "array" and "items" in schema:
        found += [error for n, item in enumerate(value) for error in problems(item, schema["items"], f"{at}[{n}]")]
    if kind == "object":
        known = schema.get("properties", {})
        found += [f"{at}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, part in value.items():
            if name in known:
                found += problems(part, known[name], f"{at}.{name}")
            elif schema.get("additionalProperties") is False:
                found.append(f"{at}: {name} is not known")
    return found


def questions(rpc: Caller, scene: Scene) -> list[tuple[str, list[Any]]]:
    """Each method of the document, with what shows its forms."""
    block, alice = rpc("eth_getBlockByNumber", "0x2", False), h(wallets.address(0))
    tx, nothing = block["transactions"][0], h(bytes(32))
    raw, _ = scene.factory.send(scene.hashes[-1], 6, wallets.address(90), 1)
    topic = {"fromBlock": "0x0", "topics": [h(TOPIC_A)]}
    log_filter, block_filter = rpc("eth_newFilter", topic), rpc("eth_newBlockFilter")
    asked: list[tuple[str, list[Any]]] = [
        (name, [])
        for name in (
            *("eth_chainId", "eth_blockNumber", "eth_syncing", "eth_accounts", "eth_coinbase", "eth_gasPrice"),
            *("eth_maxPriorityFeePerGas", "eth_baseFee", "eth_blobBaseFee", "eth_newBlockFilter"),
            *("eth_newPendingTransactionFilter", "net_version", "net_listening", "net_peerCount", "web3_clientVersion"),
        )
    ]
    for number in ("0x0", "0x1", "0x2", "0x3", "latest", "safe", "finalized", "earliest", "0xffff"):
        asked += [("eth_getBlockByNumber", [number, full]) for full in (False, True)]
        asked += [
            (name, [number])
            for name in (
                "eth_getBlockReceipts",
                "eth_getBlockTransactionCountByNumber",
                "eth_getUncleCountByBlockNumber",
            )
        ]
    for known in (block["hash"], nothing):
        asked += [("eth_getBlockByHash", [known, full]) for full in (False, True)]
        asked += [("eth_getBlockTransactionCountByHash", [known]), ("eth_getUncleCountByBlockHash", [known])]
        asked.append(("eth_getTransactionByBlockHashAndIndex", [known, "0x0"]))
    for known in (tx, nothing):
        asked += [(f"eth_getTransaction{name}", [known]) for name in ("ByHash", "Receipt")]
        asked.append(("debug_getRawTransaction", [known]))
    asked += [(f"debug_getRaw{name}", ["0x2"]) for name in ("Header", "Block", "Receipts")]
    for account in (alice, h(TOKEN), "0x" + "99" * 20):
        asked += [(f"eth_get{name}", [account, "latest"]) for name in ("Balance", "TransactionCount", "Code")]
        asked.append(("eth_getStorageAt", [account, "0x0", "latest"]))
    payload = {"blockStateCalls": [{"calls": [{"to": h(TOKEN)}, {"to": h(TOKEN), "data": h(ERROR_NO)}]}]}
    return [
        *asked,
        ("eth_feeHistory", ["0x4", "latest", [0, 50, 99.5]]),
        ("eth_feeHistory", ["0x400", "0x1", []]),
        ("eth_getTransactionByBlockNumberAndIndex", ["0x1", "0x1"]),
        ("eth_getTransactionByBlockNumberAndIndex", ["0x1", "0x9"]),
        ("eth_getLogs", [topic]),
        ("eth_newFilter", [topic]),
        ("eth_getFilterLogs", [log_filter]),
        ("eth_getFilterChanges", [log_filter]),
        ("eth_getFilterChanges", [block_filter]),
        ("eth_uninstallFilter", [block_filter]),
        ("eth_call", [{"to": h(TOKEN)}, "latest"]),
        ("eth_estimateGas", [{"from": alice, "to": h(TOKEN)}]),
        ("eth_createAccessList", [{"to": h(TOKEN)}]),
        ("eth_createAccessList", [{"to": h(TOKEN), "data": h(ERROR_NO)}]),
        ("eth_simulateV1", [payload]),
        ("web3_sha3", ["0x00"]),
        ("eth_sendRawTransaction", [h(raw)]),
    ]


def test_answers_have_their_shapes(rpc: Caller, scene: Scene) -> None:
    asked = questions(rpc, scene)
    assert {name for name, _ in asked} == set(RESULTS)
    wrong = {
        f"{name}{params}": found for name, params in asked if (found := problems(rpc(name, *params), RESULTS[name]))
    }
    assert wrong == {}


def test_what_lies_in_a_block_has_its_time(rpc: Caller) -> None:
    for number in ("0x1", "0x2", "0x3"):
        block = rpc("eth_getBlockByNumber", number, True)
        logs = rpc("eth_getLogs", {"fromBlock": number, "toBlock": number})
        receipts = [log for receipt in rpc("eth_getBlockReceipts", number) for log in receipt["logs"]]
        assert logs == receipts
        alone = [rpc("eth_getTransactionByHash", tx["hash"]) for tx in block["transactions"]]
        assert alone == block["transactions"]
        assert {part["blockTimestamp"] for part in [*alone, *logs]} == {block["timestamp"]}


@pytest.mark.parametrize(
    "fields",
    [
        {"gasPrice": 7},
        {"gasPrice": 7, "type": 1, "accessList": [{"address": TO, "storageKeys": ["0x" + "00" * 31 + "05"]}]},
        {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "type": 2},
        {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "type": 2, "to": "", "data": "0x00"},
    ],
)
def test_every_type_of_transaction_has_its_shape(fields: dict[str, Any]) -> None:
    tx = formats.transaction(decode_transaction(sign(**fields)), None)
    assert problems(tx, TYPES["Transaction"]) == []
    assert tx["type"] == hex(fields.get("type", 0))


def test_a_delegating_transaction_has_its_shape() -> None:
    wallet = Wallet.from_key(KEY)
    signed = wallet.sign_authorization({"chainId": 1, "address": TO, "nonce": 1})
    fields = {"maxFeePerGas": 9, "maxPriorityFeePerGas": 2, "type": 4, "authorizationList": [signed]}
    tx = formats.transaction(decode_transaction(sign(**fields)), None)
    assert problems(tx, TYPES["Transaction"]) == []
    assert tx["authorizationList"][0]["address"] == TO


@pytest.mark.parametrize(
    ("value", "name"),
    [
        ("0x00", "uint"), ("0x", "uint"), ("0x0A", "uint"), (5, "uint"), (None, "hash32"), ("0x1", "bytes"),
        ({}, "Block"), ({"transactionHash": h(bytes(32)), "colour": 1}, "Log"), ([], "Transaction"), (1.5, "ratio"),
    ],
)  # fmt: skip
def test_the_validator_finds_what_is_wrong(value: Any, name: str) -> None:
    assert problems(value, {"$ref": name})


def test_the_document_describes_every_method(rpc: Caller) -> None:
    told = rpc("rpc.discover")
    assert told == json.loads(json.dumps(discover()))
    assert [method["name"] for method in told["methods"]] == sorted(METHODS)
    assert all(method["summary"] for method in told["methods"])
    kinds = {kind for kind in PARSERS if kind in KINDS or kind not in (int, float)}
    assert kinds <= set(KINDS), "a kind of parameter is not described"
    assert set(rpc("rpc_modules")) >= {"debug", "eth", "mds", "net", "rpc", "txpool", "web3"}


def test_what_was_promised_stays() -> None:
    """The golden file grows only: methods, their parameters' names and order, and what is required."""
    golden = json.loads((FOLDER / "promised.json").read_text())
    told = {method["name"]: method["params"] for method in discover()["methods"]}
    for name, params in golden.items():
        now = [[param["name"], param["required"]] for param in told[name]]
        assert now[: len(params)] == params, name
        assert not any(required for _, required in now[len(params) :]), name


def test_the_document_of_the_methods_is_current() -> None:
    call_command("rpc_docs", check=True)
    text = markdown()
    assert all(f"`{name}`" in text for name in METHODS)
