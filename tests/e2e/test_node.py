"""A real node, real workers, a real client: from the first block to a token's logs, and over a restart."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from web3 import Web3
from web3.exceptions import ContractLogicError, TransactionNotFound, Web3RPCError

from tests.core.consensus.mini import dev
from tests.e2e.node import PATIENCE_S, Node, wait_for

pytestmark = pytest.mark.e2e

ETHER = 10**18


@pytest.fixture(scope="module")
def node(mining_node: Node) -> Node:
    return mining_node


@pytest.fixture
def w3(node: Node) -> Web3:
    client = node.web3()
    assert client.is_connected()
    return client


def send(w3: Web3, index: int, **fields):
    """Sign with a development account, send, wait for the receipt."""
    account = dev(index)
    transaction = {
        "chainId": w3.eth.chain_id,
        "nonce": w3.eth.get_transaction_count(account.address, "pending"),
        # the base fee goes on
        "gasPrice": 2 * w3.eth.gas_price,
        **fields,
    }
    signed = account.sign_transaction(transaction)
    return w3.eth.wait_for_transaction_receipt(w3.eth.send_raw_transaction(signed.raw_transaction), PATIENCE_S, 0.05)


def settled(w3: Web3, receipt):
    """The transaction's receipt once its block is so deep that no reorganisation of a few blocks undoes it."""
    tx_hash = receipt["transactionHash"]

    def deep():
        try:
            found = w3.eth.get_transaction_receipt(tx_hash)
        except TransactionNotFound:
            # just undone: the next block has it
            return None
        return found if w3.eth.block_number > found["blockNumber"] + 2 else None

    return wait_for(deep, f"{tx_hash.hex()} is deep")


def compile_token() -> dict[str, Any]:
    """The token's ABI and bytecode; in a process of its own, since vyper changes Python's decimals for good."""
    command = [sys.executable, "-m", "vyper", "-f", "abi,bytecode", str(Path(__file__).parent / "token.vy")]
    lines = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    return {"abi": json.loads(lines[0]), "bytecode": lines[1]}


def test_all_three_streams_mine(node, w3):
    def streams():
        found = node.rpc("mds_getDagStats")
        return found if all(found["blocks"][stream] for stream in "AB") else None

    wait_for(streams, "streams A and B have blocks")
    # the right to fast blocks is earned by work: a lottery needs some work blocks below its anchor
    wait_for(lambda: node.rpc("mds_getDagStats")["workScore"] > 6, "the lottery has a window")

    def fast():
        send(w3, 0, to="0x" + "11" * 20, value=1, gas=21_000)
        return node.rpc("mds_getDagStats")["blocks"]["C"]

    wait_for(fast, "stream C has blocks")


def test_money_moves(node, w3):
    receiver = Web3.to_checksum_address("0x" + "22" * 20)
    before, sender_before = w3.eth.get_balance(receiver), w3.eth.get_balance(dev(1).address)
    receipt = settled(w3, send(w3, 1, to=receiver, value=5 * ETHER, gas=21_000))
    assert receipt["status"] == 1
    assert receipt["gasUsed"] == 21_000
    assert w3.eth.get_balance(receiver) - before == 5 * ETHER
    cost = 5 * ETHER + 21_000 * receipt["effectiveGasPrice"]
    assert sender_before - w3.eth.get_balance(dev(1).address) == cost
    block = w3.eth.get_block(receipt["blockNumber"])
    assert receipt["transactionHash"] in block["transactions"]
    found = w3.eth.get_transaction(receipt["transactionHash"])
    assert found["blockHash"] == receipt["blockHash"]
    assert found["from"] == dev(1).address


def test_a_token_is_deployed_called_and_its_logs_are_read(node, w3):
    compiled = compile_token()
    factory = w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"])
    owner, friend = dev(2).address, dev(3).address
    deploy = factory.constructor(1_000 * ETHER).build_transaction(
        {"from": owner, "nonce": 0, "gasPrice": w3.eth.gas_price, "chainId": w3.eth.chain_id}
    )
    receipt = settled(w3, send(w3, 2, data=deploy["data"], gas=deploy["gas"]))
    assert receipt["status"] == 1
    address = receipt["contractAddress"]
    assert w3.eth.get_code(address)
    token = w3.eth.contract(address, abi=compiled["abi"])
    assert token.functions.symbol().call() == "TST"
    assert token.functions.balanceOf(owner).call() == 1_000 * ETHER

    move = token.functions.transfer(friend, 7 * ETHER)
    gas = move.estimate_gas({"from": owner})
    data = move.build_transaction({"from": owner, "gas": gas})["data"]
    receipt = settled(w3, send(w3, 2, to=address, data=data, gas=gas))
    assert receipt["status"] == 1
    assert token.functions.balanceOf(friend).call() == 7 * ETHER

    (event,) = token.events.Transfer().process_receipt(receipt)
    assert event["args"] == {"sender": owner, "receiver": friend, "value": 7 * ETHER}
    logs = token.events.Transfer().get_logs(from_block=0)
    assert [log["args"]["value"] for log in logs] == [1_000 * ETHER, 7 * ETHER]

    with pytest.raises(ContractLogicError, match="not enough tokens"):
        token.functions.transfer(owner, 10**30).call({"from": friend})


def test_a_wallet_is_told_what_is_wrong(node, w3):
    account = dev(4)
    signed = account.sign_transaction(
        {"chainId": w3.eth.chain_id, "nonce": w3.eth.get_transaction_count(account.address, "pending"),
         "gasPrice": w3.eth.gas_price, "gas": 21_000, "to": account.address, "value": 10**30}
    )  # fmt: skip
    with pytest.raises(Web3RPCError, match="insufficient funds"):
        w3.eth.send_raw_transaction(signed.raw_transaction)
    send(w3, 4, to=account.address, value=0, gas=21_000)
    stale = account.sign_transaction(
        {"chainId": w3.eth.chain_id, "nonce": 0, "gasPrice": w3.eth.gas_price, "gas": 21_000,
         "to": account.address, "value": 1}
    )  # fmt: skip
    with pytest.raises(Web3RPCError, match="nonce too low"):
        w3.eth.send_raw_transaction(stale.raw_transaction)


def test_a_stopped_node_goes_on_with_the_same_chain(node, w3):
    held = w3.eth.get_balance(Web3.to_checksum_address("0x" + "33" * 20))
    receipt = settled(w3, send(w3, 5, to="0x" + "33" * 20, value=3, gas=21_000))
    number = receipt["blockNumber"]
    old = [w3.eth.get_block(at)["hash"] for at in range(min(number, 20))]
    try:
        assert node.stop() == 0
    finally:
        # others need it, whatever became of this
        node.kill()
        node.start()
    w3 = node.web3()
    assert [w3.eth.get_block(at)["hash"] for at in range(min(number, 20))] == old
    assert w3.eth.get_transaction_receipt(receipt["transactionHash"])["status"] == 1
    assert w3.eth.get_balance(Web3.to_checksum_address("0x" + "33" * 20)) == held + 3
    wait_for(lambda: node.number() > number + 2, "the chain grows again")
    assert send(w3, 5, to="0x" + "33" * 20, value=4, gas=21_000)["status"] == 1
