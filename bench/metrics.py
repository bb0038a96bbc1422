"""What measuring costs: a call of JSON-RPC with and without it, one sample, one scrape.

Run: PYTHONPATH=. .venv/bin/python bench/metrics.py

Calls with and without are measured in turns in one process, so that the machine's load meets both; the median of the
turns counts.  Values are shared between processes, as in a running node.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from types import SimpleNamespace
from unittest import mock

os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="mds-metrics-")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "mondoshawan.settings.test")

import django

django.setup()

from chain import metrics  # noqa: E402
from chain.rpc import app, dispatch  # noqa: E402
from chain.rpc.meter import METER  # noqa: E402
from mondoshawan.metrics import files  # noqa: E402

CALLS, TURNS = 20_000, 15
BODY = b'{"jsonrpc":"2.0","id":1,"method":"eth_chainId","params":[]}'


def each(work: Callable[[], object], count: int) -> float:
    """Microseconds of processor time of one of ``count`` calls."""
    started = time.process_time()
    for _ in range(count):
        work()
    return (time.process_time() - started) / count * 1e6


def _nothing(name: str, code: str | int, seconds: float) -> None:
    """Instead of counting."""


async def calls() -> tuple[float, float]:
    """Microseconds of dispatch of one call: with and without metrics."""
    node = SimpleNamespace(chain_id="0x4d534857", limits=None)
    sides: dict[str, list[float]] = {"with": [], "without": []}
    for _ in range(TURNS):
        sides["with"].append(each(lambda: dispatch.begin(node, BODY, 1000), CALLS))
        METER.flush()
        with mock.patch.object(METER, "note", _nothing):
            sides["without"].append(each(lambda: dispatch.begin(node, BODY, 1000), CALLS))
        await asyncio.sleep(0)
    return statistics.median(sides["with"]), statistics.median(sides["without"])


def main() -> None:
    """Print the table."""
    assert app.METHOD_MODULES
    on, off = asyncio.run(calls())
    print(f"dispatch of eth_chainId: {on:.2f} µs with metrics, {off:.2f} µs without ({on - off:+.2f} µs)")
    counter = metrics.BLOCKS_MINED.labels("A")
    histogram = metrics.EPOCH_SECONDS
    count, observation = each(counter.inc, CALLS), each(lambda: histogram.observe(0.01), CALLS)
    print(f"one count {count:.2f} µs, one observation {observation:.2f} µs")
    names = [f"eth_m{number}" for number in range(40)]
    for name in names:
        metrics.RPC_REQUESTS.labels(name, "ok").inc()
        metrics.RPC_SECONDS.labels(name).observe(0.01)
    folder = files.Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    one = [path.read_bytes() for path in sorted(folder.glob("*.db"))]
    kinds = [path.name.partition("_")[0] for path in sorted(folder.glob("*.db"))]
    for processes in (1, 15, 60):
        for number in range(processes):
            for kind, content in zip(kinds, one, strict=True):
                if kind != "gauge":
                    (folder / f"{kind}_elsewhere-{number}.db").write_bytes(content)
        spent = each(lambda: list(files.read(folder).collect()), 5) / 1000
        print(f"adding up the files of {processes:2} processes with 40 methods each: {spent:.0f} ms")


if __name__ == "__main__":
    main()
