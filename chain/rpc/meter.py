"""Counts and times calls for metrics without slowing them: sums in this process, handed on a few times a second.

Writing one sample to the shared value files costs some microseconds, adding to a dictionary a fraction of one.
"""

from __future__ import annotations

import asyncio
from bisect import bisect_left
from collections.abc import Container
from typing import Any

from chain import metrics
from chain.rpc.registry import METHODS

# what waits in this process is at most so old; it is lost where the process is killed
FLUSH_SECONDS = 0.5
OK = "ok"
# requests that are no call of any method: not JSON, no object, no method in it
INVALID = "invalid"
_BOUNDS = metrics.bounds(metrics.RPC_SECONDS)


class Meter:
    """One process's sums since they were handed on last.

    Parameters
    ----------
    known : container of str
        Method names that may be labels; all others count as one.
    """

    def __init__(self, known: Container[str]) -> None:
        self._known = known
        # (method, code) -> calls; method -> [seconds, calls by bucket]
        self._calls: dict[tuple[str, str | int], int] = {}
        self._times: dict[str, list[Any]] = {}
        self._is_due = False

    def note(self, name: str, code: str | int, seconds: float) -> None:
        """Count one call that has ended; ``code`` is ``OK`` or that of the JSON-RPC error."""
        key = (name, code)
        if key in self._calls:
            self._calls[key] += 1
            times = self._times[name]
        else:
            if name not in self._known and name != INVALID:
                name = metrics.OTHER
                key = (name, code)
            self._calls[key] = self._calls.get(key, 0) + 1
            times = self._times.setdefault(name, [0.0, [0] * len(_BOUNDS)])
        times[0] += seconds
        times[1][bisect_left(_BOUNDS, seconds)] += 1
        if not self._is_due:
            self._is_due = True
            try:
                asyncio.get_running_loop().call_later(FLUSH_SECONDS, self.flush)
            except RuntimeError:
                self.flush()

    def flush(self) -> None:
        """Hand the sums on."""
        self._is_due = False
        calls, self._calls = self._calls, {}
        times, self._times = self._times, {}
        for (name, code), count in calls.items():
            metrics.RPC_REQUESTS.labels(name, str(code)).inc(count)
        for name, (seconds, buckets) in times.items():
            metrics.observe_sums(metrics.RPC_SECONDS.labels(name), seconds, buckets)


METER = Meter(METHODS)
