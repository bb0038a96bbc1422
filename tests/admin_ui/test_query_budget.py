"""How many statements each page of the operator's web asks: as the budget has it, however many rows there are."""

from __future__ import annotations

import tomllib
from collections.abc import Callable

import pytest
from django.contrib.auth import get_user_model
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse

from admin_ui.admin import site
from admin_ui.models import Alert
from admin_ui.roles import Role
from chain.models import ApiKey, OperatorAction
from explorer.models import PublishedAbi
from tests.admin_ui.test_access import KEY, PUBLIC, TABLE, url_of
from tests.explorer.test_query_budget import BUDGET, as_toml
from tests.tools.queries import asked

pytestmark = pytest.mark.django_db

KINDS = ("operator", "admin")
MANY = 60


def many_of_everything() -> None:
    """Rows for every list of these pages."""
    users = get_user_model().objects
    viewer = Group.objects.get(name=Role.VIEWER.group)
    for row in range(MANY):
        users.create(username=f"user {row}").groups.add(viewer)
    ApiKey.objects.bulk_create(
        [ApiKey(name=f"key {row}", digest=bytes([row + 1]) * 32, scopes=["log"], created_ms=row) for row in range(MANY)]
    )
    OperatorAction.objects.bulk_create(
        [OperatorAction(action="mining.stop", actor="admin", door="web", at_ms=row) for row in range(MANY)]
    )
    Alert.objects.bulk_create(
        [
            Alert(key=f"key {row}", level="warn", title="t", detail="d", page="pool", since_ms=row, seen_ms=row)
            for row in range(MANY)
        ]
    )
    PublishedAbi.objects.bulk_create(
        [
            PublishedAbi(
                address=bytes([row]) * 20,
                name=f"n {row}",
                abi="[]",
                published_ms=row,
                code_hash=bytes(32),
                functions=0,
                matched=0,
            )
            for row in range(MANY)
        ]
    )


def pages() -> dict[str, dict[str, str]]:
    """Name → path of what can be looked at."""
    looks = [name for name, entry in TABLE.items() if "GET" in entry[1]]
    operator = {name: url_of(name) for name in looks}
    operator |= {name: reverse(f"operator:{name}") for name in PUBLIC - {"logout"}}
    tables = {
        f"{model._meta.app_label}.{model._meta.model_name}": reverse(
            f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"
        )
        for model in site._registry
    }
    return {"operator": operator, "admin": {"index": reverse("admin:index"), **tables}}


def counts(client: Client) -> dict[str, dict[str, int]]:
    """Statements of every page, the second time that it is asked for."""
    found: dict[str, dict[str, int]] = {}
    for kind, paths in pages().items():
        for name, path in sorted(paths.items()):
            for _ in range(2):
                with asked() as statements:
                    answer = client.get(path)
                assert answer.status_code in (200, 302), (name, answer.status_code)
            found.setdefault(kind, {})[name] = len(statements)
    return found


def test_every_page_keeps_to_its_budget(client_of: Callable[[Role | None], Client]) -> None:
    admin = client_of(Role.ADMIN)
    ApiKey.objects.create(name=KEY, digest=bytes(32), scopes=["log"], created_ms=1)
    few = counts(admin)
    many_of_everything()
    found = counts(admin)
    more = [f"{name}: {few[kind][name]} → {found[kind][name]}" for kind in found for name in found[kind]
            if found[kind][name] > few[kind][name]]  # fmt: skip
    assert more == []
    # one number for the tables of /admin/, which are all shown by the same page
    tables = {name: count for name, count in found["admin"].items() if name != "index"}
    assert set(tables.values()) == {max(tables.values())}, tables
    found["admin"] = {"index": found["admin"]["index"], "a table": max(tables.values())}
    budget = tomllib.loads(BUDGET.read_text())
    assert {kind: budget.get(kind) for kind in KINDS} == found, f"the numbers are now\n{as_toml(found)}"
