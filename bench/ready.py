"""How soon ``/ready`` sees what befalls a node and sees it pass, and what it costs to ask every second.

Run: PYTHONPATH=. .venv/bin/python bench/ready.py [--hold SECONDS] [NAME…]

Times are from the moment at which the cause was complete (a stopped program has ended, a setting is stored) to the
first answer that shows it, polled every 0.1 s.  The cost is processor time of the web process, by /proc.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import psutil
import requests

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from tests.e2e.incidents import INCIDENTS, ask, go_through, program
from tests.e2e.node import Node, running_node, wait_for

COST_S = 30


def busy(processes: list[psutil.Process]) -> float:
    """Processor seconds of some processes."""
    return sum(sum(process.cpu_times()[:2]) for process in processes)


def cost(node: Node, every_s: float | None, path: str) -> float:
    """Processor time of the web process while it is asked, as a share of a core."""
    web = program(node, "web")
    before, started = busy(web), time.monotonic()
    while time.monotonic() < started + COST_S:
        if every_s is None:
            time.sleep(1)
        else:
            requests.get(node.web_url + path, timeout=30)
            time.sleep(every_s)
    return (busy(web) - before) / (time.monotonic() - started)


def main() -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--hold", type=float, default=10.0, help="seconds that each incident lasts once it shows")
    parser.add_argument("names", nargs="*", help="parts of the names of incidents; all where none is given")
    parser.add_argument("--verbose", action="store_true", help="show every answer")
    options = parser.parse_args()
    chosen = [one for one in INCIDENTS if not options.names or any(name in one.name for name in options.names)]
    with running_node() as node:
        wait_for(lambda: not ask(node).failed, "ready", 120)
        print(f"{'incident':32} {'red after':>10} {'green after':>12} {'slowest answer':>15}")
        for incident in chosen:
            went = go_through(node, incident, hold_s=options.hold)
            if options.verbose:
                for answer in went.answers:
                    print(f"  {answer.status} {answer.seconds:.2f} s {' '.join(sorted(answer.failed))}")
            print(f"{incident.name:32} {went.red_s:8.1f} s {went.green_s:10.1f} s {went.slowest_s:13.2f} s", flush=True)
        if not options.names:
            rest = cost(node, None, "")
            ready = cost(node, 1.0, "/ready")
            metrics = cost(node, 15.0, "/metrics")
            print(f"web process: {rest:.1%} of a core unasked, {ready:.1%} with /ready every second,")
            print(f"             {metrics:.1%} with /metrics every 15 s")
        assert node.stop() == 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
