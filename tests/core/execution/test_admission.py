"""Admission: each reason to skip, their order, room, repeats (protocol §8)."""

from __future__ import annotations

import pytest

from chain.core.execution.admission import admit
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import DELEGATION_PREFIX, CachedReader
from chain.core.types import SkipReason
from tests.core.execution.build import (
    ETHER,
    GWEI,
    address_in,
    check_epoch,
    make_block,
    make_env,
    make_tx,
)

ALICE, BOB, CAROL = address_in(0, "alice"), address_in(0, "bob"), address_in(1, "carol")
CONTRACT, DELEGATED = address_in(0, "contract"), address_in(0, "delegated")
COST = 21_000 * 3 * GWEI


def make_state() -> MemoryState:
    state = MemoryState()
    for address in (ALICE, BOB, CAROL):
        state.put(address, 10 * ETHER)
    state.put(CONTRACT, ETHER, 1, b"\x00")
    state.put(DELEGATED, ETHER, 1, DELEGATION_PREFIX + BOB)
    return state


def decide(txs, state=None, **env):
    reader = CachedReader(state or make_state())
    return admit(make_env(**env), [make_block("x", txs)], reader)


def reasons(admission):
    return [skipped.reason for skipped in admission.skipped]


def test_nonces_continue_in_epoch_order():
    admission = decide([make_tx(ALICE, 0, BOB, 1), make_tx(ALICE, 1, BOB, 1), make_tx(ALICE, 3, BOB, 1)])
    assert [entry.tx.nonce for entry in admission.admitted] == [0, 1]
    assert reasons(admission) == [SkipReason.NONCE]


def test_a_skipped_one_does_not_raise_the_expected_nonce():
    admission = decide([make_tx(ALICE, 0, BOB, 11 * ETHER), make_tx(ALICE, 1, BOB, 1), make_tx(ALICE, 0, BOB, 1)])
    assert reasons(admission) == [SkipReason.FUNDS, SkipReason.NONCE]
    assert [entry.tx.value for entry in admission.admitted] == [1]


def test_funds_count_the_whole_allowance_of_earlier_ones():
    balance = 10 * ETHER
    fits = make_tx(ALICE, 0, BOB, balance - 2 * COST)
    exact = make_tx(ALICE, 1, BOB, 0)
    beyond = make_tx(ALICE, 2, BOB, 0)
    admission = decide([fits, exact, beyond])
    assert len(admission.admitted) == 2
    assert reasons(admission) == [SkipReason.FUNDS]


def test_credits_of_the_epoch_do_not_count():
    poor = address_in(0, "poor")
    admission = decide([make_tx(ALICE, 0, poor, ETHER), make_tx(poor, 0, BOB, 1)])
    assert reasons(admission) == [SkipReason.FUNDS]


def test_max_fee_below_the_base_fee():
    low, exact = make_tx(ALICE, 0, BOB, 1, max_fee=GWEI - 1), make_tx(BOB, 0, ALICE, 1, max_fee=GWEI)
    admission = decide([low, exact])
    assert reasons(admission) == [SkipReason.BASE_FEE]
    assert len(admission.admitted) == 1


def test_eip_3607_sender_with_code():
    assert reasons(decide([make_tx(CONTRACT, 1, BOB, 1)])) == [SkipReason.SENDER_CODE]


def test_delegated_sender_has_one():
    admission = decide([make_tx(DELEGATED, 1, BOB, 1), make_tx(DELEGATED, 2, BOB, 1)])
    assert len(admission.admitted) == 1
    assert reasons(admission) == [SkipReason.DELEGATED]


def test_room_counts_gas_of_calls_and_every_transaction():
    big = make_tx(ALICE, 0, BOB, 1, gas_limit=60_000)
    small = make_tx(BOB, 0, ALICE, 1, gas_limit=40_000)
    transfer = make_tx(CAROL, 0, ALICE, 1)
    admission = decide([big, small, transfer], gas_room=50_000)
    assert [entry.tx for entry in admission.admitted] == [small, transfer]
    assert (admission.call_gas, admission.reserved_gas) == (40_000, 61_000)
    assert reasons(admission) == [SkipReason.ROOM]
    admission = decide([big, small, transfer], tx_room=2)
    assert [entry.tx for entry in admission.admitted] == [big, small]
    assert decide([big], gas_room=60_000).admitted
    assert not decide([transfer], tx_room=0).admitted


def test_a_skipped_one_takes_no_room_and_defers_nobody():
    txs = [make_tx(ALICE, 5, BOB, 1, gas_limit=50_000), make_tx(ALICE, 0, BOB, 1, gas_limit=50_000)]
    assert len(decide(txs, gas_room=50_000).admitted) == 1


@pytest.mark.parametrize(
    ("tx", "reason"),
    [
        (make_tx(CONTRACT, 0, BOB, 2 * ETHER, max_fee=0), SkipReason.NONCE),
        (make_tx(CONTRACT, 1, BOB, 2 * ETHER, max_fee=0), SkipReason.FUNDS),
        (make_tx(CONTRACT, 1, BOB, 1, max_fee=0), SkipReason.BASE_FEE),
    ],
)
def test_the_first_reason_in_the_order_of_the_protocol_is_given(tx, reason):
    assert reasons(decide([tx], tx_room=0)) == [reason]


def test_unknown_sender_has_nothing():
    assert reasons(decide([make_tx(address_in(2, "nobody"), 0, BOB, 1)])) == [SkipReason.FUNDS]


def test_the_first_occurrence_names_the_including_block():
    tx = make_tx(ALICE, 0, BOB, 1)
    late = make_tx(BOB, 5, ALICE, 1)
    blocks = [
        make_block("red", [tx, late], is_blue=False),
        make_block("blue", [tx, late]),
        make_block("x", [tx]),
    ]
    result = check_epoch(make_state(), blocks)
    assert [receipt.block_hash for receipt in result.receipts] == [blocks[0].hash]
    assert [(skipped.block_hash, skipped.reason) for skipped in result.skipped] == [(blocks[0].hash, SkipReason.NONCE)]
    assert result.supply.tips_burned == 21_000 * GWEI


def test_skipped_leave_no_trace():
    state = make_state()
    result = check_epoch(state, [make_block("x", [make_tx(CONTRACT, 1, BOB, 1)], reward=0)])
    assert not result.diff.accounts
    assert not result.receipts
    assert (result.gas_used, result.admitted_count, result.admitted_gas, result.reserved_gas) == (0, 0, 0, 0)
