"""What the pages do: to the node, and with what others wrote."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client
from redis.exceptions import ConnectionError as RedisGone

from admin_ui.doors import Process
from admin_ui.models import Alert
from admin_ui.roles import Role
from admin_ui.services import alerts, health, logs
from chain.core.pool import CodeKind, SenderState
from chain.core.types import Stream
from chain.models import ApiKey, OperatorAction
from chain.services import audit, control
from chain.services.api_keys import digest
from chain.services.pool import browse
from chain.services.redis_client import redis_client
from tests.admin_ui.fakes import SECRET, FakeDoor
from tests.chain.pool_model import make_tx, raw_of

pytestmark = pytest.mark.django_db
HOSTILE = "<script>alert(1)</script>"
ALICE = bytes([0xA1]) * 20


@pytest.fixture
def admin(client_of: Callable[[Role | None], Client]) -> Client:
    return client_of(Role.ADMIN)


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No miner is there to answer, so nobody waits for one."""
    monkeypatch.setattr("admin_ui.services.mining.PATIENCE_S", 0.0)
    monkeypatch.setattr("admin_ui.services.settings.PATIENCE_S", 0.0)


def text(answer: Any) -> str:
    return answer.content.decode()


class TestMining:
    def test_the_miners_word_is_told_not_the_forms(self, admin: Client, at_once: None) -> None:
        page = admin.post("/operator/mining/start/", {"stream": "A"}, follow=True)
        assert "not confirmed yet: the miner reports that stream A is starting" in text(page)
        redis_client().set("mds:mining:lease:A", "token", px=8_000)
        page = admin.post("/operator/mining/start/", {"stream": "A"}, follow=True)
        assert "Done: the miner reports that stream A is mining" in text(page)

    def test_a_stop_is_asked_for_and_recorded(self, admin: Client, at_once: None) -> None:
        asked = admin.post("/operator/mining/stop/", {"stream": "B"})
        assert "Stop mining stream B?" in text(asked)
        assert control.mining_settings().is_on(Stream.B)
        admin.post("/operator/mining/stop/", {"stream": "B", "confirmed": "yes"})
        assert not control.mining_settings().is_on(Stream.B)
        row = OperatorAction.objects.get(action="mining.stop")
        assert (row.actor, row.door, row.address, row.before, row.after) == ("admin", "web", "127.0.0.1", True, False)

    @pytest.mark.parametrize(
        ("path", "form"),
        [
            ("share", {"stream": "A", "share": "0"}),
            ("share", {"stream": "A", "share": "nan"}),
            ("share", {"stream": "D", "share": "5"}),
            ("coinbase", {"coinbase": "0x" + "00" * 20, "confirmed": "yes"}),
            ("coinbase", {"coinbase": HOSTILE}),
        ],
    )
    def test_nonsense_is_refused_with_a_sentence(self, admin: Client, path: str, form: dict[str, str]) -> None:
        before = control.mining_settings()
        page = admin.post(f"/operator/mining/{path}/", form, follow=True)
        assert "Refused: " in text(page)
        assert HOSTILE not in text(page)
        assert control.mining_settings() == before

    def test_ordering(self, admin: Client, settings: Any) -> None:
        assert "ordered by fifo" in text(admin.post("/operator/ordering/choose/", {"policy": "fifo"}, follow=True))
        settings.MDS_MINING_FIXED = {"mining.ordering": "fee"}
        page = admin.post("/operator/ordering/choose/", {"policy": "random"}, follow=True)
        assert "fixed by the environment" in text(page)


def test_the_pool_is_seen_and_emptied(admin: Client) -> None:
    rich = SenderState(0, 10**21, CodeKind.NONE, 5)
    made = [make_tx(ALICE, nonce) for nonce in range(3)]
    for tx in made:
        browse._pool(None).add(tx, raw_of(tx), 10**9, 1_800_000_000_000, rich)
    assert "0x" + ALICE.hex() in text(admin.get("/operator/pool/"))
    place = f"/operator/pool/sender/0x{ALICE.hex()}/"
    assert admin.get("/operator/pool/", {"sender": "0x" + ALICE.hex()})["Location"] == place
    assert "0x" + made[2].hash.hex() in text(admin.get(place))
    assert [browse.missing_nonce(browse._pool(None).get(tx.hash)) for tx in made] == [None, None, None]
    drop = {"tx": "0x" + made[2].hash.hex()}
    assert "Drop this transaction?" in text(admin.post("/operator/pool/drop/", drop))
    assert browse.pool_sums().count == 3
    page = admin.post("/operator/pool/drop/", {**drop, "confirmed": "yes"}, follow=True)
    assert "Dropped: nonce 2" in text(page)
    late = make_tx(ALICE, 7)
    browse._pool(None).add(late, raw_of(late), 10**9, 1_800_000_000_000, rich)
    assert browse.missing_nonce(browse._pool(None).get(late.hash)) == 2
    sender = {"sender": "0x" + ALICE.hex()}
    assert "Drop 3 transactions" in text(admin.post("/operator/pool/drop-sender/", sender))
    admin.post("/operator/pool/drop-sender/", {**sender, "confirmed": "yes"})
    assert browse.pool_sums().count == 0
    assert "Nothing of this sender waits" in text(admin.get(place))


def test_a_key_is_shown_once_and_works_until_revoked(admin: Client) -> None:
    form = {"name": "bot", "scopes": ["mining", "log"], "days": "3", "rate": "50", "burst": ""}
    shown = admin.post("/operator/keys/create/", form)
    secret = shown.context["secret"]
    assert secret in text(shown)
    key = ApiKey.objects.get(digest=digest(secret))
    assert (key.scopes, key.rate, key.burst) == (["log", "mining"], 50, None)
    listed = text(admin.get("/operator/keys/"))
    assert "bot" in listed
    assert secret not in listed
    assert "Refused: scopes are" in text(admin.post("/operator/keys/create/", {"name": "x"}, follow=True))
    assert "Refused: a rate is a whole number" in text(
        admin.post("/operator/keys/create/", {"name": "x", "scopes": "log", "rate": "-1"}, follow=True)
    )
    admin.post("/operator/keys/revoke/", {"name": "bot", "confirmed": "yes"})
    assert ApiKey.objects.get().revoked_ms
    assert secret not in str(list(OperatorAction.objects.values()))


class TestKeysThatChange:
    @pytest.fixture
    def known(self, admin: Client, at_once: None) -> str:
        """A key that is there; its name."""
        made = {"name": "bot", "scopes": ["mining", "log"], "rate": "50"}
        assert admin.post("/operator/keys/create/", made).status_code == 200
        return "bot"

    def test_scopes_and_limits(self, admin: Client, known: str) -> None:
        digest_before = bytes(ApiKey.objects.get().digest)
        form = admin.get("/operator/keys/change/", {"name": known})
        page = " ".join(text(form).split())
        assert 'value="mining" checked' in page
        assert 'value="network" checked' not in page
        assert 'name="rate" value="50"' in page
        assert 'href="/operator/keys/change/?name=bot"' in text(admin.get("/operator/keys/"))
        sent = {"name": known, "scopes": ["log"], "rate": "", "burst": "7"}
        told = text(admin.post("/operator/keys/change/", sent, follow=True))
        assert "Key bot: scopes log; points a second: the node&#x27;s, points at once: 7." in told
        key = ApiKey.objects.get()
        assert (key.scopes, key.rate, key.burst, bytes(key.digest)) == (["log"], None, 7, digest_before)
        row = OperatorAction.objects.get(action="api_key.change")
        assert (row.actor, row.target, row.outcome) == ("admin", "bot", "done")
        assert row.before == {"scopes": ["log", "mining"], "rate": 50, "burst": None}
        assert row.after == {"scopes": ["log"], "rate": None, "burst": 7}

    @pytest.mark.parametrize(
        ("fields", "reason"),
        [
            ({"scopes": []}, "scopes are mining, network, log"),
            ({"scopes": ["log"], "rate": "0"}, "a limit is from 1 to"),
            ({"scopes": ["log"], "burst": "many"}, "a burst is a whole number"),
            ({"scopes": ["root"]}, "scopes are mining, network, log"),
        ],
    )
    def test_nonsense_comes_back_with_what_was_typed(
        self, admin: Client, known: str, fields: dict[str, Any], reason: str
    ) -> None:
        page = admin.post("/operator/keys/change/", {"name": known, **fields})
        assert page.status_code == 400
        assert reason in text(page)
        if "burst" in fields:
            assert 'value="many"' in text(page)
        key = ApiKey.objects.get()
        assert (key.scopes, key.rate) == (["log", "mining"], 50)
        assert OperatorAction.objects.get(action="api_key.change").outcome == "refused"

    def test_it_is_changed_though_nobody_can_be_asked(
        self, admin: Client, known: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def away(*_: object) -> list[str]:
            raise RedisGone

        monkeypatch.setattr("admin_ui.views.access.wait_until_followed", away)
        told = admin.post("/operator/keys/change/", {"name": known, "scopes": ["log"]}, follow=True)
        assert told.status_code == 200
        assert "they follow within half a minute" in text(told)
        assert ApiKey.objects.get().scopes == ["log"]

    def test_one_that_is_revoked_stays_as_it_is(self, admin: Client, known: str) -> None:
        admin.post("/operator/keys/revoke/", {"name": known, "confirmed": "yes"})
        for page in (
            admin.get("/operator/keys/change/", {"name": known}, follow=True),
            admin.post("/operator/keys/change/", {"name": known, "scopes": "log"}, follow=True),
        ):
            assert "no such key, or it is revoked" in text(page)
        assert ApiKey.objects.get().scopes == ["log", "mining"]
        assert "/operator/keys/change/?name=bot" not in text(admin.get("/operator/keys/"))


def test_settings_are_checked_and_tell_what_waits(admin: Client, at_once: None, node: FakeDoor) -> None:
    page = admin.post("/operator/settings/change/", {"key": "node.rpc_rate", "value": HOSTILE})
    assert page.status_code == 400
    assert "a whole number from 0" in text(page)
    assert HOSTILE not in text(page)
    # the fake's rpc process started a hundred seconds ago
    changed = admin.post("/operator/settings/change/", {"key": "node.rpc_call_seconds", "value": "7"}, follow=True)
    assert "It takes effect with the next start of rpc, web" in text(changed)
    assert changed.context["restart"] == ["rpc"]
    reset = admin.post("/operator/settings/change/", {"key": "node.rpc_call_seconds", "value": ""}, follow=True)
    assert reset.context["restart"] == ["rpc"]
    assert "MDS_RPC_CALL_SECONDS is 5 now" in text(reset)


def test_a_restart_is_seen_to_have_happened(admin: Client, node: FakeDoor) -> None:
    assert "Restart rpc?" in text(admin.post("/operator/processes/restart/", {"name": "rpc"}))
    page = admin.post("/operator/processes/restart/", {"name": "rpc", "confirmed": "yes"}, follow=True)
    assert "runs again as process 101" in text(page)
    assert node.restarted == ["rpc"]
    page = admin.post("/operator/processes/restart/", {"name": "init", "confirmed": "yes"}, follow=True)
    assert "Refused: no such process" in text(page)


class TestAlerts:
    def test_they_open_stay_are_known_and_close(self, admin: Client, node: FakeDoor) -> None:
        node.ready["disk"] = {"status": "failed", "value": 10**6, "threshold": 5 * 10**8}
        node.state = "FATAL"
        page = text(admin.get("/operator/"))
        assert "1.00 MB of disk free, 500 MB are needed" in page
        assert "rpc does not run" in page
        for _ in range(2):
            alerts.refresh(health.findings(health.gather(node)))
        opened = {alert.key: alert for alert in alerts.open_alerts()}
        assert set(opened) == {"ready.disk", "process.rpc"}
        admin.post("/operator/alerts/acknowledge/", {"alert": str(opened["ready.disk"].pk)})
        again = admin.post("/operator/alerts/acknowledge/", {"alert": str(opened["ready.disk"].pk)}, follow=True)
        assert "Refused: this alert is over, or acknowledged already" in text(again)
        assert Alert.objects.get(key="ready.disk").acknowledged_by == "admin"
        node.reset()
        page = text(admin.get("/operator/alerts/"))
        assert "All is well" in page
        assert {alert.key for alert in alerts.past_alerts()} == {"ready.disk", "process.rpc"}
        # wrong again: a new one that nobody knows of
        node.state = "FATAL"
        alerts.refresh(health.findings(health.gather(node)))
        assert [alert.acknowledged_by for alert in alerts.open_alerts()] == [""]

    def test_workers_that_are_still_being_started_are_no_alert(self) -> None:
        failed = {"status": "failed", "value": {"virtual": None}, "threshold": 15.0}

        def found(age_s: int) -> list[str]:
            # it goes on through a restart of the node
            up = Process("up", "RUNNING", 1, 1_000, 10**7, restartable=False)
            redis = Process("redis", "RUNNING", 1, age_s, 10**7, restartable=False)
            mine = Process("mine", "RUNNING", 2, 1, 10**7, restartable=True)
            full = {"status": "failed", "value": 1, "threshold": 2}
            facts = health.Facts(1, {"workers": failed, "disk": full}, processes=[up, redis, mine])
            return [finding.key for finding in health.findings(facts) if finding.key.startswith("ready.")]

        assert found(5) == ["ready.disk"]
        # a process that was restarted in an old node has no such time
        assert found(health.STARTS_S) == ["ready.workers", "ready.disk"]

    def test_the_beat_sends_it_and_the_index_worker_runs_it(self, node: FakeDoor) -> None:
        from admin_ui import tasks
        from mondoshawan.celery import app

        entry = app.conf.beat_schedule["alerts"]
        assert entry["task"] == tasks.NAME == tasks.evaluate_alerts.name
        assert entry["options"]["queue"] == "index"
        node.state = "FATAL"
        assert tasks.evaluate_alerts() == [1, 0]


class TestLogs:
    def test_level_text_and_secrets(self, admin: Client, node: FakeDoor) -> None:
        node.log.write_text(
            "2026-11-22T00:00:00Z [info     ] quiet start\n"
            f"2026-11-22T00:00:01Z [error    ] refused key={SECRET} for {HOSTILE}\n"
            "Traceback of the error\n"
            "2026-11-22T00:00:02Z [warning  ] postgres://me:hunter22@db/x password=hunter22\n"
            '{"level": "debug", "event": "small"}\n'
            "half a line"
        )
        page = admin.get("/operator/logs/", {"process": "web"})
        assert [line.level for line in page.context["lines"]] == ["info", "error", "error", "warning", "debug"]
        for hidden in (SECRET, "hunter22", HOSTILE, "half a line"):
            assert hidden not in text(page)
        page = admin.get("/operator/logs/", {"process": "web", "level": "error"})
        assert len(page.context["lines"]) == 2
        page = admin.get("/operator/logs/", {"process": "web", "text": "TRACE"})
        assert len(page.context["lines"]) == 1
        # nobody finds a secret by searching for its parts
        assert admin.get("/operator/logs/", {"process": "web", "text": SECRET[:5]}).context["lines"] == ()
        for name in ("../keys/django.key", "nothing"):
            assert admin.get("/operator/logs/", {"process": name}).status_code == 404

    def test_following_goes_over_a_rotation(self, node: FakeDoor) -> None:
        redactor = logs.Redactor(node.secrets())
        node.log.write_text("one\n")
        seen = logs.tail(node.log, logs.Wanted(), 10, redactor)
        with node.log.open("a") as file:
            file.write("two\nthr")
        more = logs.follow(node.log, seen.offset, seen.inode, logs.Wanted(), redactor)
        assert [line.text for line in more.lines] == ["two"]
        node.log.rename(node.log.with_suffix(".log.1"))
        node.log.write_text("new\n")
        more = logs.follow(node.log, more.offset, more.inode, logs.Wanted(), redactor)
        assert [line.text for line in more.lines] == ["new"]


def test_the_trail_is_paged_filtered_escaped_and_exported(admin: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(120):
        actor = audit.Actor("bot" if number % 2 else HOSTILE, "rpc")
        with audit.acting(actor), audit.operation("test.act", f"{HOSTILE} {number}") as trail:
            trail.after = {"value": HOSTILE}
    seen: list[int] = []
    url = "/operator/audit/?action=test.act"
    while url:
        page = admin.get(url)
        assert HOSTILE not in text(page)
        seen += [row.id for row in page.context["rows"]]
        url = "/operator/audit/" + page.context["older"] if page.context["older"] else ""
    assert len(seen) == 120
    assert seen == sorted(seen, reverse=True)
    back = admin.get("/operator/audit/" + page.context["newer"])
    assert [row.id for row in back.context["rows"]] == seen[50:100]
    assert {row.actor for row in admin.get("/operator/audit/", {"actor": "bot"}).context["rows"]} == {"bot"}
    assert admin.get("/operator/audit/", {"before": "x", "outcome": HOSTILE}).status_code == 200
    monkeypatch.setattr("admin_ui.services.trail.EXPORT_PAGE", 50)
    file = admin.get("/operator/audit.csv", {"action": "test.act", "actor": "bot"})
    rows = list(csv.DictReader(io.StringIO(b"".join(file.streaming_content).decode())))
    assert [row["target"] for row in rows] == [f"{HOSTILE} {number}" for number in range(119, 0, -2)]
    assert {(row["actor"], row["door"], row["outcome"]) for row in rows} == {("bot", "rpc", "done")}
    assert json.loads(rows[0]["after"]) == {"value": HOSTILE}


def test_a_backup_is_begun_and_recorded(admin: Client, node: FakeDoor) -> None:
    assert "devnet-1.tar" in text(admin.get("/operator/backups/"))
    admin.post("/operator/backups/start/")
    assert node.backups_begun == 1
    assert OperatorAction.objects.get(action="backup.start").outcome == "done"
