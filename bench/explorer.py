"""What does every page of the explorer cost the server, over a chain of a million indexed transactions?

Run from the project root: ``python -m bench.explorer [--rounds N] [--only TEXT]``.  The first run writes the chain
through the node's own store and follows it with the node's own index, which takes a while; the database stays in
``--folder`` for the next ones.  The newest ten minutes of the chain are as busy as a node can be, 100 transactions each
90 ms; before them lie 28 000 blocks without any.

``--long`` asks the lists of blocks alone, over 255 000 blocks of which all but the first ones are copies without
transactions: writing them through the store takes an hour and gives the same rows.

Questions go to the web process's own ASGI application, without a network and without a browser: the time is the
server's, from the request to the last byte of the answer (of a CSV: to its first rows), middleware, templates and
compression included.  A clock counts the machine's other work too; "CPU" is what the process of the pages and
PostgreSQL's have spent, which is what a page takes where nothing else runs and the data is in memory.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import shutil
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psutil

from bench._database import chain_database
from bench._workers import redis_server

BAR_MS = 50.0
LIVE_EPOCHS, LIVE_STEP_MS, LIVE_TXS = 6_600, 90, 100
FULL_EPOCHS, FULL_TXS = 340, 1_000
EMPTY_EPOCHS = 28_000
# a list of 10 000 pages
LONG_CHAIN = 255_000


@dataclass
class Times:
    """What the rounds of one question took, in ms, its statements and the bytes of its answer."""

    wall: list[float] = field(default_factory=list)
    web: list[float] = field(default_factory=list)
    database: list[float] = field(default_factory=list)
    statements: int = 0
    size: int = 0
    status: int = 0


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/mds-bench-explorer"))
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--only", default="", help="questions whose kind or name contains this")
    parser.add_argument("--scale", type=float, default=1.0, help="of the chain, when it is made")
    parser.add_argument("--long", action="store_true", help="the lists of blocks alone, over a chain of their own")
    parser.add_argument("--fill", action="store_true", help="make the database and stop")
    args = parser.parse_args()
    # as the supervisor starts the web process
    os.environ["MDS_DB_POOL"] = "4"
    if args.long:
        _ask_long(args.rounds)
        return
    made = args.folder / "bench.json"
    if not made.exists():
        shutil.rmtree(args.folder, ignore_errors=True)
    with chain_database(args.folder) as conn, redis_server():
        if not made.exists():
            made.write_text(json.dumps(_make(conn, args.scale)))
        _follow()
        if not args.fill:
            facts = json.loads(made.read_text())
            print(f"{facts['transactions']} transactions in {facts['epochs']} epochs")
            server = int((args.folder / "devnet" / "postgres" / "postmaster.pid").read_text().split()[0])
            _ask_all(conn, facts["last_ms"], args.rounds, (args.only,), server)


def _ask_long(rounds: int) -> None:
    """Lists of blocks, page 10 000 among them, over a chain of which the index knows the beginning."""
    with chain_database() as conn, redis_server():
        from bench import _million

        stretches = [_million.Stretch(4, 200, 1000), _million.Stretch(50, 0, 1000, batch=50, side=0)]
        filled = _million.fill(conn, stretches)
        _million.index()
        last_ms = _million.lengthen(conn, LONG_CHAIN)
        print(f"{filled.epochs + LONG_CHAIN} blocks")
        _ask_all(conn, last_ms, rounds, ("blocks", "dag"), psutil.Process(conn.info.backend_pid).ppid())


def _make(conn: Any, scale: float) -> dict[str, Any]:
    from bench import _million
    from chain.core.genesis import network_genesis
    from chain.management.progress import Progress

    begin = network_genesis("devnet").header.timestamp_ms
    empty = int(EMPTY_EPOCHS * scale)
    full, live = int(FULL_EPOCHS * scale), int(LIVE_EPOCHS * scale)
    # the rest of the three weeks until then
    step = (int(time.time() * 1000) - begin - full * 300_000 - live * LIVE_STEP_MS) // max(1, empty)
    assert step > 0, "the clock is before the chain's beginning"
    stretches = [
        _million.Stretch(full, FULL_TXS, 300_000),
        _million.Stretch(empty, 0, step, batch=250, side_every=8),
        _million.Stretch(live, LIVE_TXS, LIVE_STEP_MS, batch=10, side=2),
    ]
    # loss of power costs a run of this and nothing else; the node leaves it on
    conn.execute("SET synchronous_commit = off")
    with Progress(sys.stderr, "fill", "epochs") as shown:
        filled = _million.fill(conn, stretches, shown.update)
    conn.execute("ANALYZE")
    return {name: value for name, value in asdict(filled).items() if isinstance(value, (int, float))}


def _follow() -> None:
    """Bring the index to the head, which a later version may have more of."""
    from bench import _million
    from chain.management.progress import Progress

    with Progress(sys.stderr, "index", "epochs") as shown:
        _million.index(shown.update)
    with Progress(sys.stderr, "names", "tokens") as shown:
        _million.name_tokens(shown.update)


def _ask_all(conn: Any, last_ms: int, rounds: int, only: Sequence[str], server: int) -> None:
    from chain.services import network
    from mondoshawan.asgi import application
    from tests.explorer.walk import questions, read_facts

    # the node's clock stands where the chain ends, whenever this runs
    network.time = SimpleNamespace(time_ns=lambda: (last_ms + 50) * 1_000_000)  # type: ignore[assignment]
    asked = [one for one in questions(read_facts(conn)) if any(text in f"{one.kind} {one.name}" for text in only)]
    times = {one: Times() for one in asked}
    loop = asyncio.new_event_loop()
    for turn in range(rounds + 2):
        for one in asked:
            # the first two rounds warm templates, plans and the server's cache
            _ask(loop, application, one, times[one] if turn > 1 else Times(), server)
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, {rounds} rounds")
    print("| question | CPU ms, median | 95 % | in PostgreSQL | ms by the clock, median | statements | kB | |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    over = []
    for one in asked:
        found = times[one]
        assert not one.status or found.status == one.status, (one, found.status)
        both = sorted(web + database for web, database in zip(found.web, found.database, strict=True))
        note = f", page {one.page:,}".replace(",", " ") if one.page > 1 else ""
        over += [one.name] if statistics.median(both) > BAR_MS else []
        print(
            f"| {one.kind}: {one.name}{note} | {statistics.median(both):.1f} | {both[int(0.95 * (rounds - 1))]:.1f}"
            f" | {statistics.median(found.database):.1f} | {statistics.median(found.wall):.1f} | {found.statements}"
            f" | {found.size / 1000:.1f} | {'over' * (one.name in over)} |"
        )
    print(f"{len(asked)} questions, {len(over)} over {BAR_MS:.0f} ms" + "".join([f"\n  {name}" for name in over]))


def _ask(loop: Any, application: Any, one: Any, into: Times, server: int) -> None:
    from tests.tools.queries import asked

    with asked() as statements:
        database, cpu, began = _cpu_of(server), time.process_time(), time.perf_counter()
        into.status, into.size = loop.run_until_complete(_request(application, one))
        into.wall.append(1000 * (time.perf_counter() - began))
        into.web.append(1000 * (time.process_time() - cpu))
        into.database.append(_cpu_of(server) - database)
    into.statements = len(statements)


def _cpu_of(server: int) -> float:
    """ms that PostgreSQL's processes have run, by the kernel's own clock of them."""
    total = 0
    for process in psutil.Process(server).children():
        with suppress(OSError):
            total += int(Path(f"/proc/{process.pid}/schedstat").read_text().split()[0])
    return total / 1e6


async def _request(application: Any, one: Any) -> tuple[int, int]:
    """One request as Daphne hands it on; of a CSV only the first rows."""
    parts = urlsplit(one.path)
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST" if one.body else "GET",
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "headers": [
            (b"host", b"127.0.0.1"),
            (b"accept-encoding", b"gzip"),
            (b"content-length", str(len(one.body)).encode()),
        ],
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 8000),
    }
    state = {"status": 0, "size": 0}
    has_first, whole = asyncio.Event(), asyncio.Event()
    messages = [{"type": "http.request", "body": one.body.encode(), "more_body": False}]

    async def receive() -> Any:
        if messages:
            return messages.pop()
        await whole.wait()
        return {"type": "http.disconnect"}

    async def send(message: Any) -> None:
        if message["type"] == "http.response.start":
            state["status"] = message["status"]
            return
        state["size"] += len(message.get("body", b""))
        if state["size"] > 10 or not message.get("more_body"):
            has_first.set()

    asking = asyncio.ensure_future(application(scope, receive, send))
    if ".csv" in one.path:
        await has_first.wait()
        # the visitor goes away
        whole.set()
    await asking
    return state["status"], state["size"]


if __name__ == "__main__":
    main()
