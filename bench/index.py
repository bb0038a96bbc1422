"""How fast the explorer's index follows the chain, and whether a list's page 10 000 costs what page 1 does.

Run from the project root: ``python -m bench.index [--transactions N]``.  The store's commits of the same
transactions are timed in the same run: both rates are of a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from bench._database import chain_database

RUNS = 15
PAGE = 25


def main() -> None:
    """Print rates and a table of pages."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--transactions", type=int, default=200_000)
    args = parser.parse_args()
    with chain_database() as conn:
        from bench import _million
        from chain.management.progress import Progress

        with Progress(sys.stderr, "fill", "epochs") as shown:
            filled = _million.fill(conn, _million.even(args.transactions), shown.update)
        conn.execute("ANALYZE")
        spent = _time_projections()
        with Progress(sys.stderr, "index", "epochs") as shown:
            seconds = _million.index(shown.update)
        written = filled.transactions / filled.commit_seconds
        print(f"{filled.transactions} transactions in {filled.epochs} epochs, {os.cpu_count()} cores")
        print(f"written by the store   {written:8.0f} tx/s")
        print(f"followed by the index  {filled.transactions / seconds:8.0f} tx/s, all projections together")
        for name, part in spent.items():
            print(f"  {name:10} {1e6 * part / filled.transactions:6.1f} µs a transaction")
        _undo(conn, filled.epochs)
        _pages(conn, filled)


def _undo(conn: Any, head: int, depth: int = 2) -> None:
    """What a reorganisation costs each projection, in a transaction that is taken back."""
    import psycopg

    from chain.stores.connection import cursor
    from explorer.indexers.projections import PROJECTIONS

    print(f"undoing {depth} epochs, ms")
    for projection in PROJECTIONS:
        times = []
        for _ in range(RUNS):
            with conn.transaction():
                began = time.perf_counter()
                projection.undo(cursor(conn), head - depth)
                times.append(1000 * (time.perf_counter() - began))
                raise psycopg.Rollback
        print(f"  {projection.name:10} {statistics.median(times):8.1f}")


def _time_projections() -> dict[str, float]:
    """Seconds that each projection's ``apply`` takes, filled in as they run; facts count for whom reads them first."""
    from explorer.indexers import sync

    spent: dict[str, float] = {}

    def timed(projection: Any) -> Any:
        def apply(cursor: Any, batch: Any) -> None:
            began = time.perf_counter()
            projection.apply(cursor, batch)
            spent[projection.name] = spent.get(projection.name, 0.0) + time.perf_counter() - began

        return replace(projection, apply=apply)

    sync.PROJECTIONS = tuple([timed(projection) for projection in sync.PROJECTIONS])
    return spent


def _pages(conn: Any, filled: Any) -> None:
    from explorer.selectors import activity, miners, tokens

    end, last = 2**62, b"\xff" * 20
    print(f"{'page of ' + str(PAGE):28} {'first, ms':>10} {'deep, ms':>10}  rows before the deep one")
    busy, token, miner = filled.busy[0], filled.tokens[0], filled.miners[0]
    _page(conn, "an address's history", activity.ACTIVITY_BEFORE, (busy,), (end, 0), lambda p: (p.number, p.index))
    _page(conn, "a token's transfers", tokens.TRANSFERS_OF_TOKEN, (token,), (end, 0, 0),
          lambda t: (t.number, t.log_index, t.ordinal))  # fmt: skip
    _page(conn, "a token's holders", tokens.HOLDERS_BELOW, (token,), (10**150, last), lambda h: (h.amount, h.address))
    _page(conn, "tokens", tokens.TOKENS_BELOW, (), (end, last), lambda t: (t.holders, t.address))
    _page(conn, "miners", miners.MINERS_BELOW, (), (10**77, last), lambda m: (m.income, m.coinbase))
    _page(conn, "a miner's blocks", miners.MINED_BEFORE, (miner,), (end, 0), lambda b: (b.number, b.position))
    start = (end, 0, 0)
    first = _median(lambda: tokens.TRANSFERS_OF_ADDRESS.all(conn, *tokens.of_address(busy, start, PAGE)))
    print(f"{'an address’s transfers':28} {first:10.2f}")


def _page(
    conn: Any, name: str, query: Any, args: tuple[Any, ...], start: tuple[Any, ...], key: Callable[[Any], Any]
) -> None:
    """The first page beside one near the end of the list."""
    first = _median(lambda: query.all(conn, *args, *start, PAGE))
    place, passed = start, 0
    while len(stretch := query.all(conn, *args, *place, 1000)) == 1000 and passed < 10_000 * PAGE:
        place, passed = key(stretch[-1]), passed + 1000
    deep = _median(lambda: query.all(conn, *args, *place, PAGE))
    print(f"{name:28} {first:10.2f} {deep:10.2f}  {passed}")


def _median(what: Callable[[], Any]) -> float:
    times = []
    for _ in range(RUNS):
        began = time.perf_counter()
        what()
        times.append(1000 * (time.perf_counter() - began))
    return statistics.median(times)


if __name__ == "__main__":
    main()
