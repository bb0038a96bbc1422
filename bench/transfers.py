"""How fast do transfers become readable receipts, beside the nodes that a user would pick instead?

Each node is started by this script on a free port, one after another, and gets the same load: transfers
signed beforehand by 100 senders, sent over 16 connections, until every receipt is readable.  Peers come
from npm at pinned versions, where Node.js is there.

    python bench/transfers.py [--count 2000] [--rounds 3] [--only ours,anvil]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from bench._load import Connection, lone_transfers, transfers
from tests.e2e.node import free_port, running_node

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
PEERS = {"@foundry-rs/anvil": "1.7.1", "hardhat": "3.18.0"}
HARDHAT_CONFIG = "export default {};\n"


@cache
def peers() -> Path | None:
    """A folder with the peers installed, or None without Node.js."""
    if shutil.which("npm") is None:
        return None
    folder = Path(tempfile.gettempdir()) / "mds-bench-peers"
    if not (folder / "node_modules").is_dir():
        folder.mkdir(exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}')
        (folder / "hardhat.config.js").write_text(HARDHAT_CONFIG)
        wanted = [f"{name}@{version}" for name, version in PEERS.items()]
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", *wanted], cwd=folder, check=True)
    return folder


@contextmanager
def ours() -> Iterator[str]:
    """This node, with its defaults; the streams mine for a while before it is loaded."""
    with running_node() as node:
        while node.number() < 8:
            time.sleep(0.5)
        yield node.rpc_url
        node.stop()


def peer(*command: str) -> Callable[[], object]:
    """A peer as its package installs it; {port} stands for a free port."""

    @contextmanager
    def run() -> Iterator[str]:
        folder = peers()
        assert folder is not None
        port = free_port()
        argv = [str(folder / "node_modules/.bin" / command[0]), *[part.format(port=port) for part in command[1:]]]
        process = subprocess.Popen(argv, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            url = f"http://127.0.0.1:{port}"
            asyncio.run(answers(url))
            yield url
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(20)

    return run


async def answers(url: str) -> None:
    """Wait until a node answers."""
    for _ in range(300):
        connection = Connection(url)
        try:
            await connection.call("eth_chainId")
        except (OSError, RuntimeError, StopIteration):
            await asyncio.sleep(0.2)
        else:
            return
        finally:
            connection.close()
    message = f"{url} does not answer"
    raise TimeoutError(message)


NODES = {
    "ours": ours,
    "anvil 1.7.1, automine": peer("anvil", "--port", "{port}", "--silent"),
    "anvil 1.7.1, 1 s blocks, 600 M gas": peer(
        "anvil", "--port", "{port}", "--silent", "--block-time", "1", "--gas-limit", "600000000"
    ),
    "hardhat 3.18.0": peer("hardhat", "node", "--port", "{port}"),
}


def main() -> None:
    """Measure every node and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--senders", type=int, default=100)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--only", default="", help="names that begin so, with commas")
    parser.add_argument("--lone", type=int, default=0, help="also time so many lone transfers")
    options = parser.parse_args()
    wanted = tuple(options.only.split(","))
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print(f"{options.count} transfers, {options.senders} senders, {options.connections} connections")
    for name, node in NODES.items():
        if not name.startswith(wanted) or (name != "ours" and peers() is None):
            continue
        with node() as url:  # type: ignore[attr-defined]
            rounds = [
                asyncio.run(
                    transfers(
                        url,
                        KEY,
                        count=options.count,
                        senders=options.senders,
                        connections=options.connections,
                        batch=options.batch,
                        salt=at,
                        nudge=name != "ours",
                    )
                )
                for at in range(options.rounds)
            ]
            rates = sorted(one.until_receipts for one in rounds)
            middle = statistics.median(rates)
            sent = statistics.median([one.submitted for one in rounds])
            waited = statistics.median([one.request_ms for one in rounds])
            print(
                f"{name:36} {middle:7.0f}/s until all receipts (from {rates[0]:.0f} to {rates[-1]:.0f}),"
                f" sent at {sent:.0f}/s, request {waited:.1f} ms, {rounds[-1].blocks} blocks",
                flush=True,
            )
            if options.lone:
                times = sorted(asyncio.run(lone_transfers(url, KEY, options.lone, name != "ours")))
                print(
                    f"{'':36} lone transfer until its receipt: median {1000 * statistics.median(times):.0f} ms,"
                    f" 90 % {1000 * times[int(0.9 * len(times))]:.0f} ms",
                    flush=True,
                )


if __name__ == "__main__":
    main()
