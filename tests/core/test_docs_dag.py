"""The drawing and the table of docs/protocol/dag.md, computed again by ``chain.core.ghostdag``."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple
from xml.etree import ElementTree

from chain.core.ghostdag import Dag
from chain.core.ghostdag.views import BlockView

DOCS = Path(__file__).resolve().parents[2] / "docs" / "protocol"
SVG = "{http://www.w3.org/2000/svg}"
K = 2
WORK = {"G": 0, "A": 3, "B": 2, "C": 0}

# the DAG of the drawing: a block's first letter is its stream
PARENTS: dict[str, tuple[str, ...]] = {
    "G": (),
    "B1": ("G",),
    "B2": ("G",),
    "A3": ("B1", "B2"),
    "B4": ("B1",),
    "C5": ("A3",),
    "B6": ("A3",),
    "B7": ("C5",),
    "B8": ("B4", "B6", "B7"),
    "C9": ("B8",),
    "B10": ("B8",),
    "A11": ("C9", "B10"),
}


def hash_of(name: str) -> bytes:
    """Hashes that compare like the numbers of the names."""
    return int(name[1:] or 0).to_bytes(32, "big")


NAMES = {hash_of(name): name for name in PARENTS}


@cache
def drawn() -> tuple[Dag, dict[str, BlockView]]:
    dag = Dag(k=K)
    views = {}
    for name, parents in PARENTS.items():
        ticket = {"vrf_key": bytes(32), "slot": int(name[1:])} if name[0] == "C" else {}
        stream = name[0] if parents else "GENESIS"
        views[name] = dag.insert(hash_of(name), tuple(map(hash_of, parents)), WORK[name[0]], stream=stream, **ticket)
    return dag, views


def named(blocks: object) -> list[str]:
    return [NAMES[block] for block in blocks]  # type: ignore[attr-defined]


def chain() -> list[str]:
    """The selected chain of the last block, upwards."""
    dag, _ = drawn()
    return named(dag.selected_chain(hash_of("A11")))[::-1]


def epochs() -> dict[str, list[str]]:
    """What each chain block adds to the consensus order."""
    dag, _ = drawn()
    return {block: named(dag.consensus_order_of(hash_of(block))) for block in chain()}


def colours() -> dict[str, str]:
    """Each block's colour in the view of the last one; that block itself is blue to whoever selects it."""
    _, views = drawn()
    colour = {"A11": "blue"}
    for block in chain():
        colour.update(dict.fromkeys(named(views[block].blues), "blue"))
        colour.update(dict.fromkeys(named(views[block].reds), "red"))
    return colour


def test_the_story_that_the_text_tells() -> None:
    _, views = drawn()
    assert chain() == ["G", "B2", "A3", "C5", "B7", "B8", "B10", "A11"]
    assert [name for name, colour in colours().items() if colour == "red"] == ["B4"]
    assert list(epochs().values()) == [
        ["G"], ["B2"], ["B1", "A3"], ["C5"], ["B7"], ["B4", "B6", "B8"], ["B10"], ["C9", "A11"],
    ]  # fmt: skip
    assert views["B6"].weight == views["B7"].weight
    assert views["C9"].weight == views["B8"].weight < views["B10"].weight
    # with the networks' own k, the late block would have been blue
    wide = Dag(k=19)
    for name, parents in PARENTS.items():
        view = wide.insert(
            hash_of(name), tuple(map(hash_of, parents)), WORK[name[0]], name[0] if parents else "GENESIS"
        )
        assert view.reds == ()


class Drawing(NamedTuple):
    blocks: dict[str, set[str]]
    edges: set[tuple[str, str, bool]]
    strip: list[tuple[str, str, str]]


@cache
def drawing() -> Drawing:
    root = ElementTree.parse(DOCS / "img" / "dag.svg").getroot()
    blocks, edges, strip = {}, set(), []
    for element in root.iter():
        classes = set((element.get("class") or "").split())
        if "block" in classes:
            assert "".join(element.itertext()).split()[0] == element.get("id")
            blocks[element.get("id") or ""] = classes - {"block"}
        elif element.get("data-edge") is not None:  # the legend has arrows too
            child, parent = (element.get("data-edge") or "").split()
            edges.add((child, parent, "selected" in classes))
        elif "step" in classes:
            (text,) = ["".join(part.itertext()) for part in element.iter(f"{SVG}text")]
            (colour,) = classes - {"step"}
            strip.append((text, colour, element.get("data-epoch") or ""))
    return Drawing(blocks, edges, strip)


def test_the_drawing_has_these_blocks_in_these_colours() -> None:
    on_chain = set(chain())
    assert drawing().blocks == {
        name: {f"stream-{name[0]}", colours()[name], *(["chain"] if name in on_chain else [])} for name in PARENTS
    }


def test_the_drawing_has_these_edges() -> None:
    _, views = drawn()
    assert drawing().edges == {
        (name, parent, views[name].selected_parent == hash_of(parent))
        for name, parents in PARENTS.items()
        for parent in parents
    }


def test_the_drawing_has_this_order_and_these_epochs() -> None:
    assert drawing().strip == [
        (name, colours()[name], str(number)) for number, block in enumerate(chain()) for name in epochs()[block]
    ]


def test_the_table_of_the_text() -> None:
    _, views = drawn()
    text = (DOCS / "dag.md").read_text()
    rows = re.findall(r"^\| `(\w+)` \|(.*)\|$", text, re.MULTILINE)
    expected = {}
    for name, view in views.items():
        merged = [
            f"{one} (red)" if block in view.reds else one for block in view.mergeset[1:] for one in named([block])
        ]
        selected = NAMES[view.selected_parent] if view.selected_parent is not None else "–"
        cells = [selected, ", ".join(merged) or "–", view.blue_score, view.blue_work, view.weight, view.number]
        expected[name] = [str(cell) for cell in cells]
    assert {name: [cell.strip() for cell in cells.split("|")] for name, cells in rows} == expected


def test_the_pages_use_the_drawing() -> None:
    assert "![" in (DOCS / "dag.md").read_text()
    assert "(img/dag.svg)" in (DOCS / "dag.md").read_text()
