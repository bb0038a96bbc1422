"""What a node costs while nobody uses it: start, CPU, memory and the growth of its folder.

A fresh node in a temporary folder, three streams at default shares.  After ``--settle`` seconds it is watched for
``--minutes``.  Memory is the sum of PSS at the end (a page that several processes share counts once), CPU what its
processes and those that ended in between took, from /proc.  Linux; run as the node's user or as root.

Run: ``python -m bench.idle --minutes 10``
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import psutil

from tests.e2e.node import Node, running_node, wait_for

DAY_S = 86_400
MB = 1e6


def program_of(process: psutil.Process) -> str:
    """The node's own name for a process: postgres, redis, web, rpc, a worker's queue."""
    try:
        words = process.cmdline()
    except psutil.Error:
        return "gone"
    line = " ".join(words)
    for mark, name in (("web_server", "web"), ("rpc_server", "rpc"), (" beat", "beat"), ("supervisord", "supervisor"),
                       ("redis-server", "redis"), ("manage.py up", "up"), ("postgres", "postgres")):  # fmt: skip
        if mark in line:
            return name
    if "-n" in words and "@mondoshawan" in line:
        return words[words.index("-n") + 1].partition("@")[0]
    # a worker's children show another title
    parent = process.parent()
    return "others" if parent is None or parent.pid <= 1 else program_of(parent)


def family(node: Node) -> list[psutil.Process]:
    """Every process of the node, ``up`` first."""
    assert node.process is not None
    top = psutil.Process(node.process.pid)
    return [top, *top.children(recursive=True)]


def cpu_seconds(node: Node) -> dict[str, float]:
    """CPU seconds so far by program, of living processes and of their ended children."""
    spent: dict[str, float] = defaultdict(float)
    for process in family(node):
        try:
            times = process.cpu_times()
        except psutil.Error:
            continue
        spent[program_of(process)] += times.user + times.system + times.children_user + times.children_system
    return spent


def pss(node: Node) -> dict[str, tuple[int, int]]:
    """(processes, bytes) by program."""
    found: dict[str, tuple[int, int]] = {}
    for process in family(node):
        try:
            size = process.memory_full_info().pss
        except psutil.Error:
            continue
        name = program_of(process)
        count, total = found.get(name, (0, 0))
        found[name] = count + 1, total + size
    return found


def folder_bytes(folder: Path) -> dict[str, int]:
    """Bytes on disk by part of the data folder; PostgreSQL's log of changes, which it recycles, by itself."""
    sizes: dict[str, int] = defaultdict(int)
    for path in folder.rglob("*"):
        try:
            parts = path.relative_to(folder).parts
            part = "postgres/pg_wal" if "pg_wal" in parts else parts[0]
            sizes[part] += path.lstat().st_blocks * 512
        except OSError:
            continue
    return sizes


def blocks(node: Node) -> int:
    """Blocks of all streams in the DAG."""
    stats = node.rpc("mds_getDagStats")
    return sum(stats.get("blocks", {}).values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10, help="how long to watch")
    parser.add_argument("--settle", type=float, default=30, help="seconds between the first block and the watch")
    options = parser.parse_args()
    begun = time.monotonic()
    with running_node() as node:
        answers = time.monotonic() - begun
        wait_for(lambda: blocks(node) > 0, "the first block")
        print(f"start: JSON-RPC answers after {answers:.1f} s, first block after {time.monotonic() - begun:.1f} s")
        time.sleep(options.settle)
        folder = node.folder / "devnet"
        height, spent, disk, since = blocks(node), cpu_seconds(node), folder_bytes(folder), time.monotonic()
        time.sleep(60 * options.minutes)
        seconds = time.monotonic() - since
        used, memory, grown, made = cpu_seconds(node), pss(node), folder_bytes(folder), blocks(node) - height
        print(f"watched for {seconds / 60:.1f} min: {made} blocks, {made / seconds:.2f} a second\n")
        print(f"{'program':12} {'processes':>9} {'PSS MB':>8} {'% of a core':>12}")
        for name in sorted(memory, key=lambda name: -memory[name][1]):
            count, size = memory[name]
            share = 100 * (used.get(name, 0) - spent.get(name, 0)) / seconds
            print(f"{name:12} {count:9} {size / MB:8.0f} {share:12.1f}")
        total = sum(used.values()) - sum(spent.values())
        print(f"{'all':12} {sum(count for count, _ in memory.values()):9} "
              f"{sum(size for _, size in memory.values()) / MB:8.0f} {100 * total / seconds:12.1f}\n")  # fmt: skip
        print(f"{'folder':18} {'MB now':>8} {'MB a day':>9} {'bytes a block':>14}")
        for part in sorted(grown, key=lambda part: -grown[part]):
            more = grown[part] - disk.get(part, 0)
            print(f"{part:18} {grown[part] / MB:8.1f} {more / seconds * DAY_S / MB:9.0f} {more / max(made, 1):14.0f}")


if __name__ == "__main__":
    main()
