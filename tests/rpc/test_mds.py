"""mds_ methods over the stored chain."""

from __future__ import annotations

from typing import Any

import pytest

from chain.core import rlp
from chain.core.codec import blake3_hash, decode_block, encode_header, header_hash
from chain.core.types import Block
from chain.stores import candidates
from chain.stores.connection import raw_connection
from tests.factories import wallets
from tests.rpc.conftest import Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


class TestFigures:
    def test_node_status(self, rpc: Caller, scene: Scene) -> None:
        status = rpc("mds_getNodeStatus")
        assert (status["network"], status["genesis"]) == ("devnet", h(scene.hashes[0]))
        assert (status["number"], status["sink"], status["transactions"]) == (4, h(scene.hashes[4]), 5)
        assert status["pool"] == {"pending": 0, "queued": 0, "bytes": 0, "rejected": {}}

    def test_dag_stats(self, rpc: Caller, scene: Scene) -> None:
        stats = rpc("mds_getDagStats")
        assert stats["blocks"] == {"A": 1, "B": 4, "C": 1}
        assert (stats["number"], stats["ghostdagK"], stats["reorgs"]) == (4, 19, 0)

    def test_shard_stats(self, rpc: Caller, scene: Scene) -> None:
        stats = rpc("mds_getShardStats")
        assert [shard["shard"] for shard in stats["shards"]] == list(range(scene.factory.spec.shard_count))
        block = rpc("eth_getBlockByNumber", "latest", False)
        assert [shard["root"] for shard in stats["shards"]] == block["shardRoots"]

    def test_supply_adds_up(self, rpc: Caller, scene: Scene) -> None:
        for number, block_hash in enumerate(scene.hashes):
            supply = rpc("mds_getSupply", hex(number))
            assert int(supply["supply"], 16) == scene.factory.supplies[block_hash]
            assert int(supply["minted"], 16) == scene.factory.summaries[block_hash].minted
            assert int(supply["burned"], 16) == int(supply["minted"], 16) - int(supply["supply"], 16)

    def test_chain_spec(self, rpc: Caller, scene: Scene) -> None:
        spec = rpc("mds_getChainSpec")
        assert (spec["chainId"], spec["ghostdagK"], spec["network"]) == (scene.factory.spec.chain_id, 19, "devnet")
        assert spec["streams"]["C"]["callGasLimit"] == 2_000_000
        assert spec["alloc"][h(wallets.address(0))] == hex(10_000 * 10**18)

    def test_mining_status(self, rpc: Caller) -> None:
        status = rpc("mds_getMiningStatus")
        assert sorted(status["streams"]) == ["A", "B", "C"]
        assert status["coinbase"] == h(wallets.address(0))

    def test_tips(self, rpc: Caller, scene: Scene) -> None:
        (tip,) = rpc("mds_getTips")
        assert (tip["hash"], tip["stream"], tip["status"]) == (h(scene.hashes[4]), "B", "chain_valid")


class TestBlock:
    def test_on_the_selected_chain(self, rpc: Caller, scene: Scene) -> None:
        record = scene.factory.records[scene.hashes[3]]
        block = rpc("mds_getBlock", h(scene.hashes[3]))
        assert (block["chainNumber"], block["colour"], block["status"]) == (3, "blue", "chain_valid")
        assert block["children"] == [h(scene.hashes[4])]
        assert block["parents"] == [h(parent) for parent in record.header.parents]
        assert block["mergesetBlues"] == [h(x) for x in record.blues[1:]]
        assert block["mergesetReds"] == [h(x) for x in record.reds]
        assert (block["weight"], block["lot"]) == (hex(record.weight), h(record.lot))

    def test_merged_blocks_are_seen_here_only(self, rpc: Caller, scene: Scene) -> None:
        record = scene.factory.records[scene.hashes[3]]
        for merged, colour in ((record.blues[1], "blue"), (record.reds[0], "red")):
            block = rpc("mds_getBlock", h(merged))
            assert (block["chainNumber"], block["mergedBy"], block["colour"]) == (None, 3, colour)
            assert len(block["transactions"]) == 1
            assert rpc("eth_getBlockByHash", h(merged), False) is None
        assert rpc("mds_getBlock", "0x" + "99" * 32) is None


class TestTemplates:
    def options(self, **more: Any) -> dict[str, Any]:
        return {"coinbase": "0x" + "11" * 20, **more}

    @pytest.mark.parametrize("stream", ["A", "B"])
    def test_a_template_is_a_whole_header_without_its_seal(self, rpc: Caller, scene: Scene, stream: str) -> None:
        template = rpc("mds_getBlockTemplate", stream, self.options(vrfKey="0x" + "22" * 32, extra="0x6869"))
        assert sorted(template) == [
            "header", "preHash", "stream", "target", "templateId", "timestampMs", "transactions", "validUntilMs",
        ]  # fmt: skip
        header = bytes.fromhex(template["header"][2:])
        assert h(blake3_hash(header)) == template["preHash"]
        fields = rlp.decode_list(header)
        sealed = rlp.encode([[*fields, [bytes(8)]], []])
        block = decode_block(sealed)
        assert isinstance(block, Block)
        assert (block.header.coinbase, block.header.vrf_key, block.header.extra) == (b"\x11" * 20, b"\x22" * 32, b"hi")
        assert block.header.parents == (scene.hashes[4],)
        assert block.header.number == 5
        assert encode_header(block.header) == rlp.encode([*fields, [bytes(8)]])
        assert len(template["target"]) == 66

    def test_c_without_a_ticket_must_wait(self, rpc: Caller) -> None:
        error = rpc.error("mds_getBlockTemplate", "C", self.options(vrfKey="0x" + "22" * 32))
        assert (error["code"], error["data"]["reason"]) == (-32002, "not_eligible")

    @pytest.mark.parametrize(
        "params", [["D", {"coinbase": "0x" + "11" * 20}], ["A", {}], ["A", {"coinbase": 1}], ["A"]]
    )
    def test_bad_requests(self, rpc: Caller, params: list) -> None:
        assert rpc.error("mds_getBlockTemplate", *params)["code"] == -32602

    def test_submitting_nonsense_is_a_coded_refusal(self, rpc: Caller, scene: Scene) -> None:
        assert rpc.error("mds_submitBlock", "0x1234")["code"] == -32003
        template = rpc("mds_getBlockTemplate", "A", self.options())
        fields = rlp.decode_list(bytes.fromhex(template["header"][2:]))
        error = rpc.error("mds_submitBlock", h(rlp.encode([[*fields, [bytes(8)]], []])))
        assert (error["code"], error["data"]["reason"]) == (-32003, "seal_above_target")


def test_submitted_work_is_queued_once(rpc: Caller, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    kicked: list[Any] = []
    monkeypatch.setattr("chain.services.submit_block.kick", lambda *args: kicked.append(args))
    from chain.services import validation

    monkeypatch.setattr(validation, "check_work_seal", lambda *args: None)
    template = rpc("mds_getBlockTemplate", "B", {"coinbase": "0x" + "11" * 20})
    raw = rlp.encode([[*rlp.decode_list(bytes.fromhex(template["header"][2:])), [bytes(8)]], []])
    block_hash = h(header_hash(decode_block(raw).header))
    assert rpc("mds_submitBlock", h(raw)) == {"hash": block_hash, "status": "queued"}
    assert rpc("mds_submitBlock", h(raw)) == {"hash": block_hash, "status": "known"}
    assert len(kicked) == 1


def test_blocks_that_must_wait_have_few_places_for_each_caller(
    rpc: Caller, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("chain.services.submit_block.kick", lambda *args: None)
    monkeypatch.setattr("chain.services.validation.check_work_seal", lambda *args: None)
    monkeypatch.setattr("chain.stores.candidates.MAX_PARKED_OF_ORIGIN", 2)
    template = rpc("mds_getBlockTemplate", "B", {"coinbase": "0x" + "11" * 20})
    fields = rlp.decode_list(bytes.fromhex(template["header"][2:]))

    def block(parent: bytes | None = None, nonce: int = 0) -> str:
        header = [*fields, [nonce.to_bytes(8, "little")]]
        if parent is not None:
            header[3] = [parent]
        return h(rlp.encode([header, []]))

    def submit(raw: str) -> bytes:
        assert rpc("mds_submitBlock", raw)["status"] == "queued"
        return header_hash(decode_block(bytes.fromhex(raw[2:])).header)

    for number in (1, 2):
        orphan = submit(block(bytes([number]) * 32))
        # what the writer says of it
        candidates.mark_parked(raw_connection(), orphan, [bytes([number]) * 32], code="unknown_parents")
    error = rpc.error("mds_submitBlock", block(b"\x03" * 32))
    assert (error["code"], error["data"]["reason"]) == (-32005, "limit_exceeded")
    assert error["data"]["parked"] == 2
    assert error["data"]["missing"] == ["0x" + "03" * 32]
    # what need not wait is taken all the same, and so is its child
    known = submit(block())
    submit(block(known, nonce=1))
