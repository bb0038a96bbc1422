"""Answers of the mds_ methods have the types that rpc.discover tells, and what was promised stays.

With RPC_WRITE_RESULTS=1 the answers seen here are joined into chain/rpc/results.json and into the golden file of
promises; look at the difference before it is committed.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from chain.rpc import openrpc
from chain.rpc.registry import METHODS
from tests.factories import wallets
from tests.rpc.conftest import Caller, Scene
from tests.rpc.shapes import Schema, join, promises, shape

pytestmark = pytest.mark.django_db

RESULTS = Path(openrpc.__file__).with_name("results.json")
GOLDEN = Path(__file__).parent / "schemas" / "promised_results.json"


def h(value: bytes) -> str:
    return "0x" + value.hex()


def public() -> list[str]:
    """The methods that anybody may call."""
    return sorted(name for name, method in METHODS.items() if name.startswith("mds_") and method.scope is None)


def asked(rpc: Caller, scene: Scene) -> dict[str, list[list[Any]]]:
    """Parameters for each public method, so that every form of its answers is met."""
    alice, nothing = h(wallets.address(0)), h(bytes(32))
    block = rpc("eth_getBlockByNumber", "0x3", False)
    txs = [tx for n in range(4) for tx in rpc("eth_getBlockByNumber", hex(n), False)["transactions"]]
    blocks = [h(one) for one in scene.hashes] + block["mergeset"]
    numbers = [[hex(n)] for n in range(len(scene.hashes))]
    shards = [[hex(shard), number] for shard in range(10) for (number,) in numbers[:5]]
    known: dict[str, list[list[Any]]] = {
        "mds_getBlock": [[one] for one in (*blocks, nothing)],
        "mds_getBlockFairness": numbers,
        "mds_getBlockOrder": [["0x0"]],
        "mds_getBlockTemplate": [[stream, {"coinbase": alice, "vrfKey": "0x" + "22" * 32}] for stream in "ABC"],
        "mds_getCrossShardTransaction": [[tx] for tx in (*txs, nothing)],
        "mds_getCrossShardTransactions": numbers,
        "mds_getParentHashes": [[blocks[-1]], [nothing]],
        "mds_getShardBalance": [[alice], ["0x" + "99" * 20, "0x1"]],
        "mds_getShardBlock": shards,
        "mds_getShardForAddress": [[alice]],
        "mds_getShardTransactions": shards,
        "mds_getSupply": numbers,
        # what it does is tried elsewhere
        "mds_submitBlock": [],
    }
    return {name: known.get(name, [[]]) for name in public()}


def seen(rpc: Caller, scene: Scene) -> dict[str, list[Any]]:
    """The answers."""
    found = {}
    for name, many in asked(rpc, scene).items():
        answers = [rpc.raw({"jsonrpc": "2.0", "id": 1, "method": name, "params": params}) for params in many]
        found[name] = [answer["result"] for answer in answers if "result" in answer]
        assert found[name] or not many, (name, answers[0])
    found["mds_submitBlock"] = [{"hash": h(bytes(32)), "status": "queued"}]
    return found


def strict(schema: Any) -> Any:
    """The schema, but what it does not name must not be there."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: strict(part) for name, part in schema.items()}
    return {"additionalProperties": False, **closed} if schema.get("type") == "object" else closed


def test_every_answer_has_its_type(rpc: Caller, scene: Scene) -> None:
    answers = seen(rpc, scene)
    if os.environ.get("RPC_WRITE_RESULTS"):
        write(answers)
    described = json.loads(RESULTS.read_text())
    assert sorted(described) == public()
    wrong = []
    for name, many in answers.items():
        checker = jsonschema.Draft202012Validator(strict(described[name]))
        wrong += [f"{name}: {error.json_path} {error.message}" for one in many for error in checker.iter_errors(one)]
    assert wrong == []
    told = {method["name"]: method["result"]["schema"] for method in rpc("rpc.discover")["methods"]}
    assert {name: told[name] for name in described} == described


def test_what_was_promised_stays() -> None:
    """The golden file grows only: fields stay, keep their types, and those that are always there remain so."""
    described = json.loads(RESULTS.read_text())
    for name, golden in json.loads(GOLDEN.read_text()).items():
        assert set(golden) <= promises(described[name]), name


def write(answers: dict[str, list[Any]]) -> None:
    """Join what was seen into both files."""
    described: dict[str, Schema] = json.loads(RESULTS.read_text()) if RESULTS.exists() else {}
    for name, many in answers.items():
        whole = described.get(name, {})
        for one in many:
            whole = join(whole, shape(one))
        described[name] = whole
    RESULTS.write_text(json.dumps(described, indent=1, sort_keys=True) + "\n")
    golden = {name: sorted(promises(schema)) for name, schema in sorted(described.items())}
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")
