"""Serializability: the phases and the plain sequential run of the canonical order agree in everything (protocol §8)."""

from __future__ import annotations

import random
from collections import Counter

import msgpack
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from chain.core.execution.lane_codec import pack_outcome, pack_task, run_plain_lane, unpack_outcome, unpack_task
from chain.core.types import Phase
from tests.core.execution.build import block_hashes, check_epoch, make_env, run_epoch
from tests.core.execution.world import epochs, make_world

SETTINGS = settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
WORLD = make_world()


@SETTINGS
@given(blocks=epochs(), room=st.sampled_from([30_000_000, 900_000]), count=st.sampled_from([1_000, 5]))
def test_phases_equal_the_plain_run_of_the_canonical_order(blocks, room, count):
    result = check_epoch(WORLD, blocks, make_env(gas_room=room, tx_room=count))
    phases = Counter(receipt.phase for receipt in result.receipts)
    for phase in Phase:
        event(f"phase {phase.value}: {min(phases[phase], 3)}")
    for skipped in result.skipped:
        event(f"skipped: {skipped.reason}")
    # canonical order, by its definition
    local = [(r.lane, r.position) for r in result.receipts if r.phase == Phase.LOCAL]
    assert local == sorted(local)
    cross = [r.position for r in result.receipts if r.phase == Phase.CROSS]
    assert cross == sorted(cross)
    assert [r.phase for r in result.receipts] == sorted(r.phase for r in result.receipts)
    # none of a sender's overtakes an earlier one
    senders = {tx.hash: (tx.sender, tx.nonce) for block in blocks for tx in block.transactions}
    ran = [senders[receipt.tx_hash] for receipt in result.receipts]
    for sender in {sender for sender, _ in ran}:
        nonces = [nonce for who, nonce in ran if who == sender]
        assert nonces == sorted(nonces)


@settings(SETTINGS, max_examples=40)
@given(blocks=epochs(), seed=st.integers(0, 2**32))
def test_lanes_run_anywhere_in_any_order(blocks, seed):
    """Through msgpack, each over its own reader, shuffled."""

    def elsewhere(tasks, *_):
        tasks = list(tasks)
        random.Random(seed).shuffle(tasks)
        answers = []
        for task in tasks:
            request = msgpack.unpackb(msgpack.packb(pack_task(task)))
            assert unpack_task(request) == task
            answer = run_plain_lane(request, make_world(), block_hashes)
            outcome = unpack_outcome(msgpack.unpackb(msgpack.packb(answer)))
            assert pack_outcome(outcome) == answer
            answers.append(outcome)
        return answers

    assert run_epoch(WORLD, blocks, lane_runner=elsewhere) == run_epoch(WORLD, blocks)


@settings(SETTINGS, max_examples=20)
@given(first=epochs(), second=epochs())
def test_epochs_undo_one_after_the_other(first, second):
    state = make_world()
    one = run_epoch(state, first)
    state.apply(one.diff)
    middle = state.copy()
    two = check_epoch(state, second)
    state.apply(two.diff)
    state.apply(two.undo)
    assert (state.accounts, state.storage) == (middle.accounts, middle.storage)
    state.apply(one.undo)
    assert (state.accounts, state.storage) == (WORLD.accounts, WORLD.storage)
