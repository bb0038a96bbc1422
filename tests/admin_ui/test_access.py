"""Every view, socket and action of the web process, walked with nobody and with each role.

What there is comes from the routes themselves.  A view that is in no table fails, and so does one that asks of its
users something else than the table says.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import pytest
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver, reverse

from admin_ui.consumer import ACTIONS, OperatorConsumer
from admin_ui.roles import Role
from chain.models import ApiKey, OperatorAction
from explorer.live.consumer import LiveConsumer
from mondoshawan.env import PROJECT_ROOT as BASE_DIR
from mondoshawan.routing import RPC_PATHS
from tests.admin_ui.fakes import FakeDoor

pytestmark = pytest.mark.django_db

LOOK, FORM, ACT = ("GET", "HEAD"), ("GET", "HEAD", "POST"), ("POST",)
PUBLIC = {"login", "logout"}
# what takes something from everybody: the door itself, calls that come as a form, coding of contract arguments; the
# last two keep nothing
TAKING = {
    "operator:login",
    "operator:logout",
    "explorer:api",
    "explorer:abi-encode",
    "explorer:abi-decode",
    "explorer:abi-error",
}
# route → the least role, methods, and what it does by its name in the trail
TABLE: dict[str, tuple[Role, tuple[str, ...], str]] = {
    "password": (Role.VIEWER, FORM, "user.change_password"),
    "setup": (Role.ADMIN, FORM, "setup.finish"),
    "overview": (Role.VIEWER, LOOK, ""),
    "mining": (Role.VIEWER, LOOK, ""),
    "mining-start": (Role.OPERATOR, ACT, "mining.start"),
    "mining-stop": (Role.OPERATOR, ACT, "mining.stop"),
    "mining-share": (Role.OPERATOR, ACT, "mining.set_share"),
    "mining-coinbase": (Role.OPERATOR, ACT, "mining.set_coinbase"),
    "ordering": (Role.VIEWER, LOOK, ""),
    "ordering-choose": (Role.OPERATOR, ACT, "mining.set_ordering"),
    "pool": (Role.VIEWER, LOOK, ""),
    "pool-sender": (Role.VIEWER, LOOK, ""),
    "pool-drop": (Role.OPERATOR, ACT, "pool.drop_transaction"),
    "pool-drop-sender": (Role.OPERATOR, ACT, "pool.drop_sender"),
    "shards": (Role.VIEWER, LOOK, ""),
    "processes": (Role.VIEWER, LOOK, ""),
    "processes-restart": (Role.OPERATOR, ACT, "process.restart"),
    "settings": (Role.VIEWER, LOOK, ""),
    "settings-change": (Role.ADMIN, ACT, "setting.change"),
    "settings-servers": (Role.ADMIN, ACT, "servers.choose"),
    "settings-servers-forget": (Role.ADMIN, ACT, "servers.forget"),
    "processes-restart-node": (Role.ADMIN, ACT, "node.restart"),
    "keys": (Role.VIEWER, LOOK, ""),
    "keys-create": (Role.ADMIN, ACT, "api_key.create"),
    "keys-change": (Role.ADMIN, FORM, "api_key.change"),
    "keys-revoke": (Role.ADMIN, ACT, "api_key.revoke"),
    "abis": (Role.VIEWER, LOOK, ""),
    "abis-publish": (Role.OPERATOR, ACT, "abi.publish"),
    "abis-withdraw": (Role.OPERATOR, ACT, "abi.withdraw"),
    "alerts": (Role.VIEWER, LOOK, ""),
    "alerts-acknowledge": (Role.OPERATOR, ACT, "alert.acknowledge"),
    "audit": (Role.VIEWER, LOOK, ""),
    "audit-csv": (Role.VIEWER, LOOK, ""),
    "users": (Role.ADMIN, LOOK, ""),
    "users-create": (Role.ADMIN, ACT, "user.create"),
    "users-role": (Role.ADMIN, ACT, "user.set_role"),
    "users-active": (Role.ADMIN, ACT, "user.set_active"),
    "users-reset": (Role.ADMIN, ACT, "user.reset_password"),
    "logs": (Role.VIEWER, LOOK, ""),
    "backups": (Role.VIEWER, LOOK, ""),
    "backups-start": (Role.ADMIN, ACT, "backup.start"),
}
SOCKET_ACTIONS = {"resync": Role.VIEWER, "follow": Role.VIEWER, "unfollow": Role.VIEWER}
ARGUMENTS = {"pool-sender": ["0x" + "11" * 20]}
# what a page is asked about, which must be there
KEY = "walked"
WAY_OUT = '<a class="button" href="/operator/">Overview</a>'
QUERIES = {"keys-change": f"?name={KEY}"}
# what somebody with a right but an empty form gets: the page itself, back to a page, or the form again
WELCOME = {200, 302, 400}
EVERYBODY = [None, Role.NOBODY, Role.VIEWER, Role.OPERATOR, Role.ADMIN]


def patterns(
    resolver: Any, path: str = "", spaces: tuple[str, ...] = ()
) -> Iterator[tuple[str, tuple[str, ...], URLPattern]]:
    for item in resolver.url_patterns:
        here = path + str(item.pattern)
        if isinstance(item, URLResolver):
            yield from patterns(item, here, (*spaces, item.namespace) if item.namespace else spaces)
        else:
            yield here, spaces, item


def every_route() -> list[tuple[str, str, URLPattern]]:
    """(path, full name, pattern) of all that the web process answers, whoever made the route."""
    return [(path, ":".join([*spaces, str(item.name)]), item) for path, spaces, item in patterns(get_resolver())]


def guarded() -> dict[str, URLPattern]:
    """Full name → pattern of the views behind the guard, wherever they are; the tables have a test of their own."""
    return {
        name.removeprefix("operator:"): item
        for path, name, item in every_route()
        if hasattr(item.callback, "required_role") and not path.startswith("admin/")
    }


def filled(path: str) -> str:
    """A path that some view answers to, its parameters filled in."""
    return "/" + re.sub(r"<[^>]+>", "1", path.replace("(?P<url>.*)$", "nothing")).replace("^", "").replace("$", "")


def url_of(name: str) -> str:
    """The address of a guarded view by its name in the table."""
    return reverse(name if ":" in name else f"operator:{name}", args=ARGUMENTS.get(name, [])) + QUERIES.get(name, "")


@pytest.fixture(autouse=True)
def key(node: FakeDoor) -> None:
    """What ``QUERIES`` ask about."""
    ApiKey.objects.create(name=KEY, digest=bytes(32), scopes=["log"], created_ms=1)


def is_login(answer: Any) -> bool:
    return answer.status_code == 302 and answer["Location"].startswith("/operator/login/")


def test_every_view_stands_in_the_table() -> None:
    found = guarded()
    assert {
        name: (item.callback.required_role, item.callback.methods, item.callback.does) for name, item in found.items()
    } == TABLE
    # nothing in the operator's rooms is left open by forgetting the guard
    rooms = {name for path, name, _ in every_route() if path.startswith("operator/")}
    assert rooms - {f"operator:{name}" for name in found} == {f"operator:{name}" for name in PUBLIC}


def test_every_other_view_is_for_everybody_and_changes_nothing(client_of: Callable[[Role | None], Client]) -> None:
    """A view without the guard answers all alike, and takes nothing but what is listed."""
    wrong = []
    open_routes = [
        (filled(path), name)
        for path, name, item in every_route()
        if not hasattr(item.callback, "required_role") and not path.startswith("admin/")
    ]
    assert len(open_routes) > 40
    for url, name in open_routes:
        if name in TAKING:
            continue
        answers = {role: client_of(role).get(url) for role in (None, Role.NOBODY, Role.VIEWER, Role.ADMIN)}
        if len({answer.status_code for answer in answers.values()}) != 1 or is_login(answers[None]):
            wrong.append(f"GET {url}: {[answer.status_code for answer in answers.values()]}")
        for method in ("POST", "PUT", "PATCH", "DELETE"):
            status = client_of(Role.ADMIN).generic(method, url).status_code
            if status not in (403, 404, 405):
                wrong.append(f"{method} {url}: {status}")
    assert wrong == []


def test_every_socket_stands_in_the_table() -> None:
    found = {
        str(item.pattern): item.callback.consumer_class
        for app in ("explorer", "admin_ui")
        for item in import_module(f"{app}.routing").websocket_urlpatterns
    }
    assert found == {"ws/live": LiveConsumer, "ws/operator": OperatorConsumer}
    assert {"http": {"/rpc", "/rpc/"}, "websocket": {"/ws/rpc"}} == RPC_PATHS
    # every app that has sockets is asked for them
    assert {path.parent.name for path in BASE_DIR.glob("*/routing.py")} == {"mondoshawan", "explorer", "admin_ui"}
    assert ACTIONS == SOCKET_ACTIONS


def test_each_view_lets_in_whom_it_should(client_of: Callable[[Role | None], Client]) -> None:
    wrong = []
    for name, (needed, methods, _) in TABLE.items():
        url = url_of(name)
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


def test_every_attempt_stands_in_the_trail(client_of: Callable[[Role | None], Client], node: FakeDoor) -> None:
    """One row for each POST by anybody who is known: done, refused by the node, or refused for want of a role."""
    wrong = []
    for name, (needed, methods, does) in TABLE.items():
        if "POST" not in methods or name == "setup":
            assert "POST" not in methods or does
            continue
        for role in EVERYBODY[1:]:
            OperatorAction.objects.all().delete()
            client_of(role).post(url_of(name), {"confirmed": "yes"})
            rows = OperatorAction.objects.values_list("actor", "action", "outcome", "door", "detail")
            kept = [row for row in rows if row[1] != "login"]
            refused = "forbidden: " if role < needed else ""
            if (
                len(kept) != 1
                or kept[0][:2] != (role.group, does)
                or kept[0][3] != "web"
                or (refused and (kept[0][2] != "refused" or not kept[0][4].startswith(refused)))
            ):
                wrong.append((name, role.group, kept))
    assert wrong == []


def test_a_page_of_a_form_that_is_reloaded_leads_back(client_of: Callable[[Role | None], Client]) -> None:
    answer = client_of(Role.ADMIN).get(reverse("operator:mining-stop"))
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "only takes forms" in answer.content.decode()


def test_a_post_without_its_token_is_refused(user: Callable[[Role], Any]) -> None:
    client = Client(enforce_csrf_checks=True)
    client.force_login(user(Role.ADMIN), "django.contrib.auth.backends.ModelBackend")
    for name in [*PUBLIC, *(name for name, (_, methods, _) in TABLE.items() if "POST" in methods)]:
        answer = client.post(url_of(name))
        assert answer.status_code == 403, name
        assert "This form is too old" in answer.content.decode(), name
        assert WAY_OUT in answer.content.decode(), name


def test_every_refusal_leads_back_into_the_rooms(
    client_of: Callable[[Role | None], Client], monkeypatch: pytest.MonkeyPatch
) -> None:
    """404, 403 and 500; where nobody may go on there is no link that would only refuse again."""

    def broken(*_: Any) -> None:
        raise RuntimeError("a path that is nobody's business")

    monkeypatch.setattr("admin_ui.views.shards.shard_lines", broken)
    viewer = client_of(Role.VIEWER)
    viewer.raise_request_exception = False
    for path, status in (("nothing/", 404), ("users/", 403), ("shards/", 500)):
        answer = viewer.get(f"/operator/{path}")
        page = answer.content.decode()
        assert (answer.status_code, WAY_OUT in page) == (status, True), path
        assert "nobody&#x27;s business" not in page
        assert "nobody's business" not in page
    assert "It needs the role admin; yours is viewer." in viewer.get("/operator/users/").content.decode()
    assert WAY_OUT not in client_of(Role.NOBODY).get("/operator/mining/").content.decode()
    # a reader of the public pages goes to the dashboard
    assert WAY_OUT not in viewer.get("/nothing/here").content.decode()


def test_the_admin_is_for_admins_and_changes_nothing(client_of: Callable[[Role | None], Client]) -> None:
    found = [(path, item) for path, _, item in every_route() if path.startswith("admin/")]
    lists = [f"admin:{item.name}" for _, item in found if str(item.name).endswith("_changelist")]
    changing = [f"admin:{item.name}" for _, item in found if str(item.name).endswith("_add")]
    assert len(lists) > 10
    anyone = client_of(None)
    highest = client_of(Role.OPERATOR)
    for path, item in found:
        url = filled(path)
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
    for name, (_, methods, _) in TABLE.items():
        if "GET" not in methods or name == "setup":
            continue
        answer = admin.get(url_of(name))
        assert answer.status_code == 200, name
        policy = answer["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert answer["X-Frame-Options"] == "DENY"
        if answer.streaming:
            continue
        page = answer.content.decode()
        for inline in ("<script>", " onclick=", " style=", "javascript:"):
            assert inline not in page, (name, inline)


def test_a_foreign_host_is_refused(client_of: Callable[[Role | None], Client]) -> None:
    assert client_of(Role.ADMIN).get("/operator/", headers={"host": "evil.example"}).status_code == 400
