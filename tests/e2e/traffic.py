"""Little traffic of every kind, so that each page of the explorer has something to tell."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount
from web3 import Web3
from web3.contract import Contract

from tests.core.consensus.mini import dev
from tests.e2e import scrape as tools
from tests.e2e.contracts import compiled
from tests.e2e.node import PATIENCE_S, Node, wait_for

ETHER = 10**18
GWEI = 10**9
EVIL = "<script>alert(1)</script>"
REASON = "not enough tokens"
# two pages of 25 rows and a bit of a third
BLOCKS = 56
HOLDERS = 28
# tracing has a small share of a core, and gives way on a busy machine
TRACING_S = 400


@dataclass
class Traffic:
    """What was sent, by what it shows: hashes of transactions, addresses of contracts.

    Attributes
    ----------
    alice, bob : LocalAccount
        Alice makes and owns all; Bob waits behind a gap.
    carrier : str
        Hash of a block of another miner, which carries what was left out and what was replaced.
    merged : int
        Number of the chain block that merged it.
    """

    node: Node
    alice: LocalAccount = field(default_factory=Account.create)
    bob: LocalAccount = field(default_factory=Account.create)
    sent: dict[str, str] = field(default_factory=dict)
    contracts: dict[str, str] = field(default_factory=dict)
    carrier: str = ""
    merged: int = 0

    def sign(self, account: LocalAccount, nonce: int, **fields: Any) -> str:
        """A signed envelope in hex."""
        filled = {
            "chainId": int(self.node.rpc("eth_chainId"), 16), "nonce": nonce, "gas": 21_000, "value": 0,
            "maxFeePerGas": 100 * GWEI, "maxPriorityFeePerGas": GWEI, **fields,
        }  # fmt: skip
        if "gasPrice" in filled:
            del filled["maxFeePerGas"], filled["maxPriorityFeePerGas"]
        return Web3.to_hex(account.sign_transaction(filled).raw_transaction)

    def send(self, account: LocalAccount, **fields: Any) -> str:
        """Send with the next nonce, without waiting; the hash."""
        # asked each time: a wallet in a browser may have sent from the same account
        nonce = int(self.node.rpc("eth_getTransactionCount", account.address, "pending"), 16)
        tx_hash = self.node.rpc("eth_sendRawTransaction", self.sign(account, nonce, **fields))
        assert isinstance(tx_hash, str), tx_hash
        return tx_hash

    def call(self, name: str, function: str, *arguments: Any, **fields: Any) -> str:
        """Alice calls a contract's function; the hash."""
        data = self.contract(name).encode_abi(function, arguments)
        return self.send(self.alice, **{"to": self.contract(name).address, "data": data, "gas": 300_000} | fields)

    def contract(self, name: str) -> Contract:
        """One of those that were made."""
        source = "coin" if name == "evil" else name
        return Web3().eth.contract(Web3.to_checksum_address(self.contracts[name]), abi=compiled(source).abi)

    def settle(self) -> None:
        """Wait until all that Alice sent is accepted, and the index has it."""
        address = f"{self.node.web_url}/api/v1/addresses/{self.alice.address.lower()}"

        def settled() -> bool:
            count = [int(self.node.rpc("eth_getTransactionCount", self.alice.address, at), 16)
                     for at in ("latest", "pending")]  # fmt: skip
            return count == [requests.get(address, timeout=PATIENCE_S).json().get("sent")] * 2

        wait_for(settled, "all of Alice's transactions are in the index")

    def receipts(self, *hashes: str) -> list[dict[str, Any]]:
        """Wait for these."""
        return [tools.receipt(self.node, tx_hash) for tx_hash in hashes]


def make_traffic(node: Node) -> Traffic:
    """Send all of it and wait until the index and the tokens' names are there."""
    made = Traffic(node)
    wait_for(lambda: "parents" in node.rpc("mds_getVirtual"), "the writer has published")
    # the lottery needs some work below its anchor
    while node.rpc("mds_getDagStats")["workScore"] <= 6:
        node.rpc("mds_submitBlock", tools.sealed(node, tools.template(node, "B", 8)))
    made.receipts(*[made.send(dev(0), to=one.address, value=100 * ETHER) for one in (made.alice, made.bob)])
    _contracts(made)
    _calls(made)
    _not_taken(made)
    while node.number() < BLOCKS:
        made.send(made.alice, to=made.bob.address, value=1)
        time.sleep(0.1)
    names = {"coin": "Lantern", "art": "Night Gardens", "goods": "Workshop Goods", "evil": "&lt;script&gt;"}
    for name, called in names.items():
        page = f"{node.web_url}/token/{made.contracts[name]}"
        wait_for(lambda page=page, called=called: called in requests.get(page, timeout=30).text, f"{name} has a name")
    made.settle()
    return made


def _contracts(made: Traffic) -> None:
    wanted = {
        "coin": ("coin", "Lantern", "LNT", 18, 1_000_000 * ETHER),
        "evil": ("coin", EVIL, "<b>XSS</b>", 0, 666),
        "art": ("art", "Night Gardens", "NGD"),
        "goods": ("goods", "Workshop Goods", "WSG"),
        "market": ("market",),
    }
    hashes = {}
    for name, (source, *arguments) in wanted.items():
        code = compiled(source)
        data = Web3().eth.contract(abi=code.abi, bytecode=code.bytecode).constructor(*arguments).data_in_transaction
        hashes[name] = made.send(made.alice, data=data, gas=3_000_000)
    for name, receipt in zip(hashes, made.receipts(*hashes.values()), strict=True):
        assert receipt["status"] == "0x1", receipt
        made.contracts[name] = receipt["contractAddress"]
    made.sent["creation"] = hashes["coin"]


def _calls(made: Traffic) -> None:
    alice, bob, sent = made.alice.address, made.bob.address, made.sent
    to = {same: Web3.to_checksum_address(tools.neighbour(alice, same=same)) for same in (True, False)}
    sent["near"] = made.send(made.alice, to=to[True], value=3 * ETHER)
    sent["far"] = made.send(made.alice, to=to[False], value=5 * ETHER)
    entry = {"address": bob, "storageKeys": ["0x" + "00" * 32]}
    sent["listed"] = made.send(made.alice, to=bob, value=1, gas=60_000, gasPrice=100 * GWEI, accessList=[entry])
    sent["moved"] = made.call("coin", "transfer", bob, 7 * ETHER)
    for number in range(1, HOLDERS + 1):
        last = made.call("coin", "transfer", Web3.to_checksum_address(number.to_bytes(20, "big")), number)
    made.call("evil", "transfer", bob, 13)
    for piece in (1009, 2018):
        made.call("art", "mint", alice, piece)
    for kind in (1, 2):
        made.call("goods", "mint", alice, kind, 500)
    sent["given"] = made.call("goods", "give", bob, [1, 2], [20, 30])
    made.call("coin", "approve", made.contract("market").address, 10 * ETHER)
    made.call("art", "approve", made.contract("market").address, 1009)
    places = [Web3.to_checksum_address(made.contracts[name]) for name in ("coin", "art")]
    # Alice buys from herself: a call with four calls inside
    sent["bought"] = made.call("market", "buy", *places, 1009, 10 * ETHER, value=ETHER // 4, gas=900_000)
    sent["failed"] = made.call("coin", "transfer", bob, 10**30)
    found = made.receipts(*sent.values(), last)
    assert [receipt["status"] for receipt in found] == ["0x1"] * (len(sent) - 1) + ["0x0", "0x1"]


def _not_taken(made: Traffic) -> None:
    """Waiting behind a gap; carried by a block, but left out for want of money; replaced by another of its nonce."""
    bob, nobody = made.bob, Account.create()
    made.sent["pending"] = made.node.rpc("eth_sendRawTransaction", made.sign(bob, 3, to=made.alice.address, value=1))
    poor = made.sign(nobody, 0, to=bob.address, value=ETHER)
    loser = made.sign(bob, 0, to=bob.address, value=2)
    made.sent["winner"] = made.send(bob, to=bob.address, value=3)
    made.receipts(made.sent["winner"])
    made.sent |= {name: Web3.to_hex(Web3.keccak(hexstr=raw)) for name, raw in (("poor", poor), ("loser", loser))}
    block = tools.sealed(made.node, tools.template(made.node, "B", 9), also=[poor, loser])
    made.carrier = made.node.rpc("mds_submitBlock", block)["hash"]

    def merged() -> int | None:
        found = (made.node.rpc("mds_getBlock", made.carrier) or {}).get("mergedBy")
        # deep enough that no reorganisation lets another block merge it
        return int(found) if found and made.node.number() > int(found) + 5 else None

    made.merged = wait_for(merged, "their carrier is merged")
