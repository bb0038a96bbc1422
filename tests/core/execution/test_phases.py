"""Which phase a transaction runs in, and what sends it to a later one (protocol §8, shards and phases)."""

from __future__ import annotations

from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX
from chain.core.types import AccessEntry, Phase, SkipReason
from tests.core.execution import asm
from tests.core.execution.build import (
    ETHER,
    GWEI,
    address_in,
    check_epoch,
    make_block,
    make_tx,
    sign_authorization,
    signer_in,
)

ALICE, BOB, POOR = address_in(0, "alice"), address_in(0, "bob"), address_in(0, "poor")
CAROL, DAVE = address_in(1, "carol"), address_in(1, "dave")
ERIN = address_in(2, "erin")
COUNTER_0, COUNTER_1 = address_in(0, "counter"), address_in(1, "counter")
# raises slot 0 by one
COUNTER = asm.sstore(0, asm.push(0), asm.SLOAD, asm.push(1), asm.ADD)
COST = 21_000 * 3 * GWEI
LOCAL, TRANSFER, CROSS = Phase.LOCAL, Phase.TRANSFER, Phase.CROSS


def make_state(**contracts: bytes) -> MemoryState:
    state = MemoryState()
    for address in (ALICE, BOB, CAROL, DAVE, ERIN):
        state.put(address, 10 * ETHER)
    state.put(COUNTER_0, 0, 1, COUNTER)
    state.put(COUNTER_1, 0, 1, COUNTER)
    return state


def call_to(sender, nonce, to, value=0, **fields):
    return make_tx(sender, nonce, to, value, gas_limit=200_000, **fields)


def run(state, txs, **env):
    result = check_epoch(state, [make_block("x", txs)], **env)
    by_hash = {receipt.tx_hash: receipt for receipt in result.receipts}
    return result, [by_hash[tx.hash].phase if tx.hash in by_hash else None for tx in txs]


def test_local_transactions_stay_in_their_lane():
    _, phases = run(make_state(), [make_tx(ALICE, 0, BOB, 1), call_to(ALICE, 1, COUNTER_0), make_tx(CAROL, 0, DAVE)])
    assert phases == [LOCAL, LOCAL, LOCAL]


def test_foreign_recipients_move_on():
    _, phases = run(make_state(), [make_tx(ALICE, 0, CAROL, 1), call_to(BOB, 0, COUNTER_1)])
    assert phases == [TRANSFER, CROSS]


def test_later_ones_of_a_sender_follow_and_never_overtake():
    txs = [
        make_tx(ALICE, 0, CAROL, 1),  # foreign: phase 2
        make_tx(ALICE, 1, BOB, 1),  # local, but after it: phase 2
        call_to(ALICE, 2, COUNTER_0),  # local call: phase 3
        make_tx(ALICE, 3, CAROL, 1),  # a transfer, but after a call: phase 3
        make_tx(BOB, 0, ALICE, 1),  # another sender keeps his phase
    ]
    _, phases = run(make_state(), txs)
    assert phases == [TRANSFER, TRANSFER, CROSS, CROSS, LOCAL]


def test_simple_transfer_to_code_in_another_shard_waits_for_phase_3():
    state = make_state()
    state.put(address_in(1, "idle"), 0, 1, b"\x00")
    result, phases = run(state, [make_tx(ALICE, 0, address_in(1, "idle"), 5), make_tx(BOB, 0, COUNTER_1, 5)])
    assert phases == [CROSS, CROSS]
    # 0 gas is left for the code: STOP succeeds, anything else fails
    assert [receipt.status for receipt in result.receipts] == [1, 0]


def test_simple_transfer_to_local_code_runs_it_in_phase_1():
    state = make_state()
    idle = address_in(0, "idle")
    state.put(idle, 0, 1, b"\x00")
    result, phases = run(state, [make_tx(ALICE, 0, idle, 5), make_tx(BOB, 0, COUNTER_0, 5)])
    assert phases == [LOCAL, LOCAL]
    assert [receipt.status for receipt in result.receipts] == [1, 0]


def test_recipient_that_gets_code_in_phase_1_sends_a_transfer_to_phase_3():
    from chain.core.execution.evm.executor import created_address

    # a sender whose first contract lies in her own shard
    carol = next(
        address
        for address in (address_in(1, f"maker{n}") for n in range(200))
        if _shard(created_address(address, 0)) == 1
    )
    state = make_state()
    state.put(carol, ETHER)
    deploy = make_tx(carol, 0, None, 0, data=asm.deployer(b"\x00"), gas_limit=200_000)
    target = created_address(carol, 0)
    _, phases = run(state, [make_tx(ALICE, 0, target, 1), deploy])
    assert phases == [CROSS, LOCAL]


def _shard(address):
    from chain.core.shards import shard_of

    return shard_of(address, 4)


def test_creation_in_another_shard_is_foreign():
    from chain.core.execution.evm.executor import created_address

    maker = next(
        address
        for address in (address_in(1, f"maker{n}") for n in range(200))
        if _shard(created_address(address, 0)) != 1
    )
    state = make_state()
    state.put(maker, ETHER)
    _, phases = run(state, [make_tx(maker, 0, None, 0, data=asm.deployer(b"\x00"), gas_limit=200_000)])
    assert phases == [CROSS]


def test_no_overtaking_of_a_call_from_another_shard():
    """An account named by an earlier call from elsewhere counts as foreign to later transactions."""
    early, late = call_to(CAROL, 0, COUNTER_0), call_to(ALICE, 0, COUNTER_0)
    _, phases = run(make_state(), [early, late])
    assert phases == [CROSS, CROSS]
    early, late = call_to(CAROL, 0, COUNTER_0), call_to(ALICE, 0, COUNTER_0)
    _, phases = run(make_state(), [late, early])
    assert phases == [LOCAL, CROSS]


def test_access_lists_name_accounts_too():
    named = call_to(CAROL, 0, COUNTER_1, access_list=[AccessEntry(BOB, ())])
    _, phases = run(make_state(), [named, make_tx(ALICE, 0, BOB, 1)])
    assert phases == [CROSS, TRANSFER]


def test_simple_transfers_name_nobody():
    _, phases = run(make_state(), [make_tx(CAROL, 0, BOB, 1), make_tx(ALICE, 0, BOB, 1)])
    assert phases == [TRANSFER, LOCAL]


def test_a_named_sender_moves_with_all_that_follow():
    named = call_to(CAROL, 0, ALICE, 1)
    _, phases = run(make_state(), [named, make_tx(ALICE, 0, BOB, 1), make_tx(BOB, 0, ALICE, 1)])
    assert phases == [CROSS, TRANSFER, TRANSFER]


def test_calls_from_the_same_shard_name_nobody():
    _, phases = run(make_state(), [call_to(BOB, 0, COUNTER_0), call_to(ALICE, 0, COUNTER_0)])
    assert phases == [LOCAL, LOCAL]


def test_an_authorization_that_takes_the_nonce_leaves_the_sender_behind():
    authority, key = signer_in(0, "authority")
    state = make_state()
    state.put(authority, 2 * ETHER)
    setup = call_to(BOB, 0, COUNTER_0, authorizations=[sign_authorization(key, COUNTER_0, 0)])
    result, phases = run(state, [setup, make_tx(authority, 0, CAROL, ETHER)])
    assert phases == [LOCAL, None]
    assert [skipped.reason for skipped in result.skipped] == [SkipReason.UNRUNNABLE]


def _bumped(own):
    """Own transactions of an authority whose nonce 0 an authorization takes in phase 1, after the first of them."""
    authority, key = signer_in(0, "authority")
    state = make_state()
    state.put(authority, 2 * ETHER)
    bump = call_to(BOB, 0, COUNTER_0, authorizations=[sign_authorization(key, COUNTER_0, 0)])
    first, second = own(authority)
    result, phases = run(state, [first, bump, second])
    assert [skipped.reason for skipped in result.skipped] == [SkipReason.UNRUNNABLE]
    return phases


def test_later_ones_follow_a_moved_one_even_if_they_could_run():
    """The rule is about senders and not about nonces: an authorization may fill the gap that a moved one leaves."""

    def local_after_foreign(authority):
        return make_tx(authority, 0, CAROL, 1), call_to(authority, 1, COUNTER_0)

    assert _bumped(local_after_foreign) == [None, LOCAL, CROSS]

    def transfer_after_call(authority):
        return call_to(authority, 0, COUNTER_1), make_tx(authority, 1, CAROL, 1)

    assert _bumped(transfer_after_call) == [None, LOCAL, CROSS]

    def transfer_after_transfer(authority):
        return make_tx(authority, 0, CAROL, 1), make_tx(authority, 1, CAROL, 1)

    assert _bumped(transfer_after_transfer) == [None, LOCAL, CROSS]


def test_delegate_code_that_spends_the_balance_sends_a_transfer_on_until_it_can_run():
    """Short of funds in phase 1 and 2, the transfer runs in phase 3 if a call there fills the balance up."""
    authority = address_in(0, "authority")
    spender, sink = address_in(0, "spender"), address_in(0, "sink")
    state = make_state()
    # sends an ether away unless it is given something
    spend_code = asm.call(sink, ETHER)
    code = asm.asm(asm.CALLVALUE, asm.push(5 + len(spend_code)), asm.JUMPI, spend_code, asm.POP, asm.JUMPDEST)
    state.put(spender, 0, 1, code)
    state.put(authority, ETHER + 2 * COST, 1, DELEGATION_PREFIX + spender)
    spend = call_to(ALICE, 0, authority)
    own = make_tx(authority, 1, CAROL, ETHER)
    refill = call_to(CAROL, 0, authority, ETHER)
    result, phases = run(state, [spend, own, refill])
    assert phases == [LOCAL, None, CROSS]
    assert [skipped.reason for skipped in result.skipped] == [SkipReason.UNRUNNABLE]
    result, phases = run(state, [spend, refill, own])
    assert phases == [LOCAL, CROSS, CROSS]
    assert [receipt.status for receipt in result.receipts] == [1, 1, 1]


def test_unrunnable_in_phase_3_is_skipped_and_so_are_its_followers():
    authority, key = signer_in(1, "authority")
    state = make_state()
    state.put(authority, ETHER)
    auth = call_to(ALICE, 0, COUNTER_0, authorizations=[sign_authorization(key, COUNTER_1, 0)])
    own = [call_to(authority, 0, COUNTER_0), call_to(authority, 1, COUNTER_0)]
    result, phases = run(state, [auth, *own])
    # the authorization takes nonce 0; the transaction with nonce 1 can then run
    assert phases == [CROSS, None, CROSS]
    assert [skipped.reason for skipped in result.skipped] == [SkipReason.UNRUNNABLE]
    again, _ = run(state, [own[0], auth])
    assert [receipt.status for receipt in again.receipts] == [1, 1]


def test_canonical_order_of_the_three_phases():
    txs = [
        call_to(CAROL, 0, COUNTER_0),  # 0: cross
        make_tx(ALICE, 0, CAROL, 1),  # 1: transfer, Alice first
        make_tx(BOB, 0, CAROL, 1),  # 2: transfer
        make_tx(ALICE, 1, CAROL, 1),  # 3: transfer, with Alice's first
        make_tx(DAVE, 0, address_in(1, "x"), 1),  # 4: local, lane 1
        make_tx(ERIN, 0, address_in(2, "x"), 1),  # 5: local, lane 2
        make_tx(DAVE, 1, address_in(1, "y"), 1),  # 6: local, lane 1
        call_to(ERIN, 1, COUNTER_0),  # 7: cross
    ]
    result, _ = run(make_state(), txs)
    assert [receipt.position for receipt in result.receipts] == [4, 6, 5, 1, 3, 2, 0, 7]
    assert [receipt.lane for receipt in result.receipts] == [1, 1, 2, 0, 0, 0, 1, 2]
    total = 0
    for receipt in result.receipts:
        total += receipt.gas_used
        assert receipt.cumulative_gas_used == total
    assert result.gas_used == total


def test_transfer_to_oneself_in_phase_2():
    txs = [make_tx(ALICE, 0, CAROL, 1), make_tx(ALICE, 1, ALICE, 9 * ETHER), make_tx(ALICE, 2, CAROL, 1)]
    result, phases = run(make_state(), txs)
    assert phases == [TRANSFER, TRANSFER, TRANSFER]
    assert result.diff.accounts[ALICE].balance == 10 * ETHER - 2 - 3 * 21_000 * 2 * GWEI


def test_zero_value_transfer_creates_no_account():
    ghost = address_in(1, "ghost")
    result, phases = run(make_state(), [make_tx(ALICE, 0, ghost, 0), make_tx(CAROL, 0, ghost, 0)])
    assert phases == [TRANSFER, LOCAL]
    assert ghost not in result.diff.accounts
