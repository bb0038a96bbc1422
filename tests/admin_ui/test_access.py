"""Every view and action of the operator's web, walked with nobody and with each role.

A view that is not in the table fails, and so does one that asks of its users something else than the table says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from admin_ui.consumer import ACTIONS
from admin_ui.roles import Role
from tests.admin_ui.fakes import FakeDoor

pytestmark = pytest.mark.django_db

LOOK, FORM, ACT = ("GET", "HEAD"), ("GET", "HEAD", "POST"), ("POST",)
PUBLIC = {"login", "logout"}
TABLE: dict[str, tuple[Role, tuple[str, ...]]] = {
    "password": (Role.VIEWER, FORM),
    "setup": (Role.ADMIN, FORM),
    "overview": (Role.VIEWER, LOOK),
    "mining": (Role.VIEWER, LOOK),
    "mining-start": (Role.OPERATOR, ACT),
    "mining-stop": (Role.OPERATOR, ACT),
    "mining-share": (Role.OPERATOR, ACT),
    "mining-coinbase": (Role.OPERATOR, ACT),
    "ordering": (Role.VIEWER, LOOK),
    "ordering-choose": (Role.OPERATOR, ACT),
    "pool": (Role.VIEWER, LOOK),
    "pool-sender": (Role.VIEWER, LOOK),
    "pool-drop": (Role.OPERATOR, ACT),
    "pool-drop-sender": (Role.OPERATOR, ACT),
    "shards": (Role.VIEWER, LOOK),
    "processes": (Role.VIEWER, LOOK),
    "processes-restart": (Role.OPERATOR, ACT),
    "settings": (Role.VIEWER, LOOK),
    "settings-change": (Role.ADMIN, ACT),
    "keys": (Role.VIEWER, LOOK),
    "keys-create": (Role.ADMIN, ACT),
    "keys-revoke": (Role.ADMIN, ACT),
    "alerts": (Role.VIEWER, LOOK),
    "alerts-acknowledge": (Role.OPERATOR, ACT),
    "audit": (Role.VIEWER, LOOK),
    "users": (Role.ADMIN, LOOK),
    "users-create": (Role.ADMIN, ACT),
    "users-role": (Role.ADMIN, ACT),
    "users-active": (Role.ADMIN, ACT),
    "users-reset": (Role.ADMIN, ACT),
    "logs": (Role.VIEWER, LOOK),
    "backups": (Role.VIEWER, LOOK),
    "backups-start": (Role.ADMIN, ACT),
}
SOCKET_ACTIONS = {"resync": Role.VIEWER, "follow": Role.VIEWER, "unfollow": Role.VIEWER}
ARGUMENTS = {"pool-sender": ["0x" + "11" * 20]}
# what somebody with a right but an empty form gets: the page itself, back to a page, or the form again
WELCOME = {200, 302, 400}
EVERYBODY = [None, Role.NOBODY, Role.VIEWER, Role.OPERATOR, Role.ADMIN]


def patterns(resolver: Any, path: str = "") -> Iterator[tuple[str, URLPattern]]:
    for item in resolver.url_patterns:
        here = path + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from patterns(item, here)
        else:
            yield here, item


def guarded_patterns() -> list[tuple[str, URLPattern]]:
    found = patterns(get_resolver())
    return [(path, item) for path, item in found if path.startswith(("operator", "admin"))]


def is_login(answer: Any) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/operator/login/")


def test_every_view_stands_in_the_table() -> None:
    named = {str(item.name) for path, item in guarded_patterns() if path.startswith("operator")}
    assert named == set(TABLE) | PUBLIC
    assert ACTIONS == SOCKET_ACTIONS


def test_every_view_says_what_it_asks() -> None:
    for path, item in guarded_patterns():
        if path.startswith("operator") and item.name not in PUBLIC:
            assert (item.callback.required_role, item.callback.methods) == TABLE[str(item.name)], path


def test_each_view_lets_in_whom_it_should(client_of: Callable[[Role | None], Client]) -> None:
    wrong = []
    for name, (needed, methods) in TABLE.items():
        url = reverse(f"operator:{name}", args=ARGUMENTS.get(name, []))
        for method in {"GET", "POST", "DELETE"} - set(methods):
            if client_of(Role.ADMIN).generic(method, url).status_code != 405:
                wrong.append(f"{method} {name} is not refused")
        for role in EVERYBODY:
            for method in set(methods) - {"HEAD"}:
                answer = client_of(role).generic(method, url)
                if role is None:
                    right = is_login(answer)
                elif role < needed:
                    right = answer.status_code == 403
                else:
                    right = answer.status_code in WELCOME and not is_login(answer)
                if not right or "no-store" not in answer["Cache-Control"]:
                    wrong.append(f"{method} {name} as {role!r}: {answer.status_code}")
    assert wrong == []


def test_a_post_without_its_token_is_refused(user: Callable[[Role], Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user(Role.ADMIN), "django.contrib.auth.backends.ModelBackend")
    for name in [*PUBLIC, *(name for name, (_, methods) in TABLE.items() if "POST" in methods)]:
        assert client.post(reverse(f"operator:{name}")).status_code == 403, name


def test_the_admin_is_for_admins_and_changes_nothing(client_of: Callable[[Role | None], Client]) -> None:
    found = [(path, item) for path, item in guarded_patterns() if path.startswith("admin")]
    lists = [f"admin:{item.name}" for _, item in found if str(item.name).endswith("_changelist")]
    changing = [f"admin:{item.name}" for _, item in found if str(item.name).endswith("_add")]
    assert len(lists) > 10
    anyone = client_of(None)
    highest = client_of(Role.OPERATOR)
    for path, item in found:
        # every path of the admin, its parameters filled in
        url = "/" + re.sub(r"<[^>]+>", "1", path.replace("(?P<url>.*)$", "nothing")).replace("^", "").replace("$", "")
        if item.name == "app_list":
            url = reverse("admin:app_list", args=["chain"])
        assert is_login(anyone.get(url)), url
        if item.name not in ("login", "logout"):
            assert highest.get(url).status_code == 403, url
    admin = client_of(Role.ADMIN)
    for name in lists:
        answer = admin.get(reverse(name))
        assert answer.status_code == 200, name
        policy = answer["Content-Security-Policy"]
        assert "'unsafe-eval'" in policy
        assert "http" not in policy
    for name in changing:
        assert admin.get(reverse(name)).status_code == 403
        assert admin.post(reverse(name), {}).status_code == 403
    # a key of bytes leads to its row
    from chain.services.network import current_genesis

    row = admin.get(reverse("admin:chain_block_change", args=[current_genesis().hash.hex()]))
    assert row.status_code == 200
    assert current_genesis().hash.hex() in row.content.decode()
    assert admin.get(reverse("admin:chain_block_change", args=["zz"])).status_code == 404
    # the admin's own doors lead to the throttled one
    assert is_login(admin.post(reverse("admin:login")))


def test_every_page_is_strict(client_of: Callable[[Role | None], Client], node: FakeDoor) -> None:
    admin = client_of(Role.ADMIN)
    for name, (_, methods) in TABLE.items():
        if "GET" not in methods or name == "setup":
            continue
        answer = admin.get(reverse(f"operator:{name}", args=ARGUMENTS.get(name, [])))
        assert answer.status_code == 200, name
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        page = answer.content.decode()
        for inline in ("<script>", " onclick=", " style=", "javascript:"):
            assert inline not in page, (name, inline)


def test_a_foreign_host_is_refused(client_of: Callable[[Role | None], Client]) -> None:
    assert client_of(Role.ADMIN).get("/operator/", headers={"host": "evil.example"}).status_code == 400
