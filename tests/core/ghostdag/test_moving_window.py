"""A window that forgets must answer as the whole DAG does, stay small, and come back from rows."""

from __future__ import annotations

from itertools import pairwise
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import NotYet, RuleCode, RuleViolation, StoreError, WaitCode
from chain.core.ghostdag import BlockView, Dag, history_depth
from chain.core.ghostdag.window import Window
from tests.core.ghostdag.networks import insert, make_hash, spilling_early
from tests.core.ghostdag.reference import Made

MERGESET_LIMIT = 30
MERGE_DEPTH = 12
FINALITY_DEPTH = 26
VRF_WINDOW = 10
VRF_LAG = VRF_ERA = 2
HISTORY = history_depth(MERGE_DEPTH, VRF_WINDOW, VRF_LAG, VRF_ERA)


class Node:
    """One DAG with the node's rules around it: finality, bounds, conflicts."""

    def __init__(self, dag: Dag) -> None:
        self.dag = dag
        self.final = b""
        self.sink = b""
        self.rest: list[bytes] = []

    def judge(self, block: Made) -> BlockView | str:
        """The block's view once inserted, or the code that refuses it."""
        try:
            self.dag.check_antichain(block.parents)
            evaluation = self.dag.evaluate(block.parents)
            if not self.dag.on_selected_chain(self.final, evaluation.selected_parent):
                return WaitCode.FINALITY_CONFLICT
            self.dag.check_bounds(evaluation, MERGESET_LIMIT, MERGE_DEPTH)
        except (RuleViolation, NotYet) as refused:
            return refused.code
        view = insert(self.dag, block, evaluation=evaluation)
        assert isinstance(view, BlockView)
        self.dag.mark_body_valid(block.hash)
        return view

    def resolve(self) -> None:
        self.sink, self.rest = self.dag.find_sink(lambda _: True, self.final)
        self.final = self.dag.finality_point(self.sink, FINALITY_DEPTH, self.final)

    def virtual(self, max_parents: int = 6) -> list[bytes]:
        return self.dag.virtual_parents(self.sink, self.rest, max_parents, MERGESET_LIMIT, MERGE_DEPTH)

    def lottery(self) -> list[bytes]:
        height = self.dag.view(self.sink).work_score - VRF_LAG
        if height < 0:
            return []
        anchor = self.dag.lowest_chain_block_at_least(self.sink, height - height % VRF_ERA)
        return self.dag.blue_work_window(anchor, VRF_WINDOW)


def start(k: int, genesis: bytes, **more: object) -> Node:
    node = Node(Dag(k, **more))  # type: ignore[arg-type]
    node.dag.insert(genesis, (), 0)
    node.dag.mark_body_valid(genesis)
    node.final = genesis
    node.resolve()
    return node


def some_parents(random: Random, whole: Node, known: list[bytes]) -> tuple[bytes, ...]:
    """Parents as an honest, late, withholding or mischievous miner names them; always an antichain."""
    virtual = whole.virtual()
    loose = [block for block in whole.rest if block in whole.dag]
    kind = random.random()
    if kind < 0.5:
        chosen = random.sample(virtual, random.randint(1, len(virtual)))
    elif kind < 0.7:  # seen late: something near the head with or without a tip
        chosen = [random.choice(known[-8:]), random.choice(virtual)]
    elif kind < 0.8:  # an old block alone or under the head
        chosen = [random.choice(known), *random.sample(virtual, random.randint(0, 1))]
    elif kind < 0.87:  # carry on one's own branch, or tie two loose ends
        chosen = random.sample(loose, min(len(loose), random.randint(1, 2))) or virtual[:1]
    elif kind < 0.93:  # fork off about as deep as the merge root
        chain = list(whole.dag.selected_chain(whole.sink))
        chosen = [chain[min(len(chain) - 1, random.randint(MERGE_DEPTH // 2, MERGE_DEPTH))]]
    else:  # seen late, and merging just what will soon be too deep: a bridge for the blocks that merge it
        chosen = [random.choice(known[-5:]), *random.sample(loose, min(len(loose), 1))]
    kept: list[bytes] = []
    for block in dict.fromkeys(chosen):
        if not any(whole.dag.in_past(block, other) or whole.dag.in_past(other, block) for other in kept):
            kept.append(block)
    return tuple(sorted(kept))


def next_block(random: Random, seed: int, counter: int, whole: Node, known: list[bytes]) -> Made:
    stream = random.choice("AAABBC")
    return Made(
        make_hash(seed, counter),
        some_parents(random, whole, known),
        work=random.choice((1, 1, 1, 4)) if stream != "C" else 0,
        stream=stream,
        lot=make_hash(seed + 1, counter) if stream == "C" else b"",
        vrf_key=b"key %d" % random.randrange(2) if stream == "C" else None,
        slot=random.randrange(counter, counter + 3) if stream == "C" else None,
    )


def grow(seed: int, k: int, steps: int) -> tuple[Node, Node, int, dict[str, int]]:
    """Feed a whole and a moving DAG the same blocks and compare every answer; what was refused, and why."""
    with spilling_early(seed):
        return _grow(seed, k, steps)


def _grow(seed: int, k: int, steps: int) -> tuple[Node, Node, int, dict[str, int]]:
    random = Random(seed)
    genesis = make_hash(seed, 0)
    whole = start(k, genesis)
    moving = start(k, genesis, has_left=whole.dag.contains, slack=random.choice((1, 10)))
    known = [genesis]
    dropped = 0
    refused: dict[str, int] = {}
    for counter in range(1, steps + 1):
        block = next_block(random, seed, counter, whole, known)
        expected = whole.judge(block)
        answer = moving.judge(block)
        if isinstance(expected, str):
            refused[expected] = refused.get(expected, 0) + 1
            # a block that names what has left cannot be told from one in conflict with finality
            assert answer in {expected, WaitCode.FINALITY_CONFLICT}
            continue
        assert answer == expected
        known.append(block.hash)
        whole.resolve()
        moving.resolve()
        dropped += moving.dag.advance(moving.final, HISTORY)
        assert (moving.sink, moving.final) == (whole.sink, whole.final)
        assert moving.virtual() == whole.virtual()
        assert moving.dag.evaluate(moving.virtual())[:8] == whole.dag.evaluate(whole.virtual())[:8]
        assert moving.lottery() == whole.lottery()
        assert set(moving.dag.tips) <= set(whole.dag.tips)
    return whole, moving, dropped, refused


@settings(max_examples=15, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32), k=st.integers(0, 2), steps=st.integers(200, 350))
def test_forgetting_changes_no_answer(seed: int, k: int, steps: int) -> None:
    grow(seed, k, steps)


def test_old_blocks_do_leave_and_every_refusal_occurs() -> None:
    reasons: set[str] = set()
    for seed in range(4):
        whole, moving, dropped, refused = grow(seed, 1, 400)
        assert dropped > 50
        assert len(moving.dag) == len(whole.dag) - dropped
        reasons |= refused.keys()
    assert {RuleCode.MERGE_DEPTH, WaitCode.FINALITY_CONFLICT} <= reasons


@settings(max_examples=8, derandomize=True, deadline=None)
@given(seed=st.integers(0, 2**32), by_weight=st.booleans())
def test_restored_equals_live(seed: int, by_weight: bool) -> None:
    random = Random(seed)
    whole, live, _, _ = grow(seed, 1, 250)
    if by_weight:
        rows = [view for view in whole.dag.window() if view.weight >= live.dag.least_weight]
    else:
        rows = live.dag.window()
    random.shuffle(rows)
    bodies = [view.hash for view in rows]
    restored = Node(Dag.restore(1, rows, bodies, live.final, has_left=whole.dag.contains, slack=5))
    restored.final = live.final
    restored.resolve()
    assert {view.hash: view for view in live.dag.window()}.items() <= {
        view.hash: view for view in restored.dag.window()
    }.items()
    known = [view.hash for view in whole.dag.window()]
    for counter in range(1000, 1150):
        assert (restored.sink, restored.final, restored.virtual()) == (live.sink, live.final, live.virtual())
        assert restored.lottery() == live.lottery()
        held = [old for old in known if old in live.dag and old in restored.dag]
        block = next_block(random, seed, counter, live, held)
        answers = [node.judge(block) for node in (live, restored)]
        if isinstance(answers[0], str):
            # how much is kept depends on when, so what one still judges the other may only refuse to
            assert answers[0] == answers[1] or WaitCode.FINALITY_CONFLICT in answers
            continue
        assert answers[0] == answers[1]
        known.append(block.hash)
        for node in (live, restored):
            node.resolve()
            node.dag.advance(node.final, HISTORY)


def parts(dag: Dag) -> Window:
    return dag._window


@pytest.mark.parametrize("pairs", [25_000, pytest.param(500_000, marks=pytest.mark.long)])
def test_memory_stays_flat_on_a_long_narrow_dag(pairs: int) -> None:
    """Two abreast, with stale equivocating tips: sizes after each quarter, not bytes or seconds."""
    dag = Dag(3)
    genesis = make_hash(0, 0)
    dag.insert(genesis, (), 0)
    dag.mark_body_valid(genesis)
    final = genesis
    parents: tuple[bytes, ...] = (genesis,)
    sizes = []
    for counter in range(1, pairs + 1):
        pair = (make_hash(0, 2 * counter), make_hash(0, 2 * counter + 1))
        for block in pair:
            dag.insert(block, parents, 1)
            dag.mark_body_valid(block)
        if counter % 250 == 0:
            stale = make_hash(1, counter)
            dag.insert(stale, parents, 1, "C", vrf_key=b"key", slot=counter // 500)
            dag.mark_body_valid(stale)
        if counter % 3000 == 0:
            # a late block on the finality point, never merged: every later past lacks it
            late = make_hash(2, counter)
            dag.insert(late, (final,), 1, "B")
            dag.mark_body_valid(late)
        parents = pair
        if counter % 50 == 0:
            final = dag.finality_point(max(pair), 400, final)
            dag.advance(final, 130)
        if counter % (pairs // 4) == 0:
            window = parts(dag)
            bits = max(node.closed.bit_length() for node in window.order)
            sizes.append((len(dag), len(window.nodes), len(window.tickets), len(dag.tips), bits))
    held = 400 + 130 + 256 + 2 * 100  # finality, history, slack, steps between advances
    for total, nodes, tickets, tips, bits in sizes:
        assert total == nodes <= held
        assert tickets <= held // 1000 + 2
        assert tips <= 8
        assert bits <= held
    assert not any(node.gone for rivals in window.tickets.values() for node in rivals)
    # what left is referred to seldom, and leads to nothing else that left
    window = parts(dag)
    outside = {
        other.hash: other
        for node in window.order
        for other in (node.chain_parent, node.jump)
        if other is not None and other.hash not in window.nodes
    }
    assert len(outside) < 40
    assert all(other.gone and other.chain_parent is None and other.jump is None for other in outside.values())


def test_older_blocks_stay_while_a_kept_branch_brings_them_along() -> None:
    chain = [make_hash(7, at) for at in range(21)]
    stale, lost, branch, head = (make_hash(7, at) for at in (100, 101, 102, 103))
    whole, moving = Dag(3), Dag(3, slack=1)
    for dag in (whole, moving):
        dag.insert(chain[0], (), 0)
        for at in range(1, 21):
            dag.insert(chain[at], (chain[at - 1],), 1)
            if at == 3:
                dag.insert(lost, (chain[1],), 1)
                dag.insert(stale, (chain[2],), 1)
            if at == 10:
                dag.insert(branch, (chain[10], stale), 1)
    # R is block 7; the branch on block 10 is not final yet and merges what forked off at block 2
    assert moving.advance(chain[15], 8) > 0
    assert stale in moving
    assert lost not in moving
    assert chain[2] not in moving
    expected = whole.insert(head, (chain[20], branch), 1)
    assert stale in expected.mergeset
    assert moving.insert(head, (chain[20], branch), 1) == expected


def test_finality_cannot_move_back() -> None:
    dag = Dag(3)
    chain = [make_hash(5, at) for at in range(10)]
    dag.insert(chain[0], (), 0)
    for parent, block in pairwise(chain):
        dag.insert(block, (parent,), 1)
    side = make_hash(5, 100)
    dag.insert(side, (chain[2],), 1)
    dag.advance(chain[5], HISTORY)
    for lower in (chain[4], side):
        with pytest.raises(StoreError, match="finality_moved_back"):
            dag.advance(lower, HISTORY)
    assert dag.finality_point(chain[9], 6, chain[5]) == chain[5]
    assert dag.finality_point(chain[9], 2, chain[5]) == chain[7]
    with pytest.raises(NotYet) as caught:
        dag.insert(make_hash(5, 101), (side,), 100)
    assert caught.value.code == WaitCode.FINALITY_CONFLICT
    # merged under a chain that holds the point, the same branch is no conflict
    assert dag.insert(make_hash(5, 102), (side, chain[9]), 1).blues == (chain[9],)


def test_an_evaluation_outlived_by_finality_is_not_used() -> None:
    dag = Dag(3)
    chain = [make_hash(6, at) for at in range(8)]
    dag.insert(chain[0], (), 0)
    for parent, block in pairwise(chain):
        dag.insert(block, (parent,), 1)
    early = dag.evaluate((chain[3],))
    dag.advance(chain[5], HISTORY)
    with pytest.raises(NotYet, match=WaitCode.FINALITY_CONFLICT):
        dag.insert(make_hash(6, 100), (chain[3],), 1, evaluation=early)
