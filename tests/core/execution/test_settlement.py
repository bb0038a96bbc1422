"""After the last transaction: tips, rewards under the cap, receipts, bloom, roots (protocol §8)."""

from __future__ import annotations

from dataclasses import replace

import pytest
from blake3 import blake3
from eth_bloom import BloomFilter
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core import rlp
from chain.core.errors import StoreError
from chain.core.execution.lane_codec import unpack_outcome, unpack_task
from chain.core.execution.lanes import run_lane
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.receipts import logs_bloom, receipt_item
from chain.core.execution.sequential import Turn, execute_sequential
from chain.core.merkle import EMPTY_ROOT
from chain.core.types import Log, Phase
from tests.core.execution import asm
from tests.core.execution.build import (
    COINBASE_X,
    ETHER,
    GWEI,
    PARAMS,
    address_in,
    block_hashes,
    check_epoch,
    lattices_of,
    make_block,
    make_env,
    make_tx,
    run_epoch,
)

ALICE, BOB, CAROL = address_in(0, "alice"), address_in(0, "bob"), address_in(1, "carol")
LOGGER = address_in(0, "logger")
MINERS = [address_in(3, f"miner{n}") for n in range(3)]
TIP = 21_000 * GWEI
TOPICS = st.binary(min_size=32, max_size=32)


def make_state() -> MemoryState:
    state = MemoryState()
    for address in (ALICE, BOB, CAROL):
        state.put(address, 10 * ETHER)
    # LOG1(topic 5, word 0 of the input)
    code = asm.asm(asm.push(0), asm.CALLDATALOAD, asm.push(0), asm.MSTORE)
    state.put(LOGGER, 0, 1, code + asm.asm(asm.push(5), asm.push(32), asm.push(0), asm.LOG1))
    return state


def test_an_empty_epoch_pays_its_rewards_only():
    result = check_epoch(make_state(), [make_block("m", [], MINERS[0], reward=3), make_block("x", [], reward=4)])
    assert result.rewards == ((MINERS[0], 3), (COINBASE_X, 4))
    assert {address: account.balance for address, account in result.diff.accounts.items()} == {
        MINERS[0]: 3,
        COINBASE_X: 4,
    }
    assert result.receipts_root == EMPTY_ROOT
    assert result.logs_bloom == bytes(256)
    assert result.minted == make_env().minted + 7


def test_red_and_misjudged_blocks_earn_nothing():
    blocks = [
        make_block("red", [make_tx(ALICE, 0, BOB, 1)], MINERS[0], is_blue=False),
        make_block("wrong", [make_tx(BOB, 0, ALICE, 1)], MINERS[1], is_blue=True, earns=False),
        make_block("right", [make_tx(CAROL, 0, ALICE, 1)], MINERS[2]),
        make_block("x", []),
    ]
    result = check_epoch(make_state(), blocks)
    assert result.rewards == ((MINERS[2], 25 * ETHER), (COINBASE_X, 25 * ETHER))
    assert result.diff.accounts[MINERS[2]].balance == 25 * ETHER + TIP
    assert result.diff.accounts[COINBASE_X].balance == 25 * ETHER
    assert not {MINERS[0], MINERS[1]} & set(result.diff.accounts)
    assert result.supply.tips_burned == 2 * TIP


@pytest.mark.parametrize(("room", "expected"), [(0, []), (30, [30]), (50, [50]), (60, [50, 10]), (10**6, [50, 60])])
def test_rewards_end_at_the_cap(room, expected):
    env = make_env(minted=PARAMS.cap - room)
    blocks = [make_block("m", [], MINERS[0], reward=50), make_block("x", [], reward=60)]
    result = check_epoch(make_state(), blocks, env)
    assert [amount for _, amount in result.rewards] == expected
    assert result.minted == env.minted + sum(expected)


def test_blocks_without_reward_are_left_out():
    result = check_epoch(make_state(), [make_block("c", [], MINERS[0], reward=0), make_block("x", [], reward=1)])
    assert result.rewards == ((COINBASE_X, 1),)


def test_tips_are_sums_and_one_miner_may_have_many_blocks():
    blocks = [
        make_block("m1", [make_tx(ALICE, 0, BOB, 1)], MINERS[0], reward=0),
        make_block("m2", [make_tx(BOB, 0, ALICE, 1)], MINERS[0], reward=0),
        make_block("x", [], reward=0),
    ]
    assert check_epoch(make_state(), blocks).diff.accounts[MINERS[0]].balance == 2 * TIP


def test_tips_are_not_there_while_the_epoch_runs():
    """A miner cannot spend, nor a contract see, what the epoch will pay."""
    state = make_state()
    state.put(LOGGER, 0, 1, asm.sstore(0, asm.push(MINERS[0]), asm.BALANCE))
    txs = [make_tx(ALICE, 0, BOB, 1), make_tx(ALICE, 1, LOGGER, 0, gas_limit=100_000)]
    result = check_epoch(state, [make_block("x", txs, MINERS[0])], make_env(coinbase=MINERS[0]))
    assert not result.diff.slots
    assert result.diff.accounts[MINERS[0]].balance > 25 * ETHER


def test_no_tip_creates_no_account():
    tx = make_tx(ALICE, 0, BOB, 1, max_fee=GWEI, max_priority_fee=0)
    result = check_epoch(make_state(), [make_block("x", [tx], MINERS[0], reward=0)])
    assert MINERS[0] not in result.diff.accounts


@pytest.mark.parametrize(
    ("max_fee", "priority", "price"),
    [(3 * GWEI, GWEI, 2 * GWEI), (3 * GWEI, 3 * GWEI, 3 * GWEI), (GWEI, 0, GWEI), (GWEI, GWEI, GWEI)],
)
def test_effective_gas_price(max_fee, priority, price):
    tx = make_tx(ALICE, 0, BOB, 1, max_fee=max_fee, max_priority_fee=priority)
    result = check_epoch(make_state(), [make_block("x", [tx], MINERS[0], reward=0)])
    assert result.receipts[0].effective_gas_price == price
    assert result.diff.accounts[ALICE].balance == 10 * ETHER - 1 - 21_000 * price
    if price > GWEI:
        assert result.diff.accounts[MINERS[0]].balance == 21_000 * (price - GWEI)


def test_receipts_root_commits_to_status_gas_logs_and_hash():
    txs = [
        make_tx(ALICE, 0, BOB, 1),
        make_tx(ALICE, 1, LOGGER, 0, b"\x09" * 32, gas_limit=100_000),
        make_tx(BOB, 0, LOGGER, 0, gas_limit=21_900),
    ]
    result = check_epoch(make_state(), [make_block("x", txs)])
    one, two, three = result.receipts
    assert (one.status, two.status, three.status) == (1, 1, 0)
    topic = (5).to_bytes(32, "big")
    assert two.logs == (Log(LOGGER, (topic,), b"\x09" * 32),)
    items = [
        rlp.encode([1, 21_000, [], txs[0].hash]),
        rlp.encode([1, two.gas_used, [[LOGGER, [topic], b"\x09" * 32]], txs[1].hash]),
        rlp.encode([0, 21_900, [], txs[2].hash]),
    ]
    leaves = [blake3(b"\x00" + item).digest() for item in items]
    left = blake3(b"\x01" + leaves[0] + leaves[1]).digest()
    assert result.receipts_root == blake3(b"\x01" + left + leaves[2]).digest()
    bloom = BloomFilter()
    bloom.extend((LOGGER, topic))
    assert int.from_bytes(result.logs_bloom, "big") == int(bloom)


def test_state_root_is_the_formula_of_the_protocol():
    result = check_epoch(make_state(), [make_block("x", [make_tx(ALICE, 0, BOB, 1)])])
    digests = b"".join(blake3(lattice).digest() for lattice in result.lattices)
    assert result.state_root == blake3(b"mds/state" + result.minted.to_bytes(32, "big") + digests).digest()


@settings(max_examples=50, deadline=None, derandomize=True)
@given(
    status=st.integers(0, 1),
    gas=st.sampled_from([0, 20_999, 21_000, 21_001, 10**7]),
    logs=st.lists(
        st.builds(
            Log, st.binary(min_size=20, max_size=20), st.lists(st.just(bytes(32)), max_size=4).map(tuple), st.binary()
        )
    ),
)
def test_the_short_cut_of_receipt_items_is_exact(status, gas, logs):
    expected = rlp.encode([status, gas, [[log.address, list(log.topics), log.data] for log in logs], b"\x07" * 32])
    assert receipt_item(status, gas, tuple(logs), b"\x07" * 32) == expected
    bloom = BloomFilter()
    for log in logs:
        bloom.extend((log.address, *log.topics))
    assert int.from_bytes(logs_bloom(logs), "big") == int(bloom)


def test_contract_addresses_are_named_also_where_creation_fails():
    txs = [
        make_tx(ALICE, 0, None, 0, asm.deployer(b"\x00"), gas_limit=200_000),
        make_tx(ALICE, 1, None, 0, bytes((asm.INVALID,)), gas_limit=100_000),
    ]
    result = check_epoch(make_state(), [make_block("x", txs)])
    by_position = {receipt.position: receipt for receipt in result.receipts}
    assert [by_position[n].status for n in (0, 1)] == [1, 0]
    assert all(by_position[n].contract_address for n in (0, 1))
    assert by_position[0].contract_address in result.diff.accounts
    assert by_position[1].contract_address not in result.diff.accounts


def test_new_code_is_in_the_diff_once():
    txs = [make_tx(ALICE, n, None, 0, asm.deployer(b"\x5b\x00"), gas_limit=200_000) for n in range(2)]
    result = check_epoch(make_state(), [make_block("x", txs)])
    assert list(result.diff.codes.values()) == [b"\x5b\x00"]
    assert result.undo.codes == {}


def test_codes_of_undone_transactions_are_not_in_the_diff():
    state = make_state()
    overlay = StateOverlay(CachedReader(state))
    code = state.get_code(state.accounts[LOGGER].code_hash)
    overlay.add_code(code)
    overlay.add_code(b"nobody's")
    overlay.credit(LOGGER, 5)
    diff, undo = overlay.changes()
    assert list(diff.accounts) == list(undo.accounts) == [LOGGER]
    assert diff.codes == {}


def test_diffs_are_sorted_and_undo_names_the_same_keys():
    txs = [make_tx(ALICE, 0, CAROL, 1), make_tx(BOB, 0, LOGGER, 0, gas_limit=100_000)]
    result = check_epoch(make_state(), [make_block("x", txs)])
    assert list(result.diff.accounts) == sorted(result.diff.accounts) == list(result.undo.accounts)
    assert list(result.diff.slots) == list(result.undo.slots)


def test_the_oracle_refuses_orders_that_cannot_be():
    state = make_state()
    txs = [make_tx(ALICE, 0, BOB, 1), make_tx(ALICE, 1, BOB, 1)]
    blocks = [make_block("x", txs)]

    def plain(*hashes):
        order = [Turn(tx_hash, Phase.LOCAL) for tx_hash in hashes]
        return execute_sequential(make_env(), blocks, order, state, lattices_of(state), PARAMS, block_hashes)

    assert plain(txs[0].hash, txs[1].hash).state_root == run_epoch(state, blocks).state_root
    for order in ((txs[1].hash, txs[0].hash), (txs[0].hash, txs[0].hash), (bytes(32),)):
        with pytest.raises(StoreError) as caught:
            plain(*order)
        assert caught.value.code == "order_not_runnable"


def test_malformed_lanes_are_refused():
    for unpack in (unpack_task, unpack_outcome):
        for data in ([], [1, 2], None, [1] * 7, [1] * 5):
            with pytest.raises(StoreError) as caught:
                unpack(data)
            assert caught.value.code == "malformed_lane"


def test_every_lane_has_to_be_answered():
    blocks = [make_block("x", [make_tx(ALICE, 0, BOB, 1), make_tx(CAROL, 0, ALICE, 1)])]
    state = make_state()

    def run_all(tasks):
        return [run_lane(task, state, block_hashes) for task in tasks]

    whole = run_epoch(state, blocks, lane_runner=lambda tasks, *_: run_all(tasks)[::-1])
    assert whole == run_epoch(state, blocks)
    for broken in (lambda tasks, *_: run_all(tasks)[1:], lambda tasks, *_: run_all([*tasks, tasks[0]])):
        with pytest.raises(StoreError) as caught:
            run_epoch(state, blocks, lane_runner=broken)
        assert caught.value.code == "lane_missing"


def test_a_state_that_lost_a_code_says_so():
    with pytest.raises(StoreError) as caught:
        MemoryState().get_code(b"\x01" * 32)
    assert caught.value.code == "missing_code"


def test_readers_are_asked_once_and_prefetched():
    class Counting(MemoryState):
        def __init__(self):
            super().__init__()
            self.asked, self.wanted = [], []

        def get_account(self, address):
            self.asked.append(address)
            return super().get_account(address)

        def prefetch(self, addresses, slots):
            self.wanted.append((list(addresses), list(slots)))

    state = Counting()
    state.put(ALICE, ETHER)
    txs = [make_tx(ALICE, n, BOB, 1) for n in range(3)]
    run_epoch(state, [make_block("x", txs)])
    assert sorted(state.asked) == sorted({ALICE, BOB, COINBASE_X})
    assert len(state.wanted) == 1
    assert {ALICE, BOB, COINBASE_X} <= set(state.wanted[0][0])


def test_more_shards_do_not_change_what_is_executed():
    """The outcome of local transfers does not depend on how the accounts are cut into shards."""
    state = make_state()
    blocks = [make_block("x", [make_tx(ALICE, 0, BOB, 5), make_tx(CAROL, 0, ALICE, 7)])]
    four = run_epoch(state, blocks)
    from chain.core.execution.epoch import execute_epoch
    from chain.core.lthash import EMPTY_LATTICE

    one = execute_epoch(make_env(), blocks, state, (EMPTY_LATTICE,), replace(PARAMS, shard_count=1), block_hashes)
    assert one.diff.accounts == four.diff.accounts
