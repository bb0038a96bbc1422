"""How the suite is dealt out: what it names exists, what shares a node stays together, what is long begins first."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from mondoshawan.env import PROJECT_ROOT
from tests.dealing import E2E, FIRST, OWN_NODES, Dealing, unit_of

FILES = [path.relative_to(PROJECT_ROOT).as_posix() for path in (PROJECT_ROOT / "tests").rglob("test_*.py")]


@pytest.mark.parametrize("file", sorted(OWN_NODES | set(FIRST)))
def test_what_is_named_is_there(file: str) -> None:
    assert (PROJECT_ROOT / file).exists()


def test_files_that_share_the_node_are_one_unit() -> None:
    sharing = {file for file in FILES if file.startswith(E2E)} - OWN_NODES
    assert len(sharing) > 5
    assert {unit_of(file) for file in sharing} == {E2E}
    assert [file for file in FILES if file not in sharing and unit_of(file) != file] == []


def test_each_process_gets_the_longest_that_is_left() -> None:
    tests = ["tests/b.py::one", "tests/b.py::two", "tests/b.py::three", "tests/c.py::one", f"{E2E}test_node.py::one",
             f"{FIRST[1]}::one", f"{E2E}test_web3.py::one"]  # fmt: skip
    begun: list[str] = []

    class Process:
        shutting_down = False

        def send_runtest_some(self, places: list[int]) -> None:
            begun.extend(tests[place] for place in places)

        def shutdown(self) -> None:
            self.shutting_down = True

    config: Any = SimpleNamespace(
        getvalue=lambda name: {"tx": ["popen"]}[name], option=SimpleNamespace(loadscopereorder=True)
    )
    process: Any = Process()
    dealing = Dealing(config)
    dealing.add_node(process)
    dealing.add_node_collection(process, tests)
    dealing.schedule()
    for done in range(len(tests)):
        dealing.mark_test_complete(process, tests.index(begun[done]))
    assert begun == [tests[place] for place in (4, 6, 5, 0, 1, 2, 3)]
