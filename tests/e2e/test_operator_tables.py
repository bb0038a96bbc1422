"""The node's tables in the look of the site, a user who gets a new password, an ABI that an admin vouches for: pressed
on the node that all share.
"""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import requests
from web3 import Web3

from tests.e2e import test_operator_rooms
from tests.e2e.contracts import compiled
from tests.e2e.node import PATIENCE_S
from tests.e2e.test_explorer_accounts import answer, ask, form_of
from tests.e2e.test_operator_rooms import PASSWORD, Operator
from tests.e2e.traffic import Traffic
from tests.tools.chromium import Browser

admin = test_operator_rooms.admin
pytestmark = pytest.mark.e2e

OWN = "a long password of ones own"
NONSENSE = "nothing is called so"
# a link to each table, and to each row that a list begins with
TABLES = "[...document.querySelectorAll('#content th[scope=row] a')].map(one => one.pathname)"
ROWS = "[...document.querySelectorAll('#result_list .data-row')]"
FIRST = f"{ROWS}.slice(0, 1).map(row => row.querySelector('a').pathname)"
# the ground of the page, as light as it is, of 255
GROUND = """(() => {
  const canvas = document.createElement("canvas").getContext("2d");
  canvas.fillStyle = getComputedStyle(document.querySelector("#main")).backgroundColor;
  canvas.fillRect(0, 0, 1, 1);
  return canvas.getImageData(0, 0, 1, 1).data[1];
})()"""


@contextmanager
def second(admin: Operator, chrome: Browser) -> Iterator[Operator]:
    """Somebody else at a browser of his own, which complains about nothing either."""
    with chrome.page() as page:
        page.device(1280, 900)
        one = Operator(page, admin.node)
        yield one
        assert one.complaints() == []
        assert one.strangers() == set()


def newcomer(admin: Operator, one: Operator, role: str) -> tuple[str, str]:
    """A user of a name that nobody had, who has logged in and chosen a password; the name and the first password."""
    # a name is taken for good
    name = f"{role}-{secrets.token_hex(3)}"
    admin.go("/operator/users/")
    admin.fill("#name", name)
    admin.choose("#role", role)
    assert f"User {name}" in admin.follow("main button", "Make the user")
    (first,) = admin.full(".secret [data-full]")
    admin.follow("main a", "I have kept it")
    assert "Choose your own password" in one.enter(name, first)
    assert "Your password is changed" in one.renew(first, OWN)
    return name, first


def row_of(admin: Operator, name: str) -> str:
    """A selector of the user's row on the page of users."""
    return f"main tbody tr:nth-child({admin.column(1).index(name) + 1})"


def keep_out(admin: Operator, name: str) -> None:
    """End what a test began: nobody is left who may come in."""
    admin.go("/operator/users/")
    admin.follow(f"{row_of(admin, name)} button", "Keep out")
    assert f"{name} is kept out" in admin.follow("main button", f"Keep {name} out")


class Tables:
    """An admin who walks through the tables and takes down what is wrong."""

    def __init__(self, admin: Operator) -> None:
        self.admin, self.found = admin, list[str]()

    def open(self, path: str, scheme: str = "light") -> None:
        """A page of them, in the colours that the system prefers."""
        page = self.admin.page
        answers: dict[str, int] = {}
        page.listeners["Network.responseReceived"] = lambda event: answers.setdefault(
            event["response"]["url"], int(event["response"]["status"])
        )
        # asked by the page when it loads
        page.device(1280, 900, scheme, still=True)
        page.open(self.admin.node.web_url + path)
        del page.listeners["Network.responseReceived"]
        refused = {url: status for url, status in answers.items() if status >= 400}
        if refused:
            self.found.append(f"{path}: {refused}")
            return
        fits = f"{GROUND} > 200" if scheme == "light" else f"{GROUND} < 60"
        self.admin.until(lambda: page.run(fits), f"{path} is {scheme}")
        self.look(path)

    def look(self, path: str) -> None:
        """What the browser complained about on the way."""
        self.found += [f"{path}: {one}" for one in self.admin.complaints()]

    def search(self, text: str) -> int:
        """Search the list that is shown; how many rows there are then."""
        admin, path = self.admin, self.admin.path
        admin.fill("#searchbar", text)
        admin.page.run("window.before = true")
        admin.key("Enter")
        gone = "!window.before && document.readyState === 'complete'"
        admin.until(lambda: admin.page.run(gone), f"{path} is searched for {text}")
        self.look(f"{path} searched for {text!r}")
        if not admin.page.run("document.querySelector('#searchbar')?.value ?? ''"):
            self.found.append(f"{path} searched for {text!r}: {admin.says('body')[:200]}")
            return -1
        return int(admin.page.run(f"{ROWS}.length"))


def test_every_table_is_shown_and_searched(admin: Operator) -> None:
    tables = Tables(admin)
    tables.open("/admin/", "dark")
    tables.open("/admin/")
    paths = admin.page.run(TABLES)
    assert len(paths) > 25
    opened, searched = 0, 0
    for path in paths:
        tables.open(path, "dark")
        tables.open(path)
        # at nothing that changes anything
        assert admin.page.texts("#content a.addlink, #content input[name=_save], #content .deletelink") == [], path
        rows = admin.page.run(FIRST)
        searchable = admin.page.run("document.querySelector('#searchbar') !== null")
        for row in rows:
            key = row.removeprefix(path).removesuffix("/change/")
            tables.open(row, "dark")
            opened += 1
            # keys of numbers and of plain words are in the address as they are
            if searchable and re.fullmatch(r"\d{1,12}", key) and "name" not in path:
                admin.page.open(admin.node.web_url + path)
                searched += 1
                if (count := tables.search(key)) > 1:
                    tables.found.append(f"{path} searched for {key}: {count} rows")
        if searchable:
            admin.page.open(admin.node.web_url + path)
            if (count := tables.search(NONSENSE)) > 0:
                tables.found.append(f"{path} searched for nonsense: {count} rows")
    assert tables.found == [], "\n".join(tables.found)
    assert opened > 15
    assert searched > 5


def test_a_table_is_searched_by_a_name_of_two_words(admin: Operator, traffic: Traffic) -> None:
    tables = Tables(admin)
    tables.open("/admin/explorer/token/")
    assert admin.page.run(f"{ROWS}.length") > 2
    assert tables.search("Night Gardens") == 1
    (row,) = admin.page.run(FIRST)
    assert traffic.contracts["art"].removeprefix("0x").lower() in row
    # by a press, as who reads would come to it
    admin.press("#result_list .data-row a")
    admin.until(lambda: admin.path.startswith(row), "the row is open")
    admin.sees("Night Gardens", "#content")
    assert tables.found == []


def test_tables_are_for_admins(admin: Operator, chrome: Browser) -> None:
    admin.page.open(f"{admin.node.web_url}/admin/chain/block/")
    (row,) = admin.page.run(FIRST)
    for role in ("operator", "viewer"):
        with second(admin, chrome) as one:
            name, _ = newcomer(admin, one, role)
            assert one.page.run("[...document.links].filter(link => link.pathname.startsWith('/admin/')).length") == 0
            for path in ("/admin/", "/admin/chain/block/", row, "/admin/axes/accessattempt/"):
                assert f"It needs the role admin; yours is {role}" in one.go(path, 403)
            keep_out(admin, name)
            assert "Log in" in one.go("/admin/")


def test_a_new_password_ends_what_the_old_one_opened(admin: Operator, chrome: Browser) -> None:
    with second(admin, chrome) as one:
        name, first = newcomer(admin, one, "viewer")
        one.go("/operator/mining/")
        live = "document.querySelector('[data-live-state]').dataset.liveState === 'on'"
        one.until(lambda: one.page.run(live), "the page is live")

        admin.go("/operator/users/")
        said = admin.follow(f"{row_of(admin, name)} button", "New password")
        assert f"Give {name} a new password?" in said
        # whoever thinks better of it changes nothing
        admin.follow("main a", "No, go back")
        assert "Mining" in one.go("/operator/mining/")
        one.until(lambda: one.page.run(live), "the page is live")
        admin.follow(f"{row_of(admin, name)} button", "New password")
        assert f"User {name}" in admin.follow("main button", "Give a new password")
        (given,) = admin.full(".secret [data-full]")
        admin.follow("main a", "I have kept it")
        assert given not in admin.page.run("document.documentElement.outerHTML")
        assert "first password" in admin.says(row_of(admin, name))

        # the page that is open, and every other
        lamp = "document.querySelector('[data-live-state]').textContent"
        one.until(lambda: "logged out" in one.page.run(lamp), "the open page says so")
        assert "Log in" in one.go("/operator/mining/")
        one.expect_refusal("/operator/login/")
        for old in (first, OWN):
            assert "Wrong name or password" in one.enter(name, old)
        assert "Choose your own password" in one.enter(name, given)
        # nothing else until it is
        assert "Choose your own password" in one.go("/operator/mining/")
        assert "Your password is changed" in one.renew(given, f"{OWN}, another")
        assert "Mining" in one.go("/operator/mining/")

        row = admin.trail("user.reset_password", target=name)
        assert (row["actor"], row["outcome"]) == ("operator", "done")
        assert admin.trail("login", actor=name, outcome="refused")
        written = admin.page.run("fetch('/operator/audit.csv').then(answer => answer.text())")
        assert len(list(csv.reader(io.StringIO(written)))) > 5
        for password in (first, OWN, given, PASSWORD):
            assert password not in written
        keep_out(admin, name)


def proxy(traffic: Traffic, behind: str) -> str:
    """Address of a contract that passes each call on, in a manner that the node does not know."""
    passes = f"363d3d37 3d3d363d3d 73{behind.removeprefix('0x')} 5af1 50 3d60006000 3e 3d6000f3".replace(" ", "")
    length = f"{len(passes) // 2:02x}"
    made = traffic.send(traffic.alice, data=f"0x60{length}80600b6000396000f3{passes}", gas=500_000)
    (receipt,) = traffic.receipts(made)
    assert receipt["status"] == "0x1"
    traffic.settle()
    return str(receipt["contractAddress"]).lower()


def test_an_admin_vouches_for_an_abi(admin: Operator, chrome: Browser, traffic: Traffic) -> None:
    coin: list[dict[str, Any]] = compiled("coin").abi
    address = proxy(traffic, traffic.contracts["coin"])
    name = f"Lantern's door {address[-4:]}"
    asked = f"{admin.node.web_url}/api?module=contract&action=getabi&address={address}"
    path = f"/address/{address}/contract"
    withdraw = f'[aria-label="Withdraw the ABI of {name}"]'

    def publish(one: Operator, *, vouched: bool) -> str:
        one.go(f"/operator/abis/?address={address}")
        one.fill("#name", name)
        one.fill("#abi", json.dumps(coin))
        if vouched:
            one.press("input[name=unchecked]")
        return one.follow("main button", "Publish it")

    admin.go(path)
    assert admin.page.run("document.querySelectorAll('form.call').length") == 0
    assert "none of its functions is in the contract's code" in publish(admin, vouched=False)
    with second(admin, chrome) as one:
        other, _ = newcomer(admin, one, "operator")
        # an operator is not asked, and refused all the same
        one.go("/operator/abis/")
        assert one.page.texts("input[name=unchecked]") == []
        assert "Refused: " in publish(one, vouched=False)
        one.go(f"/operator/abis/?address={address}")
        one.fill("#name", name)
        one.fill("#abi", json.dumps(coin))
        one.page.run(
            "document.querySelector('#abi').form.insertAdjacentHTML('beforeend',"
            " '<input type=hidden name=unchecked value=yes>')"
        )
        assert "only an admin publishes an ABI unchecked" in one.follow("main button", "Publish it")
        keep_out(admin, other)
    assert requests.get(asked, timeout=PATIENCE_S).json()["status"] == "0"

    said = publish(admin, vouched=True)
    assert re.search(rf"The ABI of {name} is published; 0 of its \d+ functions are in the contract's code", said), said
    assert requests.get(asked, timeout=PATIENCE_S).json()["status"] == "1"
    # everybody's page has its functions now, and they answer
    with chrome.page() as page:
        page.device(1280, 900)
        reader = Operator(page, admin.node)
        assert f"By the ABI of {name}" in reader.go(path)
        ask(reader, "symbol")
        reader.until(lambda: answer(reader, "symbol") == "LNT", "the symbol of what is behind it")
        ask(reader, "balanceOf", Web3.to_checksum_address((2).to_bytes(20, "big")))
        reader.until(lambda: answer(reader, "balanceOf") == "2", "what somebody holds")
        assert form_of(reader, "transfer")

        admin.go("/operator/abis/")
        assert f"Withdraw the ABI of {address}?" in admin.follow(withdraw)
        assert "The ABI is withdrawn" in admin.follow("main button", "Withdraw it")
        assert admin.page.texts(withdraw) == []
        assert name not in reader.go(path)
        assert reader.page.run("document.querySelectorAll('form.call').length") == 0
        assert reader.complaints() == []
    assert requests.get(asked, timeout=PATIENCE_S).json()["status"] == "0"
    assert admin.trail("abi.publish", target=address, outcome="done")["actor"] == "operator"
    assert admin.trail("abi.publish", outcome="refused", actor=other)
    assert admin.trail("abi.withdraw", target=address)["outcome"] == "done"
