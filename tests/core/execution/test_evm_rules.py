"""What Prague demands around and inside the code, where py-evm leaves gaps or we replaced it (protocol §8, EVM)."""

from __future__ import annotations

import tracemalloc
import warnings

import pytest

from chain.core.errors import ConfigError
from chain.core.execution.evm.code import Code, jump_map
from chain.core.execution.evm.executor import Call, Executor, created_address
from chain.core.execution.evm.machine import machine_classes
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX, CachedReader, StateOverlay
from chain.core.execution.params import BlockEnv
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account, Authorization
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
    sign_authorization,
    signer_in,
)

ALICE, CODE, OTHER = b"\xa1" * 20, b"\xc0" * 20, b"\x07" * 20
ENV = BlockEnv(PARAMS.chain_id, 1_000, 1_700_000_000, keccak(b"lot"), GWEI, PARAMS.block_gas_limit)


def make_state(code: bytes = b"", balance: int = 0, storage: dict[int, int] | None = None) -> MemoryState:
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    state.put(CODE, balance, 1, code, storage)
    return state


def execute(
    state: MemoryState, to: bytes | None = CODE, value: int = 0, data: bytes = b"", gas: int = 1_000_000, **more
):
    """Run one call; returns its outcome and the overlay after it."""
    overlay = StateOverlay(CachedReader(state))
    executor = Executor(overlay, ENV, block_hashes)
    call = Call(ALICE, to, value, data, gas, 2 * GWEI, 2 * GWEI, more.get("access_list", ()), more.get("auth", ()))
    return executor.run(call, COINBASE_X), overlay


def slots_after(code: bytes, **fields) -> dict[int, int]:
    outcome, overlay = execute(make_state(code), **fields)
    assert outcome.success
    return {slot: value for (address, slot), value in overlay.slots.items() if address == CODE}


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


# -- creation --------------------------------------------------------------------------------------


def test_creation_deploys_and_pays():
    runtime = asm.asm(asm.push(1), asm.POP)
    outcome, overlay = execute(make_state(), to=None, data=asm.deployer(runtime), value=3)
    address = created_address(ALICE, 0)
    assert outcome.contract_address == address
    assert overlay.account(address) == Account(1, 3, keccak(runtime))
    assert overlay.code_of(address) == runtime


@pytest.mark.parametrize("occupied", ["nonce", "code", "storage"])
def test_creation_onto_an_account_in_use_fails(occupied):
    """EIP-684 and EIP-7610: nonce, code or storage; the gas is gone, a balance alone is no obstacle."""
    address = created_address(ALICE, 0)
    state = make_state()
    fields = {"nonce": (0, 1, b""), "code": (0, 0, b"\x00"), "storage": (0, 0, b"")}[occupied]
    state.put(address, *fields, storage={1: 1} if occupied == "storage" else None)
    outcome, overlay = execute(state, to=None, data=asm.deployer(b"\x00"), value=3)
    assert (outcome.success, outcome.gas_used) == (False, 1_000_000)
    assert overlay.account(ALICE).nonce == 1
    state = make_state()
    state.put(address, 9)
    outcome, overlay = execute(state, to=None, data=asm.deployer(b"\x00"), value=3)
    assert outcome.success
    assert overlay.account(address).balance == 12


def test_create2_onto_storage_fails():
    initcode = asm.deployer(b"\x00")
    target = keccak(b"\xff" + CODE + (1).to_bytes(32, "big") + keccak(initcode))[12:]
    state = make_state(asm.sstore(0, asm.create(initcode, salt=1)))
    _, overlay = execute(state)
    assert overlay.slot(CODE, 0) == int.from_bytes(target, "big")
    state.put(target, 0, 0, b"", {5: 5})
    _, overlay = execute(state)
    assert overlay.slot(CODE, 0) == 0
    assert overlay.account(CODE).nonce == 2


def test_code_may_not_begin_with_ef_nor_exceed_24576_bytes():
    for runtime, fine in ((b"\xef\x00", False), (bytes(24_576), True), (bytes(24_577), False)):
        outcome, _ = execute(make_state(), to=None, data=asm.deployer(runtime), gas=10_000_000)
        assert outcome.success == fine


def test_initcode_is_charged_once_even_from_a_delegated_origin():
    """py-evm charges EIP-3860's word gas again when the creating frame's sender is the transaction's."""
    initcode = asm.deployer(b"\x00")
    state = make_state(asm.sstore(0, asm.create(initcode)))
    plain, _ = execute(state)
    state.put(ALICE, 10 * ETHER, 0, DELEGATION_PREFIX + CODE)
    delegated, overlay = execute(state, to=ALICE)
    assert delegated.success
    assert overlay.slot(ALICE, 0) != 0
    # the delegate is warm (EIP-7702), so nothing else differs
    assert delegated.gas_used == plain.gas_used


# -- self-destruction (EIP-6780) -------------------------------------------------------------------


def test_old_contracts_only_send_their_balance():
    state = make_state(asm.asm(asm.push(OTHER), asm.SELFDESTRUCT), balance=7, storage={1: 2})
    outcome, overlay = execute(state)
    assert overlay.account(OTHER) == Account(0, 7, EMPTY_CODE_HASH)
    assert overlay.account(CODE).nonce == 1
    assert outcome.destroyed == 0
    state = make_state(asm.asm(asm.push(CODE), asm.SELFDESTRUCT), balance=7)
    outcome, overlay = execute(state)
    assert overlay.account(CODE).balance == 7
    assert outcome.destroyed == 0


def test_new_contracts_vanish_with_their_storage():
    initcode = asm.asm(asm.sstore(1, asm.push(2)), asm.push(OTHER), asm.SELFDESTRUCT)
    outcome, overlay = execute(make_state(), to=None, data=initcode, value=7)
    address = created_address(ALICE, 0)
    assert outcome.success
    assert overlay.account(address) is None
    assert overlay.slot(address, 1) == 0
    assert overlay.account(OTHER).balance == 7
    assert outcome.destroyed == 0


def test_ether_left_to_oneself_is_destroyed():
    initcode = asm.asm(asm.ADDRESS, asm.SELFDESTRUCT)
    outcome, overlay = execute(make_state(), to=None, data=initcode, value=7)
    assert outcome.destroyed == 7
    assert overlay.account(created_address(ALICE, 0)) is None


def test_ether_sent_after_self_destruction_is_destroyed_too():
    initcode = asm.asm(asm.push(OTHER), asm.SELFDESTRUCT)
    # create with 5, which go to OTHER; then send 3 more to the doomed account
    code = asm.asm(
        asm.create(initcode, value=5),
        asm.sstore(9, asm.DUP1),
        asm.asm(asm.push(0), asm.push(0), asm.push(0), asm.push(0), asm.push(3), asm.push(9), asm.SLOAD),
        asm.GAS,
        asm.CALL,
    )
    outcome, overlay = execute(make_state(code, balance=20))
    assert outcome.destroyed == 3
    assert overlay.account(OTHER).balance == 5
    assert overlay.account(CODE).balance == 12


def test_destruction_in_a_reverted_frame_does_not_count():
    inner = asm.asm(asm.create(asm.asm(asm.ADDRESS, asm.SELFDESTRUCT), value=5), asm.push(0), asm.push(0), asm.REVERT)
    state = make_state(asm.call(OTHER))
    state.put(OTHER, 50, 1, inner)
    outcome, overlay = execute(state)
    assert outcome.success
    assert outcome.destroyed == 0
    assert overlay.account(OTHER).balance == 50


def test_destroyed_ether_leaves_the_supply():
    tx = make_tx(ALICE, 0, None, 7, data=asm.asm(asm.ADDRESS, asm.SELFDESTRUCT), gas_limit=100_000)
    result = check_epoch(make_state(), [make_block("x", [tx])])
    assert result.supply.destroyed == 7


def test_self_destruction_is_silent():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        execute(make_state(asm.asm(asm.push(OTHER), asm.SELFDESTRUCT), balance=7))


def test_destroying_twice_in_nested_frames_is_once():
    """A new contract calls itself; the inner frame destroys it, then the outer one does so again."""
    eq, dup6 = 0x14, 0x85
    zeros = asm.push(0) * 5
    again = asm.asm(zeros, asm.ADDRESS, asm.GAS, asm.CALL, asm.POP)
    head = asm.asm(asm.ADDRESS, asm.CALLER, eq)
    runtime = asm.asm(head, asm.push(len(head) + 3 + len(again)), asm.JUMPI, again, asm.JUMPDEST)
    runtime += asm.asm(asm.push(OTHER), asm.SELFDESTRUCT)
    code = asm.asm(asm.create(asm.deployer(runtime), value=6), zeros, dup6, asm.GAS, asm.CALL)
    outcome, overlay = execute(make_state(asm.sstore(0, code), balance=9))
    assert outcome.success
    assert overlay.slot(CODE, 0) == 1
    assert overlay.account(OTHER).balance == 6
    assert overlay.account(created_address(CODE, 1)) is None
    assert outcome.destroyed == 0


# -- delegations (EIP-7702) ------------------------------------------------------------------------


def test_authorization_sets_clears_and_refunds():
    authority, key = signer_in(0, "authority")
    state = make_state(asm.sstore(0, asm.push(1)))
    new, overlay = execute(state, to=OTHER, auth=(sign_authorization(key, CODE, 0),))
    assert overlay.code_of(authority) == DELEGATION_PREFIX + CODE
    assert overlay.account(authority) == Account(1, 0, keccak(DELEGATION_PREFIX + CODE))
    assert new.gas_used == 46_000
    state.put(authority, 5, 3, DELEGATION_PREFIX + CODE)
    known, overlay = execute(state, to=OTHER, auth=(sign_authorization(key, bytes(20), 3),))
    assert overlay.account(authority) == Account(4, 5, EMPTY_CODE_HASH)
    assert known.gas_used == 46_000 - min(12_500, 46_000 // 5)


def test_delegated_code_runs_on_the_authority():
    authority, key = signer_in(0, "authority")
    _, overlay = execute(make_state(asm.sstore(3, asm.ADDRESS)), to=authority, auth=(sign_authorization(key, CODE, 0),))
    assert overlay.slot(authority, 3) == int.from_bytes(authority, "big")
    assert overlay.slot(CODE, 3) == 0


def test_authorizations_survive_a_failing_call():
    authority, key = signer_in(0, "authority")
    outcome, overlay = execute(make_state(bytes((asm.INVALID,))), auth=(sign_authorization(key, OTHER, 0),))
    assert not outcome.success
    assert overlay.code_of(authority) == DELEGATION_PREFIX + OTHER


def test_bad_authorizations_are_passed_over():
    authority, key = signer_in(0, "authority")
    good = sign_authorization(key, CODE, 0)
    half = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
    bad = (
        sign_authorization(key, CODE, 1),
        sign_authorization(key, CODE, 0, chain_id=1),
        Authorization(good.chain_id, CODE, 0, 1 - good.y_parity, good.r, half - good.s),
        Authorization(good.chain_id, CODE, 0, 2, good.r, good.s),
        Authorization(good.chain_id, CODE, 0, good.y_parity, 0, good.s),
    )
    outcome, overlay = execute(make_state(), to=OTHER, auth=bad)
    assert overlay.account(authority) is None
    assert outcome.gas_used == 21_000 + 25_000 * len(bad)


def test_contracts_cannot_be_delegated():
    authority, key = signer_in(0, "authority")
    state = make_state()
    state.put(authority, 0, 0, b"\x00")
    _, overlay = execute(state, to=OTHER, auth=(sign_authorization(key, CODE, 0),))
    assert overlay.code_of(authority) == b"\x00"


def test_the_sender_can_delegate_itself_with_the_next_nonce():
    sender, key = signer_in(0, "authority")
    state = make_state(asm.sstore(0, asm.push(1)))
    state.put(sender, ETHER)
    tx = make_tx(sender, 0, sender, 0, gas_limit=200_000, authorizations=[sign_authorization(key, CODE, 1)])
    result = check_epoch(state, [make_block("x", [tx])])
    assert result.diff.accounts[sender].nonce == 2
    assert result.diff.slots == {(sender, 0): 1}
    # and then sends from a delegated account, which EIP-3607 lets pass
    state.apply(result.diff)
    again = make_tx(sender, 2, OTHER, 1)
    assert check_epoch(state, [make_block("x", [again])]).receipts[0].status == 1


def test_a_delegation_to_a_precompile_runs_nothing():
    state = make_state(asm.sstore(0, asm.call(OTHER)) + asm.sstore(1, asm.RETURNDATASIZE))
    state.put(OTHER, 0, 1, DELEGATION_PREFIX + (4).to_bytes(20, "big"))
    _, overlay = execute(state)
    assert overlay.slot(CODE, 0) == 1
    assert overlay.slot(CODE, 1) == 0


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
