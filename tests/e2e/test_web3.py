"""web3.py does everything that a wallet does: types of transactions, replacing, batches, events by WebSocket."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from eth_account import Account
from web3 import AsyncWeb3, Web3, WebSocketProvider
from web3.exceptions import TransactionNotFound, Web3RPCError

from tests.e2e.node import PATIENCE_S, Node, wait_for
from tests.e2e.test_node import compile_token, send

pytestmark = pytest.mark.e2e

ETHER = 10**18


class Wallet:
    """A fresh account with money."""

    def __init__(self, node: Node) -> None:
        self.w3 = node.web3()
        self.account = Account.create()
        assert send(self.w3, 0, to=self.account.address, value=100 * ETHER, gas=21_000)["status"] == 1
        self.price = self.w3.eth.gas_price

    def sign(self, **fields: Any) -> bytes:
        """A signed transaction; its gas by estimate unless given, its nonce the next."""
        w3, sender = self.w3, self.account.address
        whole = {"chainId": w3.eth.chain_id, "value": 1, **fields}
        whole.setdefault("nonce", w3.eth.get_transaction_count(sender, "pending"))
        if "gas" not in whole:
            asked = {name: value for name, value in whole.items() if name not in ("chainId", "authorizationList")}
            if "authorizationList" in whole:
                asked["authorizationList"] = [part.model_dump(by_alias=True) for part in whole["authorizationList"]]
            whole["gas"] = w3.eth.estimate_gas({"from": sender, **asked})
        return bytes(self.account.sign_transaction(whole).raw_transaction)

    def done(self, raw: bytes) -> Any:
        """Send and wait."""
        return self.w3.eth.wait_for_transaction_receipt(self.w3.eth.send_raw_transaction(raw), 120, 0.05)


@pytest.fixture(scope="module")
def wallet(mining_node: Node) -> Wallet:
    return Wallet(mining_node)


def test_every_type_of_transaction(wallet: Wallet) -> None:
    w3, to = wallet.w3, Account.create().address
    fees = {"maxFeePerGas": 4 * wallet.price, "maxPriorityFeePerGas": wallet.price}
    listed = [{"address": to, "storageKeys": ["0x" + "00" * 32]}]
    kinds: list[dict[str, Any]] = [
        {"gasPrice": 2 * wallet.price},
        {"type": 1, "gasPrice": 2 * wallet.price, "accessList": listed},
        {"type": 2, **fees, "accessList": listed},
    ]
    for number, kind in enumerate(kinds):
        receipt = wallet.done(wallet.sign(to=to, **kind))
        assert (receipt["type"], receipt["status"]) == (number, 1)
        found = w3.eth.get_transaction(receipt["transactionHash"])
        block = w3.eth.get_block(receipt["blockNumber"])
        assert (found["type"], found["blockTimestamp"]) == (number, Web3.to_hex(block["timestamp"]))
        assert receipt["effectiveGasPrice"] == found["gasPrice"]
    authority, target = Account.create(), Web3.to_checksum_address("0x" + "77" * 20)
    signed = authority.sign_authorization({"chainId": w3.eth.chain_id, "address": target, "nonce": 0})
    receipt = wallet.done(wallet.sign(to=to, type=4, gas=100_000, authorizationList=[signed], **fees))
    assert (receipt["type"], receipt["status"]) == (4, 1)
    assert w3.eth.get_code(authority.address) == bytes.fromhex("ef0100" + "77" * 20)
    # a reorganisation may take some of it back for a moment
    wait_for(lambda: w3.eth.get_balance(to) == 4, "all of it is there")


def test_replacing_by_fee(wallet: Wallet) -> None:
    w3, to = wallet.w3, Account.create().address
    nonce = w3.eth.get_transaction_count(wallet.account.address, "pending")
    later = {"to": to, "gas": 21_000, "nonce": nonce + 1}
    first = w3.eth.send_raw_transaction(wallet.sign(**later, gasPrice=2 * wallet.price))
    with pytest.raises(Web3RPCError, match="replacement transaction underpriced"):
        w3.eth.send_raw_transaction(wallet.sign(**later, gasPrice=2 * wallet.price + 1))
    second = w3.eth.send_raw_transaction(wallet.sign(**later, gasPrice=4 * wallet.price, value=9))
    with pytest.raises(TransactionNotFound):
        w3.eth.get_transaction(first)
    assert w3.eth.get_transaction(second)["blockNumber"] is None
    wallet.done(wallet.sign(to=to, gas=21_000, nonce=nonce, gasPrice=2 * wallet.price))
    assert w3.eth.wait_for_transaction_receipt(second, 120, 0.05)["status"] == 1
    wait_for(lambda: w3.eth.get_balance(to) == 10, "both are there")
    with pytest.raises(Web3RPCError, match="nonce too low"):
        w3.eth.send_raw_transaction(wallet.sign(to=to, gas=21_000, nonce=nonce, gasPrice=3 * wallet.price))
    with pytest.raises(Web3RPCError, match="insufficient funds"):
        w3.eth.send_raw_transaction(wallet.sign(to=to, gas=21_000, value=10**30, gasPrice=3 * wallet.price))


def test_batches(wallet: Wallet) -> None:
    with wallet.w3.batch_requests() as batch:
        batch.add(wallet.w3.eth.get_balance(wallet.account.address))
        batch.add(wallet.w3.eth.get_block("latest"))
        batch.add(wallet.w3.eth.get_code(wallet.account.address))
        balance, block, code = batch.execute()
    assert 0 < balance < 100 * ETHER
    assert block["number"] > 0
    assert code == b""


def test_events_come_over_a_websocket(mining_node: Node, wallet: Wallet) -> None:
    compiled = compile_token()
    w3, me = wallet.w3, wallet.account.address
    data = w3.eth.contract(abi=compiled["abi"], bytecode=compiled["bytecode"]).constructor(ETHER).data_in_transaction
    address = wallet.done(wallet.sign(data=data, value=0, gasPrice=2 * wallet.price))["contractAddress"]
    token = w3.eth.contract(address, abi=compiled["abi"])
    move = token.functions.transfer(Account.create().address, 5)

    async def story() -> tuple[Any, Any]:
        async with AsyncWeb3(WebSocketProvider(mining_node.rpc_url.replace("http", "ws"))) as sockets:
            await sockets.eth.subscribe("logs", {"address": address})
            raw = wallet.sign(to=address, data=move._encode_transaction_data(), value=0, gasPrice=2 * wallet.price)
            sent = await sockets.eth.send_raw_transaction(raw)
            async for message in sockets.socket.process_subscriptions():
                return sent, message["result"]
        raise AssertionError

    sent, log = asyncio.run(asyncio.wait_for(story(), PATIENCE_S))
    assert (log["transactionHash"], log["removed"]) == (sent, False)
    (event,) = [token.events.Transfer().process_log(log)]
    assert (event["args"]["sender"], event["args"]["value"]) == (me, 5)
