"""The first things an epoch must do: transfers within and across shards, calls, fees, rewards."""

from __future__ import annotations

from chain.core.execution.memory_state import MemoryState
from chain.core.types import Phase
from tests.core.execution.build import COINBASE_X, ETHER, GWEI, address_in, check_epoch, make_block, make_tx

ALICE, BOB = address_in(0, "alice"), address_in(0, "bob")
CAROL, DAVE = address_in(1, "carol"), address_in(2, "dave")
STORE = address_in(0, "store")
# SSTORE(0, CALLVALUE)
STORE_CODE = bytes.fromhex("345f5500")


def funded() -> MemoryState:
    state = MemoryState()
    for address in (ALICE, BOB, CAROL, DAVE):
        state.put(address, 10 * ETHER)
    state.put(STORE, 0, 1, STORE_CODE)
    return state


def test_transfers_and_calls_take_their_phases():
    state = funded()
    txs = [
        make_tx(ALICE, 0, BOB, ETHER),
        make_tx(CAROL, 0, DAVE, ETHER),
        make_tx(ALICE, 1, STORE, 7, gas_limit=100_000),
        make_tx(DAVE, 0, STORE, 9, gas_limit=100_000),
        make_tx(BOB, 0, STORE, 11, gas_limit=100_000),
    ]
    result = check_epoch(state, [make_block("x", txs)])
    assert [receipt.phase for receipt in result.receipts] == [
        Phase.LOCAL,
        Phase.LOCAL,
        Phase.TRANSFER,
        Phase.CROSS,
        Phase.CROSS,
    ]
    assert [receipt.position for receipt in result.receipts] == [0, 2, 1, 3, 4]
    assert all(receipt.status == 1 for receipt in result.receipts)
    assert result.diff.slots == {(STORE, 0): 11}
    assert not result.skipped


def test_tips_and_rewards_reach_their_coinbases():
    state = funded()
    red_miner, blue_miner = address_in(3, "red"), address_in(3, "blue")
    blocks = [
        make_block("red", [make_tx(ALICE, 0, BOB, 1)], red_miner, is_blue=False),
        make_block("blue", [make_tx(CAROL, 0, DAVE, 1)], blue_miner),
        make_block("x", [make_tx(DAVE, 0, ALICE, 1)]),
    ]
    result = check_epoch(state, blocks)
    tip = 21_000 * GWEI
    assert red_miner not in result.diff.accounts
    assert result.diff.accounts[blue_miner].balance == 25 * ETHER + tip
    assert result.diff.accounts[COINBASE_X].balance == 25 * ETHER + tip
    assert result.supply.tips_burned == tip
    assert result.supply.base_fees_burned == 3 * 21_000 * GWEI
    assert result.rewards == ((blue_miner, 25 * ETHER), (COINBASE_X, 25 * ETHER))
