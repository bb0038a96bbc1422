"""What a node that has let history go answers for it: a coded error, and never half an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chain.rpc import kept
from chain.rpc.app import _holder
from chain.rpc.head import HeadFollower
from tests.factories import wallets
from tests.rpc.conftest import TOKEN, Caller, Scene

pytestmark = pytest.mark.django_db
HORIZON = 2


@pytest.fixture
def pruned(rpc: Caller, scene: Scene, monkeypatch: pytest.MonkeyPatch) -> Iterator[Caller]:
    """The scene with everything up to block 2 gone, and final up to block 3."""
    from chain.services.writer import dedicated_connection

    connection = dedicated_connection()
    connection.execute(
        "INSERT INTO chain_pruned (id, number, hash, state_root, pruned_ms) VALUES (1, %s, %s, %s, 0)",
        (HORIZON, scene.hashes[HORIZON], b"\0" * 32),
    )
    monkeypatch.setattr(kept, "LOOK_S", -1.0)
    monkeypatch.setattr(HeadFollower, "head", property(lambda self: replace(self._head, finalized=3)))
    node = rpc.runner.run(_holder.get())
    node.cache.clear()
    yield rpc
    node.cache.clear()
    connection.execute("DELETE FROM chain_pruned")
    connection.close()
    node.kept._horizon = -1


def test_everything_about_an_old_block_says_that_it_was_pruned(pruned: Caller, scene: Scene) -> None:
    old, old_hash = hex(HORIZON), "0x" + scene.hashes[HORIZON].hex()
    address = "0x" + wallets.address(50).hex()
    for method, params in (
        ("eth_getBlockByNumber", (old, False)),
        ("eth_getBlockByNumber", (old, True)),
        ("eth_getBlockByNumber", ("0x1", True)),
        ("eth_getBlockByHash", (old_hash, True)),
        ("eth_getBlockByHash", (old_hash, False)),
        ("eth_getBlockReceipts", (old,)),
        ("eth_getBlockReceipts", (old_hash,)),
        ("eth_getTransactionByBlockNumberAndIndex", (old, "0x0")),
        ("eth_getTransactionByBlockHashAndIndex", (old_hash, "0x0")),
        ("eth_getBalance", (address, old)),
        ("eth_getTransactionCount", (address, old)),
        ("eth_getCode", (address, old)),
        ("eth_getStorageAt", (address, "0x0", {"blockHash": old_hash})),
        ("eth_call", ({"to": address}, old)),
        ("eth_getLogs", ({"fromBlock": "0x1", "toBlock": "latest"},)),
        ("eth_getLogs", ({"blockHash": old_hash},)),
        ("debug_traceBlockByNumber", (old,)),
        ("debug_getRawReceipts", (old,)),
        ("mds_getShardBalance", (address, old)),
    ):
        error = pruned.error(method, *params)
        assert error["code"] == 4444, (method, error)
        assert error["data"]["reason"] == "history_pruned"
        assert error["data"]["oldest"] == HORIZON + 1, method


def test_what_is_kept_is_answered_as_ever(pruned: Caller, scene: Scene) -> None:
    address = "0x" + wallets.address(50).hex()
    first = hex(HORIZON + 1)
    assert pruned("eth_getBlockByNumber", first, True)["number"] == first
    assert int(pruned("eth_getBalance", address, first), 16) > 0
    assert int(pruned("eth_getBalance", address, "latest"), 16) > 0
    assert isinstance(pruned("eth_getLogs", {"fromBlock": first, "toBlock": "latest"}), list)
    assert pruned("eth_getCode", "0x" + TOKEN.hex(), "latest") != "0x"


def test_an_archive_answers_everything(rpc: Caller, scene: Scene) -> None:
    assert rpc("eth_getBlockByNumber", "0x1", True)["number"] == "0x1"
    assert rpc("eth_getLogs", {"fromBlock": "0x0", "toBlock": "latest"})
