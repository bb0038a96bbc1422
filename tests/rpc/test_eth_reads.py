"""eth_, net_, web3_ over a stored chain, through the application."""

from __future__ import annotations

import pytest

from chain.core.transactions import keccak
from tests.factories import wallets
from tests.rpc.conftest import GWEI, LOOPER, TOKEN, TOPIC_A, TOPIC_B, TOPIC_C, Caller, Scene, token_code

pytestmark = pytest.mark.django_db
UNKNOWN = "0x" + "99" * 32


def h(value: bytes) -> str:
    return "0x" + value.hex()


def address(index: int) -> str:
    return h(wallets.address(index))


class TestIdentity:
    def test_constants(self, rpc: Caller, scene: Scene) -> None:
        assert rpc("eth_chainId") == hex(scene.factory.spec.chain_id)
        assert rpc("net_version") == str(scene.factory.spec.chain_id)
        assert (rpc("net_listening"), rpc("net_peerCount")) == (False, "0x0")
        assert (rpc("eth_accounts"), rpc("eth_syncing")) == ([], False)
        assert rpc("web3_clientVersion").startswith("Mondoshawan/v")
        assert rpc("web3_sha3", "0x68656c6c6f") == h(keccak(b"hello"))

    def test_the_head(self, rpc: Caller) -> None:
        assert rpc("eth_blockNumber") == "0x4"


class TestState:
    def test_balances_at_every_number(self, rpc: Caller, scene: Scene) -> None:
        for number, block_hash in enumerate(scene.hashes):
            for index in (0, 1, 50, 51, 902):
                account = scene.factory.states[block_hash].get_account(wallets.address(index))
                expected = hex(account.balance if account else 0)
                assert rpc("eth_getBalance", address(index), hex(number)) == expected
                assert rpc("eth_getBalance", address(index), {"blockHash": h(block_hash)}) == expected
        newest = scene.factory.states[scene.hashes[-1]]
        for _ in range(2):  # the second answer is the kept one
            for tag in ("latest", "pending"):
                assert rpc("eth_getBalance", address(50), tag) == hex(newest.get_account(wallets.address(50)).balance)
        assert rpc("eth_getBalance", address(50), "safe") == "0x0"
        assert rpc("eth_getBalance", address(50)) == rpc("eth_getBalance", address(50), "latest")

    def test_nonce_code_and_storage(self, rpc: Caller) -> None:
        assert rpc("eth_getTransactionCount", address(0), "latest") == "0x2"
        assert rpc("eth_getTransactionCount", address(0), "0x1") == "0x1"
        assert rpc("eth_getTransactionCount", address(77), "latest") == "0x0"
        assert rpc("eth_getCode", h(TOKEN), "latest") == h(token_code())
        assert rpc("eth_getCode", h(TOKEN), "0x1") == "0x"
        assert rpc("eth_getStorageAt", h(TOKEN), "0x0", "latest") == f"0x{0x1234:064x}"
        assert rpc("eth_getStorageAt", h(TOKEN), "0x" + "00" * 32, "0x1") == "0x" + "00" * 32

    def test_blocks_that_are_not_there(self, rpc: Caller, scene: Scene) -> None:
        assert rpc.error("eth_getBalance", address(0), "0x5")["code"] == -32001
        assert rpc.error("eth_getBalance", address(0), {"blockHash": UNKNOWN})["code"] == -32001
        merged = scene.factory.records[scene.hashes[3]].blues[1]
        refused = rpc.error("eth_getBalance", address(0), {"blockHash": h(merged), "requireCanonical": True})
        assert refused["message"] == "hash is not currently canonical"


class TestBlocks:
    def test_a_block_is_its_epoch(self, rpc: Caller, scene: Scene) -> None:
        factory = scene.factory
        for number, block_hash in enumerate(scene.hashes[1:], 1):
            block = rpc("eth_getBlockByNumber", hex(number), False)
            header, epoch = factory.records[block_hash].header, factory.epochs[block_hash]
            assert block["hash"] == h(block_hash)
            assert block["parentHash"] == h(scene.hashes[number - 1])
            assert block["stateRoot"] == h(epoch.result.state_root)
            assert block["receiptsRoot"] == h(epoch.result.receipts_root)
            assert block["gasUsed"] == hex(epoch.result.gas_used)
            assert block["logsBloom"] == h(epoch.result.logs_bloom)
            assert block["timestamp"] == hex(header.timestamp_ms // 1000)
            assert block["baseFeePerGas"] == hex(header.base_fee)
            assert block["mixHash"] == h(factory.records[block_hash].lot)
            assert block["transactions"] == [h(receipt.tx_hash) for receipt in epoch.result.receipts]
            assert block["gasLimit"] == hex(30_000_000 + 21_000 * 50_000)
            assert (block["stream"], block["timestampMs"]) == ("A" if number == 2 else "B", hex(header.timestamp_ms))
            assert block["parents"] == [h(parent) for parent in header.parents]
            assert len(block["shardRoots"]) == factory.spec.shard_count
            assert rpc("eth_getBlockByHash", h(block_hash), False) == block
            assert rpc("eth_getBlockTransactionCountByHash", h(block_hash)) == hex(len(block["transactions"]))
        third = rpc("eth_getBlockByNumber", "0x3", False)
        record = factory.records[scene.hashes[3]]
        assert third["mergeset"] == [h(x) for x in (*record.blues[1:], *record.reds)]

    def test_whole_transactions(self, rpc: Caller) -> None:
        block = rpc("eth_getBlockByNumber", "0x2", True)
        assert [tx["transactionIndex"] for tx in block["transactions"]] == ["0x0", "0x1"]
        for place, tx in enumerate(block["transactions"]):
            assert rpc("eth_getTransactionByHash", tx["hash"]) == tx
            assert rpc("eth_getTransactionByBlockNumberAndIndex", "0x2", hex(place)) == tx
            assert rpc("eth_getTransactionByBlockHashAndIndex", block["hash"], hex(place)) == tx

    def test_genesis_and_what_is_null(self, rpc: Caller, scene: Scene) -> None:
        genesis = rpc("eth_getBlockByNumber", "earliest", False)
        assert (genesis["hash"], genesis["parentHash"]) == (h(scene.hashes[0]), "0x" + "00" * 32)
        assert rpc("eth_getBlockByNumber", "0x5", False) is None
        assert rpc("eth_getBlockByHash", UNKNOWN, False) is None
        merged = scene.factory.records[scene.hashes[3]].blues[1]
        assert rpc("eth_getBlockByHash", h(merged), False) is None
        assert rpc("eth_getTransactionByHash", UNKNOWN) is None
        assert rpc("eth_getTransactionReceipt", UNKNOWN) is None
        assert rpc("eth_getBlockReceipts", "0x5") is None

    def test_pending_is_virtual(self, rpc: Caller, scene: Scene) -> None:
        block = rpc("eth_getBlockByNumber", "pending", False)
        assert (block["number"], block["hash"], block["parentHash"]) == ("0x5", None, h(scene.hashes[4]))


class TestReceipts:
    def test_every_figure(self, rpc: Caller, scene: Scene) -> None:
        epoch = scene.factory.epochs[scene.hashes[2]]
        receipts = rpc("eth_getBlockReceipts", "0x2")
        index = 0
        for place, (shown, stored) in enumerate(zip(receipts, epoch.result.receipts, strict=True)):
            assert shown == rpc("eth_getTransactionReceipt", h(stored.tx_hash))
            assert (shown["transactionIndex"], shown["status"]) == (hex(place), hex(stored.status))
            assert shown["gasUsed"] == hex(stored.gas_used)
            assert shown["cumulativeGasUsed"] == hex(stored.cumulative_gas_used)
            assert shown["effectiveGasPrice"] == hex(stored.effective_gas_price)
            assert (shown["blockNumber"], shown["blockHash"]) == ("0x2", h(scene.hashes[2]))
            assert (shown["type"], shown["contractAddress"]) == ("0x2", None)
            for log, entry in zip(shown["logs"], stored.logs, strict=True):
                assert log["logIndex"] == hex(index)
                assert log["topics"] == [h(topic) for topic in entry.topics]
                assert (log["transactionIndex"], log["removed"], log["data"]) == (hex(place), False, h(entry.data))
                index += 1
        assert index == 3

    def test_the_first_carrier_counts_once(self, rpc: Caller, scene: Scene) -> None:
        (receipt,) = rpc("eth_getBlockReceipts", "0x3")
        assert receipt["blockHash"] == h(scene.hashes[3])
        assert rpc("eth_getTransactionReceipt", receipt["transactionHash"]) == receipt


class TestLogs:
    @pytest.mark.parametrize(
        ("where", "found"),
        [
            ({}, [0, 1, 2]),
            ({"address": h(TOKEN)}, [0, 1]),
            ({"address": [h(TOKEN), h(LOOPER)]}, [0, 1, 2]),
            ({"topics": [h(TOPIC_A)]}, [0, 1]),
            ({"topics": [[h(TOPIC_A), h(TOPIC_C)], h(TOPIC_B)]}, [0, 2]),
            ({"topics": [None, h(TOPIC_B)]}, [0, 2]),
            ({"topics": [None, None]}, [0, 1, 2]),
            ({"address": h(TOKEN), "topics": [h(TOPIC_C)]}, []),
        ],
    )
    def test_filters(self, rpc: Caller, where: dict, found: list[int]) -> None:
        logs = rpc("eth_getLogs", {"fromBlock": "earliest", "toBlock": "latest", **where})
        assert [int(log["logIndex"], 16) for log in logs] == found

    def test_ranges(self, rpc: Caller, scene: Scene) -> None:
        assert len(rpc("eth_getLogs", {"blockHash": h(scene.hashes[2])})) == 3
        assert rpc("eth_getLogs", {"fromBlock": "0x3", "toBlock": "0x4"}) == []
        assert rpc("eth_getLogs", {}) == []
        assert rpc.error("eth_getLogs", {"fromBlock": "0x3", "toBlock": "0x1"})["code"] == -32602
        assert rpc.error("eth_getLogs", {"blockHash": UNKNOWN})["code"] == -32001

    def test_limits(self, rpc: Caller, settings) -> None:
        settings.MDS_RPC_MAX_LOG_BLOCKS = 3
        assert rpc.error("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x4"})["code"] == -32005
        settings.MDS_RPC_MAX_LOG_BLOCKS = 10
        settings.MDS_RPC_MAX_LOG_ROWS = 2
        assert rpc.error("eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x4"})["code"] == -32005


class TestFees:
    def test_gas_price_is_next_base_fee_and_median_tip(self, rpc: Caller, scene: Scene) -> None:
        summary = scene.factory.summaries[scene.hashes[4]]
        assert rpc("eth_maxPriorityFeePerGas") == hex(GWEI)
        assert rpc("eth_gasPrice") == hex(summary.next_base_fee + GWEI)

    def test_fee_history(self, rpc: Caller, scene: Scene) -> None:
        history = rpc("eth_feeHistory", "0x4", "latest", [0, 50, 100])
        fees = [scene.factory.records[x].header.base_fee for x in scene.hashes[1:]]
        assert history["oldestBlock"] == "0x1"
        assert history["baseFeePerGas"] == [hex(f) for f in fees] + [
            hex(scene.factory.summaries[scene.hashes[4]].next_base_fee)
        ]
        limit = 30_000_000 + 21_000 * 50_000
        used = [scene.factory.epochs[x].result.gas_used for x in scene.hashes[1:]]
        assert history["gasUsedRatio"] == [gas / limit for gas in used]
        assert history["reward"][0] == [hex(GWEI)] * 3
        assert history["reward"][1][0] == hex(GWEI)
        assert history["reward"][1][2] == hex(3 * GWEI)
        assert history["reward"][3] == ["0x0"] * 3
        assert "reward" not in rpc("eth_feeHistory", 2, "0x2")
        assert rpc.error("eth_feeHistory", "0x1", "latest", [50, 10])["code"] == -32602
