"""Otterscan's methods: shapes, pages that never break in a block, traces of true executions."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import redis as redis_py
from jsonschema import Draft202012Validator

from chain.core import rlp
from chain.core.transactions import keccak
from chain.core.types import Log
from chain.rpc.registry import METHODS
from explorer.indexers import sync
from explorer.rpc import ots_search
from tests.core.execution import asm
from tests.explorer.conftest import Growing, wipe
from tests.factories import wallets
from tests.factories.chain import Effects
from tests.rpc.conftest import Caller, publish

pytestmark = pytest.mark.django_db
SCHEMAS = json.loads((Path(__file__).parent / "schemas" / "otterscan.json").read_text())
WORKER, FAILING, HEIR = bytes([0x81]) * 20, bytes([0x82]) * 20, bytes([0x83]) * 20
ALICE, BOB = wallets.address(0), wallets.address(1)
CHILD = keccak(rlp.encode([WORKER, 1]))[12:]
TOPIC = bytes([0xAA]) * 32
MANY = 7
RUNTIME = b"\x00"


def h(value: bytes) -> str:
    return "0x" + value.hex()


def worker_code() -> bytes:
    """Sends 5 wei on, calls what fails after it has sent, makes a contract with 1 wei, one that ends itself."""
    dying = asm.asm(asm.push(HEIR), asm.SELFDESTRUCT)
    return asm.asm(
        asm.call(HEIR, value=5),
        asm.call(FAILING, value=3),
        asm.call(HEIR, op=asm.STATICCALL),
        asm.create(asm.deployer(RUNTIME), value=1),
        asm.create(dying, value=2, salt=9),
    )


def failing_code() -> bytes:
    """Sends 1 wei, then reverts with one word."""
    word = asm.asm(asm.push(0x2A), asm.push(0), asm.MSTORE)
    return asm.asm(asm.call(HEIR, value=1), word, asm.push(32), asm.push(0), asm.REVERT)


def fill(chain: Growing) -> None:
    """1: transfers; 2: contracts; 3: calls of them; 4 to 9: transfers, block 5 with many of Bob's."""
    send = chain.factory.send
    chain.grow([send(chain.sink, 0, HEIR, 5), send(chain.sink, 1, wallets.address(50), 7)])
    creation = send(chain.sink, 0, None, 0, data=asm.deployer(RUNTIME), gas_limit=100_000)
    made = keccak(ALICE + creation[1].nonce.to_bytes(8, "big"))[12:]
    codes = {WORKER: worker_code(), FAILING: failing_code(), made: RUNTIME}
    chain.grow([creation], Effects(codes=codes), stream=1)
    gas = {"gas_limit": 1_000_000, "data": b"\x01\x02\x03\x04\x05"}
    calls = [
        send(chain.sink, 0, WORKER, 11, **gas),
        send(chain.sink, 1, FAILING, 4, **gas),
        send(chain.sink, 2, None, 0, data=b"\x00", gas_limit=100_000),
    ]
    effects = Effects(codes={CHILD: RUNTIME}, failed=[1], logs={0: (Log(WORKER, (TOPIC,), b"\x07"),)})
    chain.grow(calls, effects, stream=1)
    for number in range(4, 10):
        body = [send(chain.sink, 0, BOB, number)]
        if number == 5:
            nonce = chain.factory.states[chain.sink].accounts[BOB].nonce
            body += [send(chain.sink, 1, wallets.address(60 + n), 1, nonce=nonce + n) for n in range(MANY)]
        chain.grow(body)


@pytest.fixture(scope="module")
def chain(django_db_setup: None, django_db_blocker: Any) -> Iterator[Growing]:
    from django.conf import settings
    from django.db import connection

    from chain.stores.connection import raw_connection

    with django_db_blocker.unblock(), redis_py.Redis.from_url(settings.MDS_REDIS_URL) as redis:
        redis.flushall()
        wipe(raw_connection())
        growing = Growing(raw_connection())
        fill(growing)
        index = sync.open_connection()
        while sync.step(index) is not None:
            pass
        index.close()
        publish(redis, growing.factory, growing.path)
        yield growing
        wipe(raw_connection())
        connection.close()
        redis.flushall()


@pytest.fixture(scope="module")
def runner() -> Iterator[asyncio.Runner]:
    from chain.rpc.app import _holder

    with asyncio.Runner() as runner:
        yield runner
        runner.run(_holder.close())


@pytest.fixture
def rpc(chain: Growing, runner: asyncio.Runner, django_db_blocker: Any) -> Iterator[Caller]:
    with django_db_blocker.unblock():
        yield Caller(runner)


def hash_at(rpc: Caller, number: int, index: int) -> str:
    return rpc("eth_getTransactionByBlockNumberAndIndex", hex(number), hex(index))["hash"]


def test_answers_have_their_shapes(rpc: Caller, chain: Growing) -> None:
    asked: list[tuple[str, list[Any]]] = [
        ("ots_getApiLevel", []),
        ("ots_hasCode", [h(WORKER), "latest"]),
        *[("erigon_getHeaderByNumber", [n]) for n in (0, 3, "latest", "0xffff")],
        *[("erigon_getHeaderByHash", [h(block)]) for block in (chain.sink, bytes(32))],
        *[("ots_getBlockDetails", [n]) for n in (0, 1, 3, 9, 99)],
        *[("ots_getBlockDetailsByHash", [h(block)]) for block in (chain.sink, bytes(32))],
        *[("ots_getBlockTransactions", [n, 0, 25]) for n in (0, 3, 5, 99)],
        ("ots_getTransactionBySenderAndNonce", [h(ALICE), 0]),
        ("ots_getTransactionBySenderAndNonce", [h(ALICE), 999]),
        *[("ots_getContractCreator", [h(a)]) for a in (WORKER, ALICE, CHILD)],
    ]
    for number, count in ((1, 2), (2, 1), (3, 3), (4, 1)):
        for index in range(count):
            asked += [
                (f"ots_{name}", [hash_at(rpc, number, index)])
                for name in ("getInternalOperations", "traceTransaction", "getTransactionError")
            ]
    for address in (ALICE, BOB, HEIR, bytes(20)):
        for number in (0, 1, 5, 99):
            asked += [(f"ots_searchTransactions{way}", [h(address), number, 3]) for way in ("Before", "After")]
    assert {name for name, _ in asked} == set(SCHEMAS["results"])
    assert {name for name in METHODS if name.startswith(("ots_", "erigon_"))} == set(SCHEMAS["results"])
    wrong = {}
    for name, params in asked:
        schema = {"$ref": f"#/results/{name}", **{part: SCHEMAS[part] for part in ("$defs", "results")}}
        errors = [error.message for error in Draft202012Validator(schema).iter_errors(rpc(name, *params))]
        if errors:
            wrong[f"{name}{params}"] = errors
    assert wrong == {}


class TestSearch:
    def all_of(self, rpc: Caller, address: bytes) -> list[tuple[int, int]]:
        """By going through every block."""
        wanted = h(address)
        found = []
        for number in range(9, -1, -1):
            block = rpc("eth_getBlockByNumber", hex(number), True)
            for tx in reversed(block["transactions"]):
                receipt = rpc("eth_getTransactionReceipt", tx["hash"])
                if wanted in (tx["from"], tx["to"], receipt["contractAddress"]):
                    found.append((number, int(tx["transactionIndex"], 16)))
        return found

    def places(self, page: dict[str, Any]) -> list[tuple[int, int]]:
        assert [tx["hash"] for tx in page["txs"]] == [receipt["transactionHash"] for receipt in page["receipts"]]
        return [(int(tx["blockNumber"], 16), int(tx["transactionIndex"], 16)) for tx in page["txs"]]

    @pytest.mark.parametrize("address", [ALICE, BOB, HEIR, WORKER, bytes(20)])
    @pytest.mark.parametrize("size", [1, 3, 25])
    def test_both_ways_go_through_everything(self, rpc: Caller, address: bytes, size: int) -> None:
        everything = self.all_of(rpc, address)
        for way in ("Before", "After"):
            found: list[tuple[int, int]] = []
            number, pages = 0, []
            while True:
                page = rpc(f"ots_searchTransactions{way}", h(address), number, size)
                places = self.places(page)
                found = found + places if way == "Before" else places + found
                pages.append((page["firstPage"], page["lastPage"]))
                if page["lastPage" if way == "Before" else "firstPage"]:
                    break
                assert len(places) >= size
                number = places[-1 if way == "Before" else 0][0]
            assert found == everything
            start = [page[0 if way == "Before" else 1] for page in pages]
            assert start == [True] + [False] * (len(pages) - 1)

    def test_a_page_never_breaks_in_a_block(self, rpc: Caller) -> None:
        page = rpc("ots_searchTransactionsBefore", h(BOB), 6, 2)
        assert self.places(page) == [(5, index) for index in range(MANY, -1, -1)]
        assert (page["firstPage"], page["lastPage"]) == (False, False)

    def test_receipts_carry_logs_and_time(self, rpc: Caller) -> None:
        page = rpc("ots_searchTransactionsBefore", h(WORKER), 0, 5)
        (receipt,) = page["receipts"]
        whole = rpc("eth_getTransactionReceipt", receipt["transactionHash"])
        block = rpc("eth_getBlockByNumber", "0x3", False)
        assert receipt == {**whole, "timestamp": int(block["timestamp"], 16)}
        assert page["txs"] == [rpc("eth_getTransactionByHash", receipt["transactionHash"])]

    def test_an_index_that_stands_still_is_asked_seldom(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """A node at 100 whose index is behind by one, for as long as a search waits."""
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)

        class Behind:
            head = SimpleNamespace(latest=100)

            async def read(self, *_: Any) -> int:
                return 99

        monkeypatch.setattr(ots_search.asyncio, "sleep", sleep)
        asyncio.run(ots_search._await_index(Behind()))
        assert slept[:3] == pytest.approx([0.02, 0.03, 0.045])
        assert max(slept) == 0.25
        assert sum(slept) == pytest.approx(5.0)
        assert len(slept) < 30

    def test_pages_have_a_size(self, rpc: Caller) -> None:
        assert rpc.error("ots_searchTransactionsBefore", h(BOB), 0, 0)["code"] == -32602
        assert rpc.error("ots_searchTransactionsAfter", h(BOB), 0, 10**6)["code"] == -32005
        assert rpc.error("ots_getBlockTransactions", 3, 0, 10**6)["code"] == -32005
        huge = rpc("ots_searchTransactionsBefore", h(BOB), hex(2**255), 1)
        assert self.places(huge) == [(9, 0)]
        assert rpc("ots_searchTransactionsAfter", h(BOB), hex(2**255), 1)["txs"] == []


class TestTraces:
    def test_internal_operations_leave_out_what_was_undone(self, rpc: Caller) -> None:
        found = rpc("ots_getInternalOperations", hash_at(rpc, 3, 0))
        worker, heir = h(WORKER), h(HEIR)
        dying = keccak(b"\xff" + WORKER + (9).to_bytes(32, "big") + keccak(asm.asm(asm.push(HEIR), asm.SELFDESTRUCT)))
        assert found == [
            {"type": 0, "from": worker, "to": heir, "value": "0x5"},
            {"type": 2, "from": worker, "to": h(CHILD), "value": "0x1"},
            {"type": 3, "from": worker, "to": h(dying[12:]), "value": "0x2"},
            {"type": 1, "from": h(dying[12:]), "to": heir, "value": "0x2"},
        ]
        assert rpc("ots_getInternalOperations", hash_at(rpc, 3, 1)) == []
        assert rpc("ots_getInternalOperations", hash_at(rpc, 1, 0)) == []

    def test_the_trace_lists_every_frame(self, rpc: Caller) -> None:
        found = rpc("ots_traceTransaction", hash_at(rpc, 3, 0))
        assert [(frame["type"], frame["depth"], frame["value"]) for frame in found] == [
            ("CALL", 0, "0xb"),
            ("CALL", 1, "0x5"),
            ("CALL", 1, "0x3"),
            ("CALL", 2, "0x1"),
            ("STATICCALL", 1, None),
            ("CREATE", 1, "0x1"),
            ("CREATE2", 1, "0x2"),
            ("SELFDESTRUCT", 2, "0x2"),
        ]
        assert found[0]["input"] == "0x0102030405"
        assert found[2]["output"] == f"0x{0x2A:064x}"

    def test_the_error_is_what_was_returned(self, rpc: Caller) -> None:
        assert rpc("ots_getTransactionError", hash_at(rpc, 3, 1)) == f"0x{0x2A:064x}"
        assert rpc("ots_getTransactionError", hash_at(rpc, 3, 0)) == "0x"
        for name in ("getTransactionError", "traceTransaction", "getInternalOperations"):
            assert rpc.error(f"ots_{name}", h(bytes(32)))["code"] == -32001


class TestBlocks:
    def test_details_are_the_block_and_what_it_paid(self, rpc: Caller) -> None:
        whole = rpc("eth_getBlockByNumber", "0x5", True)
        details = rpc("ots_getBlockDetails", 5)
        assert rpc("ots_getBlockDetailsByHash", whole["hash"]) == details
        same = {name: value for name, value in whole.items() if name not in ("transactions", "logsBloom")}
        assert details["block"] == {**same, "logsBloom": None, "transactionCount": MANY + 1}
        receipts = rpc("eth_getBlockReceipts", "0x5")
        fees = sum(int(r["gasUsed"], 16) * int(r["effectiveGasPrice"], 16) for r in receipts)
        assert details["totalFees"] == hex(fees)
        reward = hex(25 * 10**18)
        assert details["issuance"] == {"blockReward": reward, "uncleReward": "0x0", "issuance": reward}

    def test_pages_count_from_the_end(self, rpc: Caller) -> None:
        whole = rpc("eth_getBlockByNumber", "0x5", True)["transactions"]
        sizes, found = [], []
        for page in range(4):
            answer = rpc("ots_getBlockTransactions", 5, page, 3)
            assert [tx["hash"] for tx in answer["fullblock"]["transactions"]] == [
                receipt["transactionHash"] for receipt in answer["receipts"]
            ]
            assert answer["fullblock"]["transactionCount"] == MANY + 1
            sizes.append(len(answer["receipts"]))
            found = [tx["hash"] for tx in answer["fullblock"]["transactions"]] + found
        assert sizes == [3, 3, 2, 0]
        assert found == [tx["hash"] for tx in whole]
        (call, *_) = rpc("ots_getBlockTransactions", 3, 0, 25)["fullblock"]["transactions"]
        assert call["input"] == "0x01020304"

    def test_headers(self, rpc: Caller) -> None:
        whole = rpc("eth_getBlockByNumber", "0x5", False)
        header = rpc("erigon_getHeaderByNumber", 5)
        assert header == rpc("erigon_getHeaderByHash", whole["hash"])
        assert set(whole) - set(header) == {"size", "totalDifficulty", "transactions", "uncles"}
        assert all(whole[name] == value for name, value in header.items())


def test_code_and_creators(rpc: Caller) -> None:
    assert [rpc("ots_hasCode", h(a), "latest") for a in (WORKER, CHILD, ALICE, bytes(20))] == [True, True, False, False]
    assert rpc("ots_hasCode", h(WORKER), 1) is False
    # made by a transaction: the receipt says so
    receipt = rpc("eth_getTransactionReceipt", hash_at(rpc, 2, 0))
    assert rpc("ots_getContractCreator", receipt["contractAddress"]) == {
        "hash": receipt["transactionHash"],
        "creator": h(ALICE),
    }
    # made by a call: a trace says so, and the second answer comes from memory
    expected = {"hash": hash_at(rpc, 3, 0), "creator": h(WORKER)}
    assert [rpc("ots_getContractCreator", h(CHILD)) for _ in range(2)] == [expected] * 2
    # put there by no transaction, no contract, nothing
    for address in (WORKER, ALICE, bytes(20)):
        assert rpc("ots_getContractCreator", h(address)) is None


def test_a_nonce_finds_its_transaction(rpc: Caller) -> None:
    for number, index in ((1, 0), (2, 0), (3, 0), (9, 0)):
        tx = rpc("eth_getTransactionByBlockNumberAndIndex", hex(number), hex(index))
        assert rpc("ots_getTransactionBySenderAndNonce", tx["from"], int(tx["nonce"], 16)) == tx["hash"]
    assert rpc("ots_getTransactionBySenderAndNonce", h(ALICE), hex(2**70)) is None
