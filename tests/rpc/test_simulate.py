"""eth_simulateV1, access lists, block overrides, and what the chain does not have."""

from __future__ import annotations

from typing import Any

import pytest

from tests.core.execution import asm
from tests.factories import wallets
from tests.rpc.conftest import ERROR_NO, TOKEN, Caller

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


ALICE, BOB = h(wallets.address(0)), h(wallets.address(95))
ETHER = "0x" + "ee" * 20
RETURN_TOP = asm.asm(asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
CONTRACT = h(bytes([0x77]) * 20)


def code(*parts: int | bytes) -> dict[str, Any]:
    return {CONTRACT: {"code": h(asm.asm(*parts, RETURN_TOP))}}


@pytest.mark.parametrize(
    ("op", "overrides", "answer"),
    [
        (asm.NUMBER, {"number": "0x123456"}, 0x123456),
        (asm.TIMESTAMP, {"time": "0x77777777"}, 0x77777777),
        (asm.COINBASE, {"feeRecipient": "0x" + "11" * 20}, int("11" * 20, 16)),
        (asm.PREVRANDAO, {"prevRandao": "0x" + "22" * 32}, int("22" * 32, 16)),
        (asm.GASLIMIT, {"gasLimit": "0x989680"}, 10_000_000),
    ],
)
def test_block_overrides(rpc: Caller, op: int, overrides: dict[str, Any], answer: int) -> None:
    call = {"to": CONTRACT}
    assert rpc("eth_call", call, "latest", code(op), overrides) == f"0x{answer:064x}"
    assert rpc("eth_call", call, "latest", code(op)) != f"0x{answer:064x}"
    assert rpc.error("eth_call", call, "latest", code(op), {"colour": 1})["code"] == -32602


class TestAccessList:
    def test_it_names_what_is_reached(self, rpc: Caller) -> None:
        overrides = {CONTRACT: {"code": h(asm.asm(asm.call(TOKEN), asm.push(5), asm.SLOAD))}}
        found = rpc("eth_createAccessList", {"from": ALICE, "to": CONTRACT}, "latest", overrides)
        assert found["accessList"] == [
            {"address": h(TOKEN), "storageKeys": [f"0x{0:064x}"]},
            {"address": CONTRACT, "storageKeys": [f"0x{5:064x}"]},
        ]
        # with the list, the same call takes exactly what was said
        call = {"from": ALICE, "to": CONTRACT, "accessList": found["accessList"]}
        trace = rpc("debug_traceCall", call, "latest", {"stateOverrides": overrides})
        assert trace["gas"] == int(found["gasUsed"], 16)

    def test_a_call_that_fails_says_so(self, rpc: Caller) -> None:
        found = rpc("eth_createAccessList", {"to": h(TOKEN), "data": h(ERROR_NO)})
        assert (found["error"], found["accessList"]) == ("execution reverted", [])


class TestSimulate:
    def test_later_calls_and_blocks_see_what_earlier_ones_did(self, rpc: Caller) -> None:
        counter = {CONTRACT: {"code": h(asm.asm(asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD),
                                                asm.push(0), asm.SLOAD, RETURN_TOP))}}  # fmt: skip
        call = {"from": ALICE, "to": CONTRACT}
        payload = {"blockStateCalls": [{"stateOverrides": counter, "calls": [call, call]}, {"calls": [call]}]}
        first, second = rpc("eth_simulateV1", payload, "latest")
        returned = [int(part["returnData"], 16) for block in (first, second) for part in block["calls"]]
        assert returned == [1, 2, 3]
        latest = rpc("eth_getBlockByNumber", "latest", False)
        assert int(first["number"], 16) == int(latest["number"], 16) + 1
        assert (first["parentHash"], second["parentHash"]) == (latest["hash"], first["hash"])
        assert first["gasUsed"] == hex(sum(int(part["gasUsed"], 16) for part in first["calls"]))
        assert rpc("eth_getCode", CONTRACT) == "0x"

    def test_transfers_as_logs_and_full_transactions(self, rpc: Caller) -> None:
        calls = [{"from": ALICE, "to": BOB, "value": "0x9"}, {"from": BOB, "to": ALICE, "value": "0x4"}]
        payload = {"blockStateCalls": [{"calls": calls}], "traceTransfers": True, "returnFullTransactions": True}
        (block,) = rpc("eth_simulateV1", payload)
        logs = [entry for call in block["calls"] for entry in call["logs"]]
        assert [(entry["address"], int(entry["data"], 16), entry["logIndex"]) for entry in logs] == [
            (ETHER, 9, "0x0"), (ETHER, 4, "0x1"),
        ]  # fmt: skip
        assert [tx["from"] for tx in block["transactions"]] == [ALICE, BOB]

    def test_gaps_are_filled_and_order_is_kept(self, rpc: Caller) -> None:
        latest = int(rpc("eth_blockNumber"), 16)
        at = {"blockOverrides": {"number": hex(latest + 3)}, "calls": [{"to": BOB}]}
        blocks = rpc("eth_simulateV1", {"blockStateCalls": [at]})
        assert [int(block["number"], 16) - latest for block in blocks] == [1, 2, 3]
        assert [len(block["calls"]) for block in blocks] == [0, 0, 1]
        assert rpc.error("eth_simulateV1", {"blockStateCalls": [at, at]})["code"] == -38020
        late = {"blockOverrides": {"time": "0x1"}}
        assert rpc.error("eth_simulateV1", {"blockStateCalls": [late]})["code"] == -38021
        far = {"blockOverrides": {"number": hex(latest + 10_000)}}
        assert rpc.error("eth_simulateV1", {"blockStateCalls": [far]})["code"] == -38026

    def test_failures_stay_with_their_call(self, rpc: Caller) -> None:
        calls = [{"to": h(TOKEN), "data": h(ERROR_NO)}, {"to": h(TOKEN)}]
        (block,) = rpc("eth_simulateV1", {"blockStateCalls": [{"calls": calls}]})
        assert [call["status"] for call in block["calls"]] == ["0x0", "0x1"]
        assert (block["calls"][0]["error"]["code"], block["calls"][0]["error"]["data"]) == (3, h(ERROR_NO))

    @pytest.mark.parametrize(
        ("call", "error"),
        [
            ({"from": BOB, "to": ALICE, "value": "0x1"}, -38014),
            ({"from": ALICE, "to": BOB, "gas": "0x5"}, -38013),
            ({"from": ALICE, "to": BOB, "gas": hex(10**12)}, -38015),
        ],
    )
    def test_what_could_not_be_is_refused(self, rpc: Caller, call: dict[str, Any], error: int) -> None:
        assert rpc.error("eth_simulateV1", {"blockStateCalls": [{"calls": [call]}]})["code"] == error

    def test_validation(self, rpc: Caller) -> None:
        fee, nonce = hex(10**12), rpc("eth_getTransactionCount", ALICE)

        def run(**fields: Any) -> dict[str, Any]:
            call = {"from": ALICE, "to": BOB, "gas": "0x5208", "maxFeePerGas": fee, **fields}
            return {"validation": True, "blockStateCalls": [{"calls": [call]}]}

        (block,) = rpc("eth_simulateV1", run(nonce=nonce))
        assert block["calls"][0]["status"] == "0x1"
        assert int(block["baseFeePerGas"], 16) > 0
        assert rpc.error("eth_simulateV1", run(nonce=hex(int(nonce, 16) + 1)))["code"] == -38011
        assert rpc.error("eth_simulateV1", run(maxFeePerGas="0x1"))["code"] == -38012

    @pytest.mark.parametrize(
        "payload",
        [
            5,
            {},
            {"blockStateCalls": []},
            {"blockStateCalls": [5]},
            {"blockStateCalls": [{"calls": 5}]},
            {"blockStateCalls": [{}] * 257},
        ],
    )
    def test_wrong_payloads(self, rpc: Caller, payload: Any) -> None:
        assert rpc.error("eth_simulateV1", payload)["code"] == -32602


def test_what_this_chain_does_not_have(rpc: Caller) -> None:
    assert rpc("eth_getUncleCountByBlockNumber", "latest") == "0x0"
    assert rpc("eth_getUncleCountByBlockHash", h(bytes(32))) is None
    assert rpc("eth_getUncleByBlockNumberAndIndex", "latest", "0x0") is None
    error = rpc.error("eth_getProof", ALICE, [], "latest")
    assert (error["code"], error["message"]) == (-32004, "not supported: LtHash state has no Merkle proofs")


def test_mining_as_ethereum_asks(rpc: Caller) -> None:
    assert rpc("eth_coinbase") == rpc("mds_getMiningStatus")["coinbase"]
    assert rpc("eth_mining") is False
    assert rpc("eth_hashrate") == "0x0"
