"""How fast do transfers become readable receipts, beside the nodes that a user would pick instead?

Each node is started by this script on a free port, one after another, with its defaults, and gets the same load:
transfers signed beforehand by 100 senders, sent over 16 connections, until every receipt is readable.  Peers come
from npm at pinned versions, where Node.js is there.  Of ours it also says what CPU time each process spends on a
transfer, which neighbours on the machine blur less than rates.

    python -m bench.transfers            # everything: 2 000 and 8 000, one by one and in batches of 100
    python -m bench.transfers --quick    # under four minutes
    python -m bench.transfers --only ours,anvil --yardstick path/to/another/load_generator.py
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from functools import partial
from pathlib import Path
from typing import NamedTuple

from bench import _peers
from bench._cpu import Spent, difference, spent
from bench._load import Outcome, lone_transfers, transfers
from tests.e2e.node import running_node

KEY = bytes.fromhex("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80")
SENDERS, CONNECTIONS = 100, 16
OURS = "ours"
# more arguments of a peer's command make it another contender
VARIANTS = {"anvil 1.7.1, 1 s blocks, 600 M gas": ("anvil 1.7.1", "--block-time", "1", "--gas-limit", "600000000")}


class Load(NamedTuple):
    """So many transfers in a round, ``batch`` of them in a request."""

    size: int
    batch: int


FULL = (Load(2_000, 1), Load(8_000, 1), Load(8_000, 100))
QUICK = (Load(2_000, 1), Load(8_000, 1))
# slow nodes get no more than this in a round
MOST_OF_SLOW = 2_000


@contextmanager
def ours() -> Iterator[tuple[str, int]]:
    """This node's URL and process; its streams mine for a while before it is loaded."""
    with running_node() as node:
        while node.number() < 8:
            time.sleep(0.5)
        assert node.process is not None
        yield node.rpc_url, node.process.pid
        node.stop()


def contenders() -> dict[str, AbstractContextManager[tuple[str, int]]]:
    """Every node that can run here by its name, not yet started."""
    found: dict[str, AbstractContextManager[tuple[str, int]]] = {OURS: ours()}
    for name, (folder, _) in _peers.COMMANDS.items():
        if _peers.installed(folder) is not None:
            found[name] = _peers.running(name)
            for variant, (base, *extra) in VARIANTS.items():
                if base == name:
                    found[variant] = _peers.running(base, *extra)
    return found


def measure(url: str, load: Load, rounds: int, pid: int, salt: int, *, is_ours: bool) -> tuple[list[Outcome], str]:
    """Rounds of one load, and what our processes spent on a transfer of the middle one."""
    outcomes, costs = [], []
    for at in range(rounds):
        marks: list[Spent] = []
        outcome = asyncio.run(
            transfers(
                url,
                KEY,
                count=load.size,
                senders=SENDERS,
                connections=CONNECTIONS,
                batch=load.batch,
                salt=salt + at,
                nudge=not is_ours,
                mark=partial(_note, marks, pid),
            )
        )
        outcomes.append(outcome)
        costs.append((outcome.until_receipts, difference(*marks, load.size)))
    cost = sorted(costs, key=lambda pair: pair[0])[rounds // 2][1]
    shares = ", ".join(f"{kind} {us:.0f}" for kind, us in cost.items())
    return outcomes, f"CPU µs a transfer, {sum(cost.values()):.0f} in all: {shares}"


def _note(marks: list[Spent], pid: int) -> None:
    marks.append(spent(pid))


def row(name: str, load: Load, outcomes: list[Outcome]) -> str:
    """A line of the table."""
    rates = sorted(one.until_receipts for one in outcomes)
    sent = statistics.median([one.submitted for one in outcomes])
    waited = statistics.median([one.request_ms for one in outcomes])
    return (
        f"| {name} | {load.size} | {load.batch} | **{statistics.median(rates):.0f}** ({rates[0]:.0f} to"
        f" {rates[-1]:.0f}) | {sent:.0f} | {waited:.1f} ms | {outcomes[-1].blocks} |"
    )


def yardstick(script: str, name: str, url: str, load: Load, rounds: int, salt: int) -> str:
    """A line by another load generator, which takes these arguments and writes its rates as JSON."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out.json"
        command = [sys.executable, script, url, "--name", name, "--key", "0x" + KEY.hex(), "--what", "transfers"]
        command += ["-n", str(load.size), "--senders", str(SENDERS), "--conns", str(CONNECTIONS)]
        command += ["--batch", str(load.batch), "--reps", str(rounds), "--salt", str(salt), "--out", str(out)]
        if name != OURS:
            command += ["--nudge", "evm_mine", "--check", "200"]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=600)
        found = json.loads(out.read_text())[f"transfers_b{load.batch}"]
    if "error" in found:
        return f"| {name} | {load.size} | {load.batch} | {found['error'][:60]} | | | |"
    rates = sorted(found["tps"])
    return (
        f"| {name} | {load.size} | {load.batch} | **{statistics.median(rates):.0f}** ({rates[0]:.0f} to"
        f" {rates[-1]:.0f}) | {statistics.median(found['submit_tps']):.0f} |"
        f" {statistics.median(found['lat_p50_ms']):.1f} ms | {found['blocks'][-1]} |"
    )


def main() -> None:
    """Measure every node and print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer loads and rounds")
    parser.add_argument("--rounds", type=int, default=0, help="of ours; peers get one less")
    parser.add_argument("--only", default="", help="names that begin so, with commas")
    parser.add_argument("--lone", type=int, default=15, help="lone transfers timed on ours and anvil")
    parser.add_argument("--yardstick", default="", help="another load generator to run as well")
    options = parser.parse_args()
    rounds = options.rounds or (3 if not options.quick else 2)
    loads = QUICK if options.quick else FULL
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print(f"{SENDERS} senders, {CONNECTIONS} connections, median of {rounds} rounds ({max(1, rounds - 1)} of peers)")
    print("| node | transfers | a request | until all receipts, /s | sent, /s | one request | blocks |")
    print("| --- | --- | --- | --- | --- | --- | --- |", flush=True)
    notes = []
    for name, running in contenders().items():
        if not name.startswith(tuple(options.only.split(","))):
            continue
        is_ours, is_slow, salt = name == OURS, name.startswith("hardhat"), 0
        times = rounds if is_ours else max(1, rounds - 1)
        with running as (url, pid):
            for load in loads:
                if is_slow and load.size > MOST_OF_SLOW and options.quick:
                    continue
                salt += 10
                outcomes, cost = measure(url, load, times, pid, salt, is_ours=is_ours)
                print(row(name, load, outcomes), flush=True)
                if is_ours:
                    notes.append(f"{load.size} transfers, {load.batch} a request: {cost}")
                if options.yardstick:
                    salt += 10
                    print(yardstick(options.yardstick, name, url, load, times, salt) + " yardstick", flush=True)
            if options.lone and (is_ours or (name in _peers.COMMANDS and not is_slow)):
                lone = sorted(asyncio.run(lone_transfers(url, KEY, options.lone, not is_ours)))
                middle, late = 1000 * statistics.median(lone), 1000 * lone[int(0.9 * len(lone))]
                notes.append(
                    f"{name}: a lone transfer's receipt after {middle:.0f} ms (median), 90 % within {late:.0f}"
                )
    print("\n".join(["", *notes]))


if __name__ == "__main__":
    main()
