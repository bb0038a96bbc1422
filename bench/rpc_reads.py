"""How many plain reads a second does one rpc process answer, beside the nodes that a user would pick instead?

Each node runs in turn with its defaults and gets the same load from wrk (Debian's package): 16 connections that are
kept open, eth_blockNumber, and eth_getBalance over 1 000 addresses in turn; an untimed round before each checks every
answer.  Ours mines its three streams meanwhile.  The client has one core's worth of this machine too; "CPU" is what
the answering process itself spends on a request.

    python -m bench.rpc_reads [--rounds 3] [--seconds 5] [--only ours,anvil] [--workers 1,2]
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import psutil

from bench import _peers
from tests.e2e.node import running_node

SCRIPT = Path(__file__).with_name("rpc_reads.lua")
METHODS = ("eth_blockNumber", "eth_getBalance")
CONNECTIONS = 16


class Round(NamedTuple):
    """What one run of wrk saw; ``cpu_us`` is CPU time of the node's processes a request."""

    rate: float
    p50_ms: float
    p99_ms: float
    cpu_us: float


@contextmanager
def ours(workers: int) -> Iterator[tuple[str, list[int]]]:
    """This node's URL and the processes that answer; it mines for a while before it is loaded."""
    with running_node(MDS_RPC_WORKERS=str(workers)) as node:
        while node.number() < 8:
            time.sleep(0.5)
        found = [
            process.pid
            for process in psutil.process_iter(["cmdline"])
            if "mondoshawan.rpc_server" in (process.info["cmdline"] or ()) and _is_of(process, str(node.folder))
        ]
        assert len(found) == workers, found
        yield node.rpc_url, found
        node.stop()


def _is_of(process: psutil.Process, folder: str) -> bool:
    try:
        return process.environ().get("MDS_DATA_DIR") == folder
    except psutil.Error:
        return False


@contextmanager
def peer(name: str) -> Iterator[tuple[str, list[int]]]:
    """A peer's URL and its processes."""
    with _peers.running(name) as (url, pid):
        yield url, [pid, *[child.pid for child in psutil.Process(pid).children(recursive=True)]]


def wrk(url: str, method: str, seconds: int, *, check: bool = False) -> str:
    """One run; its report.

    Raises
    ------
    RuntimeError
        An answer was no result.
    """
    environment = {**os.environ, "METHOD": method, "CHECK": "1" if check else ""}
    done = subprocess.run(
        ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}s", "--latency", "--timeout", "10s", "-s", str(SCRIPT), url],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    wrong = [line for line in (done.stderr + done.stdout).splitlines() if line.startswith("BAD") or "Non-2xx" in line]
    if wrong:
        raise RuntimeError(wrong[0])
    return done.stdout


def measure(url: str, pids: list[int], method: str, seconds: int) -> Round:
    """One timed run."""
    before = _cpu(pids)
    report = wrk(url, method, seconds)
    spent = _cpu(pids) - before
    count = int(re.search(r"(\d+) requests in", report)[1])  # type: ignore[index]
    rate = float(re.search(r"Requests/sec:\s+([\d.]+)", report)[1])  # type: ignore[index]
    return Round(rate, _latency(report, 50), _latency(report, 99), 1e6 * spent / count)


def _cpu(pids: list[int]) -> float:
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(one.user + one.system for one in times)


def _latency(report: str, percent: int) -> float:
    found = re.search(rf"^\s+{percent}%\s+([\d.]+)(us|ms|s)\s*$", report.split("Latency Distribution", 1)[-1], re.M)
    assert found is not None, report
    return float(found[1]) * {"us": 0.001, "ms": 1, "s": 1000}[found[2]]


def _spaced(number: float) -> str:
    return f"{number:,.0f}".replace(",", " ")


def main() -> None:
    """Measure every node and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--workers", default="1", help="rpc processes of ours, with commas")
    parser.add_argument("--only", default="", help="names that begin so, with commas")
    options = parser.parse_args()
    if shutil.which("wrk") is None:
        sys.exit("this bench needs wrk (Debian's package of the same name)")
    nodes = {f"ours, {n} rpc process{'es' * (n > 1)}": (ours, n) for n in map(int, options.workers.split(","))}
    nodes |= {name: (peer, name) for name in _peers.COMMANDS if _peers.installed(_peers.COMMANDS[name][0])}
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, Python {sys.version.split()[0]}")
    print(f"{CONNECTIONS} connections, median of {options.rounds} rounds of {options.seconds} s")
    print("| node | method | answers/s | 50 % | 99 % | CPU a request |\n| --- | --- | --- | --- | --- | --- |")
    for name, (run, argument) in nodes.items():
        if not name.startswith(tuple(options.only.split(","))):
            continue
        with run(argument) as (url, pids):  # type: ignore[operator]
            for method in METHODS:
                wrk(url, method, 1, check=True)
                rounds = [measure(url, pids, method, options.seconds) for _ in range(options.rounds)]
                rate, p50, p99, cpu = [statistics.median(column) for column in zip(*rounds, strict=True)]
                print(
                    f"| {name} | {method} | {_spaced(rate)} | {p50:.2f} ms | {p99:.1f} ms | {cpu:.0f} µs |".replace(
                        ",", " "
                    ),
                    flush=True,
                )


if __name__ == "__main__":
    main()
