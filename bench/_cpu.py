"""CPU seconds of a node's processes by what they do: on a machine with neighbours they say more than a clock."""

from __future__ import annotations

import os
import time
from typing import NamedTuple

import psutil

# what a command line holds -> the name in the table; the first that fits
_KINDS = (
    ("mondoshawan.rpc_server", "rpc"),
    ("daphne", "web"),
    ("redis-server", "redis"),
    ("postgres", "postgres"),
    ("virtual@", "writer"),
    ("mine@", "mining"),
    ("index@", "explorer's index"),
    ("validate@", "validate"),
    ("shards@", "shards"),
)


class Spent(NamedTuple):
    """``cpu``: seconds by kind since the processes began; ``wall``: of the monotonic clock."""

    cpu: dict[str, float]
    wall: float


def spent(root: int) -> Spent:
    """What the processes under ``root`` have spent by now, and this process as "client"."""
    own = os.times()
    found = {"client": own.user + own.system}
    parent = psutil.Process(root)
    for process in [parent, *parent.children(recursive=True)]:
        try:
            line, times = " ".join(process.cmdline()), process.cpu_times()
        except psutil.Error:
            continue
        kind = next((name for mark, name in _KINDS if mark in line), "the rest")
        found[kind] = found.get(kind, 0.0) + times.user + times.system
    return Spent(found, time.perf_counter())


def difference(before: Spent, after: Spent, count: int) -> dict[str, float]:
    """Microseconds for each of ``count`` things by kind, the largest first; under half of one are left out."""
    parts = {kind: 1e6 * (seconds - before.cpu.get(kind, 0.0)) / count for kind, seconds in after.cpu.items()}
    return {kind: us for kind, us in sorted(parts.items(), key=lambda part: -part[1]) if us >= 0.5}
