"""The operator's tools on a real node: an outside miner, verification, export and import, backup and restore."""

from __future__ import annotations

import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.core.consensus.mini import dev
from tests.e2e.node import PATIENCE_S, ROOT, Node, running_node, wait_for
from tests.e2e.scrape import scrape
from tests.e2e.test_node import send
from tests.tools import children

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """A node that does not mine itself."""
    with running_node(MDS_PROCESSES="-mine") as running:
        yield running


def manage(node: Node, *arguments: str, code: int = 0) -> str:
    """Run a command on the node's folder; its standard output."""
    done = subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT, env=node.environment, capture_output=True, text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == code, f"{arguments}: {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout


@contextmanager
def mining(node: Node, *options: str) -> Iterator[None]:
    """The outside miner beside a node."""
    key = node.folder.parent / "miner.key"
    command = [sys.executable, "tools/miner.py", "--rpc", node.rpc_url, "--coinbase", dev(9).address]
    out = node.folder.parent / "miner.out"
    with out.open("a") as file:
        process = children.start(
            [*command, "--vrf-key-file", str(key), *options], cwd=ROOT, stdout=file, stderr=file, text=True
        )
    try:
        yield
    except BaseException:
        print(out.read_text()[-4000:])
        raise
    finally:
        process.terminate()
        assert process.wait(PATIENCE_S) == 0


def blocks_of(node: Node) -> dict[str, int]:
    return node.rpc("mds_getDagStats")["blocks"]


def test_an_outside_miner_mines_all_three_streams(node: Node) -> None:
    assert blocks_of(node)["B"] == 0
    w3 = node.web3()
    with mining(node):
        wait_for(lambda: node.rpc("mds_getDagStats")["workScore"] > 6, "the miner's work counts", 180)
        wait_for(lambda: all(blocks_of(node)[stream] for stream in "AB"), "streams A and B have blocks", 180)

        def fast() -> int:
            send(w3, 0, to="0x" + "11" * 20, value=1, gas=21_000)
            return blocks_of(node)["C"]

        wait_for(fast, "a block of stream C", 180)
    # what it sent last may still be judged
    wait_for(lambda: scrape(node).sum("writer_queue_blocks") == 0, "the writer is done")
    newest = w3.eth.get_block("latest")
    assert newest["miner"] == dev(9).address
    before = blocks_of(node)
    out = (node.folder.parent / "miner.out").read_text()
    assert {line[0] for line in re.findall(r"^[ABC] 0x\w{64} \w+$", out, re.MULTILINE)} == set("ABC")
    assert before == blocks_of(node), "nobody mines any more"


def test_the_chain_is_verified_while_the_node_runs(node: Node) -> None:
    said = manage(node, "verify_chain")
    assert re.fullmatch(
        rf"good: \d+ blocks, {node.number()} epochs, \d+ transactions, sink #{node.number()} .*\n", said
    )


@pytest.mark.long
def test_a_chain_moves_to_another_node(node: Node) -> None:
    """One node exports while it runs; a stopped one imports, verifies and goes on with it."""
    file = node.folder.parent / "chain.blocks"
    said = manage(node, "export_blocks", str(file))
    count = int(said.split()[0])
    assert count == sum(blocks_of(node).values())
    head = node.web3().eth.get_block("latest")["hash"]
    other = Node(node.folder.parent / "other", MDS_PROCESSES="-mine")
    try:
        manage(other, "import_blocks", str(file), code=2)  # it was never started
        other.start()
        assert other.stop() == 0
        assert manage(other, "import_blocks", str(file)) == f"{count} of {count} blocks taken, 0 were known\n"
        assert manage(other, "import_blocks", str(file)) == f"0 of {count} blocks taken, {count} were known\n"
        assert manage(other, "verify_chain").startswith("good: ")
        other.start()
        assert other.web3().eth.get_block("latest")["hash"] == head
        # a running one takes the same way
        assert manage(other, "import_blocks", str(file)) == f"0 of {count} blocks taken, {count} were known\n"
    except BaseException:
        if other.output.exists():
            print(other.logs())
        raise
    finally:
        if other.process is not None:
            other.stop()
        other.kill()


@pytest.mark.long
def test_a_backup_of_a_running_node_is_restored(node: Node) -> None:
    file = node.folder.parent / "backup.tar"
    head = node.web3().eth.get_block("latest")["hash"]
    number = node.number()
    said = manage(node, "backup", "--output", str(file))
    assert said.startswith(f"devnet at #{number}: {file} (")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    manage(node, "restore", str(file), "--force", code=2)  # it runs
    other = Node(node.folder.parent / "restored", MDS_PROCESSES="-mine")
    try:
        assert f"is devnet at #{number}" in manage(other, "restore", str(file))
        key = Path("devnet") / "keys" / "vrf.key"
        assert (other.folder / key).read_bytes() == (node.folder / key).read_bytes()
        assert manage(other, "verify_chain").startswith("good: ")
        manage(other, "restore", str(file), code=2)  # it is not empty
        assert "moved " in manage(other, "restore", str(file), "--force")
        assert "0 rows and 0 lattices were wrong" in manage(other, "rebuild_state")
        other.start()
        assert other.web3().eth.get_block("latest")["hash"] == head
        with mining(other, "--blocks", "2", "--streams", "A,B"):
            wait_for(lambda: other.number() > number, "the chain grows again")
    except BaseException:
        if other.output.exists():
            print(other.logs())
        raise
    finally:
        if other.process is not None:
            other.stop()
        other.kill()
