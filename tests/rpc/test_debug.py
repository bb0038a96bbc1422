"""Traces and raw bytes: against the chain's own facts, and in go-ethereum's forms."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chain.core import rlp
from chain.core.codec import header_hash
from chain.core.transactions import keccak
from chain.rpc.params import BlockRef
from tests.factories import wallets
from tests.rpc.conftest import ERROR_NO, LOOPER, TOKEN, TOPIC_A, Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


ALICE = h(wallets.address(0))


class TestCall:
    def test_struct_logs(self, rpc: Caller) -> None:
        trace = rpc("debug_traceCall", {"to": h(TOKEN), "gas": "0x186a0"}, "latest", {"enableMemory": True})
        assert (trace["failed"], trace["returnValue"]) == (False, f"0x{0x1234:064x}")
        steps = trace["structLogs"]
        assert [step["op"] for step in steps][:4] == ["CALLDATASIZE", "PUSH1", "JUMPI", "PUSH1"]
        load = next(step for step in steps if step["op"] == "SLOAD")
        assert load["storage"] == {f"{0:064x}": f"{0x1234:064x}"}
        assert load["gasCost"] == 2100
        # what each step costs is the gas between it and the next, and adds up to what the code used
        assert all(a["gas"] - a["gasCost"] == b["gas"] for a, b in pairwise(steps))
        assert sum(step["gasCost"] for step in steps) + 21_000 == trace["gas"]
        assert steps[-1]["memory"] == [f"{0x1234:064x}"]
        assert {step["depth"] for step in steps} == {1}
        bare = rpc(
            "debug_traceCall", {"to": h(TOKEN)}, "latest", {"disableStack": True, "disableStorage": True, "limit": 2}
        )
        assert [set(step) for step in bare["structLogs"]] == [{"pc", "op", "gas", "gasCost", "depth"}] * 2

    def test_call_tree(self, rpc: Caller) -> None:
        trace = rpc("debug_traceCall", {"to": h(TOKEN), "data": h(ERROR_NO)}, "latest", {"tracer": "callTracer"})
        assert (trace["type"], trace["error"], trace["revertReason"]) == ("CALL", "execution reverted", "no")
        assert (trace["to"], trace["input"], trace["output"]) == (h(TOKEN), h(ERROR_NO), h(ERROR_NO))

    def test_inner_calls_creations_and_logs(self, rpc: Caller) -> None:
        from tests.core.execution import asm

        code = asm.asm(
            asm.push(7), asm.push(0), asm.MSTORE, asm.push(TOPIC_A), asm.push(32), asm.push(0), asm.LOG1,
            asm.call(TOKEN, op=asm.DELEGATECALL), asm.call(LOOPER, gas=3000), asm.create(asm.deployer(b"\x00")),
        )  # fmt: skip
        wrapper = h(bytes([0x99]) * 20)
        options = {
            "tracer": "callTracer",
            "tracerConfig": {"withLog": True},
            "stateOverrides": {wrapper: {"code": h(code)}},
        }
        trace = rpc("debug_traceCall", {"from": ALICE, "to": wrapper, "gas": "0xf4240"}, "latest", options)
        kinds = [(call["type"], call.get("error"), call["from"]) for call in trace["calls"]]
        assert kinds == [("DELEGATECALL", None, wrapper), ("CALL", "out of gas", wrapper), ("CREATE", None, wrapper)]
        assert [entry["data"] for entry in trace["logs"]] == [f"0x{7:064x}"]
        assert trace["calls"][1]["gasUsed"] == hex(3000)
        assert trace["calls"][2]["output"] == "0x00"
        top = rpc("debug_traceCall", {"to": wrapper, "gas": "0xf4240"}, "latest",
                  {**options, "tracerConfig": {"onlyTopCall": True}})  # fmt: skip
        assert "calls" not in top
        assert int(top["gasUsed"], 16) > 32_000

    def test_state_before_and_what_changed(self, rpc: Caller) -> None:
        call = {"from": ALICE, "to": h(TOKEN), "value": "0x5"}
        before = rpc("debug_traceCall", call, "latest", {"tracer": "prestateTracer"})
        assert before[h(TOKEN)]["storage"] == {f"0x{0:064x}": f"0x{0x1234:064x}"}
        assert before[ALICE]["balance"] == rpc("eth_getBalance", ALICE)
        assert before[ALICE]["nonce"] == int(rpc("eth_getTransactionCount", ALICE), 16)
        assert before[h(TOKEN)]["code"] == rpc("eth_getCode", h(TOKEN))
        options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
        diff = rpc("debug_traceCall", call, "latest", options)
        assert set(diff["pre"]) == set(diff["post"]) == {ALICE, h(TOKEN)}
        assert diff["post"][h(TOKEN)] == {"balance": "0x5"}
        assert int(diff["pre"][ALICE]["balance"], 16) - int(diff["post"][ALICE]["balance"], 16) == 5

    def test_what_is_too_large_or_wrong_is_refused(self, rpc: Caller) -> None:
        assert rpc.error("debug_traceCall", {"to": h(LOOPER)}, "latest")["code"] == -32005
        error = rpc.error("debug_traceCall", {"to": h(TOKEN)}, "latest", {"tracer": "{step: function() {}}"})
        assert (error["code"], error["message"][:16]) == (-32602, "tracer not found")
        for options in (
            5,
            {"limit": "x"},
            {"timeout": "soon"},
            {"enableMemory": 1},
            {"tracer": "callTracer", "tracerConfig": 1},
        ):
            assert rpc.error("debug_traceCall", {"to": h(TOKEN)}, "latest", options)["code"] == -32602
        short = {"tracer": "prestateTracer", "timeout": "1ms"}
        assert rpc.error("debug_traceCall", {"to": h(LOOPER)}, "latest", short)["code"] == -32005


def test_accepted_transactions_run_again_as_they_ran(rpc: Caller, scene: Scene) -> None:
    """Transfers of the scene are true ones, so their traces must fit receipts and balances."""
    block = rpc("eth_getBlockByNumber", "0x1", True)
    first, second = block["transactions"]
    traces = rpc("debug_traceBlockByNumber", "0x1", {"tracer": "callTracer"})
    assert [trace["txHash"] for trace in traces] == [first["hash"], second["hash"]]
    assert [(t["result"]["from"], t["result"]["to"], t["result"]["value"], t["result"]["gasUsed"]) for t in traces] == [
        (tx["from"], tx["to"], tx["value"], "0x5208") for tx in (first, second)
    ]
    assert rpc("debug_traceBlockByHash", block["hash"], {"tracer": "callTracer"}) == traces
    options = {"tracer": "prestateTracer", "tracerConfig": {"diffMode": True}}
    diff = rpc("debug_traceTransaction", second["hash"], options)
    sender = second["from"]
    assert diff["pre"][sender]["balance"] == rpc("eth_getBalance", sender, "0x0")
    assert diff["post"][sender]["balance"] == rpc("eth_getBalance", sender, "0x1")
    assert diff["post"][second["to"]]["balance"] == rpc("eth_getBalance", second["to"], "0x1")
    # the second transaction finds what the first did
    again = rpc("debug_traceTransaction", first["hash"], {"tracer": "prestateTracer"})
    assert again[first["from"]]["balance"] == rpc("eth_getBalance", first["from"], "0x0")
    assert rpc("debug_traceTransaction", first["hash"])["structLogs"] == []


def test_what_cannot_be_traced(rpc: Caller) -> None:
    assert rpc.error("debug_traceTransaction", h(bytes(32)))["message"] == "transaction not found"
    assert rpc.error("debug_traceBlockByNumber", "0x0")["message"] == "genesis is not traceable"
    assert rpc.error("debug_traceBlockByNumber", "0xffffff")["code"] == -32001


def test_raw_bytes_hash_to_what_they_are(rpc: Caller, scene: Scene) -> None:
    block = rpc("eth_getBlockByNumber", "0x2", True)
    raw = bytes.fromhex(rpc("debug_getRawBlock", "0x2")[2:])
    header, body = rlp.decode_list(raw)
    assert scene.factory.records[scene.hashes[2]].header.extra == header[17]
    assert [keccak(envelope).hex() for envelope in body] == [tx["hash"][2:] for tx in block["transactions"]]
    assert rlp.encode(header).hex() == rpc("debug_getRawHeader", block["hash"])[2:]
    assert header_hash(scene.factory.records[scene.hashes[2]].header) == scene.hashes[2]
    tx = block["transactions"][0]["hash"]
    assert keccak(bytes.fromhex(rpc("debug_getRawTransaction", tx)[2:])) == bytes.fromhex(tx[2:])
    assert rpc("debug_getRawTransaction", h(bytes(32))) is None
    receipts = [bytes.fromhex(part[2:]) for part in rpc("debug_getRawReceipts", "0x2")]
    assert [receipt[0] for receipt in receipts] == [2, 2]
    _, gas, bloom, logs = rlp.decode_list(receipts[1][1:])
    told = rpc("eth_getTransactionReceipt", block["transactions"][1]["hash"])
    assert (h(bloom), int.from_bytes(gas, "big"), len(logs)) == (
        told["logsBloom"], int(told["cumulativeGasUsed"], 16), len(told["logs"]),
    )  # fmt: skip


def test_a_block_named_by_hash_is_that_block_or_none(rpc: Caller, scene: Scene) -> None:
    """Between reading its number and running the call another block may take the number."""
    from chain.rpc.app import _holder

    async def run() -> None:
        node = await _holder.get()
        point = await node.resolve(BlockRef(hash=scene.hashes[2]))
        assert point.hash == scene.hashes[2]
        request = {"op": "trace_transactions", "number": 2, "hash": scene.hashes[1], "tx": None}
        answer = await node.calls.run({**request, "tracer": "callTracer", "options": {}})
        assert answer["error"][0] == "not_found"

    rpc.runner.run(run())
