"""The node's processes as the machine sees them: what runs, and how much memory and processor time it takes."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

import psutil

from mondoshawan.appliance import supervisor
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.env import current

# the proportional share of memory is counted page by page, so it is not asked for at each scrape
MEMORY_S = 30.0


@dataclass(frozen=True, slots=True)
class Running:
    """One program of the supervisor with its children; ``memory`` is bytes, times are seconds."""

    name: str
    is_up: bool
    memory: int = 0
    cpu_s: float = 0.0
    uptime_s: float = 0.0


_memory: dict[int, tuple[float, int]] = {}


def running() -> Iterator[Running]:
    """Every program; none where no supervisor of this machine runs the node, as in a container of one process."""
    folder = DataFolder.of(current())
    try:
        states = supervisor.Client(folder).processes()
    except supervisor.UNREACHABLE:
        return
    family = _families({state["pid"] for state in states.values() if state["pid"]})
    alive = {process.pid for members in family.values() for process in members}
    for pid in _memory.keys() - alive:
        del _memory[pid]
    for name, state in states.items():
        members = family.get(state["pid"], [])
        if state["statename"] != supervisor.RUNNING or not members:
            yield Running(name, is_up=False)
            continue
        yield Running(
            name,
            is_up=True,
            memory=sum([_memory_of(process) for process in members]),
            cpu_s=sum([_cpu_of(process) for process in members]),
            uptime_s=max(0, state["now"] - state["start"]),
        )


def _families(roots: set[int]) -> dict[int, list[psutil.Process]]:
    """Each root's process and all below it, by one look at the table of processes."""
    children: dict[int, list[psutil.Process]] = defaultdict(list)
    found: dict[int, list[psutil.Process]] = {}
    for process in psutil.process_iter(["ppid"]):
        children[process.info["ppid"]].append(process)
        if process.pid in roots:
            found[process.pid] = [process]
    for members in found.values():
        for process in members:
            # grows while it is walked: the children of children come behind them
            members.extend(children[process.pid])
    return found


def _memory_of(process: psutil.Process) -> int:
    now = time.monotonic()
    known = _memory.get(process.pid)
    if known is not None and now - known[0] < MEMORY_S:
        return known[1]
    try:
        info = process.memory_full_info()
    except psutil.Error:
        return 0
    _memory[process.pid] = (now, getattr(info, "pss", info.rss))
    return _memory[process.pid][1]


def _cpu_of(process: psutil.Process) -> float:
    try:
        times = process.cpu_times()
    except psutil.Error:
        return 0.0
    # children that ended are in their parent's account, so that the sum does not run backwards
    return float(times.user + times.system + times.children_user + times.children_system)
