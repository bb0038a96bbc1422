"""Every test ends: how long each may take until it counts as hung."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import pytest_collection_modifyitems


class Item:
    """As much of a test as the hook looks at."""

    def __init__(self, *marks: Any) -> None:
        self.marks = {mark.name: mark for mark in marks}

    def get_closest_marker(self, name: str) -> Any:
        return self.marks.get(name)

    def add_marker(self, mark: pytest.MarkDecorator) -> None:
        self.marks[mark.name] = mark


@pytest.mark.parametrize(
    ("marks", "seconds"),
    [
        ((pytest.mark.e2e,), 600),
        ((pytest.mark.long,), 3600),
        ((pytest.mark.e2e, pytest.mark.long), 3600),
        ((pytest.mark.e2e, pytest.mark.timeout(7)), 7),
    ],
    ids=["e2e", "long", "both", "its own"],
)
def test_who_may_need_more_has_more(marks: tuple[Any, ...], seconds: int) -> None:
    items: list[Any] = [Item(*marks)]
    pytest_collection_modifyitems(items)
    assert items[0].marks["timeout"].args == (seconds,)


def test_all_others_have_the_time_of_the_suite(request: pytest.FixtureRequest) -> None:
    assert request.node.get_closest_marker("timeout") is None
    assert (request.config.getini("timeout"), request.config.getini("timeout_method")) == ("300", "signal")
