"""The folder of value files, as the one process that reads it keeps it small.

Each process writes three or four files.  Counters of processes that ended must stay, but workers that are killed and
replaced all day would leave thousands of files, and each is read at each scrape: they are added up into one.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from pathlib import Path

import psutil
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from prometheus_client.multiprocess import MultiProcessCollector

from chain.metrics import process_identity

# so many files of ended processes are no burden
MAX_DEAD = 60
_PREFIX = "ended"
_lock = threading.Lock()


def tidy(folder: Path, max_dead: int = MAX_DEAD) -> None:
    """Drop gauges of processes of this host that ended, and add up their counters when there are many."""
    host = process_identity().rpartition("-")[0]
    with _lock:
        dead: dict[str, list[Path]] = defaultdict(list)
        for path in folder.glob("*.db"):
            kind, _, owner = path.stem.partition("_")
            owner = owner.rpartition("_")[2]
            if owner == _PREFIX:
                continue
            at, _, pid = owner.rpartition("-")
            if at != host or not pid.isdigit() or psutil.pid_exists(int(pid)):
                continue
            if kind == "gauge":
                path.unlink(missing_ok=True)
            else:
                dead[kind].append(path)
        if sum(map(len, dead.values())) > max_dead:
            for kind, paths in dead.items():
                _add_up(folder / f"{kind}_{_PREFIX}.db", paths)


def _add_up(target: Path, paths: list[Path]) -> None:
    """Write the sums of the files and of what ``target`` held before, then remove the files.

    The new file takes the old one's place at once; a reader between that and the removals would count twice, so the
    one reader holds the same lock.
    """
    existing = [target] if target.exists() else []
    made = target.with_suffix(".new")
    made.unlink(missing_ok=True)
    sums = MmapedDict(str(made))
    for metric in MultiProcessCollector.merge([str(path) for path in (*existing, *paths)], accumulate=False):
        for sample in metric.samples:
            key = mmap_key(
                metric.name, sample.name, list(sample.labels), list(sample.labels.values()), metric.documentation
            )
            sums.write_value(key, sample.value, 0.0)
    sums.close()
    made.replace(target)
    for path in paths:
        path.unlink(missing_ok=True)


def read(folder: Path) -> MultiProcessCollector:
    """A collector of the folder, tidied; it reads when it is asked to collect."""
    tidy(folder)
    return _LockedCollector(None, path=str(folder))


class _LockedCollector(MultiProcessCollector):
    def collect(self):  # type: ignore[no-untyped-def]
        with _lock:
            return list(super().collect())
