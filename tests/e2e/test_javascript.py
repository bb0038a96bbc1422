"""The JavaScript clients ethers and viem against a running node; the scripts are in ``tests/rpc_clients``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from web3 import Web3

from tests.core.consensus.mini import dev
from tests.e2e.node import ROOT, Node
from tests.e2e.test_node import compile_token
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
