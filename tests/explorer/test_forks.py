"""How far the chain was undone since a page was written: the rule of the pages' script, run by Node.js."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from django.contrib.staticfiles import finders

from explorer.live.heads import REMEMBERED, Undone
from tests.tools import javascript

SCRIPT = Path(__file__).parent / "scripts" / "forks.mjs"


def asked(*steps: dict[str, Any]) -> list[Any]:
    module = finders.find("explorer/js/live/forks.js")
    assert isinstance(module, str)
    return javascript.run(SCRIPT, {"module": module, "steps": list(steps)})["said"]


def heard(kind: str, since: int, *forks: tuple[int, int]) -> dict[str, Any]:
    return {"hear": {"type": kind, "forks_since": since, "forks": forks}}


def since(reorgs: int) -> dict[str, Any]:
    return {"since": reorgs}


def test_the_lowest_fork_since_a_page_was_written() -> None:
    # None: nothing was undone; -1: too long ago to be remembered
    assert asked(
        since(0),
        since(5),
        since(-1),
        heard("snapshot", 3, (4, 90), (6, 70)),
        *(since(reorgs) for reorgs in (-1, 2, 3, 4, 5, 6, 7)),
        heard("head", 6),
        since(6),
        heard("head", 6, (7, 95), (8, 92)),
        *(since(reorgs) for reorgs in (3, 6, 7, 8)),
        # another node process, which has begun anew
        heard("snapshot", 9),
        since(8),
        since(9),
    ) == [None, None, -1, -1, -1, 70, 70, 70, None, None, None, 70, 92, 92, None, -1, None]


def test_what_is_long_ago_is_forgotten() -> None:
    many = [heard("head", number, (number + 1, number)) for number in range(300)]
    assert asked(heard("snapshot", 0), *many, since(43), since(44), since(299)) == [-1, 44, 299]


def test_the_notice_of_a_list() -> None:
    assert asked(*({"notice": one} for one in ([0, "block", False], [1, "block", False], [2, "token", True]))) == [
        "0 new blocks",
        "1 new block",
        "2 new tokens · reorganised",
    ]
    assert asked({"notice": [0, "block", True]}) == ["Reorganised"]


def test_the_line_remembers_as_the_page_does() -> None:
    one = Undone(3, ()).and_then(4, 90).and_then(6, 70)
    assert (one.since, one.newest, one.lowest) == (3, 6, 70)
    assert one.after(4) == Undone(4, ((6, 70),))
    assert (one.after(6).lowest, one.after(6).newest) == (None, 6)
    for number in range(7, 7 + REMEMBERED):
        one = one.and_then(number, number)
    assert (len(one.forks), one.since) == (REMEMBERED, 6)
