"""Coming in: the first run, the login and its throttle, roles and passwords; nobody locks the last admin out."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from axes.models import AccessAttempt
from django.contrib.auth import get_user_model
from django.contrib.sessions.models import Session
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from admin_ui.addresses import named_address
from admin_ui.roles import Role
from admin_ui.services import first_run, users
from admin_ui.tasks import sweep_logins
from chain.core.errors import RequestError
from chain.models import NodeSetting, OperatorAction
from chain.services import control
from tests.admin_ui.conftest import PASSWORD
from tests.admin_ui.fakes import FakeDoor

pytestmark = pytest.mark.django_db
NEW = "another long password"
COINBASE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"


def login(client: Client, password: str, name: str = "operator", **extra: Any) -> Any:
    return client.post("/operator/login/", {"username": name, "password": password, **extra})


@pytest.fixture
def fresh(node: FakeDoor) -> None:
    """A node that nobody has set up yet."""
    NodeSetting.objects.filter(key=first_run.SETUP_KEY).delete()


class TestFirstRun:
    def test_a_password_is_printed_until_somebody_has_chosen_another(self, fresh: None) -> None:
        printed = [first_run.ensure_operator() for _ in range(3)]
        assert len({*printed, None}) == 4
        client = Client()
        assert login(client, str(printed[0])).status_code == 401
        assert login(client, str(printed[2])).status_code == 302
        # used, but not changed: the next start prints another
        again = first_run.ensure_operator()
        assert again not in printed
        client = Client()
        login(client, str(again))
        assert client.get("/operator/mining/")["Location"] == "/operator/setup/"
        shown = client.get("/operator/setup/").content.decode()
        assert "/run/pg" in shown
        assert "r.example" in shown
        form = {"new": NEW, "again": NEW, "coinbase": COINBASE, "streams": ["A", "C"]}
        assert client.post("/operator/setup/", form)["Location"] == "/operator/"
        assert client.get("/operator/").status_code == 200
        # done by the node, not only by the form
        settings = control.mining_settings()
        assert settings.coinbase == bytes.fromhex(COINBASE[2:])
        assert [part.on for part in (settings.a, settings.b, settings.c)] == [True, False, True]
        assert login(Client(), str(again)).status_code == 401
        assert login(Client(), NEW).status_code == 302
        assert first_run.ensure_operator() is None
        assert client.get("/operator/setup/")["Location"] == "/operator/"
        kept = list(OperatorAction.objects.values_list("action", flat=True))
        assert {"user.change_password", "mining.set_coinbase", "mining.stop", "setup.finish"} <= set(kept)

    def test_a_weak_password_or_a_wrong_account_changes_nothing(self, fresh: None) -> None:
        client = Client()
        login(client, str(first_run.ensure_operator()))
        for form in ({"new": "password12", "again": "password12"}, {"new": NEW, "again": "other"},
                     {"new": NEW, "again": NEW, "coinbase": "0x12"}):  # fmt: skip
            assert client.post("/operator/setup/", {"streams": "A", **form}).status_code == 400
        assert not first_run.is_set_up()
        assert first_run.ensure_operator() is not None

    def test_a_given_password_need_not_be_changed_at_once(self, fresh: None) -> None:
        assert first_run.ensure_operator("given by the environment") is None
        client = Client()
        assert login(client, "given by the environment").status_code == 302
        page = client.get("/operator/setup/")
        assert b'id="new"' not in page.content
        assert client.post("/operator/setup/", {"streams": ["A", "B", "C"]})["Location"] == "/operator/"

    def test_a_lost_password_is_given_anew_by_command(self, node: FakeDoor) -> None:
        def ask(*arguments: str) -> str:
            out = StringIO()
            call_command("operator_password", *arguments, stdout=out)
            return out.getvalue().split()[-1]

        password = ask()
        user = get_user_model().objects.get(username="operator")
        user.is_active = False
        user.save()
        password, before = ask(), password
        assert password != before
        client = Client()
        assert login(client, password).status_code == 302
        assert client.get("/operator/")["Location"] == "/operator/password/"
        wrong = client.post("/operator/password/", {"old": "no", "new": NEW, "again": NEW})
        assert wrong.status_code == 400
        changed = client.post("/operator/password/", {"old": password, "new": NEW, "again": NEW})
        assert changed["Location"] == "/operator/"
        assert client.get("/operator/").status_code == 200


class TestLogin:
    def test_five_failures_close_the_door_for_that_name_and_address(self, user: Callable[[Role], Any]) -> None:
        user(Role.VIEWER)
        client = Client(REMOTE_ADDR="192.168.1.7")
        assert [login(client, "wrong", "viewer").status_code for _ in range(5)] == [401] * 4 + [429]
        locked = login(client, PASSWORD, "viewer")
        assert locked.status_code == 429
        assert locked["Retry-After"] == "900"
        # whoever mistyped sees which name waits
        assert 'value="viewer"' in locked.content.decode()
        # neither another name there nor this one elsewhere is kept out
        assert login(Client(REMOTE_ADDR="192.168.1.8"), PASSWORD, "viewer").status_code == 302
        assert login(client, "wrong", "somebody").status_code == 401
        kept = OperatorAction.objects.filter(action__startswith="login").values_list("actor", "action", "outcome")
        assert ("viewer", "login.locked", "refused") in set(kept)
        assert ("viewer", "login", "done") in set(kept)

    def test_what_has_ended_is_swept(self, user: Callable[[Role], Any]) -> None:
        user(Role.VIEWER)
        client = Client()
        login(client, PASSWORD, "viewer")
        login(Client(), "wrong", "viewer")
        login(Client(), "wrong", "nobody")
        assert users.sweep() == (0, 0)
        Session.objects.update(expire_date=timezone.now() - timedelta(seconds=1))
        AccessAttempt.objects.filter(username="nobody").update(attempt_time=timezone.now() - timedelta(hours=1))
        assert sweep_logins() == [1, 1]
        # what still counts is still counted
        assert [attempt.username for attempt in AccessAttempt.objects.all()] == ["viewer"]
        assert client.get("/operator/").status_code == 302

    def test_what_is_no_name_is_not_written_down(self, node: FakeDoor) -> None:
        login(Client(), "x", "my secret password")
        assert "my secret" not in str(list(OperatorAction.objects.values()))
        assert OperatorAction.objects.get(action="login").actor == "unknown"

    @pytest.mark.parametrize("path", ["/operator/", "/operator/login/", "/admin/", "/operator/mining/start/"])
    def test_other_networks_stay_outside(self, client_of: Any, path: str, settings: Any) -> None:
        admin = client_of(Role.ADMIN)
        for method in (admin.get, admin.post):
            assert method(path, REMOTE_ADDR="203.0.113.9").status_code == 403
            # a proxy on this machine speaks for somebody elsewhere; elsewhere nobody is believed
            assert method(path, headers={"X-Forwarded-For": "203.0.113.9"}).status_code == 403
            assert method(path, REMOTE_ADDR="203.0.113.9", headers={"X-Forwarded-For": "10.0.0.1"}).status_code == 403
        settings.MDS_OPERATOR_ALLOW = ("203.0.113.0/24",)
        assert admin.get("/operator/", REMOTE_ADDR="::ffff:203.0.113.9").status_code == 200
        assert admin.get("/operator/").status_code == 403

    @pytest.mark.parametrize("goal", ["https://evil.example/", "//evil.example", "javascript:alert(1)"])
    def test_nobody_is_sent_elsewhere(self, user: Callable[[Role], Any], goal: str) -> None:
        user(Role.VIEWER)
        assert login(Client(), PASSWORD, "viewer", next=goal)["Location"] == "/operator/"

    def test_cookies_are_this_nodes_own(self, user: Callable[[Role], Any], settings: Any) -> None:
        user(Role.VIEWER)
        client = Client()
        answer = login(client, PASSWORD, "viewer", next="/operator/mining/")
        assert answer["Location"] == "/operator/mining/"
        cookie = answer.cookies["mds_session_8000"]
        assert cookie["httponly"]
        assert cookie["samesite"] == "Lax"
        before = cookie.value
        assert client.post("/operator/logout/").status_code == 302
        assert client.get("/operator/").status_code == 302
        # the old session is gone on the server too
        client.cookies["mds_session_8000"] = before
        assert client.get("/operator/").status_code == 302

    @pytest.mark.parametrize(
        ("peer", "forwarded", "expected"),
        [
            ("203.0.113.1", None, "203.0.113.1"),
            ("203.0.113.1", "198.51.100.1", "203.0.113.1"),
            ("127.0.0.1", "10.0.0.1, 198.51.100.1", "198.51.100.1"),
            ("127.0.0.1", "nonsense", None),
            ("::1", None, "::1"),
            # as a socket of both families names who comes by IPv4
            ("::ffff:127.0.0.1", "203.0.113.9", "203.0.113.9"),
            ("::ffff:203.0.113.1", "127.0.0.1", "203.0.113.1"),
            ("127.0.0.1", "::ffff:203.0.113.9", "203.0.113.9"),
            (None, None, None),
        ],
    )
    def test_addresses(self, peer: str | None, forwarded: str | None, expected: str | None) -> None:
        assert named_address(peer, forwarded) == expected


class TestUsers:
    def test_the_last_admin_stays(self, user: Callable[..., Any]) -> None:
        user(Role.ADMIN, "ann")
        for refused in (lambda: users.set_role("ann", Role.VIEWER), lambda: users.set_active("ann", False)):
            with pytest.raises(RequestError) as error:
                refused()
            assert error.value.code == "forbidden"
        user(Role.ADMIN, "ben")
        users.set_role("ann", Role.OPERATOR)
        assert {line.name: line.role for line in users.users()} == {"ann": Role.OPERATOR, "ben": Role.ADMIN}

    def test_a_superuser_who_becomes_a_viewer_is_one(self, user: Callable[..., Any]) -> None:
        user(Role.ADMIN, "ann")
        get_user_model().objects.create_superuser("root", password=PASSWORD)
        users.set_role("root", Role.VIEWER)
        assert users.users()[1].role is Role.VIEWER
        client = Client()
        login(client, PASSWORD, "root")
        assert client.get("/operator/users/").status_code == 403

    def test_being_kept_out_ends_the_session(self, user: Callable[..., Any], client_of: Any) -> None:
        admin = client_of(Role.ADMIN)
        viewer = client_of(Role.VIEWER)
        assert viewer.get("/operator/").status_code == 200
        asked = admin.post("/operator/users/active/", {"name": "viewer", "active": "no"})
        assert b"Keep viewer out?" in asked.content
        assert viewer.get("/operator/").status_code == 200
        admin.post("/operator/users/active/", {"name": "viewer", "active": "no", "confirmed": "yes"})
        assert viewer.get("/operator/").status_code == 302

    def test_a_new_user_gets_a_password_once(self, client_of: Any) -> None:
        admin = client_of(Role.ADMIN)
        shown = admin.post("/operator/users/create/", {"name": "carol", "role": "operator"})
        password = shown.context["secret"]
        assert password in shown.content.decode()
        assert password not in admin.get("/operator/users/").content.decode()
        assert password not in str(list(OperatorAction.objects.values()))
        client = Client()
        assert login(client, password, "carol").status_code == 302
        assert client.get("/operator/")["Location"] == "/operator/password/"
        again = admin.post("/operator/users/create/", {"name": "Carol", "role": "viewer"}, follow=True)
        assert b"a user of this name exists" in again.content
