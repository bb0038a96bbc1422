"""Searching the tables of Django's admin: for the whole key, as somebody wrote it."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from admin_ui.admin import site
from admin_ui.models import Standing
from admin_ui.roles import Role
from explorer.models import Token

pytestmark = pytest.mark.django_db

TOO_BIG = str(2**80)


@pytest.fixture
def admin(client_of: Any) -> Client:
    return client_of(Role.ADMIN)


def found(admin: Client, table: str, text: str) -> list[Any]:
    """Keys of the rows that a search shows."""
    answer = admin.get(reverse(f"admin:{table}_changelist"), {"q": text})
    assert answer.status_code == 200, (table, text)
    return [row.pk for row in answer.context["cl"].result_list]


def test_a_name_is_found_with_its_blanks(admin: Client) -> None:
    for number, name in enumerate(("Night Gardens", "Night", "Gardens"), 1):
        Token.objects.create(
            address=bytes([number]) * 20,
            name=name,
            standard=20,
            number=1,
            log_index=0,
            transfers=1,
            holders=1,
            supply=1,
        )
    assert found(admin, "explorer_token", "Night Gardens") == [b"\x01" * 20]
    assert found(admin, "explorer_token", "Gardens") == [b"\x03" * 20]


def test_a_number_is_looked_up_as_one(admin: Client) -> None:
    user = get_user_model().objects.get(username=Role.ADMIN.group)
    Standing.objects.create(user=user, must_change=False)
    assert found(admin, "admin_ui_standing", str(user.pk)) == [user.pk]
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found(admin, "chain_selectedchain", "0")
    # a number made text would have the whole table read
    (statements,) = {one["sql"] for one in asked if "chain_selected" in one["sql"] and "COUNT" in one["sql"]}
    assert "::varchar" not in statements


@pytest.mark.parametrize("text", ["nothing is called so", TOO_BIG, "-1", "0x12", "'\"%\\", "1" * 5_000])
def test_nonsense_finds_nothing_anywhere(admin: Client, text: str) -> None:
    searched = 0
    for model, table in site._registry.items():
        if table.search_fields:
            searched += 1
            assert found(admin, f"{model._meta.app_label}_{model._meta.model_name}", text) == [], model
    assert searched > 15
