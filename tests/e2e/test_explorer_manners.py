"""How the explorer's pages behave for everybody: colours that stay, keys in place of a mouse, copying, other hosts."""

from __future__ import annotations

import pytest

from tests.e2e.traffic import Traffic
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.e2e

# what has the focus: whether it is behind the last one, what it says, where it is, whether a ring is drawn around it
FOCUS = """
(() => {
  const one = document.activeElement;
  if (!one || one === document.body) return null;
  // elements themselves are kept: a live page may get others meanwhile
  const passed = (window.passed ||= []), last = passed.at(-1);
  passed.push(one);
  const box = one.getBoundingClientRect(), style = getComputedStyle(one);
  return {
    isBehind: !last?.isConnected || Boolean(last.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING),
    says: (one.getAttribute("aria-label") || one.innerText || one.placeholder || "").trim(),
    id: one.id,
    seen: box.bottom > 0 && box.top < innerHeight && box.right > 0 && box.left < innerWidth && box.width > 0,
    ringed: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
  };
})()
"""
GROUND = "getComputedStyle(document.body).backgroundColor"
CHOSEN = "document.querySelector('[data-theme-switch] [aria-pressed=true]').value"


def test_a_chosen_colour_stays_and_the_system_decides_else(visitor: Visitor) -> None:
    visitor.page.device(1280, 900, "light")
    visitor.go("/blocks")
    assert visitor.page.run(CHOSEN) == "system"
    light = visitor.page.run(GROUND)
    visitor.press("[data-theme-switch] button", "Dark")
    dark = visitor.page.run(GROUND)
    assert dark != light
    visitor.follow(".rooms a", "Fees")
    assert (visitor.page.run(GROUND), visitor.page.run(CHOSEN)) == (dark, "dark")
    visitor.page.device(1280, 900, "dark")
    visitor.press("[data-theme-switch] button", "Light")
    visitor.go("/supply")
    assert visitor.page.run(GROUND) == light
    visitor.press("[data-theme-switch] button", "As the system")
    assert visitor.page.run(GROUND) == dark
    visitor.go("/supply")
    assert (visitor.page.run(GROUND), visitor.page.run(CHOSEN)) == (dark, "system")


def test_keys_alone_lead_everywhere(visitor: Visitor) -> None:
    visitor.go("/blocks")
    seen = []
    for _ in range(40):
        visitor.key("Tab")
        seen.append(visitor.page.run(FOCUS))
    assert None not in seen
    assert seen[0]["says"] == "Skip to content"
    assert [one["says"] for one in seen if not (one["seen"] and one["ringed"])] == []
    assert all(one["isBehind"] for one in seen), "in the order of the page"
    assert "q" in [one["id"] for one in seen]
    said = [one["says"] for one in seen]
    assert {"Dashboard", "Blocks", "API", "Light", "Dark", "Whole DAG"} <= set(said)
    assert any("Blocks of the selected chain" in text for text in said), "a table that scrolls sideways is reached"
    # back by one, and through the link that has the focus
    visitor.key("Tab", shift=True)
    assert visitor.page.run("document.activeElement === window.passed.at(-2)")


def test_the_skip_link_leads_past_the_head(visitor: Visitor) -> None:
    visitor.go("/tx")
    visitor.key("Tab")
    visitor.key("Enter")
    visitor.until(lambda: visitor.page.run("location.hash") == "#main", "the skip link is followed")
    assert visitor.page.run(FOCUS)["id"] == "main"
    visitor.key("Tab")
    assert visitor.page.run("document.activeElement.closest('main') !== null")


def test_a_key_searches(visitor: Visitor) -> None:
    visitor.go("/blocks")
    visitor.key("/")
    assert visitor.page.run(FOCUS)["id"] == "q"
    visitor.type("7")
    # in the field it is a letter as any other
    visitor.key("/")
    assert visitor.page.run("document.getElementById('q').value") == "7/"
    visitor.fill("#q", "7")
    visitor.follow_key("Enter")
    assert visitor.path == "/block/7"
    visitor.key("Tab")
    visitor.key("Tab")
    assert visitor.page.run(FOCUS)["says"] == "Mondoshawan"
    visitor.follow_key("Enter")
    assert visitor.path == "/"


def test_amounts_change_their_unit_by_keys(visitor: Visitor, traffic: Traffic) -> None:
    visitor.go(f"/tx/{traffic.sent['near']}")
    # the last that a reader's keys reach
    visitor.key("Tab", shift=True)
    assert visitor.page.run(FOCUS)["says"] == "amounts in wei"
    visitor.key(" ")
    visitor.sees("sent 3 000 000 000 000 000 000 wei")
    assert visitor.page.run("document.activeElement.getAttribute('aria-pressed')") == "true"
    visitor.key(" ")
    visitor.sees("sent 3 MSHW")


def test_a_hash_is_copied_whole(visitor: Visitor, traffic: Traffic) -> None:
    visitor.page.call(
        "Browser.grantPermissions", permissions=["clipboardReadWrite", "clipboardSanitizedWrite"],
        origin=traffic.node.web_url,
    )  # fmt: skip
    visitor.go(f"/tx/{traffic.sent['moved']}")
    visitor.press(".facts .copy")
    visitor.until(lambda: "Copied." in visitor.says("[data-announce]"), "it says that it copied")
    assert visitor.page.run("navigator.clipboard.readText()") == traffic.sent["moved"]


def test_the_browser_refuses_what_pages_may_not_do(visitor: Visitor) -> None:
    """That nobody complains on all other pages means something: here somebody does."""
    visitor.go("/blocks")
    for name, member in (("script", "text: 'window.ran = 1'"), ("img", "src: 'http://127.0.0.1:9/'")):
        visitor.page.run(f"document.body.append(Object.assign(document.createElement('{name}'), {{ {member} }})), 0")
    assert visitor.page.run("typeof window.ran") == "undefined"
    told: list[str] = []
    visitor.until(lambda: told.extend(visitor.complaints()) or len(told) > 1, "two complaints")
    assert [text for text in told if "Content Security Policy" not in text] == []
    # Chromium tells of the request that it did not make
    assert visitor.strangers() <= {"http://127.0.0.1:9/"}
