"""DAGs drawn by hand or taken from elsewhere, each with its origin, through the documented door."""

from __future__ import annotations

import pytest

from chain.core.errors import NotYet, RequestError, RuleCode, RuleViolation, StoreError, WaitCode
from chain.core.ghostdag import BlockView, Dag
from chain.core.types import Stream


def name(letter: str) -> bytes:
    return letter.encode().ljust(32, b"\0")


def letters(blocks: tuple[bytes, ...]) -> str:
    return "".join(block.rstrip(b"\0").decode() for block in blocks)


def build(k: int, drawing: str) -> tuple[Dag, dict[str, BlockView]]:
    """Blocks in order, each as ``name:parents``, one letter a block, all of stream A with work 1."""
    dag = Dag(k)
    views = {}
    for block, _, parents in (item.partition(":") for item in drawing.split()):
        views[block] = dag.insert(name(block), tuple(map(name, parents)), 1)
    return dag, views


# Topologies and expected colours: rusty-kaspa, testing/integration/testdata/dags (ISC), dag0, dag4 and
# dag5, re-encoded.  Genesis first; "block:parents selected score blues/reds".
KASPA = {
    "dag0": (
        4,
        "A",
        """B:A A 1 A/ C:B B 2 B/ D:A A 1 A/ E:CD C 4 CD/ F:A A 1 A/ G:F F 2 F/ H:A A 1 A/ I:A A 1 A/
        J:EG E 7 EFG/ K:J J 8 J/ L:IK K 9 K/I M:L L 10 L/ N:M M 11 M/ O:M M 11 M/ 2:M M 11 M/ Q:M M 11 M/
        R:M M 11 M/ S:R R 12 R/ T:NO2QS S 16 S2NO/Q""",
    ),
    "dag4": (
        2,
        "0",
        """1:0 0 1 0/ 2:0 0 1 0/ 3:2 2 2 2/ 4:2 2 2 2/ 5:1 1 2 1/ 6:45 5 5 524/ 7:35 5 5 523/ 8:3 3 3 3/
        9:678 7 6 7/486""",
    ),
    "dag5": (
        3,
        "0",
        """1:0 0 1 0/ 2:0 0 1 0/ 3:0 0 1 0/ 4:0 0 1 0/ 5:123 3 4 312/ 6:1234 4 5 4123/ 7:56 6 6 6/5""",
    ),
}


@pytest.mark.parametrize("case", KASPA)
def test_agrees_with_kaspa_where_there_is_one_work_stream(case: str) -> None:
    k, genesis, text = KASPA[case]
    dag = Dag(k)
    dag.insert(name(genesis), (), 0)
    rows = text.split()
    for edges, selected, score, colours in zip(*[iter(rows)] * 4, strict=True):
        block, parents = edges.split(":")
        blues, reds = colours.split("/")
        view = dag.insert(name(block), tuple(map(name, parents)), 1)
        assert view.selected_parent == name(selected)
        assert view.blue_score == int(score)
        assert letters(view.blues) == blues
        assert letters(view.reds) == reds


def test_the_figure_of_the_phantom_paper() -> None:
    """eprint 2018/104, the 3-cluster example: A B C D F G I J blue, E H K red (letters as hashes)."""
    _, views = build(3, "A: B:A C:A D:A E:A F:BC G:CD H:E I:DF J:BEG K:DH V:IJK")
    blue = {"V"}
    step = "V"
    while step != "A":
        blue |= set(letters(views[step].blues))
        step = letters(views[step].blues)[0]
    assert blue - {"V"} == set("ABCDFGIJ")
    assert letters(views["V"].mergeset) == "JHFKI"
    assert views["V"].blue_score == 8


def test_a_free_block_never_outweighs_work_and_ranks_by_lot() -> None:
    """By hand: C weighs as its blue work, its line is the work block below it, its lot breaks ties."""
    dag, _ = build(3, "A: B:A")
    first = dag.insert(name("x"), (name("B"),), 0, stream="C", lot=b"\2" * 32, vrf_key=b"k", slot=1)
    second = dag.insert(name("y"), (name("B"),), 0, stream="C", lot=b"\1" * 32, vrf_key=b"j", slot=1)
    third = dag.insert(name("a"), (name("B"),), 1)
    assert (first.weight, first.line) == (1, name("B"))
    assert second.order_key < first.order_key < third.order_key
    merge = dag.insert(name("z"), (name("x"), name("y"), name("a")), 1)
    assert letters(merge.mergeset) == "ayx"
    assert merge.stream_counts == (2, 0, 2)
    assert (merge.blue_score, merge.blue_work, merge.work_score) == (5, 2, 2)


def test_free_blocks_are_measured_but_never_counted() -> None:
    """By hand, k = 1: twenty C blocks redden no work block; a C beside two blue work blocks is red."""
    dag, _ = build(1, "A: B:A")
    for at in range(20):
        dag.insert(bytes([at + 200]) * 32, (name("A"),), 0, stream="C", vrf_key=b"k", slot=at)
    beside = tuple(bytes([at + 200]) * 32 for at in range(20))
    merge = dag.insert(name("M"), (*beside, name("B")), 1)
    assert merge.reds == ()
    assert merge.stream_counts == (1, 0, 20)
    dag.insert(name("N"), (name("M"),), 1)
    dag.insert(name("O"), (name("N"),), 1)
    late = dag.insert(name("L"), (name("M"),), 0, stream="C", vrf_key=b"k", slot=50)
    assert late.blues == (name("M"),)
    assert dag.insert(name("P"), (name("O"), name("L")), 1).reds == (name("L"),)


def test_only_the_first_block_of_a_ticket_can_be_blue() -> None:
    """By hand: twins in one mergeset, then a twin merged above the first."""
    dag, _ = build(3, "A: B:A")
    for block in "xyz":
        dag.insert(name(block), (name("B"),), 0, stream="C", vrf_key=b"k", slot=7)
    dag.insert(name("w"), (name("B"),), 0, stream="C", vrf_key=b"k", slot=8)
    dag.insert(name("D"), (name("B"),), 1)
    one = dag.insert(name("E"), (name("D"), name("x"), name("y"), name("w")), 1)
    assert (letters(one.blues), letters(one.reds)) == ("Dwx", "y")
    two = dag.insert(name("F"), (name("E"), name("z")), 1)
    assert (letters(two.blues), letters(two.reds)) == ("E", "z")
    # a selected parent of stream C keeps its ticket from the others
    three = dag.insert(name("G"), (name("y"), name("z")), 1)
    assert (letters(three.blues), letters(three.reds)) == ("z", "y")


def test_the_door() -> None:
    """Genesis, streams as letters, numbers or members, defaults, repeats, and what is refused."""
    dag = Dag(3)
    genesis = dag.insert(name("A"), (), 99)
    assert genesis == BlockView(
        name("A"), (), Stream.GENESIS, 0, name("A"), None, None, None, (), (), (), (0, 0, 0), 0, 0, 0, name("A"), 0
    )
    assert [
        dag.insert(name(block), (name("A"),), 5, stream=stream).stream
        for block, stream in zip("BCDE", ["A", 2, Stream.C, "B"], strict=True)
    ] == [
        Stream.A,
        Stream.B,
        Stream.C,
        Stream.B,
    ]
    assert dag.view(name("D")).work == 0
    assert dag.view(name("B")).lot == name("B")
    again = dag.insert(name("B"), (name("C"),), 7)
    assert again is dag.view(name("B"))
    assert len(dag) == 5
    with pytest.raises(RuleViolation, match=RuleCode.HEADER_PARENT_COUNT):
        dag.insert(name("Z"), (), 0)
    with pytest.raises(RuleViolation, match=RuleCode.HEADER_PARENT_COUNT):
        dag.evaluate(())
    for stream in ("D", 4, Stream.GENESIS):
        with pytest.raises(RuleViolation, match=RuleCode.HEADER_STREAM):
            dag.insert(name("Z"), (name("A"),), 1, stream=stream)
    with pytest.raises(RuleViolation, match=RuleCode.FIELD_RANGE):
        dag.insert(name("Z"), (name("A"),), -1)
    with pytest.raises(NotYet) as unknown:
        dag.insert(name("Z"), (name("A"), name("Y")), 1)
    assert (unknown.value.code, unknown.value.missing) == (WaitCode.UNKNOWN_PARENTS, (name("Y"),))
    with pytest.raises(StoreError, match="not_in_window"):
        dag.view(name("Z"))
    with pytest.raises(RequestError, match="work_score_not_reached"):
        dag.lowest_chain_block_at_least(name("A"), 1)
    assert name("Z") not in dag
    assert not dag.contains(name("Z"))


def test_bodies_come_after_their_parents_bodies() -> None:
    dag, _ = build(3, "A: B:A C:B")
    dag.mark_body_valid(name("A"))
    with pytest.raises(StoreError, match="parents_not_body_valid"):
        dag.mark_body_valid(name("C"))
    assert dag.tips == (name("A"),)
    dag.mark_body_valid(name("B"))
    dag.mark_body_valid(name("C"))
    dag.mark_body_valid(name("B"))
    assert dag.tips == (name("C"),)
    with pytest.raises(StoreError, match="no_sink"):
        dag.find_sink(lambda _: False, name("A"))
