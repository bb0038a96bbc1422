"""Whatever somebody wrote into the chain is text wherever it is shown: every page, every answer, every table."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from django.contrib.auth import get_user_model
from django.test import Client

from admin_ui.services import first_run
from chain.core.transactions import keccak
from chain.core.types import Log
from chain.stores.connection import Connection
from tests.explorer.conftest import Growing
from tests.explorer.test_pages import EVIL, hexed
from tests.explorer.test_pages_index import label
from tests.explorer.test_query_budget import follow, one_of_each
from tests.explorer.token_logs import ALICE, ART, BOB, COIN, GAME, single
from tests.explorer.walk import questions, read_facts
from tests.factories.chain import Effects

pytestmark = pytest.mark.django_db(transaction=True)
ROOT = Path(__file__).resolve().parents[2]
# breaks out of an attribute, of a title, of a JSON block in a page
NAMES = {COIN: EVIL, ART: '"><img src=x onerror=alert(2)>', GAME: "</title></script><svg/onload=alert(3)>"}
RAW = (EVIL, "<img src=x", "<svg/onload", "onerror=alert(2)>")
# what of a page a browser would run, and how it looks when it is only text
_DATA = re.compile(rb'<script id="[\w-]+" type="application/json">(.*?)</script>', re.S)


@pytest.fixture
def hostile(growing: Growing, index_conn: Connection) -> Growing:
    """Names, symbols, inputs, logs: all of them want to run."""
    one_of_each(growing, 2)
    follow(index_conn)
    for token, name in NAMES.items():
        label(index_conn, token, name, name[:20])
    text = EVIL.encode()
    log = Log(COIN, (keccak(b"event"), text.ljust(32, b"\0")), text)
    sent = growing.factory.send(growing.sink, 0, COIN, 0, data=text.ljust(68, b"!"), gas_limit=90_000)
    growing.grow([sent], Effects(logs={0: (log, single(GAME, ALICE, BOB, 1, 1))}))
    follow(index_conn)
    return growing


def test_it_never_runs_on_any_page(hostile: Growing, index_conn: Connection, client: Client, redis_url: str) -> None:
    seen: dict[str, str] = {}
    told = set()
    asked = questions(read_facts(index_conn, 1))
    asked_of = [(one.name, one.path, one.body) for one in asked]
    for token in (COIN, ART, GAME):
        asked_of += [(f"token {place}", f"/token/{hexed(token)}{place}", "") for place in ("", "?tab=holders")]
        asked_of.append(("contract", f"/address/{hexed(token)}/contract", ""))
    asked_of += [
        ("search", "/search?q=" + part, "") for part in ("script", "img", "svg", "%3Cscript%3Ealert(1)%3C/script%3E")
    ]
    assert len(asked_of) > 100
    for name, path, body in asked_of:
        answer = client.post(path, body, content_type="application/json") if body else client.get(path)
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        assert answer["X-Content-Type-Options"] == "nosniff", path
        kind = answer["Content-Type"].partition(";")[0] if answer.has_header("Content-Type") else ""
        if kind == "text/javascript":
            # the one script that the node writes: nothing of the chain is in it, whatever it looks like
            assert path == "/worker.js"
            assert b"alert(" not in content
            continue
        if kind != "text/html":
            # no browser reads these as a page
            assert kind in ("application/json", "text/csv", "image/svg+xml", "") or answer.status_code in (301, 302), (
                path
            )
            continue
        assert "'unsafe" not in answer["Content-Security-Policy"], path
        page = content.decode()
        for raw in RAW:
            assert raw not in page, (path, raw)
        for data in _DATA.findall(content):
            json.loads(data)
        seen[name] = path
        told |= {token for token, name in ((COIN, "&lt;script&gt;alert(1)"), (ART, "&lt;img src=x")) if name in page}
    # the names were there to be shown
    assert told == {COIN, ART}
    assert len(seen) > 50


def test_the_tables_of_the_node_show_text(hostile: Growing, redis_url: str) -> None:
    first_run.ensure_operator("a fine long password")
    first_run.finish_setup("test")
    client = Client()
    client.force_login(get_user_model().objects.get(username="operator"), "django.contrib.auth.backends.ModelBackend")
    page = client.get("/admin/explorer/token/").content.decode()
    assert COIN.hex() in page
    row = client.get(f"/admin/explorer/token/{COIN.hex()}/change/").content.decode()
    assert "&lt;script&gt;alert(1)" in row
    for raw in RAW:
        assert raw not in page
        assert raw not in row


SINKS = re.compile(
    r"\.(inner|outer)HTML\b|insertAdjacentHTML|document\.write|\beval\(|new Function\b|\.srcdoc\b"
    r"|setAttribute\(\s*[\"']on|createContextualFragment|set(Timeout|Interval)\(\s*[\"'`]"
)


def test_no_script_of_ours_makes_markup_of_text() -> None:
    """Revert reasons, names of an ABI, log lines: the scripts write them as text, because they know no other way."""
    ours = [path for app in ("explorer", "admin_ui") for path in (ROOT / app / "static").rglob("*.js")]
    ours = [path for path in ours if path.parent.name != "vendor"]
    assert len(ours) > 15
    assert [(path.name, found[0]) for path in ours if (found := SINKS.search(path.read_text()))] == []


def test_no_template_of_ours_trusts_a_text() -> None:
    ours = [path for app in ("explorer", "admin_ui") for path in (ROOT / app / "templates").rglob("*.html")]
    assert len(ours) > 60
    marks = re.compile(r"\|\s*safe\b|\bautoescape off\b|\|\s*safeseq\b")
    assert [path.name for path in ours if marks.search(path.read_text())] == []
    # text is trusted in one place only, whose every tag tests/explorer/test_look.py tries with a hostile text
    code = [path for app in ("explorer", "admin_ui", "mondoshawan") for path in (ROOT / app).rglob("*.py")]
    trusting = [path.relative_to(ROOT).as_posix() for path in code if "mark_safe(" in path.read_text()]
    assert trusting == ["explorer/templatetags/mds.py"]
