"""The read API: every route over a stored chain, its document, and calls in Etherscan's manner."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from django.test import Client

from explorer.api.app import document
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import hexed
from tests.explorer.test_pages_index import scene  # noqa: F401 - the same chain
from tests.explorer.token_logs import ALICE, ART, BOB, COIN
from tests.factories import wallets

pytestmark = pytest.mark.django_db(transaction=True)

GOLDEN = Path(__file__).parent / "openapi.json"


@pytest.fixture
def ask(scene: Growing, client: Client) -> Any:  # noqa: F811 - the fixture
    """Get a path of the API, which must answer as expected."""

    def get(path: str, status: int = 200) -> Any:
        answer = client.get(f"/api/v1{path}")
        assert answer.status_code == status, (path, answer.status_code, answer.content[:300])
        return answer.json()

    return get


def pages(ask: Any, path: str, limit: int = 1) -> list[Any]:
    """All items, by pages of one."""
    found, cursor = [], ""
    while cursor is not None:
        answer = ask(f"{path}{'&' if '?' in path else '?'}limit={limit}&before={cursor}")
        found += answer["items"]
        assert len(answer["items"]) <= limit
        cursor = answer["next"]
    return found


def test_chain(ask: Any, scene: Growing) -> None:  # noqa: F811
    status = ask("/status")
    assert (status["head"], status["head_hash"], status["index_lag"]) == (3, hexed(scene.sink), 0)
    assert [block["number"] for block in pages(ask, "/blocks")] == [3, 2, 1, 0]
    assert len(pages(ask, "/dag/blocks")) == 4
    block = ask("/blocks/1")
    assert block == ask(f"/blocks/{block['hash']}")
    assert block["epoch"]["transactions"] == 1
    assert ask("/blocks/0")["stream"] == "genesis"
    assert ask("/blocks/99", 404)["error"]["code"] == "not_found"
    assert ask("/blocks/x", 422)["error"]["code"] == "invalid_params"


def test_transactions(ask: Any) -> None:
    found = pages(ask, "/transactions")
    assert [(item["number"], item["index"]) for item in found] == [(3, 0), (2, 0), (1, 0)]
    one = ask(f"/transactions/{found[-1]['hash']}")
    assert one["state"] == "accepted"
    assert [log["event"]["name"] for log in one["logs"]] == ["Transfer", "Transfer", "TransferSingle"]
    assert [item["index"] for item in ask("/blocks/1/transactions")["items"]] == [0]
    assert ask("/blocks/99/transactions", 404)
    assert ask(f"/transactions/0x{'12' * 32}", 404)["error"]["code"] == "not_found"


def test_addresses(ask: Any) -> None:
    alice = ask(f"/addresses/{hexed(ALICE)}")
    assert (alice["transactions"], alice["sent"], alice["is_contract"]) == (2, 2, False)
    assert [item["number"] for item in pages(ask, f"/addresses/{hexed(ALICE)}/transactions")] == [2, 1]
    assert [item["amount"] for item in pages(ask, f"/addresses/{hexed(BOB)}/transfers")] == [str(3 * 10**19), "10"]
    assert {item["token"] for item in ask(f"/addresses/{hexed(ALICE)}/tokens")} == {hexed(COIN), hexed(ART)}
    assert ask(f"/addresses/0x{'12' * 20}")["balance"] == "0"
    assert ask("/addresses/0x12", 422)


def test_tokens(ask: Any) -> None:
    assert [item["standard"] for item in ask("/tokens?standard=721")["items"]] == [721]
    assert len(pages(ask, "/tokens")) == 3
    assert ask(f"/tokens/{hexed(COIN)}")["holders"] == 2
    assert len(pages(ask, f"/tokens/{hexed(COIN)}/transfers")) == 2
    assert [item["amount"] for item in pages(ask, f"/tokens/{hexed(COIN)}/holders")] == [
        str(7 * 10**19),
        str(3 * 10**19),
    ]
    assert ask(f"/tokens/{hexed(ALICE)}", 404)
    assert ask("/tokens?before=zz", 422)


def test_figures(ask: Any) -> None:
    assert sum(shard["transactions"] for shard in ask("/shards")) == 3
    (miner,) = pages(ask, "/miners")
    assert ask(f"/miners/{miner['coinbase']}") == miner
    supply = ask("/supply")
    assert int(supply["supply"]) + int(supply["burned"]) == int(supply["minted"])
    assert ask("/fees")["pending"] is not None
    assert isinstance(ask("/charts/hour"), list)
    assert ask("/charts/century", 422)
    assert ask("/search?q=2") == [{"kind": "block", "ref": "2", "title": "Block"}]
    assert ask("/search?q=zzz") == []


def missing(old: Any, new: Any, place: str) -> list[str]:
    """What a document had that a newer one has not; what is written for people may change."""
    if isinstance(old, dict):
        found = []
        for key, value in old.items():
            # a field may be called description too
            if key != "description" or not isinstance(value, str):
                found += [f"{place}.{key}"] if key not in new else missing(value, new[key], f"{place}.{key}")
        return found
    if isinstance(old, list) and isinstance(new, list):
        return [f"{place}: {one}" for one in old if all(missing(one, other, place) for other in new)]
    return [] if old == new else [place]


def demanded(old: Any, new: Any) -> list[str]:
    """What a newer document asks of callers that the older one did not."""

    def parameters(item: Any) -> set[tuple[str, str]]:
        return {(one["in"], one["name"]) for one in item.get("parameters", []) if one.get("required")}

    found = []
    for path, methods in old["paths"].items():
        # a path's own parameters are of all its methods
        for method, was in [("", methods), *methods.items()]:
            now = new["paths"].get(path, {}) if not method else new["paths"].get(path, {}).get(method, {})
            if not isinstance(was, dict) or not isinstance(now, dict):
                continue
            found += [f"{path} {method} {name}" for _, name in sorted(parameters(now) - parameters(was))]
            body = now.get("requestBody", {})
            had = was.get("requestBody", {})
            if body.get("required") and not had.get("required"):
                found.append(f"{path} {method} body")
            for kind, part in had.get("content", {}).items():
                other = body.get("content", {}).get(kind, {})
                before, after = fields(part.get("schema"), old), fields(other.get("schema"), new)
                found += [f"{path} {method} body{name}" for name in sorted(after - before)]
    return found


def fields(schema: Any, document: Any, place: str = "", passed: tuple[str, ...] = ()) -> set[str]:
    """The places of what a schema and those that it refers to require."""
    if isinstance(schema, list):
        return {name for part in schema for name in fields(part, document, place, passed)}
    if not isinstance(schema, dict):
        return set()
    found = {f"{place}.{name}" for name in schema.get("required", [])}
    for name, part in schema.get("properties", {}).items():
        found |= fields(part, document, f"{place}.{name}", passed)
    for key in ("items", "allOf", "anyOf", "oneOf"):
        found |= fields(schema.get(key), document, place, passed)
    target = schema.get("$ref", "")
    if target and target not in passed:
        found |= fields(
            document["components"]["schemas"][target.rpartition("/")[2]], document, place, (*passed, target)
        )
    return found


def test_what_breaks_callers_is_noticed() -> None:
    limit = {"in": "query", "name": "limit", "schema": {"maximum": 100}}
    parameters = [limit]
    assert missing(parameters, [*parameters, {"name": "moved"}], "") == []
    assert missing(parameters, [{**limit, "schema": {"maximum": 50}}], "") != []
    assert missing([*parameters, 1], parameters, "") == [": 1"]
    assert missing({"description": "a"}, {"description": "b"}, "") == []
    field = {"properties": {"description": {"type": "string"}}}
    assert missing(field, {"properties": {}}, "") == [".properties.description"]

    def of(operation: Any, **schemas: Any) -> Any:
        return {"paths": {"/a": {"get": operation}}, "components": {"schemas": schemas}}

    def body(schema: Any, **more: Any) -> Any:
        return {"requestBody": {"content": {"application/json": {"schema": schema}}, **more}}

    moved = {"in": "query", "name": "moved", "required": True}
    assert demanded(of({}), of({"parameters": [{**moved, "required": False}]})) == []
    assert demanded(of({}), of({"parameters": [moved]})) == ["/a get moved"]
    assert demanded(of({"parameters": parameters}), of({"parameters": [{**limit, "required": True}]})) != []
    shared = {"paths": {"/a": {"get": {}, "parameters": [moved]}}, "components": {}}
    assert demanded(of({}), shared) != []
    asked = of(body({"$ref": "#/components/schemas/A"}), A={"required": ["x"]})
    more = of(body({"$ref": "#/components/schemas/A"}), A={"required": ["x", "y"]})
    assert demanded(asked, more) == ["/a get body.y"]
    assert demanded(more, asked) == demanded(asked, asked) == []
    assert demanded(asked, of(body({"required": ["x"]}, required=True))) == ["/a get body"]


def test_document_changes_additively_only() -> None:
    """What the golden file has is still there; new things may be added (then write it anew).

    Of a list (parameters, names of kinds) every member stays.  Callers need not say more than before.
    """
    old = json.loads(GOLDEN.read_text())
    new = json.loads(json.dumps(document(), default=str))
    assert missing(old["paths"], new["paths"], "paths") == []
    assert missing(old["components"], new["components"], "components") == []
    assert demanded(old, new) == []
    assert new == old, "the API grew: write tests/explorer/openapi.json anew"


def test_documentation(client: Client) -> None:
    text = client.get("/api").content.decode()
    for path in document()["paths"]:
        assert path in text


class TestEtherscan:
    """The calls that wallets and tools make."""

    @pytest.fixture
    def call(self, scene: Growing, client: Client) -> Any:  # noqa: F811
        """One call; its envelope."""

        def get(module: str, action: str, **asked: Any) -> Any:
            answer = client.get("/api", {"module": module, "action": action, **asked})
            assert answer.status_code == 200
            body = answer.json()
            assert set(body) == {"status", "message", "result"}
            return body

        return get

    def test_accounts(self, call: Any) -> None:
        rich = call("account", "balance", address=hexed(wallets.address(5)), tag="latest")
        assert rich == {"status": "1", "message": "OK", "result": str(10_000 * 10**18)}
        many = call("account", "balancemulti", address=f"{hexed(BOB)},0x{'12' * 20}")["result"]
        assert many[1]["balance"] == "0"
        assert call("account", "balance", address="0x12")["status"] == "0"

    def test_transactions(self, call: Any) -> None:
        listed = call("account", "txlist", address=hexed(ALICE))["result"]
        assert [row["blockNumber"] for row in listed] == ["1", "2"]
        assert listed[0]["confirmations"] == "3"
        newest = call("account", "txlist", address=hexed(ALICE), sort="desc", page=1, offset=1)["result"]
        assert [row["blockNumber"] for row in newest] == ["2"]
        assert call("account", "txlist", address=hexed(ALICE), startblock=2)["result"] == listed[1:]
        empty = call("account", "txlist", address=f"0x{'12' * 20}")
        assert empty == {"status": "0", "message": "No transactions found", "result": []}
        assert "too large" in call("account", "txlist", address=hexed(ALICE), page=100, offset=1000)["result"]
        status = call("transaction", "gettxreceiptstatus", txhash=listed[0]["hash"])
        assert status["result"] == {"status": "1"}

    def test_transfers(self, call: Any) -> None:
        moved = call("account", "tokentx", address=hexed(BOB))["result"]
        assert [row["value"] for row in moved] == [str(3 * 10**19)]
        assert moved[0]["tokenDecimal"] == "18"
        art = call("account", "tokennfttx", contractaddress=hexed(ART))["result"]
        assert [row["tokenID"] for row in art] == ["7"]
        game = call("account", "token1155tx", address=hexed(BOB))["result"]
        assert [(row["tokenID"], row["tokenValue"]) for row in game] == [("5", "10")]
        assert call("account", "tokenbalance", address=hexed(BOB), contractaddress=hexed(COIN))["result"] == str(
            3 * 10**19
        )
        assert call("account", "tokentx")["status"] == "0"

    def test_blocks_logs_and_the_rest(self, call: Any) -> None:
        logs = call("logs", "getLogs", address=hexed(COIN))["result"]
        assert [log["blockNumber"] for log in logs] == ["0x1", "0x2"]
        assert call("logs", "getLogs")["status"] == "0"
        reward = call("block", "getblockreward", blockno=1)["result"]
        assert reward["blockNumber"] == "1"
        assert call("block", "getblockreward", blockno=99)["status"] == "0"
        mined = call("account", "getminedblocks", address=reward["blockMiner"])["result"]
        assert [row["blockNumber"] for row in mined] == ["1", "2", "3"]
        time = int(reward["timeStamp"]) + 1
        assert int(call("block", "getblocknobytime", timestamp=time, closest="before")["result"]) >= 1
        assert call("contract", "getabi", address=hexed(COIN))["result"] == "Contract source code not verified"
        assert call("contract", "getsourcecode", address=hexed(COIN))["result"][0]["SourceCode"] == ""
        assert int(call("stats", "ethsupply")["result"]) > 0
        assert call("stats", "ethprice")["status"] == "0"
        assert call("nothing", "at all")["result"] == "Error! Missing Or invalid Action name"
