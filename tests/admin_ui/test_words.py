"""How the operator's pages say what a machine writes: changes of the trail, columns of the tables."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from admin_ui.admin import _shown
from admin_ui.roles import Role
from admin_ui.templatetags.operator import told
from chain.core.errors import RequestError
from chain.models import ApiKey, Block
from chain.services import audit


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, "–"),
        ({}, "–"),
        (0.2, "0.2"),
        (True, "yes"),
        ("fee", "fee"),
        (["log", "mining"], "log and mining"),
        ({"days": None, "scopes": ["mining"], "burst_points": 400}, "days –, scopes mining, burst points 400"),
        ({"servers": {"redis_url": "embedded"}}, "servers redis url embedded"),
    ],
)
def test_a_value_is_told_in_words(value: Any, expected: str) -> None:
    assert told(value) == expected


def test_a_change_is_told_as_one_and_a_refused_one_as_none(client_of: Callable[[Role | None], Client]) -> None:
    def change(refused: bool) -> None:
        with audit.operation("setting.change", "node.rpc_max_batch") as trail:
            trail.before = 1000 if not refused else {"rate": 200}
            if refused:
                raise RequestError("invalid_params", "too much")
            trail.after = 500

    change(refused=False)
    with pytest.raises(RequestError):
        change(refused=True)
    page = client_of(Role.ADMIN).get("/operator/audit/").content.decode()
    assert '<span class="quiet">1000</span> → 500' in page
    assert '<span class="quiet">rate 200</span> stays' in page


def test_columns_of_the_tables() -> None:
    def column(model: Any, name: str, value: Any) -> tuple[str, str]:
        show = _shown(model._meta.get_field(name), True)
        return show.short_description, show(model(**{name: value}))  # type: ignore[attr-defined]

    assert column(Block, "timestamp_ms", 1_795_427_138_173) == ("timestamp", "2026-11-23 09:45:38.173")
    assert [column(Block, "stream", stream)[1] for stream in (0, 1, 2, 3)] == ["genesis", "A", "B", "C"]
    assert column(ApiKey, "expires_ms", None) == ("expires", "–")
