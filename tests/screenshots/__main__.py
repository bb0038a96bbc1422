"""Take a picture of every page of a node, in both colour schemes and several widths.

Run from the project root: ``python -m tests.screenshots FOLDER [--only REGEX] [--widths 390,820,1600] [--tour]``.

The node's data lies in ``FOLDER/data``, pictures in ``FOLDER/shots`` as ``name-width-scheme.png``.  A chain that is
there already is shown again, so that a change of a page costs one start and no traffic; only the first run sees the
pages of a node that nobody has set up.  The node is stopped at the end.
"""

from __future__ import annotations

import argparse
import base64
import json
import re
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, Thread

import requests

from tests.core.consensus.mini import dev
from tests.e2e.node import ROOT, Node, wait_for
from tests.screenshots import sights
from tests.screenshots.operating import Deeds, first_password
from tests.screenshots.scenery import Pages, Scenery
from tests.screenshots.sights import Print, Sight
from tests.tools.chromium import Page, chromium

HEIGHTS = {390: 844, 820: 1180, 1600: 1000}
# a list of a thousand lines is not worth more
TALLEST = 5_000
QUALITY = 80
SETTLE_S = 30
# what no address shows while all is well, by the template that says it
UNWELL = {
    "error-500": "500.html", "error-503": "503.html", "error-403": "403.html", "error-400": "400.html",
    "operator-restarting": "admin_ui/restarting.html", "operator-elsewhere": "admin_ui/elsewhere.html",
}  # fmt: skip
GUEST = "guest"
GUEST_IN = """
from django.contrib.auth import get_user_model
user = get_user_model().objects.get(username={name!r})
user.set_password({password!r})
user.save()
type(user).standing.related.related_model.objects.filter(user=user).delete()
"""
RENDER = """
from django.shortcuts import render
from django.test import RequestFactory
asked = RequestFactory().get("/blocks", headers={{"host": "127.0.0.1"}})
print(render(asked, {template!r}, {{"incident": "8f1b2c9d0a34"}}).content.decode())
"""


class Camera:
    """Takes the pictures of one run."""

    def __init__(self, node: Node, page: Page, out: Path, options: argparse.Namespace) -> None:
        self.node, self.page, self.out, self.options = node, page, out, options
        self.wanted = re.compile(options.only)
        self.wide: list[str] = []

    def take(self, views: list[Sight]) -> None:
        """Every sight in every width and scheme."""
        views = [view for view in views if self.wanted.search(view.name)]
        if self.options.tour:
            by_name = {view.name: view for view in views}
            for printed in sights.TOUR:
                if printed.sight in by_name:
                    self.page.device(printed.width, printed.height, printed.scheme)
                    self._one(by_name[printed.sight], printed)
            return
        for scheme in self.options.schemes:
            for width in self.options.widths:
                self.page.device(width, HEIGHTS.get(width, 1000), scheme)
                for view in views:
                    self._one(view, Print(view.name, width, 0, scheme, self.options.rest))

    def unwell(self) -> None:
        """The pages of failures, as their templates are."""
        for name, template in UNWELL.items():
            if self.options.tour or not self.wanted.search(name):
                continue
            html = manage(self.node, RENDER.format(template=template))
            for scheme in self.options.schemes:
                for width in self.options.widths:
                    self.page.device(width, HEIGHTS.get(width, 1000), scheme)
                    self.page.open(self.node.web_url + "/nothing/here")
                    frame = self.page.call("Page.getFrameTree")["frameTree"]["frame"]["id"]
                    self.page.call("Page.setDocumentContent", frameId=frame, html=html)
                    time.sleep(0.5)
                    self._shoot(name, width, scheme)

    def _one(self, view: Sight, wanted: Print) -> None:
        name = f"{view.name}-{wanted.width}-{wanted.scheme}"
        self.page.open(self.node.web_url + view.path)
        if not self._until(sights.SETTLED):
            print(f"{name}: does not settle", flush=True)
        if view.act:
            self.page.run(f"void ({view.act})")
            if not self._until(view.ready):
                print(f"{name}: nothing follows", flush=True)
        time.sleep(wanted.rest)
        self._shoot(view.name, wanted.width, wanted.scheme, wanted.height)

    def _until(self, expression: str) -> bool:
        end = time.monotonic() + SETTLE_S
        while time.monotonic() < end:
            # a page that is just being exchanged answers nothing
            with suppress(AssertionError):
                if self.page.run(f"Boolean({expression})"):
                    return True
            time.sleep(0.1)
        return False

    def _shoot(self, name: str, width: int, scheme: str, height: int = 0) -> None:
        """The whole page, or the window where its height is given."""
        across, whole = self.page.run("[document.documentElement.scrollWidth, document.documentElement.scrollHeight]")
        if across > width:
            self.wide.append(f"{name}-{width}-{scheme}: {across} px wide")
        clip = {"x": 0, "y": 0, "width": width, "height": height or min(TALLEST, whole), "scale": 1}
        kind, quality, file = "png", {}, f"{name}-{width}-{scheme}.png"
        if self.options.tour:
            kind, quality, file = "webp", {"quality": QUALITY}, f"{name}.webp"
        shot = self.page.call(
            "Page.captureScreenshot", format=kind, clip=clip, captureBeyondViewport=not height, **quality
        )["data"]
        (self.out / file).write_bytes(base64.b64decode(shot))


def manage(node: Node, script: str) -> str:
    """What a script prints within the node's settings."""
    return subprocess.run(
        [sys.executable, "manage.py", "shell", "--no-imports", "-c", script],
        cwd=ROOT, env=node.environment, capture_output=True, text=True, check=True, timeout=120,
    ).stdout  # fmt: skip


def log_in(node: Node, page: Page, password: str, name: str = "operator") -> None:
    """By the form, in the browser, which forgets who was in."""
    page.call("Network.clearBrowserCookies")
    page.open(node.web_url + "/operator/login/")
    page.run(f"document.getElementById('username').value = {json.dumps(name)}")
    page.run(f"document.getElementById('password').value = {json.dumps(password)}")
    page.run("setTimeout(() => document.querySelector('main form').requestSubmit()), null")
    wait_for(lambda: settled(page, "!location.pathname.includes('login')"), "logged in")


def settled(page: Page, expression: str) -> bool:
    """Whether it holds; a page that is just being exchanged holds nothing."""
    try:
        return bool(page.run(f"document.readyState === 'complete' && {expression}"))
    except AssertionError:
        return False


def set_up(node: Node, page: Page, password: str) -> None:
    """Finish the first run's form as a new operator would."""
    for name in ("new", "again"):
        page.run(f"document.getElementById('{name}').value = {json.dumps(password)}")
    page.run(f"document.getElementById('coinbase').value = '{dev(0).address}'")
    page.run("setTimeout(() => document.querySelector('main form').requestSubmit()), null")
    wait_for(lambda: settled(page, "!location.pathname.includes('setup')"), "set up")


def is_free(port: int) -> bool:
    """Whether nobody listens there."""
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) != 0


@contextmanager
def running(folder: Path) -> Iterator[Node]:
    """The node of a folder, stopped in the end."""
    node = Node(folder / "data")
    # the ports that a reader of the tour will have
    for name, usual in (("web", 8000), ("rpc", 8545)):
        if is_free(usual):
            setattr(node, f"{name}_port", usual)
            node.environment[f"MDS_{name.upper()}_BIND"] = f"127.0.0.1:{usual}"
    try:
        node.start()
        wait_for(lambda: requests.get(node.web_url + "/ready", timeout=5).ok, "the web answers", 120)
        yield node
    except BaseException:
        print(node.logs())
        raise
    finally:
        node.stop()


@contextmanager
def crowd(scenery: Scenery, wanted: bool) -> Iterator[None]:
    """People who go on sending meanwhile, so that the live pages live."""
    enough = Event()
    sending = Thread(target=scenery.crowd, args=(600, enough), daemon=True)
    if wanted:
        sending.start()
        time.sleep(60)
    yield
    enough.set()
    if wanted:
        sending.join(60)


def main() -> None:
    """Start, make what is missing, take pictures, stop."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="", help="sights whose name fits this regular expression")
    parser.add_argument("--widths", type=lambda text: [int(part) for part in text.split(",")], default=list(HEIGHTS))
    parser.add_argument("--schemes", type=lambda text: text.split(","), default=["light", "dark"])
    parser.add_argument("--tour", action="store_true", help="the pictures of docs/tour.md, into docs/img")
    parser.add_argument("--rest", type=float, default=0.3, help="seconds to wait before each picture")
    options = parser.parse_args()
    folder = options.folder.resolve()
    out = ROOT / "docs" / "img" if options.tour else folder / "shots"
    out.mkdir(parents=True, exist_ok=True)
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)
    noted = folder / "scenery.json"
    with running(folder) as node, chromium() as page:
        camera = Camera(node, page, out, options)
        if noted.exists():
            kept = json.loads(noted.read_text())
            password, pages = str(kept["password"]), Pages(kept["pages"])
            scenery = Scenery(node, kept["tokens"])
        else:
            camera.take([Sight("operator-login", "/operator/login/")])
            password = secrets.token_urlsafe(12)
            log_in(node, page, first_password(node))
            camera.take([Sight("operator-setup", "/operator/setup/")])
            set_up(node, page, password)
            scenery = Scenery(node)
            pages = scenery.make()
            Deeds(node, password).do()
            tokens = {name: token.address for name, token in scenery.tokens.items()}
            noted.write_text(json.dumps({"password": password, "pages": pages, "tokens": tokens}, indent=1))
        page.call("Network.clearBrowserCookies")
        with crowd(scenery, options.tour):
            camera.take([*sights.PUBLIC, *sights.of_scenery(pages), Sight("operator-login", "/operator/login/")])
        camera.unwell()
        log_in(node, page, password)
        camera.take([*sights.OPERATOR, Sight("operator-pool-sender", pages["pool-sender"])])
        manage(node, GUEST_IN.format(name=GUEST, password=password))
        log_in(node, page, password, GUEST)
        camera.take(sights.VIEWER)
        page.call("Network.clearBrowserCookies")
        camera.take(sights.STRANGER)
    for line in camera.wide:
        print(line)


main()
