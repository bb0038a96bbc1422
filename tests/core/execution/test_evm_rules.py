"""What Prague demands around and inside the code, where py-evm leaves gaps or we replaced it (protocol §8, EVM)."""

from __future__ import annotations

import tracemalloc

import pytest

from chain.core.errors import ConfigError
from chain.core.execution.evm.code import Code, jump_map
from chain.core.execution.evm.machine import machine_classes
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.transactions import keccak
from tests.core.execution import asm
from tests.core.execution.build import (
    COINBASE_X,
    ETHER,
    GWEI,
    PARAMS,
    block_hashes,
    check_epoch,
    make_block,
    make_env,
    make_tx,
)
from tests.core.execution.direct import ALICE, CODE, OTHER, execute, make_state, slots_after

# -- the environment -------------------------------------------------------------------------------


def test_block_opcodes():
    code = b"".join(
        asm.sstore(slot, op)
        for slot, op in enumerate(
            (asm.NUMBER, asm.TIMESTAMP, asm.PREVRANDAO, asm.BASEFEE, asm.GASLIMIT, asm.BLOBBASEFEE, asm.COINBASE)
            + (asm.CHAINID, asm.GASPRICE, asm.ORIGIN)
        )
    )
    found = slots_after(code)
    assert found == {
        0: 1_000,
        1: 1_700_000_000,
        2: int.from_bytes(keccak(b"lot"), "big"),
        3: GWEI,
        4: 30_000_000 + 21_000 * 1_000,
        5: 1,
        6: int.from_bytes(COINBASE_X, "big"),
        7: PARAMS.chain_id,
        8: 2 * GWEI,
        9: int.from_bytes(ALICE, "big"),
    }


@pytest.mark.parametrize(("number", "known"), [(999, True), (744, True), (743, False), (1_000, False), (2**255, False)])
def test_blockhash_reaches_256_back(number, known):
    found = slots_after(asm.sstore(1, asm.push(number), asm.BLOCKHASH) + asm.sstore(2, asm.push(1)))
    expected = int.from_bytes(block_hashes(number) or b"", "big") if known else 0
    assert found.get(1, 0) == expected
    assert bool(expected) == known


def test_coinbase_of_red_blocks_is_that_of_x():
    state = make_state(asm.sstore(0, asm.COINBASE))
    state.put(OTHER, ETHER)
    red, blue = b"\x0d" * 20, b"\x0b" * 20
    for is_blue, earns, expected in ((False, False, COINBASE_X), (True, True, blue), (True, False, blue)):
        tx = make_tx(ALICE, 0, CODE, 0, gas_limit=100_000)
        blocks = [make_block("m", [tx], blue if is_blue else red, is_blue, earns), make_block("x", [])]
        result = check_epoch(state, blocks)
        assert result.diff.slots[CODE, 0] == int.from_bytes(expected, "big")
        assert (result.supply.tips_burned > 0) == (not earns)


def test_coinbase_is_warm_but_neither_created_nor_charged():
    # BALANCE(COINBASE) costs 100 and not 2600 (EIP-3651)
    outcome, overlay = execute(make_state(asm.asm(asm.COINBASE, asm.BALANCE, asm.POP)))
    assert outcome.gas_used == 21_000 + 2 + 100 + 2
    assert overlay.account(COINBASE_X) is None


# -- gas around the code ---------------------------------------------------------------------------


def test_refunds_are_a_fifth_at_most():
    state = make_state(asm.sstore(0, asm.push(0)), storage={0: 5})
    outcome, _ = execute(state)
    spent = 21_000 + 2 + 2 + 5_000
    assert outcome.gas_used == spent - min(4_800, spent // 5)


@pytest.mark.parametrize(
    ("data", "floor"), [(b"", 21_000), (bytes(100), 22_000), (b"\x01" * 100, 25_000), (b"\x00\x01" * 50, 23_500)]
)
def test_eip_7623_floor(data, floor):
    outcome, _ = execute(make_state(b"\x00"), data=data)
    assert outcome.gas_used == floor


def test_floor_counts_after_refunds():
    state = make_state(asm.sstore(0, asm.push(0)), storage={0: 5})
    outcome, _ = execute(state, data=b"\x01" * 200)
    before = 21_000 + 16 * 200 + 5_004
    assert outcome.gas_used == max(21_000 + 40 * 200, before - 4_800)


def test_the_sender_pays_what_was_used():
    outcome, overlay = execute(make_state(b"\x00"), value=5)
    assert overlay.account(ALICE).balance == 10 * ETHER - 5 - outcome.gas_used * 2 * GWEI
    assert overlay.account(ALICE).nonce == 1


def test_a_failed_call_costs_all_its_gas_and_moves_nothing():
    outcome, overlay = execute(make_state(bytes((asm.INVALID,))), value=5)
    assert (outcome.success, outcome.gas_used) == (False, 1_000_000)
    assert overlay.account(CODE).balance == 0


def test_revert_returns_gas_and_data():
    code = asm.asm(asm.push(7), asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.REVERT)
    outcome, _ = execute(make_state(code))
    assert not outcome.success
    assert outcome.output == (7).to_bytes(32, "big")
    assert outcome.gas_used < 22_000


# -- frames ----------------------------------------------------------------------------------------


def test_logs_come_in_the_order_of_emission():
    emit = asm.asm(asm.push(0), asm.push(0))
    inner = asm.asm(asm.push(2), emit, asm.LOG1)
    failing = asm.asm(asm.push(9), emit, asm.LOG1, asm.INVALID)
    state = make_state(
        asm.asm(asm.push(1), emit, asm.LOG1, asm.call(OTHER), asm.call(ALICE, gas=5_000), asm.push(3), emit, asm.LOG1)
    )
    state.put(OTHER, 0, 1, inner)
    state.put(ALICE, 10 * ETHER, 0, DELEGATION_PREFIX + b"\x99" * 20)
    state.put(b"\x99" * 20, 0, 1, failing)
    outcome, _ = execute(state)
    assert [int.from_bytes(log.topics[0], "big") for log in outcome.logs] == [1, 2, 3]
    assert [log.address for log in outcome.logs] == [CODE, OTHER, CODE]


def test_transient_storage_lives_for_one_transaction():
    code = asm.asm(asm.sstore(0, asm.push(1), asm.TLOAD), asm.push(7), asm.push(1), asm.TSTORE)
    state = make_state(code + asm.sstore(2, asm.push(1), asm.TLOAD))
    txs = [make_tx(ALICE, n, CODE, 0, gas_limit=100_000) for n in range(2)]
    result = check_epoch(state, [make_block("x", txs)])
    assert result.diff.slots == {(CODE, 2): 7}


def test_calls_nest_to_the_depth_that_gas_allows():
    """63/64 of the gas at each level: some six hundred frames, no interpreter limit in sight."""
    code = asm.asm(asm.call(CODE), asm.POP)
    outcome, _ = execute(make_state(code), gas=30_000_000)
    assert outcome.success


def test_many_calls_keep_no_frames():
    """Four thousand calls in a loop hold the memory of one: py-evm keeps every child frame."""
    state = make_state(asm.asm(asm.JUMPDEST, asm.call(OTHER), asm.POP, asm.push(0), asm.JUMP))
    state.put(OTHER, 0, 1, b"\x00")
    execute(state, gas=50_000)
    tracemalloc.start()
    try:
        outcome, _ = execute(state, gas=500_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert outcome.gas_used == 500_000
    assert peak < 1_000_000


def test_jump_analysis_has_no_depth():
    """py-evm's own look back recurses once for each PUSH byte: 24 kB of them end in an interpreter error."""
    code = asm.asm(asm.push(24_000), asm.JUMP).ljust(24_000, b"\x60") + bytes((asm.JUMPDEST, asm.STOP))
    outcome, _ = execute(make_state(code))
    assert outcome.success
    outcome, _ = execute(make_state(code.replace(b"\x60", b"\x61", 1)))
    assert not outcome.success
    assert [at for at, ok in enumerate(jump_map(b"\x60\x5b\x5b")) if ok] == [2]
    assert [at for at, ok in enumerate(jump_map(b"\x7f" + b"\x5b" * 33)) if ok] == [33]
    assert not Code(b"").may_jump_to(0)
    assert not Code(b"\x5b").may_jump_to(2**255)


@pytest.mark.parametrize("target", [2, 2**256 - 1, 10**6])
def test_jumps_elsewhere_fail(target):
    outcome, _ = execute(make_state(asm.asm(asm.push(target), asm.JUMP, asm.JUMPDEST)))
    assert not outcome.success


def test_unknown_fork_is_refused():
    with pytest.raises(ConfigError) as caught:
        machine_classes("frontier")
    assert caught.value.code == "unknown_evm_fork"


def test_py_evm_is_loaded_only_for_calls():
    import subprocess
    import sys

    program = (
        "import sys\n"
        "from tests.core.execution.build import *\n"
        "state = MemoryState(); a, b = address_in(0, 'a'), address_in(1, 'b'); state.put(a, ETHER)\n"
        "result = run_epoch(state, [make_block('x', [make_tx(a, 0, b, 1), make_tx(a, 1, a, 1)])])\n"
        "assert len(result.receipts) == 2\n"
        "assert not [name for name in sys.modules if name == 'eth' or name.startswith('eth.')]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_env_of_the_epoch_reaches_the_evm():
    state = make_state(asm.sstore(0, asm.TIMESTAMP) + asm.sstore(1, asm.PREVRANDAO))
    env = make_env(timestamp_ms=1_999, prevrandao=b"\x01" * 32)
    result = check_epoch(state, [make_block("x", [make_tx(ALICE, 0, CODE, 0, gas_limit=100_000)])], env)
    assert result.diff.slots == {(CODE, 0): 1, (CODE, 1): int.from_bytes(b"\x01" * 32, "big")}
