"""Filters: what a poll tells, across reorganisations, and that they cannot pile up."""

from __future__ import annotations

import asyncio

import pytest
import redis as redis_py

from chain.core.types import Log
from tests.factories import wallets
from tests.factories.chain import Effects
from tests.rpc.conftest import TOKEN, TOPIC_A, TOPIC_B, TOPIC_C, Caller, Scene

pytestmark = pytest.mark.django_db


def h(value: bytes) -> str:
    return "0x" + value.hex()


def catch_up(rpc: Caller, number: int) -> None:
    """Let this process know the head: a block number asked for makes it look."""
    assert rpc("eth_getBlockByNumber", hex(number), False) is not None


def commit(scene: Scene, parent: bytes, logs: tuple[Log, ...] = (), nonce_of: int = 6) -> bytes:
    factory = scene.factory
    block = factory.extend(
        parent, [factory.send(parent, nonce_of, wallets.address(70), 1)], Effects(logs={0: logs} if logs else {})
    )
    scene.apply(factory.update([factory.blocks[block]], sink=block, added=[block]))
    return block


def test_blocks_and_logs_since_the_last_poll(rpc: Caller, scene: Scene) -> None:
    blocks, logs = rpc("eth_newBlockFilter"), rpc("eth_newFilter", {"address": h(TOKEN), "topics": [None, h(TOPIC_B)]})
    assert rpc("eth_getFilterChanges", blocks) == rpc("eth_getFilterChanges", logs) == []
    one = commit(scene, scene.hashes[-1], (Log(TOKEN, (TOPIC_A, TOPIC_B), b"\x05"), Log(TOKEN, (TOPIC_B,), b"")))
    two = commit(scene, one)
    scene.hashes += [one, two]
    catch_up(rpc, len(scene.hashes) - 1)
    assert rpc("eth_getFilterChanges", blocks) == [h(one), h(two)]
    (told,) = rpc("eth_getFilterChanges", logs)
    assert (told["blockHash"], told["data"], told["removed"], told["logIndex"]) == (h(one), "0x05", False, "0x0")
    assert rpc("eth_getFilterChanges", blocks) == rpc("eth_getFilterChanges", logs) == []
    everything = rpc("eth_newFilter", {"fromBlock": "earliest", "address": h(TOKEN)})
    assert rpc("eth_getFilterLogs", everything) == rpc("eth_getLogs", {"fromBlock": "0x0", "address": h(TOKEN)})
    assert rpc.error("eth_getFilterLogs", blocks)["message"] == "filter not found"


def test_a_reorganisation_is_told_as_what_it_took_back_and_what_came(rpc: Caller, scene: Scene) -> None:
    factory, fork = scene.factory, scene.hashes[-1]
    blocks, logs = rpc("eth_newBlockFilter"), rpc("eth_newFilter", {"topics": [[h(TOPIC_C), h(TOPIC_A)]]})
    late = rpc("eth_newFilter", {"topics": [h(TOPIC_A)]})
    one = commit(scene, fork, (Log(TOKEN, (TOPIC_A,), b"\x01"), Log(TOKEN, (TOPIC_C,), b"\x02")))
    two = commit(scene, one, (Log(TOKEN, (TOPIC_A,), b"\x03"),))
    catch_up(rpc, len(scene.hashes) + 1)
    first = rpc("eth_getFilterChanges", logs)
    assert [(entry["data"], entry["removed"]) for entry in first] == [("0x01", False), ("0x02", False), ("0x03", False)]
    assert rpc("eth_getFilterChanges", blocks) == [h(one), h(two)]
    raw = [factory.send(fork, 7, wallets.address(71), 1)]
    other = factory.extend(fork, raw, Effects(logs={0: (Log(TOKEN, (TOPIC_A,), b"\x04"),)}), step_ms=2500)
    third, fourth = factory.extend(other), None
    fourth = factory.extend(third)
    new = [other, third, fourth]
    scene.apply(factory.update([factory.blocks[b] for b in new], sink=fourth, removed=[two, one], added=new))
    scene.hashes += new
    catch_up(rpc, len(scene.hashes) - 1)
    told = rpc("eth_getFilterChanges", logs)
    assert [(entry["data"], entry["removed"]) for entry in told] == [
        ("0x03", True), ("0x02", True), ("0x01", True), ("0x04", False),
    ]  # fmt: skip
    # what is taken back is what was told, but for the mark
    assert [{**entry, "removed": False} for entry in reversed(told[:3])] == first
    assert rpc("eth_getFilterChanges", blocks) == [h(block) for block in new]
    # one that never heard of the undone blocks need not hear that they went
    assert [entry["data"] for entry in rpc("eth_getFilterChanges", late)] == ["0x04"]


def test_pending_transactions(rpc: Caller, scene: Scene) -> None:
    from chain.rpc.methods import eth_filters

    pending = rpc("eth_newPendingTransactionFilter")
    raw, tx = scene.factory.send(scene.hashes[-1], 5, wallets.address(72), 1)
    assert rpc("eth_sendRawTransaction", h(raw)) == h(tx.hash)
    assert rpc("eth_getFilterChanges", pending) == [h(tx.hash)]
    assert rpc("eth_sendRawTransaction", h(raw)) == h(tx.hash)
    assert rpc("eth_getFilterChanges", pending) == []
    assert eth_filters._NEW == "mds:pool:new"


def test_polls_at_once_tell_each_block_once(rpc: Caller, scene: Scene) -> None:
    blocks = rpc("eth_newBlockFilter")
    block = commit(scene, scene.hashes[-1])
    scene.hashes.append(block)
    catch_up(rpc, len(scene.hashes) - 1)
    batch = [{"jsonrpc": "2.0", "id": n, "method": "eth_getFilterChanges", "params": [blocks]} for n in range(8)]
    told = [entry for answer in rpc.raw(batch) for entry in answer["result"]]
    assert told == [h(block)]


def test_filters_are_capped_expire_and_go(rpc: Caller, monkeypatch: pytest.MonkeyPatch) -> None:
    from django.conf import settings

    from chain.rpc import filters

    monkeypatch.setattr(filters, "MAX_OF_CALLER", 0)
    assert rpc.error("eth_newBlockFilter")["code"] == -32005
    monkeypatch.setattr(filters, "MAX_OF_CALLER", 10**6)
    monkeypatch.setattr(filters, "LIFE_MS", 50)
    short = rpc("eth_newBlockFilter")
    rpc.runner.run(asyncio.sleep(0.1))
    gone = rpc.error("eth_getFilterChanges", short)
    assert (gone["code"], gone["message"]) == (-32000, "filter not found")
    monkeypatch.setattr(filters, "LIFE_MS", 300_000)
    kept = rpc("eth_newBlockFilter")
    with redis_py.Redis.from_url(settings.MDS_REDIS_URL) as redis:
        assert redis.pttl(filters.PREFIX + kept[2:]) > 200_000
        assert redis.zscore(filters.PREFIX + "all", short[2:]) is None
    assert rpc("eth_uninstallFilter", kept) is True
    assert rpc("eth_uninstallFilter", kept) is False
    assert rpc.error("eth_getFilterChanges", kept)["message"] == "filter not found"
    assert rpc.error("eth_getFilterChanges", "0x1")["message"] == "filter not found"
    assert rpc.error("eth_getFilterChanges", "x")["code"] == -32602


def test_a_cursor_that_this_database_never_had_begins_anew(rpc: Caller, scene: Scene) -> None:
    """After a restore: what lies between cannot be told, and nobody is flooded with the whole chain."""
    from chain.rpc.app import _holder

    async def run() -> list[object]:
        node = await _holder.get()
        identity = await node.filters.create("blocks", [10**6, bytes(32)], "restored")
        stored = await node.filters.get(identity)
        assert await node.filters.advance(stored, [10**6, bytes(31) + b"\x01"])
        assert not await node.filters.advance(stored, [10**6, bytes(32)])
        return [identity]

    (identity,) = rpc.runner.run(run())
    assert rpc("eth_getFilterChanges", identity) == []
    block = commit(scene, scene.hashes[-1])
    scene.hashes.append(block)
    catch_up(rpc, len(scene.hashes) - 1)
    assert rpc("eth_getFilterChanges", identity) == [h(block)]
