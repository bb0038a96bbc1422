"""Contracts that a reorganisation undoes and another branch makes again at the same address."""

from __future__ import annotations

import pytest

from chain.core.consensus.hot_state import HotState
from chain.core.execution.memory_state import MemoryState
from chain.core.spec import ChainSpec
from chain.core.types import Account, BlockStatus, StateDiff, Stream
from tests.core.consensus.mini import Mini, dev, name

# slot 0 := 1, then one byte of code
INIT_CODE = bytes.fromhex("6001600055600060005360016000f3")
OWNER = b"\xab" * 20


def creation(spec: ChainSpec, index: int, nonce: int) -> bytes:
    """A signed creation whose constructor writes storage."""
    fields = {
        "type": 2,
        "chainId": spec.chain_id,
        "nonce": nonce,
        "maxPriorityFeePerGas": 10**9,
        "maxFeePerGas": 100 * 10**9,
        "gas": 200_000,
        "to": b"",
        "value": 0,
        "data": INIT_CODE,
    }
    return bytes(dev(index).sign_transaction(fields).raw_transaction)


@pytest.mark.parametrize("commit_between", [True, False])
def test_a_contract_that_was_undone_can_be_created_again(commit_between):
    here, there = Mini(), Mini()
    raw = creation(here.spec, 3, 0)
    old = here.make(Stream.B, [raw])
    if commit_between:
        here.take(old)
    else:
        here.deliver(old)
        here.engine.resolve()
    blocks = []
    for step in range(3):
        block = there.make(Stream.B, [raw] if step == 1 else [], coinbase=b"\xd0" * 20)
        there.take(block)
        blocks.append(block)
    for block in blocks:
        here.deliver(block)
    here.settle()

    assert here.engine.sink.hash == there.engine.sink.hash == name(blocks[-1])
    assert here.engine.statuses[name(blocks[-1])] is BlockStatus.CHAIN_VALID
    assert here.engine.state.lattices == there.engine.state.lattices
    (receipt,) = here.engine.state.result(name(blocks[1])).result.receipts
    assert receipt.status == 1
    assert receipt == there.engine.state.result(name(blocks[1])).result.receipts[0]


def test_storage_is_that_of_the_position_and_not_of_the_store():
    store = MemoryState()
    store.put(OWNER, nonce=1, storage={1: 5, 2: 6})
    hot = HotState(store)
    assert hot.has_storage(OWNER)
    hot.apply(StateDiff({OWNER: None}, {(OWNER, 1): 0, (OWNER, 2): 0}, {}))
    assert not hot.has_storage(OWNER)
    hot.apply(StateDiff({OWNER: Account(1, 0, store.accounts[OWNER].code_hash)}, {(OWNER, 2): 7}, {}))
    assert hot.has_storage(OWNER)
    store.apply(hot.net_changes())
    hot.committed()
    assert hot.has_storage(OWNER)
