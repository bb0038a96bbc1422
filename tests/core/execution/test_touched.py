"""The touched set decides who is local (protocol §8, *Touched*): each way to touch, and what does not."""

from __future__ import annotations

import pytest

from chain.core.execution.evm.executor import created_address
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.shards import shard_of
from chain.core.transactions import keccak
from chain.core.types import AccessEntry, Phase
from tests.core.execution import asm
from tests.core.execution.build import (
    ETHER,
    PARAMS,
    SHARDS,
    address_in,
    check_epoch,
    make_block,
    make_env,
    make_tx,
    sign_authorization,
    signer_in,
)

ALICE, CODE = address_in(0, "alice"), address_in(0, "code")
HERE, THERE = address_in(0, "here"), address_in(1, "there")
LOCAL, CROSS = Phase.LOCAL, Phase.CROSS


def precompile_in(shard: int, other: bool = False) -> bytes:
    """A precompile whose address lies in the shard (or in any other)."""
    for number in range(1, 0x12):
        address = number.to_bytes(20, "big")
        if (shard_of(address, SHARDS) == shard) != other:
            return address
    raise AssertionError("none")


FOREIGN_PRECOMPILE = precompile_in(0, other=True)


def phase_of(code: bytes, gas_limit: int = 300_000, state: MemoryState | None = None, **fields) -> Phase:
    """The phase of a call by Alice to a contract with this code in her shard."""
    state = state or MemoryState()
    state.put(ALICE, 10 * ETHER)
    state.put(CODE, ETHER, 1, code)
    result = check_epoch(state, [make_block("x", [make_tx(ALICE, 0, CODE, 0, gas_limit=gas_limit, **fields)])])
    return result.receipts[0].phase


def reading(op: int, address: bytes) -> bytes:
    if op == asm.EXTCODECOPY:
        return asm.asm(asm.push(0), asm.push(0), asm.push(0), asm.push(address), op)
    return asm.asm(asm.push(address), op, asm.POP)


READS = [asm.BALANCE, asm.EXTCODESIZE, asm.EXTCODECOPY, asm.EXTCODEHASH]
CALLS = [asm.CALL, asm.CALLCODE, asm.DELEGATECALL, asm.STATICCALL]


@pytest.mark.parametrize("op", READS)
def test_reading_opcodes_touch(op):
    assert phase_of(reading(op, THERE)) == CROSS
    assert phase_of(reading(op, HERE)) == LOCAL
    assert phase_of(reading(op, FOREIGN_PRECOMPILE)) == CROSS


@pytest.mark.parametrize("op", CALLS)
def test_calls_touch(op):
    assert phase_of(asm.call(THERE, op=op)) == CROSS
    assert phase_of(asm.call(HERE, op=op)) == LOCAL


@pytest.mark.parametrize("op", CALLS)
def test_merely_executing_a_precompile_does_not_touch_it(op):
    assert phase_of(asm.call(FOREIGN_PRECOMPILE, op=op)) == LOCAL


@pytest.mark.parametrize("op", [asm.CALL, asm.CALLCODE])
def test_value_to_a_precompile_touches_it(op):
    assert phase_of(asm.call(FOREIGN_PRECOMPILE, value=1, op=op)) == CROSS


def test_gas_does_not_matter():
    # BALANCE of a cold account costs 2600, a call with value 9000: neither is there
    assert phase_of(reading(asm.BALANCE, THERE), gas_limit=21_010) == CROSS
    assert phase_of(asm.call(THERE, value=1), gas_limit=21_050) == CROSS
    assert phase_of(asm.asm(asm.push(THERE), asm.SELFDESTRUCT), gas_limit=21_010) == CROSS


def test_a_reverting_frame_does_not_matter():
    revert = asm.asm(asm.push(0), asm.push(0), asm.REVERT)
    assert phase_of(reading(asm.BALANCE, THERE) + revert) == CROSS
    state = MemoryState()
    state.put(HERE, 0, 1, reading(asm.BALANCE, THERE) + revert)
    assert phase_of(asm.call(HERE), state=state) == CROSS
    assert phase_of(reading(asm.BALANCE, THERE) + bytes((asm.INVALID,))) == CROSS


def test_an_operand_that_is_not_there_touches_nothing():
    assert phase_of(bytes((asm.BALANCE,))) == LOCAL
    assert phase_of(asm.asm(asm.push(THERE), asm.CALL)) == LOCAL
    # the address is there, the arguments are not
    assert phase_of(asm.asm(asm.push(THERE), asm.push(0), asm.CALL)) == CROSS
    assert phase_of(bytes((asm.SELFDESTRUCT,))) == LOCAL


def test_code_that_is_not_reached_touches_nothing():
    assert phase_of(asm.asm(asm.STOP, reading(asm.BALANCE, THERE))) == LOCAL


def test_self_destruct_touches_its_beneficiary():
    assert phase_of(asm.asm(asm.push(THERE), asm.SELFDESTRUCT)) == CROSS
    assert phase_of(asm.asm(asm.push(HERE), asm.SELFDESTRUCT)) == LOCAL


def salt_for(shard: int, initcode: bytes, at: bytes = CODE) -> int:
    for salt in range(1, 1000):
        address = keccak(b"\xff" + at + salt.to_bytes(32, "big") + keccak(initcode))[12:]
        if shard_of(address, SHARDS) == shard:
            return salt
    raise AssertionError("none")


@pytest.mark.parametrize(("shard", "phase"), [(0, LOCAL), (1, CROSS)])
def test_create2_touches_what_it_creates(shard, phase):
    initcode = asm.deployer(b"\x00")
    assert phase_of(asm.create(initcode, salt=salt_for(shard, initcode))) == phase


def test_create_touches_what_it_creates():
    expected = LOCAL if shard_of(created_address(CODE, 1), SHARDS) == 0 else CROSS
    assert phase_of(asm.create(asm.deployer(b"\x00"))) == expected


def test_a_create_stopped_by_its_checks_touches_nothing():
    initcode = asm.deployer(b"\x00")
    salt = salt_for(1, initcode)
    # more value than the contract has
    assert phase_of(asm.create(initcode, value=2 * ETHER, salt=salt)) == LOCAL
    # no gas for CREATE2 itself
    assert phase_of(asm.create(initcode, salt=salt), gas_limit=30_000) == LOCAL
    # initcode beyond EIP-3860 aborts before the checks
    huge = asm.asm(asm.push(salt), asm.push(49_153), asm.push(0), asm.push(0), asm.CREATE2)
    assert phase_of(huge) == LOCAL


def test_a_collision_touches():
    initcode = asm.deployer(b"\x00")
    salt = salt_for(1, initcode)
    target = keccak(b"\xff" + CODE + salt.to_bytes(32, "big") + keccak(initcode))[12:]
    state = MemoryState()
    state.put(target, 0, 1)
    assert phase_of(asm.create(initcode, salt=salt), state=state) == CROSS


def test_the_nonce_check_of_create_comes_before_touching():
    initcode = asm.deployer(b"\x00")
    code = asm.create(initcode, salt=salt_for(1, initcode))
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    state.put(CODE, ETHER, 2**64 - 1, code)
    result = check_epoch(state, [make_block("x", [make_tx(ALICE, 0, CODE, 0, gas_limit=300_000)])])
    assert result.receipts[0].phase == LOCAL


def test_access_lists_touch():
    assert phase_of(b"\x00", access_list=[AccessEntry(THERE, (1,))]) == CROSS
    assert phase_of(b"\x00", access_list=[AccessEntry(HERE, (1,))]) == LOCAL
    # a listed precompile is not merely executed
    assert phase_of(b"\x00", access_list=[AccessEntry(FOREIGN_PRECOMPILE, ())]) == CROSS


def test_delegates_of_called_accounts_are_touched():
    for op in CALLS:
        state = MemoryState()
        state.put(HERE, 0, 1, DELEGATION_PREFIX + THERE)
        assert phase_of(asm.call(HERE, op=op), state=state) == CROSS
    state = MemoryState()
    state.put(HERE, 0, 1, DELEGATION_PREFIX + THERE)
    assert phase_of(reading(asm.EXTCODESIZE, HERE), state=state) == LOCAL
    state = MemoryState()
    state.put(HERE, 0, 1, DELEGATION_PREFIX + address_in(0, "library"))
    assert phase_of(asm.call(HERE), state=state) == LOCAL


def one(state: MemoryState, tx) -> Phase:
    result = check_epoch(state, [make_block("x", [tx])])
    return result.receipts[0].phase


def test_the_delegate_of_the_recipient_is_touched():
    for delegate, phase in ((THERE, CROSS), (address_in(0, "library"), LOCAL)):
        state = MemoryState()
        state.put(ALICE, 10 * ETHER)
        state.put(HERE, 0, 1, DELEGATION_PREFIX + delegate)
        assert one(state, make_tx(ALICE, 0, HERE, 0, gas_limit=100_000)) == phase
        assert one(state, make_tx(ALICE, 0, HERE, 0)) == phase


def test_a_precompile_as_recipient():
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    assert one(state, make_tx(ALICE, 0, FOREIGN_PRECOMPILE, 0, gas_limit=100_000)) == LOCAL
    assert one(state, make_tx(ALICE, 0, FOREIGN_PRECOMPILE, 1, gas_limit=100_000)) == CROSS


def test_a_precompile_named_from_elsewhere_may_still_be_executed():
    """Naming makes its account foreign, but merely executing a precompile does not touch the account."""
    home = shard_of(FOREIGN_PRECOMPILE, SHARDS)
    local, remote = address_in(home, "local"), address_in((home + 1) % SHARDS, "remote")
    state = MemoryState()
    state.put(local, ETHER)
    state.put(remote, ETHER)
    txs = [
        make_tx(remote, 0, FOREIGN_PRECOMPILE, 0, gas_limit=100_000),
        make_tx(local, 0, FOREIGN_PRECOMPILE, 0, gas_limit=100_000),
        make_tx(local, 1, FOREIGN_PRECOMPILE, 1, gas_limit=100_000),
    ]
    result = check_epoch(state, [make_block("x", txs)])
    phases = {receipt.position: receipt.phase for receipt in result.receipts}
    assert phases == {0: LOCAL, 1: LOCAL, 2: CROSS}


def test_authorities_are_touched_once_their_tuple_is_sound():
    far, far_key = signer_in(1, "authority")
    near, near_key = signer_in(0, "authority")
    sound = sign_authorization

    def phase(authorization) -> Phase:
        state = MemoryState()
        for address in (ALICE, far, near):
            state.put(address, ETHER)
        tx = make_tx(ALICE, 0, HERE, 0, gas_limit=100_000, authorizations=[authorization])
        return one(state, tx)

    assert phase(sound(near_key, THERE, 0)) == LOCAL  # the delegate is not called
    assert phase(sound(far_key, HERE, 0)) == CROSS
    assert phase(sound(far_key, HERE, 5)) == CROSS  # a wrong nonce comes after the signature
    assert phase(sound(far_key, HERE, 0, chain_id=0)) == CROSS
    assert phase(sound(far_key, HERE, 0, chain_id=PARAMS.chain_id + 1)) == LOCAL
    assert phase(sound(far_key, HERE, 2**64 - 1)) == LOCAL
    good = sound(far_key, HERE, 0)
    broken = type(good)(good.chain_id, good.address, good.nonce, 2, good.r, good.s)
    assert phase(broken) == LOCAL


def test_a_warm_coinbase_is_not_touched():
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    state.put(CODE, 0, 1, asm.asm(asm.COINBASE, asm.POP))
    env = make_env(coinbase=THERE)
    block = make_block("x", [make_tx(ALICE, 0, CODE, 0, gas_limit=50_000)], coinbase=THERE)
    result = check_epoch(state, [block], env)
    assert result.receipts[0].phase == LOCAL
    assert result.diff.accounts[THERE].balance > 25 * ETHER


def test_an_undone_transaction_leaves_nothing_behind():
    """It writes storage, moves ether and creates before it touches the foreign account."""
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    code = asm.asm(
        asm.sstore(1, asm.push(7)),
        asm.call(HERE, value=5),
        asm.POP,
        reading(asm.BALANCE, THERE),
        asm.push(0),
        asm.push(0),
        asm.REVERT,
    )
    state.put(CODE, ETHER, 1, code)
    reader = make_tx(address_in(0, "bob"), 0, CODE, 0, gas_limit=200_000)
    state.put(reader.sender, ETHER)
    result = check_epoch(state, [make_block("x", [make_tx(ALICE, 0, CODE, 0, gas_limit=200_000), reader], reward=0)])
    assert [receipt.phase for receipt in result.receipts] == [CROSS, CROSS]
    assert [receipt.status for receipt in result.receipts] == [0, 0]
    assert not result.diff.slots
    assert HERE not in result.diff.accounts
    assert CODE not in result.diff.accounts
