"""Somebody at a browser: real presses of the mouse and of keys, and an eye on what the browser complains about."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from tests.e2e.node import PATIENCE_S, Node
from tests.tools.chromium import Page

# (code, virtual key, text) by the name of a key
_KEYS = {
    "Tab": ("Tab", 9, ""),
    "Enter": ("Enter", 13, "\r"),
    " ": ("Space", 32, " "),
    "Escape": ("Escape", 27, ""),
    "/": ("Slash", 191, "/"),
}
_SHIFT = 8
# what a browser says when a reader leaves before the page's socket is there: no mistake of the page
_LEFT = "WebSocket is closed before the connection is established"
# the first element that is seen and says this, scrolled into the middle: where to press it, and what covers it there;
# until the press has hit it, a press on anything else does nothing: a live page may move it in between
_AIM = """
((selector, text) => {
  const says = element => element.innerText.trim() === text || element.getAttribute("title") === text;
  const found = [...document.querySelectorAll(selector)]
    .find(element => element.checkVisibility() && (text === null || says(element)));
  if (!found) return null;
  found.scrollIntoView({ block: "center", inline: "center", behavior: "instant" });
  const box = found.getClientRects()[0], x = box.left + box.width / 2, y = box.top + box.height / 2;
  const top = document.elementFromPoint(x, y);
  if (!found.contains(top)) return { covered: top && top.outerHTML.slice(0, 200) };
  window.aim?.end();
  const ended = new AbortController(), aim = { isHit: false, end: () => ended.abort() };
  for (const kind of ["pointerdown", "mousedown", "pointerup", "mouseup", "click"]) {
    addEventListener(kind, event => {
      if (!found.contains(event.target)) {
        event.preventDefault();
        event.stopImmediatePropagation();
      } else if (kind === "click") {
        aim.isHit = true;
        aim.end();
      }
    }, { capture: true, signal: ended.signal });
  }
  window.aim = aim;
  return { x, y };
})
"""
# a page that is on its way to another has been hit
_HIT = "(() => { const aim = window.aim; aim?.end(); return !aim || aim.isHit })()"


def digits(text: str) -> int:
    """A number as pages group it."""
    return int(re.sub(r"\D", "", text))


def short(value: str) -> str:
    """A hash or an address as lists show it."""
    value = value.lower()
    return f"{value[:10]}…{value[-8:]}"


class Visitor:
    """One reader of a node's pages."""

    def __init__(self, page: Page, node: Node) -> None:
        self.page, self.node = page, node
        # called between two looks while something is waited for
        self.meanwhile: Callable[[], None] = lambda: None
        # addresses whose answers are meant to be errors
        self._refused: set[str] = set()

    def go(self, path: str, status: int = 200) -> str:
        """Open a page by its address, which must answer so; what it says."""
        url = self.node.web_url + path
        if status >= 400:
            self.expect_refusal(path)
        answers: dict[str, int] = {}
        self.page.listeners["Network.responseReceived"] = lambda event: answers.setdefault(
            event["response"]["url"], int(event["response"]["status"])
        )
        self.page.open(url)
        del self.page.listeners["Network.responseReceived"]
        assert answers.get(self.page.run("location.href"), answers.get(url)) == status, (path, answers)
        return self.says()

    def expect_refusal(self, path: str) -> None:
        """An error for an answer from there is no complaint."""
        self._refused.add(self.node.web_url + path)

    @property
    def path(self) -> str:
        """Where one is, with the query."""
        return str(self.page.run("location.pathname + location.search"))

    def says(self, selector: str = "main") -> str:
        """What a reader sees there, in one line."""
        said = " ".join(str(self.page.run(f"document.querySelector({json.dumps(selector)}).innerText")).split())
        # a blank that innerText puts behind boxes, and nobody sees
        return re.sub(r" (?=[;,])", "", said)

    def sees(self, pattern: str, selector: str = "main") -> None:
        """Wait until the page says so."""
        self.until(lambda: re.search(pattern, self.says(selector)) is not None, f"{pattern!r} in {selector}")

    def until(self, what: Callable[[], Any], description: str, seconds: float = PATIENCE_S) -> Any:
        """Wait for something; a page that is just being exchanged answers nothing.  The bound ends a hopeless wait."""
        end = time.monotonic() + seconds
        last: Any = None
        while time.monotonic() < end:
            self.meanwhile()
            try:
                last = what()
            except AssertionError as error:
                last = error
            else:
                if last:
                    return last
            time.sleep(0.05)
        message = f"never true: {description}, last {last!r}, at {self.path}:\n{self.says()[:1500]}"
        raise AssertionError(message)

    def press(self, selector: str, text: str | None = None) -> None:
        """Press the first such element, which nothing else may cover."""
        self.until(lambda: self._press_once(selector, text), f"{selector} {text!r} is pressed")

    def follow(self, selector: str, text: str | None = None, where: str = "main") -> str:
        """Press a link or a button and wait for the page behind it; what that says."""
        self._leave(lambda: self.press(selector, text))
        return self.says(where)

    def key(self, name: str, *, shift: bool = False) -> None:
        """Press a key."""
        code, number, text = _KEYS[name]
        common = {"key": name, "code": code, "windowsVirtualKeyCode": number, "modifiers": _SHIFT if shift else 0}
        self.page.call("Input.dispatchKeyEvent", type="keyDown" if text else "rawKeyDown", text=text, **common)
        self.page.call("Input.dispatchKeyEvent", type="keyUp", **common)

    def follow_key(self, name: str) -> str:
        """Press a key that leads to another page; what that says."""
        self._leave(lambda: self.key(name))
        return self.says()

    def type(self, text: str) -> None:
        """Write where the cursor is."""
        self.page.call("Input.insertText", text=text)

    def fill(self, selector: str, text: str) -> None:
        """Write into a field, in place of what it holds."""
        self.press(selector)
        self.page.run(f"document.querySelector({json.dumps(selector)}).select()")
        self.type(text)

    def search(self, text: str) -> str:
        """Search by the field at the head of every page; what the page says that follows."""
        self.fill("#q", text)
        return self.follow_key("Enter")

    def column(self, number: int) -> list[str]:
        """What the cells of a column say, of the page's first table."""
        cells = f"[...document.querySelector('main table').tBodies[0].rows].map(row => row.cells[{number - 1}])"
        return [str(text) for text in self.page.run(f"{cells}.map(cell => cell.innerText.trim())")]

    def full(self, selector: str) -> list[str]:
        """Whole values behind shortened ones."""
        found = f"[...document.querySelectorAll({json.dumps(selector)})].map(one => one.dataset.full)"
        return [str(value) for value in self.page.run(found)]

    def complaints(self) -> list[str]:
        """What the browser complained about since the last question, but for errors that were asked for."""
        # a round trip, so that what is under way has come
        self.page.run("new Promise(done => setTimeout(done))")
        found, self.page.complaints = self.page.complaints, []
        wanted = (_LEFT, *(f"'{url}'" for url in self._refused))
        return [text for text in found if not any(part in text for part in wanted)]

    def strangers(self) -> set[str]:
        """Other hosts that were asked for anything since the last question."""
        asked, self.page.requests[:] = list(self.page.requests), []
        own = urlsplit(self.node.web_url).netloc
        return {url[:200] for url in asked if urlsplit(url).netloc != own}

    def _press_once(self, selector: str, text: str | None) -> bool:
        """Whether it was there, free, and hit."""
        place = self.page.run(f"{_AIM}({json.dumps(selector)}, {json.dumps(text)})")
        if place is None:
            return False
        assert "covered" not in place, f"covered by {place['covered']}"
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            button = "none" if kind == "mouseMoved" else "left"
            self.page.call(
                "Input.dispatchMouseEvent", type=kind, x=place["x"], y=place["y"], button=button, clickCount=1
            )
        try:
            return bool(self.page.run(_HIT))
        except AssertionError:
            # what it led to takes the page's place
            return True

    def _leave(self, how: Callable[[], None]) -> None:
        """Do what leads to another page, and wait until that is there."""
        self.page.run("window.before = true")
        how()
        self.until(
            lambda: self.page.run("!window.before && document.readyState === 'complete'"), "another page is there"
        )
