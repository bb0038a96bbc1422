"""Choosing the node's servers in the web, what an empty database begins with, and the restart of the whole node."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from admin_ui.doors import RefusedServers
from admin_ui.roles import Role
from admin_ui.services import alerts, first_run
from chain.core.errors import RequestError
from chain.core.types import Stream
from chain.models import ChainIdentity, NodeSetting, OperatorAction
from chain.services import control, node_settings
from chain.services.redis_client import redis_client
from chain.services.redis_identity import KEY, claim_redis
from tests.admin_ui.conftest import PASSWORD
from tests.admin_ui.fakes import FakeDoor

pytestmark = pytest.mark.django_db
URL = "postgresql://chain:hunter22@db.example/chain"


@pytest.fixture
def admin(client_of: Callable[[Role | None], Client]) -> Client:
    return client_of(Role.ADMIN)


def text(answer: Any) -> str:
    return answer.content.decode()


def test_other_servers_are_kept_with_what_an_empty_one_needs(admin: Client, node: FakeDoor) -> None:
    control.set_share(Stream.B, 0.4)
    form = {"database_url_kind": "external", "database_url": URL, "redis_url_kind": "external", "redis_url": ""}
    page = admin.post("/operator/settings/servers/", form, follow=True)
    assert "database_url answers." in text(page)
    assert "hunter22" not in text(page)
    assert "next start: the next" in text(page)
    assert node.chosen == {"database_url": URL, "redis_url": None}
    user = get_user_model().objects.get(username="admin")
    assert (node.carried["name"], node.carried["password"]) == ("admin", user.password)
    assert node.carried["settings"]["mining.b.share"] == 0.4
    kept = OperatorAction.objects.get(action="servers.choose")
    assert kept.outcome == "done"
    assert "hunter22" not in str(list(OperatorAction.objects.values()))
    asked = admin.post("/operator/processes/restart-node/")
    assert "Restart the whole node?" in text(asked)
    assert "PostgreSQL the next" in text(asked)
    assert node.restarted == []
    waits = admin.post("/operator/processes/restart-node/", {"confirmed": "yes"})
    assert "The node restarts" in text(waits)
    assert node.restarted == ["the node"]
    admin.post("/operator/settings/servers/forget/")
    assert node.waiting == {}


@pytest.mark.parametrize(
    ("form", "reason"),
    [
        ({}, "nothing would change"),
        ({"database_url_kind": "external"}, "the URL of PostgreSQL is missing"),
        ({"database_url_kind": "external", "database_url": "postgres://away"}, "PostgreSQL does not answer"),
    ],
)
def test_what_would_not_do_is_refused(admin: Client, node: FakeDoor, form: dict[str, str], reason: str) -> None:
    assert f"Refused: {reason}" in text(admin.post("/operator/settings/servers/", form, follow=True))
    assert node.chosen == {}


def test_a_url_is_meant_whatever_stands_beside_it(admin: Client, node: FakeDoor) -> None:
    admin.post("/operator/settings/servers/", {"database_url_kind": "embedded", "database_url": URL})
    assert node.chosen == {"database_url": URL}


def test_back_to_the_nodes_own(admin: Client, node: FakeDoor) -> None:
    admin.post("/operator/settings/servers/", {"redis_url_kind": "embedded"})
    assert node.chosen == {"redis_url": ""}


def test_the_first_run_asks_a_server_before_anything_is_done(node: FakeDoor) -> None:
    NodeSetting.objects.filter(key=first_run.SETUP_KEY).delete()
    client = Client()
    client.post("/operator/login/", {"username": "operator", "password": str(first_run.ensure_operator())})
    form = {"new": PASSWORD, "again": PASSWORD, "streams": ["A", "B"], "database_url_kind": "external"}
    refused = client.post("/operator/setup/", {**form, "database_url": "postgres://away"})
    assert (refused.status_code, "PostgreSQL does not answer" in text(refused)) == (400, True)
    assert control.mining_settings().c.on
    assert client.post("/operator/setup/", {**form, "database_url": URL})["Location"] == "/operator/settings/#servers"
    assert not control.mining_settings().c.on
    assert node.chosen["database_url"] == URL
    # the password of his own, and that the node is set up, go along
    assert node.carried["settings"]["setup.done"] is True
    assert node.carried["password"] == get_user_model().objects.get(username="operator").password


def test_a_choice_that_was_not_taken_is_told_until_somebody_has_seen_it(admin: Client, node: FakeDoor) -> None:
    node.went_back = RefusedServers("PostgreSQL", "PostgreSQL does not answer: <b>away</b>", 1_800_000_000_000)
    for _ in range(2):
        overview = text(admin.get("/operator/"))
        assert "the PostgreSQL that was chosen does not do" in overview
    assert [(alert.key, alert.level) for alert in alerts.open_alerts()] == [("servers.refused", "warning")]
    page = text(admin.get("/operator/settings/"))
    assert "The PostgreSQL that was chosen was not taken" in page
    assert "&lt;b&gt;away" in page
    admin.post("/operator/settings/servers/forget/")
    assert "was not taken" not in text(admin.get("/operator/settings/"))
    assert "All is well" in text(admin.get("/operator/alerts/"))


class TestWhatComesAlong:
    def test_an_empty_database_begins_with_it(self, node: FakeDoor, user: Callable[..., Any]) -> None:
        boss = user(Role.ADMIN, "boss")
        control.stop_mining(Stream.A)
        node_settings.change_setting("node.rpc_max_batch", "7")
        carried = first_run.carry(boss)
        # another database
        get_user_model().objects.all().delete()
        NodeSetting.objects.all().delete()
        assert first_run.ensure_operator("", carried) is None
        client = Client()
        assert client.post("/operator/login/", {"username": "boss", "password": PASSWORD}).status_code == 302
        assert client.get("/operator/users/").status_code == 200
        control.publish_settings()
        assert not control.mining_settings().a.on
        table = {view.key: view.value for view in node_settings.settings_table()}
        assert table["node.rpc_max_batch"] == 7
        assert OperatorAction.objects.get(action="setup.carry").target == "boss"

    def test_one_that_has_users_keeps_its_own(self, node: FakeDoor, user: Callable[..., Any]) -> None:
        carried = {**first_run.carry(user(Role.ADMIN, "boss")), "name": "stranger"}
        first_run.ensure_operator("", carried)
        assert not get_user_model().objects.filter(username="stranger").exists()


class TestRedisOfAnotherDatabase:
    def test_its_facts_are_dropped(self, node: FakeDoor) -> None:
        redis = redis_client()
        assert claim_redis() is False
        redis.set("mds:head", b"{}")
        redis.set("others", b"1")
        assert claim_redis() is False
        assert redis.exists("mds:head")
        ChainIdentity.objects.update(created_ms=1)
        assert claim_redis() is True
        assert (redis.exists("mds:head"), redis.exists("others")) == (0, 1)
        assert redis.get(KEY) == b"devnet 1"
        assert claim_redis() is False


def test_the_restart_is_refused_where_nobody_would_start_it(
    admin: Client, node: FakeDoor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> None:
        raise RequestError("not_supported", "what started this node restarts it")

    monkeypatch.setattr(node, "restart_node", refuse)
    page = admin.post("/operator/processes/restart-node/", {"confirmed": "yes"}, follow=True)
    assert "Refused: what started this node restarts it" in text(page)
    assert OperatorAction.objects.get(action="node.restart").outcome == "refused"
