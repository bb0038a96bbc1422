"""Sending through the application into the pool, and what the pool shows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import redis as redis_py

from tests.factories import wallets
from tests.rpc.conftest import GWEI, Caller, Scene

pytestmark = pytest.mark.django_db
TO = b"\x44" * 20


def h(value: bytes) -> str:
    return "0x" + value.hex()


@pytest.fixture(autouse=True)
def empty_pool(scene: Scene) -> Iterator[None]:
    from django.conf import settings

    with redis_py.Redis.from_url(settings.MDS_REDIS_URL) as redis:
        for key in redis.scan_iter(match="mds:pool:*"):
            redis.delete(key)
        yield


def signed(scene: Scene, index: int, nonce: int, **more: Any) -> tuple[str, str]:
    fields = {"value": 1, "chain_id": scene.factory.spec.chain_id, **more}
    raw, tx = wallets.transfer(index, nonce, TO, **fields)
    return h(raw), h(tx.hash)


class TestSend:
    def test_a_repeat_answers_the_same_hash(self, rpc: Caller, scene: Scene) -> None:
        raw, tx_hash = signed(scene, 5, 0)
        assert [rpc("eth_sendRawTransaction", raw) for _ in range(2)] == [tx_hash] * 2
        assert rpc("txpool_status") == {"pending": "0x1", "queued": "0x0"}

    def test_a_repeat_after_acceptance_answers_the_same_hash(self, rpc: Caller, scene: Scene) -> None:
        envelope = scene.factory.blocks[scene.hashes[1]].envelopes[0]
        tx = scene.factory.blocks[scene.hashes[1]].transactions[0]
        assert rpc("eth_sendRawTransaction", h(envelope)) == h(tx.hash)
        assert rpc("txpool_status")["pending"] == "0x0"

    def test_it_is_pending_until_it_is_accepted(self, rpc: Caller, scene: Scene) -> None:
        raw, tx_hash = signed(scene, 5, 0)
        assert rpc("eth_getTransactionByHash", tx_hash) is None
        rpc("eth_sendRawTransaction", raw)
        shown = rpc("eth_getTransactionByHash", tx_hash)
        assert (shown["hash"], shown["nonce"], shown["from"]) == (tx_hash, "0x0", h(wallets.address(5)))
        assert (shown["blockHash"], shown["blockNumber"], shown["transactionIndex"]) == (None, None, None)
        assert rpc("eth_getTransactionReceipt", tx_hash) is None

    def test_the_pending_nonce_counts_the_pool(self, rpc: Caller, scene: Scene) -> None:
        address = h(wallets.address(0))  # has sent two
        for nonce in (2, 3, 5):
            rpc("eth_sendRawTransaction", signed(scene, 0, nonce)[0])
        assert rpc("eth_getTransactionCount", address, "pending") == "0x4"
        assert rpc("eth_getTransactionCount", address, "latest") == "0x2"
        assert rpc("txpool_status") == {"pending": "0x2", "queued": "0x1"}
        content = rpc("txpool_content")
        assert sorted(content["pending"][address]) == ["2", "3"]
        assert sorted(content["queued"][address]) == ["5"]
        assert content["queued"][address]["5"]["nonce"] == "0x5"

    @pytest.mark.parametrize(
        ("index", "nonce", "more", "reason", "words"),
        [
            (0, 1, {}, "nonce_too_low", "nonce too low"),
            (0, 90_000, {}, "nonce_too_high", "nonce too high"),
            (77, 0, {}, "insufficient_funds", "insufficient funds for gas * price + value"),
            (5, 0, {"max_fee": GWEI - 1, "max_priority_fee": 1}, "transaction_underpriced", "underpriced"),
            (5, 0, {"max_fee": GWEI, "max_priority_fee": 2 * GWEI}, "tx_fee_order", "higher than max fee"),
            (5, 0, {"chain_id": 1}, "tx_chain_id", "invalid chain id"),
            (5, 0, {"gas_limit": 20_999}, "tx_intrinsic_gas", "intrinsic gas too low"),
            (5, 0, {"gas_limit": 30_000_001}, "tx_gas_limit", "exceeds block gas limit"),
        ],
    )
    def test_refusals(
        self, rpc: Caller, scene: Scene, index: int, nonce: int, more: dict, reason: str, words: str
    ) -> None:
        error = rpc.error("eth_sendRawTransaction", signed(scene, index, nonce, **more)[0])
        assert (error["code"], error["data"]["reason"]) == (-32003, reason)
        assert words in error["message"]

    def test_replacement(self, rpc: Caller, scene: Scene) -> None:
        rpc("eth_sendRawTransaction", signed(scene, 5, 0)[0])
        error = rpc.error("eth_sendRawTransaction", signed(scene, 5, 0, value=2)[0])
        assert error["message"] == "replacement transaction underpriced"
        dear, tx_hash = signed(scene, 5, 0, value=2, max_fee=11 * GWEI, max_priority_fee=2 * GWEI)
        assert rpc("eth_sendRawTransaction", dear) == tx_hash
        assert rpc("txpool_status")["pending"] == "0x1"

    @pytest.mark.parametrize("raw", ["0x", "0x00", "0x03c0", "0xc0", "0x02" + "c0", "0x" + "ff" * 100])
    def test_bytes_that_are_no_transaction(self, rpc: Caller, raw: str) -> None:
        assert rpc.error("eth_sendRawTransaction", raw)["code"] == -32003

    def test_a_batch_of_many_senders_in_order(self, rpc: Caller, scene: Scene) -> None:
        sends = [signed(scene, index, nonce) for nonce in range(30) for index in (5, 6, 7)]
        batch = [
            {"jsonrpc": "2.0", "id": n, "method": "eth_sendRawTransaction", "params": [raw]}
            for n, (raw, _) in enumerate(sends)
        ]
        assert [answer.get("result") for answer in rpc.raw(batch)] == [tx_hash for _, tx_hash in sends]
        assert rpc("txpool_status") == {"pending": hex(90), "queued": "0x0"}
