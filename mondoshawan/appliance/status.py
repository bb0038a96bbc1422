"""What ``manage.py status`` shows."""

from __future__ import annotations

import time
from dataclasses import dataclass

import psutil

from mondoshawan.appliance import guard, supervisor
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import Program


@dataclass(frozen=True, slots=True)
class Row:
    """One process.

    Parameters
    ----------
    name : str
        Its name.
    state : str
        The supervisor's word: RUNNING, STARTING, BACKOFF, STOPPED, FATAL and so on.
    pid : int
        0 when there is none.
    uptime_s : int
        Seconds since its start.
    memory : int
        Resident bytes of it and its children.
    """

    name: str
    state: str
    pid: int
    uptime_s: int
    memory: int


def rows(folder: DataFolder) -> tuple[Row, ...] | None:
    """The processes of the folder, or None when the node does not run."""
    up = guard.owner(folder)
    client = supervisor.Client(folder)
    daemon = client.pid()
    if up is None or daemon is None:
        return None
    try:
        states = client.processes()
    except supervisor.UNREACHABLE:
        return None
    found = [_plain("up", up), _plain("supervisord", daemon)]
    for name, state in states.items():
        age = state["now"] - state["start"] if state["pid"] else 0
        found.append(Row(name, state["statename"], state["pid"], age, _memory(state["pid"], children=True)))
    return tuple(found)


def render(found: tuple[Row, ...], programs: tuple[Program, ...]) -> list[str]:
    """The lines of the table and the URLs."""
    lines = [f"{'process':12} {'state':9} {'pid':>8} {'uptime':>10} {'memory':>9}"]
    lines += [
        f"{row.name:12} {row.state:9} {row.pid or '-':>8} {_age(row.uptime_s):>10} {row.memory / 2**20:7.0f} MB"
        for row in found
    ]
    lines.append(f"{'':12} {'':9} {'':8} {'total':>10} {sum(row.memory for row in found) / 2**20:7.0f} MB")
    names = {row.name for row in found}
    lines += [f"{program.name:4} {program.bind.url}" for program in programs if program.bind and program.name in names]
    return lines


def all_run(found: tuple[Row, ...]) -> bool:
    """Whether every process is in its good state."""
    return all(row.state == supervisor.RUNNING for row in found)


def _plain(name: str, pid: int) -> Row:
    try:
        process = psutil.Process(pid)
        age = int(time.time() - process.create_time())
    except psutil.Error:
        return Row(name, "GONE", pid, 0, 0)
    return Row(name, supervisor.RUNNING, pid, age, _memory(pid, children=False))


def _memory(pid: int, *, children: bool) -> int:
    if not pid:
        return 0
    try:
        process = psutil.Process(pid)
        family = [process, *(process.children(recursive=True) if children else [])]
    except psutil.Error:
        return 0
    total = 0
    for member in family:
        try:
            info = member.memory_full_info()
            # proportional: pages that a pool shares are counted once in all
            total += getattr(info, "pss", info.rss)
        except psutil.Error:
            continue  # ended meanwhile
    return total


def _age(seconds: int) -> str:
    hours, rest = divmod(seconds, 3600)
    return f"{hours}:{rest // 60:02}:{rest % 60:02}"
