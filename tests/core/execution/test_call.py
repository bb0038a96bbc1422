"""Simulated calls: results, errors, overrides, gas estimates, traces."""

from __future__ import annotations

import pytest

from chain.core.errors import RequestError
from chain.core.execution.call import CallSession, estimate_gas, simulate_call
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overrides import AccountOverride, OverriddenState
from chain.core.execution.sequential import Turn, execute_sequential
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, AccessEntry, Account
from tests.core.execution import asm
from tests.core.execution.build import (
    ETHER,
    GWEI,
    PARAMS,
    block_hashes,
    check_epoch,
    lattices_of,
    make_block,
    make_env,
    make_tx,
    run_epoch,
)

ALICE, CODE, OTHER = b"\xa1" * 20, b"\xc0" * 20, b"\x07" * 20
ENV = make_env()
ECHO = asm.asm(asm.push(0), asm.CALLDATALOAD, asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
REVERT = ECHO[:-1] + bytes((asm.REVERT,))


def make_state(code: bytes = ECHO, storage=None) -> MemoryState:
    state = MemoryState()
    state.put(ALICE, ETHER)
    state.put(CODE, 0, 1, code, storage)
    return state


def call(state, to=CODE, **fields):
    return simulate_call(PARAMS, ENV, state, ALICE, to, **fields)


def test_output_and_gas():
    result = call(make_state(), data=b"\x2a" * 32)
    assert (result.success, result.output, result.error) == (True, b"\x2a" * 32, None)
    assert 21_000 < result.gas_used < 22_500


def test_nothing_is_paid_and_nothing_changes():
    state = make_state(asm.sstore(0, asm.push(1)))
    before = state.copy()
    assert call(state, value=ETHER).success
    assert (state.accounts, state.storage) == (before.accounts, before.storage)


def test_revert_carries_its_data():
    result = call(make_state(REVERT), data=b"\x2a" * 32)
    assert (result.success, result.reverted, result.output) == (False, True, b"\x2a" * 32)
    assert result.error == "execution_reverted"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (bytes((asm.INVALID,)), "invalid_opcode"),
        (b"\x0c", "invalid_opcode"),
        (bytes((asm.POP,)), "stack_underflow"),
        (asm.asm(asm.JUMPDEST, asm.push(0), asm.push(0), asm.JUMP), "stack_overflow"),
        (asm.asm(asm.push(5), asm.JUMP), "invalid_jump"),
        (asm.asm(asm.JUMPDEST, asm.push(0), asm.JUMP), "out_of_gas"),
        (asm.asm(asm.push(1), asm.push(0), asm.push(0), 0x3E), "return_data_out_of_bounds"),
    ],
)
def test_failures_have_names(code, error):
    result = call(make_state(code), gas=200_000)
    assert (result.success, result.error, result.output) == (False, error, b"")
    assert result.gas_used == 200_000


def test_write_protection_and_precompile_failures_are_seen_in_traces():
    class Ends:
        def __init__(self):
            self.errors = []

        def enter(self, frame):
            pass

        def step(self, step):
            pass

        def exit(self, frame):
            self.errors.append(frame.error)

    state = make_state(
        asm.asm(asm.call(OTHER, op=asm.STATICCALL), asm.call((8).to_bytes(20, "big"), argument=b"\x01" * 32))
    )
    state.put(OTHER, 0, 1, asm.sstore(0, asm.push(1)))
    tracer = Ends()
    assert call(state, tracer=tracer, gas=1_000_000).success
    assert tracer.errors == ["write_protection", "precompile_failed", None]


def test_what_cannot_start_is_refused():
    state = make_state()
    for fields, code in (
        ({"value": 2 * ETHER}, "insufficient_funds"),
        ({"gas": 20_999}, "intrinsic_gas"),
        ({"gas_price": GWEI - 1}, "max_fee_below_base_fee"),
        ({"gas_price": 10**15, "gas": 30_000}, "insufficient_funds"),
    ):
        with pytest.raises(RequestError) as caught:
            call(state, **fields)
        assert caught.value.code == code


def test_fees_are_paid_where_a_price_is_named():
    state = make_state(asm.asm(asm.BASEFEE, asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN))
    assert call(state).output == bytes(32)
    priced = call(state, gas_price=GWEI, gas=100_000)
    assert int.from_bytes(priced.output, "big") == GWEI


def test_blockhash_comes_from_the_callback():
    state = make_state(
        asm.asm(asm.push(999), asm.BLOCKHASH, asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
    )
    assert call(state).output == bytes(32)
    assert call(state, block_hashes=block_hashes).output == block_hashes(999)


def test_creation_returns_the_code_and_its_address():
    result = call(make_state(), to=None, data=asm.deployer(b"\x00\x01"))
    assert result.success
    assert result.contract_address is not None
    assert result.output == b"\x00\x01"


def test_a_session_remembers():
    session = CallSession(PARAMS, ENV, make_state(asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD)))
    for _ in range(3):
        assert session.call(ALICE, CODE, gas=100_000).success
    assert session.changes().slots == {(CODE, 0): 3}


def test_overrides_replace_what_is_seen():
    read = asm.asm(asm.push(5), asm.SLOAD, asm.push(0), asm.MSTORE, asm.push(32), asm.push(0), asm.RETURN)
    state = make_state(read, {5: 1})

    def seen(**fields):
        return int.from_bytes(call(state, overrides={CODE: AccountOverride(**fields)}).output, "big")

    assert seen() == 1
    assert seen(slots={5: 9}) == 9
    assert seen(storage={}) == 0
    assert seen(storage={5: 7}) == 7
    assert call(state, overrides={CODE: AccountOverride(code=ECHO)}, data=b"\x01" * 32).output == b"\x01" * 32
    rich = {ALICE: AccountOverride(balance=10**30, nonce=77)}
    assert call(state, value=10**29, overrides=rich).success
    with pytest.raises(RequestError):
        call(state, value=1, overrides={ALICE: AccountOverride(balance=0)})


def test_overridden_state_is_a_reader():
    state = make_state(storage={1: 1})
    seen = OverriddenState(
        state,
        {
            OTHER: AccountOverride(code=b"\x01", slots={1: 1}),
            CODE: AccountOverride(code=b"", storage={}),
            ALICE: AccountOverride(nonce=3),
        },
    )
    assert seen.get_account(OTHER) == Account(0, 0, keccak(b"\x01"))
    assert seen.get_code(keccak(b"\x01")) == b"\x01"
    assert seen.get_account(CODE) == Account(1, 0, EMPTY_CODE_HASH)
    assert seen.get_account(ALICE) == Account(3, ETHER, EMPTY_CODE_HASH)
    assert seen.get_code(keccak(ECHO)) == ECHO
    assert [seen.has_storage(address) for address in (OTHER, CODE, ALICE)] == [True, False, False]


def test_accessed_accounts_and_slots_survive_a_revert():
    state = make_state(asm.asm(asm.push(7), asm.SLOAD, asm.call(OTHER), asm.push(0), asm.push(0), asm.REVERT))
    state.put(OTHER, 0, 1, asm.asm(asm.push(9), asm.SLOAD, asm.INVALID))
    result = call(state, gas=500_000)
    assert not result.success
    assert result.accessed == (AccessEntry(OTHER, (9,)), AccessEntry(ALICE, ()), AccessEntry(CODE, (7,)))


# -- estimates -------------------------------------------------------------------------------------


def test_a_plain_transfer_needs_21000():
    assert estimate_gas(PARAMS, ENV, make_state(), ALICE, OTHER, 5).gas == 21_000


@pytest.mark.parametrize(
    "code",
    [
        asm.sstore(0, asm.push(1)),
        asm.sstore(1, asm.call(OTHER, value=0)),  # 63/64 of the gas to a callee that needs it
        asm.asm(asm.sstore(0, asm.push(1)), asm.sstore(0, asm.push(0))),  # refunded
        ECHO,
    ],
)
def test_estimates_suffice_and_are_tight(code):
    state = make_state(code)
    state.put(OTHER, 0, 1, asm.asm(asm.sstore(0, asm.push(5)), asm.sstore(1, asm.push(5))))
    gas = estimate_gas(PARAMS, ENV, state, ALICE, CODE, data=b"\x01").gas
    assert call(state, data=b"\x01", gas=gas).success
    least = next(limit for limit in range(21_000, gas + 1, 50) if _succeeds(state, limit))
    assert gas <= least * 1.03 + 64


def _succeeds(state, gas):
    try:
        return call(state, data=b"\x01", gas=gas).success
    except RequestError:
        return False


def test_an_estimate_is_enough_for_the_transaction_itself():
    state = make_state(asm.sstore(0, asm.push(1)))
    gas = estimate_gas(PARAMS, ENV, state, ALICE, CODE, 0, b"\x01" * 40, gas_price=3 * GWEI).gas
    result = check_epoch(state, [make_block("x", [make_tx(ALICE, 0, CODE, 0, b"\x01" * 40, gas)])])
    assert result.receipts[0].status == 1


def test_a_failing_call_has_no_estimate():
    estimate = estimate_gas(PARAMS, ENV, make_state(REVERT), ALICE, CODE, data=b"\x05" * 32)
    assert estimate.gas is None
    assert estimate.failure.output == b"\x05" * 32


def test_the_allowance_bounds_an_estimate():
    state = make_state(asm.sstore(0, asm.push(1)))
    state.put(ALICE, 60_000 * GWEI)
    estimate = estimate_gas(PARAMS, ENV, state, ALICE, CODE, gas_price=2 * GWEI)
    assert (estimate.gas, estimate.failure.error, estimate.failure.gas_used) == (None, "out_of_gas", 30_000)
    state.put(ALICE, 40_000 * GWEI)
    with pytest.raises(RequestError) as caught:
        estimate_gas(PARAMS, ENV, state, ALICE, CODE, gas_price=2 * GWEI)
    assert caught.value.code == "intrinsic_gas"


# -- traces ----------------------------------------------------------------------------------------


class Recorder:
    """Writes down what it is told."""

    def __init__(self):
        self.lines = []

    def enter(self, frame):
        self.lines.append(("enter", frame.kind, frame.depth, frame.to, frame.value))

    def step(self, step):
        self.lines.append((step.pc, step.op, step.depth, list(step.stack)))

    def exit(self, frame):
        self.lines.append(("exit", frame.error, frame.gas_used > 0))


def test_a_tracer_sees_frames_and_steps():
    state = make_state(asm.asm(asm.call(OTHER), asm.POP))
    state.put(OTHER, 0, 1, asm.asm(asm.push(1), bytes((asm.INVALID,))))
    recorder = Recorder()
    result = call(state, tracer=recorder, gas=100_000)
    assert result.gas_used == call(state, gas=100_000).gas_used
    frames = [line for line in recorder.lines if line[0] in ("enter", "exit")]
    assert frames == [
        ("enter", "CALL", 0, CODE, 0),
        ("enter", "CALL", 1, OTHER, 0),
        ("exit", "invalid_opcode", True),
        ("exit", None, True),
    ]
    steps = [line for line in recorder.lines if isinstance(line[0], int)]
    assert (0, 0x60, 1, []) in steps
    assert (2, asm.INVALID, 1, [1]) in steps
    assert steps[-1][1] == asm.STOP


def test_traces_name_creations():
    recorder = Recorder()
    state = make_state(asm.asm(asm.create(asm.deployer(b"\x00"), salt=1), asm.create(asm.deployer(b"\x00"))))
    call(state, tracer=recorder, gas=1_000_000)
    call(state, to=None, data=asm.deployer(b"\x00"), tracer=recorder, gas=1_000_000)
    assert [line[1] for line in recorder.lines if line[0] == "enter"] == ["CALL", "CREATE2", "CREATE", "CREATE"]


def test_one_transaction_of_an_epoch_can_be_traced():
    state = make_state(asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD))
    txs = [make_tx(ALICE, n, CODE, 0, gas_limit=100_000) for n in range(3)]
    blocks = [make_block("x", txs)]
    result = run_epoch(state, blocks)
    recorder = Recorder()
    traced = execute_sequential(
        ENV,
        blocks,
        [Turn(receipt.tx_hash, receipt.phase) for receipt in result.receipts],
        state,
        lattices_of(state),
        PARAMS,
        block_hashes,
        tracer_of=lambda tx_hash: recorder if tx_hash == txs[1].hash else None,
    )
    assert traced.state_root == result.state_root
    # the second transaction finds the 1 that the first one stored
    assert [line[3] for line in recorder.lines if line[1:3] == (asm.SSTORE, 0)] == [[2, 0]]
