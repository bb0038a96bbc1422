"""A data folder that an earlier version of this node wrote, taken over by this one."""

from __future__ import annotations

import subprocess
import tempfile
from pathlib import Path

import pytest

from tests.e2e import node as harness
from tests.e2e.node import ROOT, Node
from tests.e2e.survival import Load, grows, number, verify

pytestmark = [pytest.mark.e2e, pytest.mark.long]

# before parked blocks had an origin, operators' actions a table and the explorer its projections
EARLIER = "7903aeea3b67c73e42f0089f0a4272422d8cdbd3"


def earlier_version(folder: Path) -> bool:
    """Unpack it; False where this copy of the project has no history."""
    with (folder / "earlier.tar").open("wb") as file:
        made = subprocess.run(
            ["git", "archive", EARLIER], cwd=ROOT, stdout=file, stderr=subprocess.DEVNULL, check=False
        )
    if made.returncode != 0:
        return False
    (folder / "earlier").mkdir()
    subprocess.run(["tar", "-xf", "earlier.tar", "-C", "earlier"], cwd=folder, check=True)
    return True


def test_a_folder_of_an_earlier_version_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    with tempfile.TemporaryDirectory(prefix="mds-e2e-") as base:
        Path(base).chmod(0o755)
        if not earlier_version(Path(base)):
            pytest.skip("no history of the project here")
        node = Node(Path(base) / "data")
        try:
            with monkeypatch.context() as past:
                past.setattr(harness, "ROOT", Path(base) / "earlier")
                node.start()
            grows(node)
            with Load(node, range(2)) as load:
                grows(node, 5)
            load.settle([])
            height, head = number(node), node.web3().eth.get_block("latest")
            receipts = [node.rpc("eth_getTransactionReceipt", sent.hash) for sent in load.sent]
            assert node.stop() == 0

            node.start()
            grows(node)
            assert number(node) > height
            assert node.web3().eth.get_block(head["number"])["stateRoot"] == head["stateRoot"]
            for before in receipts:
                after = node.rpc("eth_getTransactionReceipt", before["transactionHash"])
                # later versions may tell more of it
                assert {name: after[name] for name in before} == before
            with Load(node, range(2)) as more:
                grows(node, 5)
            assert more.settle([]) == 0
            verify(node)
            assert node.stop() == 0
        except BaseException:
            print(node.logs())
            raise
        finally:
            node.kill()
