"""Who sees, hears or points differently can use every page: axe finds nothing serious on any of them, in both colours,
on a phone and on a screen; and no page is wider than the phone.
"""

from __future__ import annotations

import re
import secrets

import pytest

from tests.e2e.axe import violations
from tests.e2e.node import Node, wait_for
from tests.e2e.traffic import Traffic
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.e2e

WIDTHS = (1280, 390)
PASSWORD = "a password of my own"
UNKNOWN = "ab" * 32
# what unfold draws: its own templates, which we only dress
TABLES = ("/admin/", "/admin/chain/block/")
# tables have found the form that fits the new width
SETTLED = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))"


def look(visitor: Visitor) -> list[str]:
    """What is wrong with the page that is shown, at every width and in both colours."""
    found = []
    path = visitor.path
    for width in WIDTHS:
        for scheme in ("light", "dark"):
            # a colour on its way to another has any contrast
            visitor.page.device(width, 900, scheme, still=True)
            visitor.page.run(SETTLED)
            # only contrast depends on the colours
            rules = () if scheme == "light" else ("color-contrast",)
            found += [f"{path} {width} {scheme}: {one}" for one in violations(visitor.page, *rules)]
        wide = visitor.page.run("document.documentElement.scrollWidth")
        if wide > width:
            found.append(f"{path} {width}: the page is {wide} wide")
    return found


def good_pages(visitor: Visitor, traffic: Traffic) -> list[str]:
    """Every public page but the dashboard, in every state that a running node shows."""
    alice, coin = traffic.alice.address.lower(), traffic.contracts["coin"]
    found: list[str] = []
    # rooms and parts are those that the pages themselves lead to
    for path in ("/blocks", f"/address/{alice}", f"/address/{coin}", f"/token/{coin}"):
        visitor.go(path)
        links = "[...document.querySelectorAll('.rooms a, .tabs a')]"
        found += visitor.page.run(f"{links}.map(one => one.pathname + one.search)")
    states = ("far", "moved", "bought", "failed", "creation", "listed", "pending", "poor", "loser")
    found += [f"/tx/{traffic.sent[name]}" for name in states]
    found += [f"/token/{traffic.contracts[name]}" for name in ("evil", "art", "goods")]
    found += [
        "/block/0", f"/block/{traffic.merged}", f"/block/{traffic.carrier}", f"/address/{alice}/contract",
        "/address/0x" + "de" * 20, "/tokens?standard=721", "/shard/3", "/search", "/search?q=nothing", "/search?q=n",
        f"/miner/{traffic.node.rpc('eth_getBlockByNumber', 'latest', False)['miner']}",
    ]  # fmt: skip
    assert len(found) > 35
    return sorted(set(found) - {"/"})


MISSING = (
    f"/block/0x{UNKNOWN}",
    "/block/99999999",
    f"/tx/0x{UNKNOWN}",
    "/token/0x" + "de" * 20,
    "/miner/0x" + "de" * 20,
    "/nowhere",
)


def test_public_pages(visitor: Visitor, traffic: Traffic) -> None:
    found = []
    for path in good_pages(visitor, traffic):
        visitor.page.device(1280, 900)
        visitor.go(path)
        found += look(visitor)
    assert not found, "\n".join(found)


@pytest.mark.parametrize("path", MISSING)
def test_pages_of_what_is_not_there(visitor: Visitor, path: str) -> None:
    visitor.go(path, 404)
    found = look(visitor)
    assert not found, "\n".join(found)


def test_what_opens_on_a_page(visitor: Visitor, traffic: Traffic) -> None:
    """Parts that appear when somebody asks for them."""
    visitor.go(f"/tx/{traffic.sent['bought']}")
    visitor.press("[data-trace]", "Trace it")
    visitor.sees("calls")
    visitor.page.run("document.querySelectorAll('details').forEach(one => { one.open = true })")
    found = look(visitor)
    visitor.page.device(1280, 900)
    visitor.go(f"/address/{traffic.contracts['coin']}/contract")
    visitor.press("[data-abi-standard='20']")
    visitor.sees("9 functions")
    visitor.press("form.call button")
    visitor.sees("Lantern")
    found += look(visitor)
    visitor.press("[data-abi-forget]")
    visitor.page.device(1280, 900)
    visitor.go("/")
    visitor.until(lambda: visitor.page.run("document.querySelectorAll('.uplot').length > 5"), "the charts")
    visitor.page.run("document.querySelector('details.rows').open = true")
    visitor.press("[data-pause]")
    found += look(visitor)
    assert not found, "\n".join(found)


def test_the_operators_first_pages(visitor: Visitor, node: Node) -> None:
    page = visitor.page
    visitor.go("/operator/login/")
    found = look(visitor)
    page.device(1280, 900)
    printed = wait_for(lambda: re.search(r"user operator, password (\S+)", node.output.read_text()), "the password")
    visitor.fill("#username", "operator")
    visitor.fill("#password", printed[1])
    assert "Set up this node" in visitor.follow("main button", "Log in")
    found += look(visitor)
    assert not found, "\n".join(found)
    page.device(1280, 900)
    visitor.fill("#new", PASSWORD)
    visitor.fill("#again", PASSWORD)
    assert "This node" in visitor.follow("main button", "Set up the node")


def test_the_operators_rooms(visitor: Visitor, node: Node) -> None:
    page, found = visitor.page, []
    if "Log in" in visitor.go("/operator/"):
        visitor.fill("#username", "operator")
        visitor.fill("#password", PASSWORD)
        assert "This node" in visitor.follow("main button", "Log in")
    rooms = page.run("[...document.querySelectorAll('.rooms a')].map(room => room.pathname)")
    assert len(rooms) > 12
    for room in rooms:
        page.device(1280, 900)
        visitor.go(room)
        live(visitor)
        found += look(visitor)
    page.device(1280, 900)
    visitor.go("/operator/password/")
    found += look(visitor)
    # a question before what is dangerous, and a secret that is shown once
    page.device(1280, 900)
    visitor.go("/operator/mining/")
    assert "Stop mining stream A?" in visitor.follow("main button", "Stop stream A")
    found += look(visitor)
    page.device(1280, 900)
    visitor.go("/operator/keys/")
    # a name is taken for good
    visitor.fill("#name", f"axe-{secrets.token_hex(3)}")
    visitor.press("input[value=mining]")
    visitor.follow("main button", "Make it")
    assert page.texts(".secret")
    found += look(visitor)
    for path in TABLES:
        page.device(1280, 900)
        visitor.page.open(node.web_url + path)
        found += look(visitor)
    page.device(1280, 900)
    visitor.go("/operator/")
    assert "Log in" in visitor.follow("footer button", "Log out")
    assert not found, "\n".join(found)


def live(visitor: Visitor) -> None:
    """Wait for the page's socket; leaving before it is there would be a complaint."""
    asked = "document.querySelector('[data-live-state]').dataset.liveState === 'on'"
    visitor.until(lambda: visitor.page.run(asked), "the page is live")


@pytest.fixture
def node(traffic: Traffic) -> Node:
    return traffic.node
