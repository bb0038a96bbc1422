"""The fast DAG and the definitions must agree on everything, in any order of insertion."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import RuleCode, RuleViolation
from chain.core.ghostdag import Dag
from tests.core.ghostdag.networks import Shape, insert, network, networks, shuffled, spilling_early
from tests.core.ghostdag.reference import Made, Reference

EXACT = settings(max_examples=120, derandomize=True, deadline=None)


def both(made: list[Made], k: int) -> tuple[Dag, Reference]:
    dag, reference = Dag(k), Reference(k)
    with spilling_early(made[-1].hash[0]):
        for block in made:
            insert(dag, block)
            reference.add(block)
    return dag, reference


@EXACT
@given(made=networks, k=st.integers(0, 4), seed=st.integers(0, 2**16))
def test_colours_order_and_scores(made: list[Made], k: int, seed: int) -> None:
    dag, reference = both(shuffled(made, seed), k)
    for block in made:
        view = dag.view(block.hash)
        _, blues, reds = reference.colours(block.parents)
        assert view.selected_parent == reference.selected_parent(block.hash)
        assert list(view.blues) == blues
        assert list(view.reds) == reds
        assert list(view.mergeset) == reference.mergeset(block.parents)
        assert view.stream_counts == reference.counts_of(block.parents)
        assert view.blue_score == reference.blue_score(block.hash)
        assert view.blue_work == reference.blue_work(block.hash)
        assert view.work_score == reference.work_score(block.hash)
        assert view.order_key == reference.key(block.hash)
        assert view.number == len(reference.chain(block.hash)) - 1
        if block.parents:
            evaluation = dag.evaluate(block.parents)
            assert evaluation[:8] == (
                view.selected_parent,
                view.mergeset,
                view.blues,
                view.reds,
                view.stream_counts,
                view.blue_score,
                view.blue_work,
                view.number,
            )
            assert all(dag.view(parent).order_key < view.order_key for parent in block.parents)


@pytest.mark.parametrize("k", [4, 8, 19])
def test_colours_of_networks_wider_than_k(k: int) -> None:
    shape = Shape(streams="AAAC", works=(1,), max_delay=2 * k, max_parents=10, meet=0.3, stale=0.03)
    made = network(k, 200, shape)
    dag, reference = both(shuffled(made, k), k)
    reds = 0
    for block in made:
        view = dag.view(block.hash)
        assert ([*view.blues], [*view.reds]) == reference.colours(block.parents)[1:]
        reds += len(view.reds)
    assert reds > 100


@EXACT
@given(made=networks, seed=st.integers(0, 2**16))
def test_reachability(made: list[Made], seed: int) -> None:
    dag, reference = both(shuffled(made, seed), 2)
    hashes = [block.hash for block in made]
    for block in hashes:
        past = reference.past(block)
        assert [dag.in_past(other, block) for other in hashes] == [other in past for other in hashes]
    random = Random(seed)
    for _ in range(20):
        some = random.sample(hashes, min(len(hashes), 4))
        related = any(a in reference.past(b) for a in some for b in some)
        assert dag.parents_related(some) == related
        if related:
            with pytest.raises(RuleViolation, match=RuleCode.PARENTS_RELATED):
                dag.check_antichain(some)
    assert dag.parents_related([hashes[0], hashes[0]])


@EXACT
@given(made=networks, k=st.integers(1, 3), limit=st.integers(0, 8), depth=st.integers(1, 12))
def test_bounds(made: list[Made], k: int, limit: int, depth: int) -> None:
    dag, reference = both(made, k)
    for block in made[1:]:
        evaluation = dag.evaluate(block.parents)
        assert dag.merge_root(evaluation.selected_parent, depth) == reference.root(evaluation.selected_parent, depth)
        oversized = len(reference.mergeset(block.parents)) - 1 > limit
        deep = reference.too_deep(block.parents, depth)
        if not oversized and not deep:
            dag.check_bounds(evaluation, limit, depth)
            continue
        with pytest.raises(RuleViolation) as caught:
            dag.check_bounds(evaluation, limit, depth)
        assert caught.value.code == (RuleCode.MERGESET_LIMIT if oversized else RuleCode.MERGE_DEPTH)
        if not oversized:
            assert caught.value.got == deep[0]
        else:
            with pytest.raises(RuleViolation, match=RuleCode.MERGESET_LIMIT):
                dag.evaluate(block.parents, mergeset_limit=limit)


@EXACT
@given(made=networks, k=st.integers(0, 3), seed=st.integers(0, 2**16))
def test_selected_chain(made: list[Made], k: int, seed: int) -> None:
    dag, reference = both(made, k)
    random = Random(seed)
    for block in random.sample(made, min(len(made), 8)):
        chain = reference.chain(block.hash)
        assert list(dag.selected_chain(block.hash)) == chain
        other = random.choice(made).hash
        assert dag.on_selected_chain(other, block.hash) == (other in chain)
        other_chain = reference.chain(other)
        assert dag.chain_path(other, block.hash) == (
            [step for step in other_chain if step not in chain],
            [step for step in reversed(chain) if step not in other_chain],
        )
        top = reference.work_score(block.hash)
        for score in range(-1, top + 2):
            assert dag.block_at_or_below_work_score(block.hash, score) == reference.at_or_below(block.hash, score)
            if score <= top:
                assert dag.lowest_chain_block_at_least(block.hash, score) == reference.lowest_at_least(
                    block.hash, score
                )
        count = random.randint(1, 12)
        assert dag.blue_work_window(block.hash, count) == reference.blue_work_window(block.hash, count)
        assert dag.consensus_order_of(block.hash) == (*reference.mergeset(block.parents)[1:], block.hash)


@EXACT
@given(
    made=networks,
    k=st.integers(1, 3),
    limit=st.integers(2, 10),
    depth=st.integers(2, 8),
    finality=st.integers(3, 14),
    most=st.integers(1, 6),
    seed=st.integers(0, 2**16),
)
def test_sink_finality_and_virtual(
    made: list[Made], k: int, limit: int, depth: int, finality: int, most: int, seed: int
) -> None:
    dag, reference = Dag(k), Reference(k)
    random = Random(seed)
    valid: set[bytes] = set()
    bad: set[bytes] = set()
    point = made[0].hash

    def chain_valid(block: bytes) -> bool:
        return not any(step in bad for step in reference.chain(block))

    sink = point
    for block in made:
        with spilling_early(seed):
            insert(dag, block)
        reference.add(block)
        if not block.parents or (all(parent in valid for parent in block.parents) and random.random() < 0.9):
            dag.mark_body_valid(block.hash)
            valid.add(block.hash)
            if random.random() < 0.15 and block.hash not in reference.chain(sink) and block.parents:
                bad.add(block.hash)
        assert set(dag.tips) == reference.tips(valid)
        sink, rest = dag.find_sink(chain_valid, point)
        expected_sink, expected_rest = reference.find_sink(valid, chain_valid, point)
        assert sink == expected_sink
        assert set(rest) == expected_rest
        assert rest == sorted(rest, key=reference.key, reverse=True)
        assert dag.virtual_parents(sink, rest, most, limit, depth) == reference.virtual_parents(
            sink, expected_rest, most, limit, depth
        )
        moved = dag.finality_point(sink, finality, point)
        assert moved == reference.finality_point(sink, finality, point)
        point = moved


@settings(max_examples=60, derandomize=True, deadline=None)
@given(made=networks, k=st.integers(0, 3), first=st.integers(0, 2**16), second=st.integers(0, 2**16))
def test_insertion_order_changes_nothing(made: list[Made], k: int, first: int, second: int) -> None:
    one, _ = both(shuffled(made, first), k)
    two, _ = both(shuffled(made, second), k)
    assert {view.hash: view for view in one.window()} == {view.hash: view for view in two.window()}
