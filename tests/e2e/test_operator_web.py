"""The operator's web on a real node, in a real browser: from the first run to the audit log of all that was done."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import pytest
import requests
from django.conf import settings
from web3 import Web3

from tests.e2e.node import PATIENCE_S, Node, running_node, wait_for
from tests.tools.chromium import Page, chromium

pytestmark = pytest.mark.e2e

PASSWORD = "a password of my own"
COINBASE = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80"
ROOMS = ("", "mining/", "ordering/", "pool/", "shards/", "processes/", "settings/", "keys/", "abis/", "alerts/",
         "audit/", "users/", "logs/", "backups/")  # fmt: skip


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node of its own: it is set up for the first time, and its streams are stopped."""
    with running_node() as made:
        yield made


@pytest.fixture(scope="module")
def browser() -> Iterator[Page]:
    with chromium() as page:
        yield page


class Operator:
    """Somebody who clicks."""

    def __init__(self, page: Page, node: Node) -> None:
        self.page, self.node = page, node

    def go(self, room: str) -> str:
        """Open a room; what it says."""
        self.page.open(f"{self.node.web_url}/operator/{room}")
        wait_for(lambda: self.sees(""), "the page is there")
        return self.says()

    def says(self) -> str:
        """The text of the page."""
        return str(self.page.run("document.querySelector('main').innerText"))

    def sees(self, pattern: str) -> bool:
        """Whether the page says so now; one that is just being exchanged says nothing."""
        try:
            return re.search(pattern, self.says()) is not None
        except AssertionError:
            return False

    def fill(self, **values: Any) -> None:
        """Write into the fields with these ids."""
        for name, value in values.items():
            self.page.run(f"document.getElementById({json.dumps(name)}).value = {json.dumps(value)}")

    def press(self, text: str) -> str:
        """Press a button by its text and wait for the page that follows; what that says."""
        self.page.run("window.before = true")
        found = self.page.run(
            f"(() => {{ const found = [...document.querySelectorAll('main button, main a.button, footer button')]"
            f".find(one => one.innerText.trim() === {json.dumps(text)} && !one.disabled);"
            "if (found) setTimeout(() => found.click()); return !!found })()"
        )
        assert found, f"no button {text!r} on\n{self.says()}"
        wait_for(self._is_another, f"the page behind {text!r}")
        return self.says()

    def _is_another(self) -> bool:
        """Whether the page that follows is there; one that is just being exchanged says nothing."""
        try:
            return bool(self.page.run("!window.before && document.readyState === 'complete'"))
        except AssertionError:
            return False

    def is_live(self) -> bool:
        """Whether the socket is there."""
        return bool(self.page.run("document.querySelector('[data-live-state]').dataset.liveState === 'on'"))

    def cell(self, name: str) -> str:
        """A live value as it stands on the page now."""
        return str(self.page.run(f"document.querySelector('[data-cell=\"{name}\"]').textContent"))


@pytest.fixture(scope="module")
def operator(browser: Page, node: Node) -> Operator:
    """Logged in, the node set up."""
    found = wait_for(lambda: re.search(r"user operator, password (\S+)", node.output.read_text()), "the password")
    browser.device(1280, 900)
    made = Operator(browser, node)
    assert "Log in" in made.go("")
    made.fill(username="operator", password=found[1])
    assert "Set up this node" in made.press("Log in")
    made.fill(new=PASSWORD, again=PASSWORD, coinbase=COINBASE)
    assert "This node" in made.press("Set up the node")
    # the printed password is worth nothing now
    with requests.Session() as other:
        login = node.web_url + "/operator/login/"
        other.get(login, timeout=PATIENCE_S)
        token = next(value for name, value in other.cookies.items() if name.startswith("mds_csrf"))
        tried = other.post(
            login, {"username": "operator", "password": found[1], "csrfmiddlewaretoken": token}, timeout=PATIENCE_S
        )
        assert tried.status_code == 401
    return made


def status(node: Node, stream: str) -> dict[str, Any]:
    return dict(node.rpc("mds_getMiningStatus")["streams"][stream])


def send(node: Node, **fields: Any) -> str:
    """A signed transfer of the first development account."""
    web3 = node.web3()
    account = web3.eth.account.from_key(KEY)
    nonce = web3.eth.get_transaction_count(account.address, "pending")
    filled = {
        "nonce": nonce, "to": account.address, "value": 1, "gas": 21_000, "chainId": web3.eth.chain_id,
        "maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, **fields,
    }  # fmt: skip
    return Web3.to_hex(web3.eth.send_raw_transaction(account.sign_transaction(filled).raw_transaction))


def test_the_coinbase_of_the_first_run_is_paid(operator: Operator, node: Node) -> None:
    assert node.rpc("mds_getMiningStatus")["coinbase"] == COINBASE.lower()
    assert "PostgreSQL answers in" in operator.go("")

    def reports() -> bool:
        state, rate = (operator.cell(f"streams.B.{name}") for name in ("state", "hashrate"))
        return state == "mining" and re.match(r"[1-9]", rate) is not None

    wait_for(reports, "the miner reports on the page, without a reload")


def test_stopping_and_starting_a_stream_is_felt(operator: Operator, node: Node) -> None:

    def finds(more_than: int) -> bool:
        # C works while transactions wait, and B takes them, too
        send(node)
        return int(status(node, "C")["blocksFound"]) > more_than

    wait_for(lambda: finds(0), "stream C finds a block", 180)
    operator.go("mining/")
    assert "Stop mining stream C?" in operator.press("Stop stream C")
    # on a busy machine the page answers before the miner has
    assert re.search("the miner reports that stream C is stop(ped|ping)", operator.press("Stop stream C"))
    wait_for(lambda: operator.cell("streams.C.state") == "stopped", "the page shows the miner's end, without a reload")
    assert not status(node, "C")["active"]
    found = status(node, "C")["blocksFound"]
    tx = send(node)
    wait_for(lambda: node.rpc("eth_getTransactionReceipt", tx), "another stream carries it", 180)
    assert status(node, "C")["blocksFound"] == found
    operator.go("mining/")
    assert "the miner reports that stream C is" in operator.press("Start stream C")
    wait_for(lambda: finds(found), "stream C finds blocks again", 180)


def test_a_share_is_set_and_the_rate_is_live(operator: Operator, node: Node) -> None:
    operator.go("mining/")
    operator.fill(**{"share-B": "30"})
    operator.page.run("document.querySelector('#share-B').form.requestSubmit()")
    # on a busy machine the page answers before the miner has
    told = r"Done: .*its share is 30 % of one core|Asked, but not confirmed yet: .*its share is \d+ % of one core"
    wait_for(lambda: operator.sees(told), "the page tells the miner's share")
    wait_for(lambda: status(node, "B")["share"] == 0.3, "the miner has it")
    wait_for(operator.is_live, "the page is live")
    before = operator.cell("streams.B.found")
    wait_for(lambda: operator.cell("streams.B.found") != before, "the page counts blocks without a reload")


def test_a_key_is_made_used_and_revoked(operator: Operator, node: Node) -> None:
    operator.go("keys/")
    operator.fill(name="tour")
    operator.page.run("document.querySelector('input[value=mining]').checked = true")
    operator.press("Make it")
    secret = operator.page.run("document.querySelector('.secret [data-full]').dataset.full")

    def ask() -> dict[str, Any]:
        call = {"jsonrpc": "2.0", "id": 1, "method": "mds_setMiningShare", "params": ["A", 0.2]}
        return dict(requests.post(node.rpc_url, json=call, headers={"X-Api-Key": secret}, timeout=PATIENCE_S).json())

    assert ask()["result"]["streams"]["A"]["share"] == 0.2
    operator.go("keys/")
    operator.press("Revoke")
    assert "Key tour is revoked" in operator.press("Revoke it")
    assert "error" in ask()


def test_a_transaction_is_dropped_from_the_pool(operator: Operator, node: Node) -> None:
    # beyond a gap, so that no miner takes it
    account = node.web3().eth.account.from_key(KEY)
    nonce = node.web3().eth.get_transaction_count(account.address, "pending") + 20
    tx = send(node, nonce=nonce)
    said = operator.go("pool/")
    assert "SENDERS" in said.upper()
    operator.page.run("location.href = document.querySelector('td a[href*=sender]').href")
    wait_for(lambda: operator.sees("wait for a missing nonce"), "the sender's page")
    assert node.rpc("eth_getTransactionByHash", tx)
    operator.press("Drop")
    assert f"Dropped: nonce {nonce}" in operator.press("Drop it")
    assert node.rpc("eth_getTransactionByHash", tx) is None


def test_a_setting_is_followed_by_every_process(operator: Operator, node: Node) -> None:

    def follows() -> bool:
        # who has not followed in a second or two, on a busy machine, is not named
        operator.go("settings/")
        operator.page.run("document.getElementById('value-node.rpc_max_batch').value = '3'")
        operator.page.run("document.getElementById('value-node.rpc_max_batch').form.requestSubmit()")
        wait_for(lambda: operator.sees("MDS_RPC_MAX_BATCH is 3 now, in force in"), "the page tells who follows")
        return operator.sees(r"in force in [^.]*\bweb")

    wait_for(follows, "the web itself follows")
    call = {"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}

    def refused() -> bool:
        answer = requests.post(node.rpc_url, json=[call] * 4, timeout=PATIENCE_S).json()
        return "error" in (answer if isinstance(answer, dict) else answer[0])

    wait_for(refused, "the rpc process takes no batch of four any more")
    operator.page.run("document.getElementById('value-node.rpc_max_batch').value = 'many'")
    operator.page.run("document.getElementById('value-node.rpc_max_batch').form.requestSubmit()")
    wait_for(lambda: operator.sees("a whole number from 1"), "nonsense is refused beside its field")


def test_a_process_is_restarted(operator: Operator, node: Node) -> None:
    operator.go("processes/")
    pid = operator.cell("processes.beat.pid")
    operator.page.run(
        "[...document.querySelectorAll('form')].find(one => one.elements.name?.value === 'beat').requestSubmit()"
    )
    wait_for(lambda: operator.sees(r"Restart beat\?"), "it asks first")
    # on a busy machine the page answers before the process is back
    assert re.search("Done: beat runs again as process|Asked, but beat is not back yet", operator.press("Restart beat"))
    wait_for(lambda: operator.cell("processes.beat.pid") != pid, "another process has its place")


def test_the_log_is_shown_and_followed(operator: Operator, node: Node) -> None:
    operator.go("logs/?process=mine&level=info&text=block%20found")
    assert "block found" in operator.says()
    count = "document.querySelectorAll('[data-log] li').length"
    before = operator.page.run(count)
    operator.page.run("document.querySelector('[data-log-follow]').click()")
    wait_for(lambda: operator.page.run(count) > before, "new lines come without a reload")


def test_the_trail_has_it_all(operator: Operator) -> None:
    said = operator.go("audit/")
    for action in ("setup.finish", "mining.stop", "mining.start", "mining.set_share", "api_key.create",
                   "api_key.revoke", "pool.drop_transaction", "setting.change", "process.restart"):  # fmt: skip
        assert action in said, action
    assert re.search(r"key tour\s+rpc", said), "what a key did by JSON-RPC is here, too"
    assert "node.rpc_max_batch" in said
    assert "refused" in said


def test_every_room_is_quiet_in_the_browser_and_fits(operator: Operator, browser: Page, tmp_path: Path) -> None:
    browser.complaints.clear()
    browser.requests.clear()
    for width, scheme in ((390, "dark"), (1600, "light")):
        browser.device(width, 900, scheme)
        for room in ROOMS:
            operator.go(room)
            # leaving before the socket is there would be a complaint
            wait_for(operator.is_live, "the page is live")
            assert browser.run("document.documentElement.scrollWidth") <= width, (room, width)
    browser.open(operator.node.web_url + "/admin/chain/block/")
    assert "block" in str(browser.run("document.body.innerText")).lower()
    assert browser.complaints == []
    own = operator.node.web_url.removeprefix("http://")
    hosts = {url.split("/")[2] for url in browser.requests if "//" in url}
    assert hosts == {own}


# counts the lines that a page opens, and lets a test stop its ears
COUNTED = """
window.lines = 0;
window.WebSocket = class extends WebSocket {
  constructor(...where) { super(...where); window.lines++; }
  addEventListener(type, run) {
    super.addEventListener(type, event => type === "message" && window.deaf || run(event));
  }
};
"""


def test_a_line_that_died_in_its_sleep_is_made_anew(operator: Operator, browser: Page) -> None:
    script = browser.call("Page.addScriptToEvaluateOnNewDocument", source=COUNTED)["identifier"]
    try:
        operator.go("")
        wait_for(operator.is_live, "the page is live")
        opened = browser.run("window.lines")
        # a minute passes in which nothing is heard, and nobody has closed the line
        browser.run("window.deaf = true; { const now = Date.now; Date.now = () => now() + 60000 }")
        wait_for(lambda: browser.run("window.lines") > opened, "the page opens another line")
        rate = "document.querySelector('[data-cell=\"streams.B.hashrate\"]').textContent"
        browser.run(f"window.deaf = false; {rate} = ''")
        wait_for(lambda: browser.run(rate), "and shows values again")
        assert operator.is_live()
    finally:
        browser.call("Page.removeScriptToEvaluateOnNewDocument", identifier=script)


def test_out_is_out(operator: Operator, browser: Page) -> None:
    operator.go("")
    wait_for(operator.is_live, "the page is live")
    # elsewhere: another window of the same browser
    browser.run(
        "fetch('/operator/logout/', {method: 'POST', body: new FormData(document.querySelector('footer form'))})"
        ".then(answer => answer.status)"
    )
    lamp = "document.querySelector('[data-live-state]').textContent"
    wait_for(lambda: "logged out" in browser.run(lamp), "the page says so")
    assert "Log in" in operator.go("mining/")
    operator.fill(username="operator", password=PASSWORD)
    assert "Mining" in operator.press("Log in")
    assert "Log in" in operator.press("Log out")
    assert "Log in" in operator.go("")


@pytest.fixture
def others(servers: None) -> Iterator[tuple[str, str]]:
    """URLs of a database that holds nothing and of a Redis, of this session's servers."""
    place = settings.DATABASES["default"]
    parts = [quote(str(place[name]), safe="") for name in ("USER", "PASSWORD", "HOST", "PORT")]
    base = "postgres://{}:{}@{}:{}/".format(*parts)
    with psycopg.connect(base + "postgres", autocommit=True) as connection:
        connection.execute("CREATE DATABASE chosen")
    yield base + "chosen", settings.MDS_REDIS_URL
    with psycopg.connect(base + "postgres", autocommit=True) as connection:
        connection.execute("DROP DATABASE chosen WITH (FORCE)")


def test_other_servers_are_chosen_and_the_node_begins_anew(
    operator: Operator, node: Node, others: tuple[str, str]
) -> None:
    database, redis = others
    assert node.process is not None
    pid, before = node.process.pid, node.rpc("eth_getBlockByNumber", "0x1", False)["hash"]
    operator.go("settings/")
    operator.fill(username="operator", password=PASSWORD)
    operator.press("Log in")
    operator.fill(database_url_kind="external", database_url="postgres://nobody:hunter22@127.0.0.1:1/x")
    assert "PostgreSQL does not answer" in operator.press("Try and keep")
    operator.fill(database_url_kind="external", database_url=database, redis_url_kind="external", redis_url=redis)
    said = operator.press("Try and keep")
    assert "it holds no chain" in said
    assert re.search(r"Redis [0-9.]+ answers", said)
    operator.press("Restart the node")
    assert "The node restarts" in operator.press("Restart the node")
    # the page itself finds out that the node is back; sessions are in the database, which is another one
    wait_for(lambda: operator.sees("Log in"), "the page goes on by itself", 600)
    assert node.process.poll() is None
    assert "starting again" in node.output.read_text()
    operator.fill(username="operator", password=PASSWORD)
    assert "This node" in operator.press("Log in")
    said = operator.go("settings/")
    assert said.count("external") >= 2
    # the same process for whoever watches it, another chain, the same settings
    assert node.process.pid == pid
    first = wait_for(
        lambda: (node.rpc("eth_getBlockByNumber", "0x1", False) or {}).get("hash"), "the chain begins anew", 300
    )
    assert first != before
    told = node.rpc("mds_getMiningStatus")
    assert (told["coinbase"], told["streams"]["B"]["share"]) == (COINBASE.lower(), 0.3)
    assert not [child for child in psutil.Process(pid).children(recursive=True) if child.name() == "postgres"]
    assert node.stop() == 0
