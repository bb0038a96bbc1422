"""A headless Chromium driven over its DevTools protocol: pages as a reader's browser sees them."""

from __future__ import annotations

import base64
import itertools
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from websockets.sync.client import ClientConnection, connect

from tests.tools import children, require

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--no-first-run",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
)
# it only ends hopeless waits: beside a node and another suite one page may take its time
_PATIENCE_S = 180.0


class Page:
    """One tab, and every request and complaint of the pages that it showed."""

    def __init__(self, socket: ClientConnection, session: str, numbers: Iterator[int], profile: str) -> None:
        self._socket = socket
        self._session = session
        self._numbers = numbers
        # what DevTools call a browser context: its cookies, its storage, its downloads
        self._profile = profile
        self._events: list[str] = []
        # of the document that the tab shows, and of those that have loaded since the last ``open``
        self._loader = ""
        self._loaded: set[str] = set()
        self.requests: list[str] = []
        # bytes that each address took on the wire
        self.sizes: dict[str, int] = {}
        self._urls: dict[str, str] = {}
        # called with the parameters of events by these names
        self.listeners: dict[str, Callable[[dict[str, Any]], None]] = {}
        self.complaints: list[str] = []
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.call("Page.setLifecycleEventsEnabled", enabled=True)
        self._loader = self.call("Page.getFrameTree")["frameTree"]["frame"]["loaderId"]

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """One DevTools command; an AssertionError with what Chromium says when it refuses, or when it says nothing.

        The time is for the answer: a live page never stops telling of its events.
        """
        if method.startswith("Browser."):
            # about this tab's own permissions and downloads
            parameters["browserContextId"] = self._profile
        number = next(self._numbers)
        message = {"id": number, "sessionId": self._session, "method": method, "params": parameters}
        self._socket.send(json.dumps(message))
        end = time.monotonic() + _PATIENCE_S
        while (answer := self._receive(end - time.monotonic(), method)).get("id") != number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]

    def device(self, width: int, height: int, scheme: str = "light", *, still: bool = False) -> None:
        """Size of the window in CSS pixels, the colours that the system prefers, whether it wants nothing to move."""
        self.call(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600
        )
        motion = "reduce" if still else "no-preference"
        features = (("prefers-color-scheme", scheme), ("prefers-reduced-motion", motion))
        self.call("Emulation.setEmulatedMedia", features=[{"name": name, "value": value} for name, value in features])

    def open(self, url: str) -> None:
        """Go there and wait until the page has loaded."""
        self._events.clear()
        # the last word of the document before may come late
        before = {self._loader}
        self._loaded.clear()
        answer = self.call("Page.navigate", url=url)
        assert not answer.get("errorText"), f"{url}: {answer['errorText']}"
        end = time.monotonic() + _PATIENCE_S
        while not self._loaded - before:
            self._receive(end - time.monotonic(), url)

    def run(self, expression: str) -> Any:
        """Value of a JavaScript expression in the page, as JSON carries it."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def texts(self, selector: str) -> list[str]:
        """What a reader sees of each element, in the order of the page."""
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map(found => found.innerText.trim())")

    def screenshot(self, file: Path) -> bytes:
        """The window as PNG, also written to the file."""
        image = base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"])
        file.write_bytes(image)
        return image

    def wait(self, event: str, seconds: float = _PATIENCE_S) -> None:
        """Read until an event of this name has come since the last ``open`` or ``wait``."""
        end = time.monotonic() + seconds
        while event not in self._events:
            self._receive(end - time.monotonic(), event)
        self._events.clear()

    def _receive(self, seconds: float, wanted: str) -> dict[str, Any]:
        message = _message(self._socket, seconds, wanted)
        method, parameters = message.get("method", ""), message.get("params", {})
        self._events.append(method)
        if method in self.listeners:
            self.listeners[method](parameters)
        if method == "Page.frameNavigated" and "parentId" not in parameters["frame"]:
            self._loader = parameters["frame"]["loaderId"]
        elif method == "Page.lifecycleEvent" and parameters["name"] == "load":
            self._loaded.add(parameters["loaderId"])
        elif method == "Network.requestWillBeSent":
            self.requests.append(parameters["request"]["url"])
            self._urls[parameters["requestId"]] = parameters["request"]["url"]
        elif method == "Network.loadingFinished":
            url = self._urls.get(parameters["requestId"], "")
            self.sizes[url] = self.sizes.get(url, 0) + int(parameters["encodedDataLength"])
        elif method == "Runtime.exceptionThrown":
            self.complaints.append(str(parameters["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(parameters["args"]))
        elif method == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
            self.complaints.append(str(parameters["entry"]))
        return message


class Browser:
    """A running Chromium, which shows one page at a time."""

    def __init__(self, socket: ClientConnection) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)

    @contextmanager
    def page(self) -> Iterator[Page]:
        """A tab that knows nothing of others, closed at the end with everything that its pages hold open."""
        profile = self._ask("Target.createBrowserContext")["browserContextId"]
        target = self._ask("Target.createTarget", url="about:blank", browserContextId=profile)["targetId"]
        session = self._ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        yield Page(self._socket, session, self._numbers, profile)
        self._ask("Target.disposeBrowserContext", browserContextId=profile)

    def _ask(self, method: str, **parameters: Any) -> dict[str, Any]:
        """A command to the browser itself; what pages say meanwhile is left aside."""
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        end = time.monotonic() + _PATIENCE_S
        while (answer := _message(self._socket, end - time.monotonic(), method)).get("id") != number:
            pass
        assert "error" not in answer, f"{method}: {answer['error']}"
        return answer["result"]


def _message(socket: ClientConnection, seconds: float, wanted: str) -> dict[str, Any]:
    """The next message; a TimeoutError that names what was waited for once no time is left, come what may."""
    if seconds <= 0:
        raise TimeoutError(f"Chromium did not answer in {_PATIENCE_S:g} s: {wanted}")
    try:
        return json.loads(socket.recv(timeout=seconds))
    except TimeoutError as error:
        raise TimeoutError(f"Chromium said nothing more in {seconds:.1f} s: {wanted}") from error


@contextmanager
def browser() -> Iterator[Browser]:
    """A new Chromium that knows nothing and leaves nothing behind."""
    program = require("chromium")
    with children.temporary_folder("chromium") as profile:
        log = profile / "log"
        with log.open("wb") as said:
            process = children.start(
                [program, *_FLAGS, f"--user-data-dir={profile}", "about:blank"], stdout=said, stderr=said
            )
        try:
            with connect(
                _address(process, profile, log), max_size=None, proxy=None, ping_interval=None, open_timeout=_PATIENCE_S
            ) as socket:
                yield Browser(socket)
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def chromium() -> Iterator[Page]:
    """The one tab of a Chromium of its own."""
    with browser() as one, one.page() as page:
        yield page


def _address(process: subprocess.Popen[bytes], profile: Path, log: Path) -> str:
    """Where its DevTools listen, as it writes once it does."""
    file = profile / "DevToolsActivePort"
    end = time.monotonic() + _PATIENCE_S
    while time.monotonic() < end and process.poll() is None:
        lines = file.read_text().splitlines() if file.exists() else []
        if len(lines) == 2:
            return f"ws://127.0.0.1:{lines[0]}{lines[1]}"
        time.sleep(0.05)
    message = f"Chromium does not answer:\n{log.read_text(errors='replace')[-2000:]}"
    raise AssertionError(message)
