"""docs/rpc-quickstart.md is done step by step: its files are written, its commands run, its outputs compared."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.e2e.node import ROOT, Node
from tests.tools import javascript, require

pytestmark = pytest.mark.e2e

PAGE = ROOT / "docs" / "rpc-quickstart.md"
PACKAGES = ROOT / "tests" / "rpc_clients" / "quickstart"
_BLOCK = re.compile(r"^```(\w+)(?: (\S+))?\n(.*?)^```$", re.M | re.S)
# blocks are rare on a machine that is busy with other things
_SECONDS = 400


def blocks() -> list[tuple[str, str, str]]:
    """(language, file name or "", text) of each block of the page in order."""
    return [(found[1], found[2] or "", found[3]) for found in _BLOCK.finditer(PAGE.read_text())]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page's files, and its packages as their lock file pins them."""
    place = tmp_path_factory.mktemp("quickstart")
    for _, name, text in blocks():
        if name:
            (place / name).parent.mkdir(exist_ok=True)
            (place / name).write_text(text)
    assert json.loads((place / "package.json").read_text()) == json.loads((PACKAGES / "package.json").read_text())
    # a copy, because tools keep what they make beside their packages
    shim = place / "tools" / "npx"
    shim.parent.mkdir()
    shim.write_text(f'#!/bin/sh\nexec {require("node")} {require("npm-cli.js").with_name("npx-cli.js")} "$@"\n')
    shim.chmod(0o755)
    shutil.copytree(javascript.install(PACKAGES) / "node_modules", place / "node_modules", symlinks=True)
    return place


def shell(command: str, folder: Path, node: Node) -> str:
    """Run one of the page's commands; what it printed, without what npm says about itself."""
    environment = {
        **os.environ,
        "RPC_URL": node.rpc_url,
        "PATH": os.pathsep.join([str(folder / "tools"), str(require("node").parent), os.environ["PATH"]]),
        "NO_COLOR": "1",
        "CI": "1",
        "HARDHAT_DISABLE_TELEMETRY_PROMPT": "true",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=_SECONDS,
        check=False,
    )
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def expected_after(command: str) -> list[str]:
    """The lines of the output that the page shows for a command."""
    found = blocks()
    place = next(at for at, (_, _, text) in enumerate(found) if text.strip() == command)
    language, _, text = found[place + 1]
    assert language == "text"
    return [line.strip() for line in text.splitlines() if line.strip()]


def test_the_hardhat_project(mining_node: Node, folder: Path) -> None:
    said = shell("npx hardhat test", folder, mining_node)
    # times stand behind slow tests, and the whole
    lines = [re.sub(r" \(\d+m?s\)$", "", line.strip()) for line in said.splitlines() if line.strip()]
    assert lines == expected_after("npx hardhat test")


def test_the_shell_script(mining_node: Node, folder: Path) -> None:
    said = shell("bash counter.sh", folder, mining_node).split()
    expected = expected_after("bash counter.sh")
    assert said[:-1] == expected[:-1]
    assert int(said[-1]) > 0


def test_the_table_tells_the_truth(mining_node: Node) -> None:
    page = PAGE.read_text()
    chain_id = mining_node.rpc("eth_chainId")
    assert f"`{int(chain_id, 16)}` (`{chain_id}`)" in page
    assert mining_node.rpc("eth_accounts") == []
    for name in ("evm_mine", "hardhat_impersonateAccount", "anvil_setBalance"):
        assert mining_node.rpc(name)["code"] == -32601
    assert "not supported" in mining_node.rpc("eth_getProof", "0x" + "00" * 20, [], "latest")["message"]
