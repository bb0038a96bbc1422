"""What Prague demands of accounts: creation, self-destruction (EIP-6780), delegations (EIP-7702)."""

from __future__ import annotations

import warnings

import pytest

from chain.core.execution.evm.executor import created_address
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.transactions import keccak
from chain.core.types import EMPTY_CODE_HASH, Account, Authorization
from tests.core.execution import asm
from tests.core.execution.build import (
    ETHER,
    check_epoch,
    make_block,
    make_tx,
    sign_authorization,
    signer_in,
)
from tests.core.execution.direct import ALICE, CODE, OTHER, execute, make_state


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
