"""The look that all pages share: numbers as text, template tags, headers, vendored files, pages of errors."""

from __future__ import annotations

import hashlib
import json
import re
from pathlib import Path
from typing import Any

import pytest
from django.template import Context, Template
from django.test import Client
from django.urls import reverse

from explorer import amounts
from explorer.views import away

STATIC = Path(__file__).resolve().parents[2] / "explorer" / "static" / "explorer"
TEMPLATES = Path(__file__).resolve().parents[2] / "explorer" / "templates"
# what only tests use, and no page serves
FOR_TESTS = Path(__file__).resolve().parents[1] / "vendor"
HASH = bytes(range(32))


@pytest.mark.parametrize(
    ("wei", "most", "expected"),
    [
        (0, None, "0"),
        (10**18, None, "1"),
        (1_500_000_000_000_000_000, None, "1.5"),
        (1, None, "0.000000000000000001"),
        (1, 6, "0.000000…"),
        (1_234_567_890_123_456_789_012, 4, "1\u202f234.5678…"),
        (10**18 + 10**10, 6, "1.000000…"),
        (-(10**17), None, "-0.1"),
    ],
)
def test_amounts_are_exact_or_say_that_they_are_cut(wei: int, most: int | None, expected: str) -> None:
    assert amounts.decimal_of(wei, most=most) == expected


@pytest.mark.parametrize(
    ("wei", "most", "expected"),
    [
        (0, 6, ("0", "")),
        (15 * 10**17, 6, ("1.5", "")),
        (10**12, 6, ("0.000001", "")),
        (10**12 - 1, 6, ("999.9999…", "gwei")),
        (420 * 10**9, 6, ("420", "gwei")),
        (10**12, 8, ("0.000001", "")),
        (99_999, 6, ("99\u202f999", "wei")),
        (-2, 6, ("-2", "wei")),
        (2, 18, ("0.000000000000000002", "")),
    ],
)
def test_what_is_too_small_is_told_in_a_smaller_unit(wei: int, most: int, expected: tuple[str, str]) -> None:
    assert amounts.figure_of(wei, most) == expected


@pytest.mark.parametrize(
    ("fraction", "expected"),
    [(0, "0.0"), (0.125, "12.5"), (1, "100.0"), (0.001, "0.1"), (0.0000101, "0.001"), (-0.5, "-50.0")],
)
def test_percentages_never_vanish(fraction: float, expected: str) -> None:
    assert amounts.percentage(fraction) == expected + "\u202f%"


@pytest.mark.parametrize(
    ("value", "expected"),
    [(0, "0 H/s"), (7, "7 H/s"), (0.5, "0.50 H/s"), (999, "999 H/s"), (999.6, "1.00 kH/s"), (41_230, "41.2 kH/s")]
    + [(1e21, "1000 EH/s"), (-2500, "-2.50 kH/s")],
)
def test_prefixes(value: float, expected: str) -> None:
    assert amounts.scaled(value, "H/s") == expected


@pytest.mark.parametrize(
    ("ms", "expected"),
    [(0, "0 s ago"), (3_400, "3.4 s ago"), (59_000, "59 s ago"), (61_000, "1 min 1 s ago"), (660_000, "11 min ago")]
    + [(3_600_000 * 25, "1 d 1 h ago"), (-5_000, "in 5.0 s")],
)
def test_times(ms: int, expected: str) -> None:
    assert amounts.ago(1_000_000_000 - ms, 1_000_000_000) == expected


def render(source: str, **context: Any) -> str:
    return Template("{% load mds %}" + source).render(Context(context))


def test_hashes_are_shortened_and_whole_on_demand() -> None:
    shown = render("{% mds_hash value %}", value=HASH)
    assert "0x00010203…1c1d1e1f" in shown
    assert f'data-copy="0x{HASH.hex()}"' in shown
    assert "<a " not in shown
    assert "0x" + HASH.hex() + "</span>" in render("{% mds_hash value full=True %}", value=HASH)
    assert "–" in render("{% mds_hash value %}", value=None)


@pytest.mark.parametrize(
    "tag",
    [
        "{% mds_hash value %}",
        "{% address value %}",
        "{% address value label=value %}",
        "{% badge value value %}",
        "{% stream value %}",
        "{% phase value %}",
        "{% empty value value %}",
        "{% pager value value %}",
        "{% sparkline numbers value %}",
    ],
)
def test_whatever_comes_from_the_chain_is_escaped(tag: str) -> None:
    shown = render(tag, value='<script>"alert(1)', numbers=[1, 2])
    assert "<script" not in shown
    assert 'script>"' not in shown


def test_amounts_streams_and_colours() -> None:
    assert 'data-wei="1500000000000000000"' in render("{% amount wei %}", wei=15 * 10**17)
    assert ">1.5</span> <abbr>MSHW<" in render("{% amount wei %}", wei=15 * 10**17)
    assert ">2</span> <abbr data-own>wei<" in render("{% amount wei %}", wei=2)
    assert [render("{{ x|gwei }}", x=x) for x in (10**9, 1_500_000_000, None)] == ["1", "1.5", "–"]
    assert 'data-stream="C"' in render("{% stream 3 %}")
    assert [re.findall(r">([a-z ]+)<", render("{% colour x %}", x=x)) for x in (True, False, None)] == [
        ["blue"],
        ["red"],
        ["not merged"],
    ]
    assert "no data yet" in render('{% sparkline x "load" %}', x=[None, 3])
    assert render('{% sparkline x "load" %}', x=[1, None, 3]).count(",") == 2


@pytest.mark.parametrize("folder", [STATIC / "vendor", FOR_TESTS], ids=["served", "for tests"])
def test_vendored_files_are_what_they_were(folder: Path) -> None:
    """A changed or added file needs its line: version, licence, checksum."""
    listed = json.loads((folder / "vendor.json").read_text())
    sums = {name: digest for library in listed.values() for name, digest in library["files"].items()}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in folder.iterdir() if path.suffix != ".json"
    }
    assert found == sums
    for library in listed.values():
        assert library["version"]
        assert library["licence"]
        assert any(name.endswith("LICENSE") for name in library["files"])


def test_no_file_of_ours_names_another_host_or_holds_inline_script() -> None:
    ours = [path for path in STATIC.rglob("*") if path.suffix in {".js", ".css"} and path.parent.name != "vendor"]
    assert len(ours) > 10
    for path in ours:
        text = path.read_text()
        assert not re.search(r"https?://(?!www\.w3\.org)", text), path
        assert "innerHTML" not in text, path
        assert "eval(" not in text, path
    for path in TEMPLATES.rglob("*.html"):
        text = path.read_text()
        assert not re.search(r"<script(?![^>]*\bsrc=)(?![^>]*application/json)", text), path
        assert not re.search(r"\son[a-z]+=|\sstyle=", text), path


def test_colours_are_named_at_the_head_of_the_sheet_only() -> None:
    for path in STATIC.glob("*.css"):
        _, _, rules = path.read_text().partition("/* ---- ground rules ---- */")
        rules = rules or path.read_text()
        assert not re.search(r"#[0-9a-f]{3,8}\b(?![^{]*\{)", re.sub(r"light-dark\([^;]*", "", rules)), path


@pytest.mark.django_db
def test_headers_forbid_what_pages_do_not_need(client: Client, redis_url: str) -> None:
    answer = client.get("/")
    policy = dict(part.strip().split(" ", 1) for part in answer["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == "'none'"
    assert "unsafe" not in answer["Content-Security-Policy"]
    assert answer["X-Frame-Options"] == "DENY"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Referrer-Policy"] == "same-origin"
    assert client.get("/", HTTP_HOST="elsewhere.example").status_code == 400


@pytest.mark.django_db
def test_a_page_without_a_chain_says_so(client: Client, redis_url: str) -> None:
    from chain.stores.connection import raw_connection
    from tests.explorer.conftest import wipe

    wipe(raw_connection())
    answer = client.get(reverse("explorer:front"))
    assert answer.status_code == 200
    assert "There is no chain yet" in answer.content.decode()


def test_an_unknown_page_is_found_out_kindly(client: Client) -> None:
    answer = client.get("/no/such/page")
    assert answer.status_code == 404
    assert "Nothing is here" in answer.content.decode()


@pytest.mark.parametrize("path", ["/tx/operator/", "/no/such/operator/page"])
def test_who_only_says_operator_is_not_led_into_the_rooms(client: Client, path: str) -> None:
    page = client.get(path, follow=True)
    assert page.status_code == 404
    assert '<a class="button" href="/">Dashboard</a>' in page.content.decode()
    assert "Overview" not in page.content.decode()
    rooms = client.get("/operator/no/such/room")
    assert '<a class="button" href="/operator/">Overview</a>' in rooms.content.decode()


@pytest.mark.parametrize("code", ["400", "403", "404", "500", "503"])
def test_pages_of_errors_need_nothing(code: str) -> None:
    """Rendered as Django does when everything else has failed: without a context."""
    text = Template((TEMPLATES / f"{code}.html").read_text()).render(Context({}))
    assert "<h1" in text or "state-title" in text


def test_browsers_keep_anew_what_has_changed_in_a_file(
    client: Client, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def text() -> str:
        away.contents.cache_clear()
        return client.get(reverse("explorer:worker")).content.decode()

    before = text()
    assert text() == before
    find = away.finders.find
    other = tmp_path / "away.js"
    other.write_bytes((STATIC / "js" / "away.js").read_bytes() + b"\n")
    with monkeypatch.context() as patch:
        patch.setattr(away.finders, "find", lambda name: other if name.endswith("away.js") else find(name))
        assert text() != before
    assert text() == before


def test_static_files_come_compressed_to_who_takes_it(client: Client, settings: Any) -> None:
    (Path(settings.MDS_DATA_FOLDER) / "run").mkdir(exist_ok=True)
    plain = client.get("/static/explorer/mds.css")
    small = client.get("/static/explorer/mds.css", HTTP_ACCEPT_ENCODING="gzip, br")
    assert "Content-Encoding" not in plain
    assert small["Content-Encoding"] == "gzip"
    assert int(small["Content-Length"]) * 3 < int(plain["Content-Length"])
    assert small["Vary"] == "Accept-Encoding"


def test_the_sign_is_found_where_browsers_look_for_it(client: Client) -> None:
    answer = client.get("/favicon.ico")
    assert answer.status_code == 302
    assert answer["location"].endswith("icon.svg")
