"""The JavaScript clients ethers and viem against a running node; the scripts are in ``tests/rpc_clients``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from web3 import Web3
from web3.exceptions import TransactionNotFound

from tests.core.consensus.mini import dev
from tests.e2e.node import ROOT, Node
from tests.e2e.test_node import compile_token, send
from tests.tools import javascript

pytestmark = pytest.mark.e2e

ETHER = 10**18
CLIENTS = ROOT / "tests" / "rpc_clients"


@pytest.fixture(scope="module")
def clients() -> Path:
    return javascript.install(CLIENTS)


@pytest.fixture(scope="module")
def token() -> dict[str, Any]:
    return compile_token()


@pytest.mark.parametrize(("script", "index"), [("ethers.mjs", 7), ("viem.mjs", 8)])
def test_a_client_sends_money_and_uses_a_token(
    mining_node: Node, clients: Path, token: dict[str, Any], script: str, index: int
) -> None:
    w3 = mining_node.web3()
    receiver = Web3.to_checksum_address(f"0x{index:02x}" + "44" * 19)
    before = w3.eth.get_balance(receiver)
    said = javascript.run(
        clients / script,
        {
            "url": mining_node.rpc_url,
            "socketUrl": mining_node.rpc_url.replace("http", "ws"),
            "key": "0x" + dev(index).key.hex().removeprefix("0x"),
            "receiver": receiver,
            "token": token,
        },
    )
    assert int(said["chainId"]) == w3.eth.chain_id
    assert said["address"] == dev(index).address
    assert w3.eth.get_balance(receiver) - before == 2 * ETHER + 1
    receipt = w3.eth.get_transaction_receipt(said["transfer"])
    assert receipt["blockNumber"] == int(said["block"])
    assert int(said["held"]) == 7 * ETHER
    contract = w3.eth.contract(said["token"], abi=token["abi"])
    assert contract.functions.balanceOf(receiver).call() == 7 * ETHER
    assert [int(value) for value in said["events"]] == [1_000 * ETHER, 7 * ETHER]
    assert int(said["head"]) >= int(said["block"])


@pytest.mark.parametrize("script", ["ethers_all.mjs", "viem_all.mjs"])
def test_a_client_does_everything(mining_node: Node, clients: Path, token: dict[str, Any], script: str) -> None:
    """Each type of transaction, gas by estimate, replacing by fee, refusals, batches, events by WebSocket."""
    w3 = mining_node.web3()
    wallet, authority, receiver = Account.create(), Account.create(), Account.create().address
    assert send(w3, 0, to=wallet.address, value=100 * ETHER, gas=21_000)["status"] == 1
    said = javascript.run(
        clients / script,
        {
            "url": mining_node.rpc_url,
            "socketUrl": mining_node.rpc_url.replace("http", "ws"),
            "key": Web3.to_hex(wallet.key),
            "authority": Web3.to_hex(authority.key),
            "receiver": receiver,
            "token": token,
        },
    )
    receipts = [w3.eth.get_transaction_receipt(tx_hash) for tx_hash in said["types"]]
    assert [(receipt["type"], receipt["status"]) for receipt in receipts] == [(0, 1), (1, 1), (2, 1), (4, 1)]
    assert said["delegated"] == "0xef0100" + said["token"][2:].lower()
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction(said["replaced"])
    assert w3.eth.get_transaction(said["replacing"])["value"] == 7
    # four transfers, the one that filled the gap, and the replacing one
    assert w3.eth.get_balance(receiver) == int(said["balance"]) == 4 + 1 + 7
