"""The engine from headers to executed state: chain growth, reorganisation, disqualification, order of delivery."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest

from chain.core.codec import decode_block, encode_block, header_hash
from chain.core.consensus.headers import child_target
from chain.core.errors import NotYet, RuleCode, RuleViolation, WaitCode
from chain.core.types import BlockStatus, Stream
from tests.core.consensus.mini import Mini, dev, easy_spec, name, transfer

ALICE = 1
BOB = b"\xb0" * 20
REWARD_B = 25 * 10**18
REWARD_A = 50 * 10**18


def address(index: int) -> bytes:
    return bytes.fromhex(dev(index).address[2:])


def test_work_blocks_grow_the_chain_and_are_paid_by_their_own_epoch():
    node = Mini()
    for _ in range(3):
        node.take(node.make(Stream.B))
    node.take(node.make(Stream.A))
    sink = node.engine.sink
    assert sink.header.number == 4
    assert sink.header.stream_counts == (0, 3, 0)
    assert node.balance(b"\xc0" * 20) == 3 * REWARD_B + REWARD_A
    assert node.engine.virtual().stream_counts == (1, 3, 0)


def test_a_block_survives_its_own_bytes():
    node = Mini()
    block = node.make(Stream.B, [transfer(node.spec, ALICE, 0, BOB)])
    assert decode_block(encode_block(block)) == block


def test_transfers_move_money_and_burn_the_base_fee():
    node = Mini()
    before = node.balance(address(ALICE))
    block = node.make(Stream.B, [transfer(node.spec, ALICE, 0, BOB, value=7), transfer(node.spec, ALICE, 1, BOB)])
    update = node.take(block)
    receipts = update.added[0].result.receipts
    assert [receipt.status for receipt in receipts] == [1, 1]
    assert node.balance(BOB) == 8
    tip = 10**9
    assert before - node.balance(address(ALICE)) == 8 + 2 * 21_000 * (block.header.base_fee + tip)
    assert node.balance(b"\xc0" * 20) == REWARD_B + 2 * 21_000 * tip


def test_fast_blocks_need_work_first_then_carry_transactions():
    node = Mini()
    with pytest.raises(NotYet) as early:
        node.make(Stream.C, [transfer(node.spec, ALICE, 0, BOB)])
    assert early.value.code == WaitCode.NOT_ELIGIBLE
    for _ in range(6):
        node.take(node.make(Stream.B))
    block = node.make(Stream.C, [transfer(node.spec, ALICE, 0, BOB, value=5)], after_ms=100)
    update = node.take(block)
    assert node.engine.sink.hash == name(block)
    assert update.added[-1].result.receipts[0].status == 1
    assert node.balance(BOB) == 5
    assert node.engine.sink.work_score == 6


def test_transactions_of_a_red_fast_block_are_free_for_the_next_block():
    node = Mini()
    for _ in range(8):
        node.take(node.make(Stream.B))
    first, second = transfer(node.spec, 1, 0, BOB), transfer(node.spec, 2, 0, BOB)
    snapshot = node.engine.virtual()
    blue = node.make(Stream.C, [first], snapshot=snapshot)
    twin = node.make(Stream.C, [second], snapshot=snapshot, after_ms=1)
    node.take(blue)
    node.take(node.make(Stream.B))
    update = node.take(twin)
    assert name(twin) in update.virtual.parents
    assert update.virtual.mergeset_red == 1
    assert update.virtual.in_flight == ()
    block = node.make(Stream.B, [second])
    assert block.transactions == (second,)
    update = node.take(block)
    assert [receipt.block_hash for receipt in update.added[-1].result.receipts] == [name(block)]


def test_virtual_is_numbered_by_the_commit_that_shows_it():
    node = Mini()
    update = node.take(node.make(Stream.B))
    assert update.sequence == update.virtual.sequence == node.engine.sequence == 1
    assert node.engine.virtual() == update.virtual
    after = node.take(node.make(Stream.B))
    assert after.virtual.sequence == 2


def test_the_same_ticket_does_not_win_for_another_key():
    node = Mini()
    for _ in range(6):
        node.take(node.make(Stream.B))
    block = node.make(Stream.C, [transfer(node.spec, ALICE, 0, BOB)], after_ms=100)
    forged = replace(block, header=replace(block.header, vrf_key=b"\x05" * 32))
    with pytest.raises(RuleViolation) as refused:
        node.deliver(forged)
    assert refused.value.code == RuleCode.SEAL_NOT_ELIGIBLE


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"stream_counts": (9, 9, 9)}, RuleCode.WRONG_STREAM_COUNTS),
        ({"blue_score": 77}, RuleCode.WRONG_BLUE_SCORE),
        ({"blue_work": 1}, RuleCode.WRONG_BLUE_WORK),
        ({"number": 9}, RuleCode.WRONG_NUMBER),
        ({"target": 0x1D00FFFF}, RuleCode.WRONG_TARGET),
        ({"timestamp_ms": 1}, RuleCode.TIMESTAMP_NOT_AFTER_PARENTS),
    ],
)
def test_a_wrong_past_derived_field_makes_a_block_and_its_children_invalid(change, code):
    node = Mini()
    node.take(node.make(Stream.B))
    bad = node.make(Stream.B)
    bad = replace(bad, header=replace(bad.header, **change))
    with pytest.raises(RuleViolation) as refused:
        node.deliver(bad)
    assert refused.value.code == code
    child = node.make(Stream.B)
    child = replace(child, header=replace(child.header, parents=(name(bad),)))
    with pytest.raises(RuleViolation) as orphaned:
        node.deliver(child)
    assert orphaned.value.code == RuleCode.PARENT_INVALID
    assert dict(node.settle().invalid) == {name(bad): code, name(child): RuleCode.PARENT_INVALID}


def test_unknown_parents_are_named():
    node = Mini()
    block = node.make(Stream.B)
    strange = replace(block, header=replace(block.header, parents=(b"\x07" * 32,)))
    with pytest.raises(NotYet) as wait:
        node.deliver(strange)
    assert wait.value.missing == (b"\x07" * 32,)


def test_a_parent_named_beside_its_own_ancestor_is_refused():
    node = Mini()
    first = node.make(Stream.B)
    node.take(first)
    block = node.make(Stream.B)
    parents = tuple(sorted([name(first), node.genesis.hash]))
    with pytest.raises(RuleViolation) as refused:
        node.deliver(replace(block, header=replace(block.header, parents=parents)))
    assert refused.value.code == RuleCode.PARENTS_RELATED


@pytest.mark.parametrize("change", [{"state_root": b"\x01" * 32}, {"gas_used": 1}, {"base_fee": 5}])
def test_wrong_commitments_disqualify_but_the_transactions_are_merged(change):
    node = Mini()
    node.take(node.make(Stream.B))
    good_sink = node.engine.sink.hash
    liar = node.make(Stream.B, [transfer(node.spec, ALICE, 0, BOB, value=3)], coinbase=b"\xee" * 20, **change)
    node.take(liar)
    assert node.engine.statuses[name(liar)] is BlockStatus.DISQUALIFIED
    assert node.engine.sink.hash == good_sink
    assert node.balance(BOB) == 0
    # greater than the sink, the liar is passed over; once the chain outweighs it, virtual merges it
    for _ in range(3):
        node.take(node.make(Stream.B))
    merging = [update for update in node.store.updates if name(liar) in update.blocks[0].record.header.parents]
    assert len(merging) == 1
    assert node.balance(BOB) == 3
    # its selected parent is on the chain, so it was judged: neither reward nor tips
    assert node.balance(b"\xee" * 20) == 0


def test_a_block_on_a_disqualified_one_is_disqualified_too():
    node = Mini()
    node.take(node.make(Stream.B))
    snapshot = node.engine.virtual()
    liar = node.make(Stream.A, state_root=b"\x01" * 32)
    node.take(liar)
    # a miner that trusts the liar: virtual as it would be with the liar as the sink
    coloured = node.engine.dag.evaluate((name(liar),))
    trusting = replace(
        snapshot,
        parents=(name(liar),),
        stream_counts=coloured.stream_counts,
        blue_score=coloured.blue_score,
        blue_work=coloured.blue_work,
        number=snapshot.number + 1,
        latest_parent_timestamp=liar.header.timestamp_ms,
        target_a=child_target(node.engine.records[name(liar)], Stream.A, node.spec),
    )
    child = node.make(Stream.A, snapshot=trusting)
    node.take(child)
    assert node.engine.statuses[name(child)] is BlockStatus.DISQUALIFIED


def build_branches(rounds: int = 6) -> tuple[Mini, list]:
    """Two nodes that do not hear each other, then a merge; returns the node that saw all of it, and every block."""
    left, right = Mini(), Mini()
    blocks = []
    for step in range(rounds):
        for node, index, stream in ((left, 1, Stream.B), (right, 2, Stream.B if step % 3 else Stream.A)):
            block = node.make(
                stream, [transfer(node.spec, index, step, BOB, value=step + 1)], coinbase=bytes([index]) * 20
            )
            node.take(block)
            blocks.append(block)
    for block in blocks:
        if not left.engine.knows(name(block)):
            left.take(block)
    for _ in range(2):
        block = left.make(Stream.B, coinbase=b"\x03" * 20)
        left.take(block)
        blocks.append(block)
    return left, blocks


def test_a_healed_partition_pays_both_sides_and_runs_every_transfer():
    node, _ = build_branches()
    assert node.balance(BOB) == 2 * sum(range(1, 7))
    assert node.engine.virtual().mergeset_blue == 1
    removed = [update for update in node.store.updates if update.removed]
    assert len(removed) <= 1 or node.engine.sink.header.number >= 6


def test_any_order_of_delivery_gives_the_same_chain():
    node, blocks = build_branches()
    expected = node.engine.sink
    for seed in range(12):
        rng = random.Random(seed)
        order = blocks[:]
        rng.shuffle(order)
        fresh = Mini()
        waiting = order
        while waiting:
            later = []
            for block in waiting:
                try:
                    fresh.deliver(block)
                except NotYet:
                    later.append(block)
                else:
                    if rng.random() < 0.5:
                        fresh.settle()
            waiting = later
        fresh.settle()
        assert fresh.engine.sink.hash == expected.hash
        assert fresh.engine.state.summaries[expected.hash] == node.engine.state.summaries[expected.hash]
        assert fresh.engine.state.lattices == node.engine.state.lattices
        assert fresh.engine.virtual().parents == node.engine.virtual().parents


def test_a_reorganisation_undoes_to_the_bit_and_returns_transactions():
    loser, winner = Mini(), Mini()
    transfers = [transfer(loser.spec, ALICE, nonce, BOB, value=9) for nonce in range(3)]
    for raw in transfers:
        loser.take(loser.make(Stream.B, [raw], coinbase=b"\x0a" * 20))
    heavy = []
    for _ in range(5):
        block = winner.make(Stream.B, coinbase=b"\x0b" * 20)
        winner.take(block)
        heavy.append(block)
    for block in heavy:
        loser.deliver(block)
    update = loser.settle()
    assert loser.engine.sink.hash == winner.engine.sink.hash
    assert len(update.removed) == 3
    assert update.fork_number == 0
    assert loser.engine.state.lattices == winner.engine.state.lattices
    assert loser.balance(BOB) == 0
    assert loser.balance(b"\x0a" * 20) == 0
    assert {tx.hash for tx in update.returned} == {
        tx.hash for update in loser.store.updates[:3] for new in update.blocks for tx in new.transactions
    }
    # the next block merges the losing branch, and its transfers run after all
    loser.take(loser.make(Stream.B))
    assert loser.balance(BOB) == 27


def test_a_branch_under_the_finality_point_is_parked():
    spec = easy_spec(merge_depth=4, finality_depth=8)
    node, stranger = Mini(spec), Mini(spec)
    first = stranger.make(Stream.B, coinbase=b"\x0f" * 20)
    stranger.take(first)
    for _ in range(14):
        node.take(node.make(Stream.B))
    assert node.engine.finality_point != node.genesis.hash
    with pytest.raises(NotYet) as conflict:
        node.deliver(first)
    assert conflict.value.code == WaitCode.FINALITY_CONFLICT
    assert header_hash(first.header) not in node.engine.records


def test_memory_is_given_back_behind_finality():
    spec = easy_spec(merge_depth=4, finality_depth=8, vrf_window=6)
    node = Mini(spec)
    node.engine.dag.slack = 4
    for step in range(80):
        node.take(node.make(Stream.B, [transfer(node.spec, ALICE, step, BOB)]))
    engine = node.engine
    assert node.balance(BOB) == 80
    assert len(engine.records) < 60
    assert set(engine.statuses) == set(engine.records)
    assert set(engine.state.summaries) <= set(engine.records)
