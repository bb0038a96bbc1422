"""The rooms of the operator's web, pressed on the node that all share: each press is felt by the node, shown by it, and
stands in the trail.  Whatever a test changes it changes back, by a press.
"""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from tests.core.consensus.mini import dev
from tests.e2e.contracts import compiled
from tests.e2e.node import PATIENCE_S, ROOT, Node, wait_for
from tests.e2e.test_accessibility import look
from tests.e2e.traffic import Traffic
from tests.e2e.visitor import Visitor

pytestmark = pytest.mark.e2e

PASSWORD = "another password of my own"
PAYEE = "0x90F79bf6EB2c4f870365E785982E1f101E93b906"
LIMITED, FORBIDDEN = -32005, -32000
# of a function that no contract here has
STRANGE = [{"type": "function", "name": "launderTheCat", "inputs": [], "outputs": [], "stateMutability": "view"}]


class Operator(Visitor):
    """Somebody with a role, who reads the trail."""

    def enter(self, name: str, password: str) -> str:
        """Log in; what the page says that follows."""
        self.go("/operator/login/")
        self.fill("#username", name)
        self.fill("#password", password)
        return self.follow("main button", "Log in")

    def leave(self) -> None:
        """Log out, on a page that is live: a socket that is still being opened would be refused, and complain."""
        self.go("/operator/")
        live = "document.querySelector('[data-live-state]').dataset.liveState === 'on'"
        self.until(lambda: self.page.run(live), "the page is live")
        assert "Log in" in self.follow("footer button", "Log out")

    def renew(self, old: str, new: str) -> str:
        """Choose a password in place of one that others have seen."""
        for field, text in (("#old", old), ("#new", new), ("#again", new)):
            self.fill(field, text)
        return self.follow("main button", "Change it")

    def choose(self, selector: str, value: str) -> None:
        """Choose of a list as its menu does, which is drawn by the system and takes no presses here."""
        self.page.run(
            f"(() => {{ const list = document.querySelector({json.dumps(selector)}); list.value = {json.dumps(value)};"
            "list.dispatchEvent(new Event('change', { bubbles: true })) })()"
        )
        assert self.page.run(f"document.querySelector({json.dumps(selector)}).value") == value

    def trail(self, action: str, **facts: str) -> dict[str, str]:
        """The newest row of the trail's file that says so."""
        text = self.page.run("fetch('/operator/audit.csv').then(answer => answer.text())")
        rows = [row for row in csv.DictReader(io.StringIO(text)) if row["action"] == action]
        found = [row for row in rows if facts.items() <= row.items()]
        assert found, (action, facts, rows)
        assert found[0]["door"] == facts.get("door", "web")
        return found[0]


@pytest.fixture
def admin(visitor: Visitor, mining_node: Node) -> Iterator[Operator]:
    """Logged in as an admin, whatever others have done with this node before."""
    one = Operator(visitor.page, mining_node)
    if "Log in" in one.go("/operator/"):
        told = subprocess.run(
            [sys.executable, "manage.py", "operator_password"], cwd=ROOT, env=mining_node.environment,
            capture_output=True, text=True, check=True, timeout=PATIENCE_S,
        ).stdout  # fmt: skip
        printed = told.split()[-1]
        said = one.enter("operator", printed)
        if "Set up this node" in said:
            one.fill("#new", PASSWORD)
            one.fill("#again", PASSWORD)
            said = one.follow("main button", "Set up the node")
        else:
            assert "Choose your own password" in said
            said = one.renew(printed, PASSWORD)
        assert "This node" in said
    yield one
    visitor._refused |= one._refused


def call(node: Node, url: str, secret: str, method: str, *params: Any) -> dict[str, Any]:
    """One call with a key; the whole answer."""
    body = {"jsonrpc": "2.0", "id": 1, "method": method, "params": list(params)}
    answer = requests.post(url, json=body, headers={"X-Api-Key": secret}, timeout=PATIENCE_S)
    return dict(answer.json())


def test_ordering_is_chosen(admin: Operator, mining_node: Node) -> None:
    before = mining_node.rpc("mds_getOrderingPolicy")["policy"]
    for policy in ("fifo", before):
        admin.go("/operator/ordering/")
        admin.press(f"input[value={policy}]")
        assert f"Templates are ordered by {policy} from now on" in admin.follow("main button", "Order by this")
        assert re.search(rf"{policy} in force", admin.says("main form"))
        assert mining_node.rpc("mds_getOrderingPolicy")["policy"] == policy
    row = admin.trail("mining.set_ordering", after="fifo")
    assert (row["actor"], row["before"], row["outcome"]) == ("operator", before, "done")


def test_another_account_is_paid(admin: Operator, mining_node: Node) -> None:
    before = mining_node.rpc("mds_getMiningStatus")["coinbase"]

    def paid() -> bool:
        # the streams take turns, and each had a template of the time before
        return bool(mining_node.rpc("eth_getBlockByNumber", "latest", False)["miner"] == PAYEE.lower())

    admin.go("/operator/mining/")
    admin.fill("#coinbase", PAYEE)
    said = admin.follow("main button", "Pay this account")
    assert "Pay another account?" in said
    assert PAYEE.lower() in said
    try:
        assert f"The miners' templates pay {PAYEE.lower()} now" in admin.follow("main button", "Pay this account")
        assert mining_node.rpc("mds_getMiningStatus")["coinbase"] == PAYEE.lower()
        wait_for(paid, "a block pays it", 180)
        assert admin.page.run("document.querySelector('#coinbase').value") == PAYEE.lower()
    finally:
        admin.go("/operator/mining/")
        admin.fill("#coinbase", before)
        admin.follow("main button", "Pay this account")
        admin.follow("main button", "Pay this account")
    assert mining_node.rpc("mds_getMiningStatus")["coinbase"] == before
    row = admin.trail("mining.set_coinbase", after=PAYEE.lower())
    assert (row["before"], row["outcome"]) == (before, "done")


def test_all_of_a_sender_leaves_the_pool(admin: Operator, traffic: Traffic, mining_node: Node) -> None:
    account = dev(7)
    nonce = int(mining_node.rpc("eth_getTransactionCount", account.address, "pending"), 16)
    # behind a gap, so that no miner takes them
    sent = [
        mining_node.rpc("eth_sendRawTransaction", traffic.sign(account, nonce + gap, to=account.address))
        for gap in (3, 4, 6)
    ]
    address = account.address.lower()
    admin.go("/operator/pool/")
    admin.fill("#sender", address)
    said = admin.follow("main button", "Show")
    assert "0 can run, 3 wait for a missing nonce" in said
    said = admin.follow("main button", "Drop all 3")
    assert f"3 transactions of {address} leave this node's pool" in said
    # whoever thinks better of it loses nothing
    admin.follow("main a", "No, go back")
    assert all(mining_node.rpc("eth_getTransactionByHash", one) for one in sent)
    admin.go(f"/operator/pool/sender/{address}/")
    admin.follow("main button", "Drop all 3")
    assert f"Dropped: 3 transactions of {address}" in admin.follow("main button", "Drop 3 transactions")
    assert [mining_node.rpc("eth_getTransactionByHash", one) for one in sent] == [None] * 3
    assert "Nothing of this sender waits" in admin.go(f"/operator/pool/sender/{address}/")
    assert json.loads(admin.trail("pool.drop_sender", target=address)["before"]) == {"transactions": 3}


def test_an_alert_is_taken_for_seen(admin: Operator) -> None:
    field = "[id='value-node.disk_free_mb']"
    button = "[id=disk_free_mb] button"
    # a crowded machine may have the node tell of more
    disk = "[...document.querySelectorAll('main tr')].filter(row => row.innerText.includes('Not ready: disk'))"
    badge = "document.querySelector('[data-cell=\"alerts.open\"]').checkVisibility()"

    def need(megabytes: str) -> None:
        admin.go("/operator/settings/")
        admin.fill(field, megabytes)
        assert "MDS_DISK_FREE_MB is" in admin.follow(button, "Set")

    need("1000000000")
    try:
        # each process takes its time to follow
        admin.until(lambda: "Not ready: disk" in admin.go("/operator/alerts/"), "the node notices")
        assert "nobody yet" in admin.page.run(f"{disk}[0].innerText")
        admin.until(lambda: admin.page.run(badge), "every page tells, without a reload")
        admin.page.run(f"{disk}[0].querySelector('button').id = 'known'")
        said = admin.follow("#known")
        assert "Acknowledged in your name" in said
        assert re.search("Not ready: disk.* operator (just now|[0-9.]+ s)", said), said
        assert not admin.page.run(f"{disk}.some(row => row.querySelector('button'))")
        assert admin.node.rpc("eth_chainId")
    finally:
        need("")
    admin.until(
        lambda: re.search("Before .*Not ready: disk.* operator", admin.go("/operator/alerts/")), "it closes by itself"
    )
    assert admin.trail("alert.acknowledge", target="ready.disk")["outcome"] == "done"
    assert admin.trail("setting.change", target="node.disk_free_mb")["outcome"] == "done"


def test_a_backup_is_made(admin: Operator, mining_node: Node) -> None:
    folder = mining_node.folder / "devnet" / "backup"
    known = {path.name for path in folder.glob("*.tar")}
    admin.go("/operator/backups/")
    assert "The node makes a backup" in admin.follow("main button", "Back up now")
    made = admin.until(lambda: {path.name for path in folder.glob("*.tar")} - known, "a file is there")
    admin.sees("The last one went well", "[data-cell='backup.state']")
    (name,) = made
    said = admin.go("/operator/backups/")
    assert name in said
    assert "just now" in said or re.search(r"[0-9.]+ s ago", said)
    with tarfile.open(folder / name) as file:
        assert {"keys/vrf.key", "keys/django.key"} <= {member.removeprefix("./") for member in file.getnames()}
    # it holds the node's keys: no address gives it away
    assert not admin.page.run("[...document.links].some(one => one.href.includes('.tar'))")
    assert admin.trail("backup.start")["outcome"] == "done"


def test_an_abi_is_published_and_withdrawn(admin: Operator, traffic: Traffic) -> None:
    address, bought = traffic.contracts["market"].lower(), f"/tx/{traffic.sent['bought']}"
    asked = f"{admin.node.web_url}/api?module=contract&action=getabi&address={address}"
    named = r"buy\b.*coin"
    assert not re.search(named, admin.go(bought))
    admin.go(f"/operator/abis/?address={address}")
    admin.fill("#name", "Market")
    admin.fill("#abi", json.dumps(STRANGE))
    assert "Refused: " in admin.follow("main button", "Publish it")
    admin.fill("#address", address)
    admin.fill("#name", "Market")
    admin.fill("#abi", json.dumps(compiled("market").abi))
    said = admin.follow("main button", "Publish it")
    assert "The ABI of Market is published; 1 of its 1 functions are in the contract's code" in said
    assert admin.column(1) == ["Market"]
    assert "operator" in admin.column(5)
    assert requests.get(asked, timeout=30).json()["status"] == "1"
    assert re.search(named, admin.go(bought))
    admin.go("/operator/abis/")
    assert f"Withdraw the ABI of {address}?" in admin.follow("main td form button")
    said = admin.follow("main button", "Withdraw it")
    assert "The ABI is withdrawn" in said
    assert "Nothing is published" in said
    assert requests.get(asked, timeout=30).json()["status"] == "0"
    assert not re.search(named, admin.go(bought))
    assert admin.trail("abi.publish", outcome="refused")["actor"] == "operator"
    assert admin.trail("abi.publish", outcome="done")["target"] == address
    assert admin.trail("abi.withdraw", target=address)["outcome"] == "done"


def test_a_key_is_limited_changed_and_revoked(admin: Operator, mining_node: Node) -> None:
    # a name is taken for good
    rig = f"rig-{secrets.token_hex(3)}"
    doors = (f"{mining_node.web_url}/rpc", mining_node.rpc_url)
    share = float(mining_node.rpc("mds_getMiningStatus")["streams"]["A"]["share"])
    admin.go("/operator/keys/")
    admin.fill("#name", rig)
    admin.press("input[value=log]")
    admin.fill("#rate", "1")
    admin.fill("#burst", "3")
    admin.follow("main button", "Make it")
    (secret,) = admin.full(".secret [data-full]")

    def code(url: str, method: str, *params: Any) -> int:
        return int(call(mining_node, url, secret, method, *params).get("error", {}).get("code", 0))

    for url in doors:
        # the bucket is one for both doors
        assert LIMITED in [code(url, "eth_chainId") for _ in range(30)], url
    assert "I have kept it" in admin.says()
    admin.follow("main a", "I have kept it")
    assert secret not in admin.page.run("document.documentElement.outerHTML")
    assert f"Key {rig}" in admin.follow(f"[aria-label='Change key {rig}']")
    assert admin.page.run("document.querySelector('#rate').value") == "1"
    admin.press("input[value=mining]")
    admin.press("input[value=log]")
    admin.fill("#rate", "20000")
    admin.fill("#burst", "20000")
    said = admin.follow("main button", "Change it")
    assert f"Key {rig}: scopes mining; points a second: 20000, points at once: 20000" in said
    # the page has waited for their word; who is slow on a busy machine follows
    assert "In force in" in said or "No process has confirmed it yet" in said
    wait_for(lambda: all(code(url, "eth_chainId") == 0 for url in doors), "both doors follow")
    for url in doors:
        assert {code(url, "eth_chainId") for _ in range(30)} == {0}, url
        assert code(url, "mds_setMiningShare", "A", share) == 0
        assert code(url, "mds_setLogLevel", "INFO") == FORBIDDEN
    admin.go("/operator/keys/")
    assert f"Revoke key {rig}?" in admin.follow(f"[aria-label='Revoke key {rig}']")
    said = admin.follow("main button", "Revoke it")
    assert f"Key {rig} is revoked" in said
    assert not admin.page.texts(f"[aria-label='Change key {rig}']")
    # at once: whoever calls with it is looked up each time
    for url in doors:
        assert code(url, "mds_setMiningShare", "A", share) == FORBIDDEN
    assert json.loads(admin.trail("api_key.create", target=rig)["after"])["rate"] == 1
    row = admin.trail("api_key.change", target=rig)
    assert json.loads(row["before"]) == {"scopes": ["log"], "rate": 1, "burst": 3}
    assert json.loads(row["after"]) == {"scopes": ["mining"], "rate": 20000, "burst": 20000}
    assert admin.trail("api_key.revoke", target=rig)["outcome"] == "done"
    assert admin.trail("scope.log", actor=f"key {rig}", door="rpc")["outcome"] == "refused"


def test_a_user_sees_and_does_what_the_role_may(admin: Operator, mining_node: Node) -> None:
    # a name is taken for good
    carol = f"carol-{secrets.token_hex(3)}"
    admin.go("/operator/users/")
    admin.fill("#name", carol)
    admin.choose("#role", "viewer")
    said = admin.follow("main button", "Make the user")
    assert f"User {carol}" in said
    (first,) = admin.full(".secret [data-full]")
    admin.follow("main a", "I have kept it")
    admin.leave()

    # carol, in the same browser
    assert "Choose your own password" in admin.enter(carol, first)
    assert "Your password is changed" in admin.renew(first, "carols own long password")
    rooms = admin.page.run("[...document.querySelectorAll('.rooms a')].map(room => room.pathname)")
    assert "/operator/mining/" in rooms
    assert "/operator/users/" not in rooms
    for room in rooms:
        admin.go(room)
        # what is left are searches and filters, which ask and change nothing
        assert admin.page.texts("main form[method=post] button") == [], room
    assert "It needs the role admin; yours is viewer" in admin.go("/operator/users/", 403)
    assert "yours is viewer" in admin.go("/operator/keys/change/?name=rig", 403)
    # a form of somebody who may, sent all the same
    admin.expect_refusal("/operator/mining/stop/")
    status = admin.page.run(
        "(() => { const form = new FormData(document.querySelector('footer form')); form.set('stream', 'B');"
        "form.set('confirmed', 'yes');"
        "return fetch('/operator/mining/stop/', { method: 'POST', body: form }).then(answer => answer.status) })()"
    )
    assert status == 403
    assert mining_node.rpc("mds_getMiningStatus")["streams"]["B"]["enabled"]
    refused = admin.trail("mining.stop", actor=carol)
    assert (refused["outcome"], "needs the role operator" in refused["detail"]) == ("refused", True)
    admin.leave()

    admin.enter("operator", PASSWORD)
    admin.go("/operator/users/")
    row = admin.column(1).index(carol) + 1
    admin.choose(f"main tbody tr:nth-child({row}) select", "operator")
    assert f"{carol} is operator now" in admin.follow(f"main tbody tr:nth-child({row}) button", "Give")
    assert f"Keep {carol} out?" in admin.follow(f"main tbody tr:nth-child({row}) button", "Keep out")
    assert f"{carol} is kept out" in admin.follow("main button", f"Keep {carol} out")
    admin.leave()
    admin.expect_refusal("/operator/login/")
    assert "Wrong name or password" in admin.enter(carol, "carols own long password")
    admin.enter("operator", PASSWORD)
    assert json.loads(admin.trail("user.create", target=carol)["after"]) == {"role": "viewer"}
    assert admin.trail("user.change_password", target=carol)["actor"] == carol
    assert json.loads(admin.trail("user.set_role", target=carol)["after"]) == {"role": "operator"}
    assert admin.trail("user.set_active", target=carol)["after"] == "false"
    assert admin.trail("login", actor=carol, outcome="refused")


def test_the_trail_is_searched_by_its_form(admin: Operator) -> None:
    admin.go("/operator/audit/")
    admin.fill("#actor", "operator")
    admin.choose("#action", "login")
    admin.choose("#outcome", "done")
    said = admin.follow("main button", "Show")
    assert "login" in said
    assert set(admin.column(3)) == {"login"}
    assert {cell.split()[0] for cell in admin.column(2)} == {"operator"}
    assert admin.page.run("document.querySelector('main h1 ~ a').search") == "?actor=operator&action=login&outcome=done"


def test_refusals_are_pages_that_lead_on(admin: Operator) -> None:
    """Whoever comes to one sees what happened and where to go, at every width, in both colours, by any means."""
    found = []
    for path, status in (("/operator/mining/stop/", 405), ("/operator/nothing/", 404)):
        admin.page.device(1280, 900)
        admin.go(path, status)
        found += look(admin)
        admin.page.device(1280, 900)
        assert "This node" in admin.follow("main a", "Overview")
    # a form of before the last login
    admin.go("/operator/mining/")
    admin.page.run("document.querySelectorAll('main [name=csrfmiddlewaretoken]').forEach(one => { one.value = 'old' })")
    admin.expect_refusal("/operator/mining/share/")
    assert "This form is too old" in admin.follow("main button", "Set share")
    found += look(admin)
    admin.page.device(1280, 900)
    admin.follow("main a", "Overview")
    admin.leave()
    admin.expect_refusal("/operator/login/")
    assert "Wrong name or password" in admin.enter("mallory", "guessed")
    found += look(admin)
    admin.page.device(1280, 900)
    admin.until(lambda: "Too many failures" in admin.enter("mallory", "guessed"), "the door is closed")
    assert admin.page.run("document.querySelector('#username').value") == "mallory"
    found += look(admin)
    assert found == [], "\n".join(found)
