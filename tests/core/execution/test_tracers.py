"""Tracers and simulated blocks on the EVM itself."""

from __future__ import annotations

import pytest

from chain.core.errors import RequestError
from chain.core.execution import tracers
from chain.core.execution.access_lists import create_access_list
from chain.core.execution.call import CallSession
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.params import block_env
from chain.core.execution.simulate import ETHER as ETHER_ADDRESS
from chain.core.execution.simulate import BlockOverrides, BlockPlan, SimulatedCall, simulate_blocks
from chain.core.execution.trace import Placed, trace_call, trace_transactions
from tests.core.execution import asm
from tests.core.execution.build import ETHER, PARAMS, block_hashes, make_block, make_env, make_tx, run_epoch

ALICE, CODE, OTHER = b"\xa1" * 20, b"\xc0" * 20, b"\x07" * 20
ENV = make_env()


def make_state(code: bytes, other: bytes = b"", storage=None) -> MemoryState:
    state = MemoryState()
    state.put(ALICE, ETHER)
    state.put(CODE, 0, 1, code, storage)
    if other:
        state.put(OTHER, 0, 1, other)
    return state


def trace(state, name="structLogger", options=None, **fields):
    session = CallSession(PARAMS, ENV, state)
    call = {"sender": ALICE, "to": CODE, "gas": 1_000_000, **fields}
    return trace_call(session, name, options or {}, call)


def test_costs_of_calls_hold_what_they_give_away():
    result = trace(make_state(asm.asm(asm.call(OTHER, gas=50_000), asm.POP), asm.sstore(1, asm.push(9))))
    steps = result["structLogs"]
    call = next(step for step in steps if step["op"] == "CALL")
    assert call["gasCost"] == 2_600 + 50_000
    store = next(step for step in steps if step["op"] == "SSTORE")
    assert (store["depth"], store["storage"]) == (2, {f"{1:064x}": f"{9:064x}"})
    assert [step["op"] for step in steps if step["depth"] == 1][-2:] == ["POP", "STOP"]


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (asm.asm(asm.INVALID), "invalid opcode"),
        (asm.asm(asm.push(3), asm.JUMP), "invalid jump destination"),
        (asm.asm(asm.POP), "stack underflow"),
        (asm.asm(asm.JUMPDEST, asm.push(0), asm.JUMP), "out of gas"),
    ],
)
def test_the_step_that_fails_says_why(code, error):
    result = trace(make_state(code), gas=30_000)
    assert (result["failed"], result["structLogs"][-1]["error"]) == (True, error)
    tree = trace(make_state(code), "callTracer", gas=30_000)
    assert (tree["error"], tree["gas"], tree["gasUsed"]) == (error, hex(30_000), hex(30_000))


def test_logs_of_failed_frames_never_were():
    inner = asm.asm(asm.push(0), asm.push(0), asm.LOG0, asm.push(0), asm.push(0), asm.REVERT)
    code = asm.asm(asm.push(0), asm.push(0), asm.LOG0, asm.call(OTHER))
    tree = trace(make_state(code, inner), "callTracer", {"withLog": True})
    assert len(tree["logs"]) == 1
    assert "logs" not in tree["calls"][0]
    assert tree["calls"][0]["error"] == "execution reverted"


def test_selfdestruct_is_a_call():
    state = make_state(asm.asm(asm.push(OTHER), asm.SELFDESTRUCT))
    state.put(CODE, 77, 1, asm.asm(asm.push(OTHER), asm.SELFDESTRUCT))
    (call,) = trace(state, "callTracer")["calls"]
    assert (call["type"], call["to"], call["value"]) == ("SELFDESTRUCT", "0x" + OTHER.hex(), hex(77))


def test_what_came_and_what_went_shows_in_the_difference():
    code = asm.asm(asm.sstore(1, asm.push(0)), asm.sstore(2, asm.push(6)), asm.create(asm.deployer(b"\x5b")))
    diff = trace(make_state(code, storage={1: 5}), "prestateTracer", {"diffMode": True})
    here = "0x" + CODE.hex()
    assert diff["pre"][here]["storage"] == {f"0x{1:064x}": f"0x{5:064x}"}
    assert diff["post"][here]["storage"] == {f"0x{2:064x}": f"0x{6:064x}"}
    (made,) = [address for address in diff["post"] if address not in diff["pre"]]
    assert diff["post"][made]["code"] == "0x5b"


def test_traces_that_grow_without_end_are_refused(monkeypatch):
    loop = make_state(asm.asm(asm.JUMPDEST, asm.push(0), asm.JUMP))
    monkeypatch.setattr(tracers, "MAX_WORDS", 1_000)
    monkeypatch.setattr(tracers, "MAX_FRAMES", 10)
    with pytest.raises(RequestError) as caught:
        trace(loop)
    assert caught.value.code == "limit_exceeded"
    calls = make_state(asm.asm(asm.JUMPDEST, asm.call(OTHER), asm.POP, asm.push(0), asm.JUMP))
    with pytest.raises(RequestError) as caught:
        trace(calls, "callTracer")
    assert caught.value.code == "limit_exceeded"
    assert "error" in trace(calls, "callTracer", {"onlyTopCall": True})


def test_an_epoch_traced_gives_its_own_receipts():
    code = asm.asm(asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD), asm.COINBASE, asm.push(7), asm.SSTORE)
    state = make_state(code)
    txs = [make_tx(ALICE, n, CODE if n % 2 else OTHER, 1, gas_limit=100_000) for n in range(4)]
    block = make_block("x", txs)
    result = run_epoch(state, [block])
    by_hash = {tx.hash: tx for tx in txs}
    order = [Placed(by_hash[receipt.tx_hash], block.coinbase) for receipt in result.receipts]
    traces = trace_transactions(ENV, order, None, state, PARAMS, block_hashes, "callTracer", {})
    assert [(tx, int(one["gasUsed"], 16)) for tx, one in traces] == [(r.tx_hash, r.gas_used) for r in result.receipts]
    wanted = {order[1].tx.hash}
    ((tx, only),) = trace_transactions(ENV, order, wanted, state, PARAMS, block_hashes, "prestateTracer", {})
    assert tx == order[1].tx.hash
    assert only["0x" + ALICE.hex()]["nonce"] == 1


def test_access_lists_grow_until_they_hold_all():
    state = make_state(asm.asm(asm.call(OTHER), asm.push(4), asm.SLOAD), asm.asm(asm.push(8), asm.SLOAD))
    found = create_access_list(PARAMS, ENV, state, ALICE, CODE, gas=200_000)
    assert [(entry.address, entry.slots) for entry in found.access_list] == [(OTHER, (8,)), (CODE, (4,))]


def test_transfers_show_as_logs_unless_they_failed():
    code = asm.asm(asm.call(OTHER, value=3), asm.call(b"\x08" * 20, value=2))
    state = make_state(code, asm.asm(asm.push(0), asm.push(0), asm.REVERT))
    call = SimulatedCall(ALICE, CODE, 10, b"", 200_000, 0, None)
    plan = BlockPlan(BlockOverrides(), {}, [call])
    parent = block_env(ENV, PARAMS)
    (block,) = simulate_blocks(PARAMS, ENV, parent, state, [plan], block_hashes, validation=False, transfers=True)
    ((result, logs),) = block.results
    assert result.success
    assert [(log.address, int.from_bytes(log.data, "big")) for log in logs] == [(ETHER_ADDRESS, 10), (ETHER_ADDRESS, 2)]
    assert (block.block.number, block.plan) == (parent.number + 1, 0)
