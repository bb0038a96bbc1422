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
        # (method, code) -> [calls, seconds, calls by bucket]
        self._sums: dict[tuple[str, str | int], list[Any]] = {}
        # the event loop that will hand them on; tests run several
        self._loop: asyncio.AbstractEventLoop | None = None

    def note(self, name: str, code: str | int, seconds: float) -> None:
        """Count one call that has ended, within an event loop; ``code`` is ``OK`` or that of the JSON-RPC error."""
        sums = self._sums.get((name, code))
        if sums is None:
            if name not in self._known and name != INVALID:
                name = metrics.OTHER
            sums = self._sums.setdefault((name, code), [0, 0.0, [0] * len(_BOUNDS)])
        sums[0] += 1
        sums[1] += seconds
        sums[2][bisect_left(_BOUNDS, seconds)] += 1
        loop = asyncio.get_running_loop()
        if loop is not self._loop:
            self._loop = loop
            loop.call_later(FLUSH_SECONDS, self.flush)

    def flush(self) -> None:
        """Hand the sums on."""
        self._loop = None
        sums, self._sums = self._sums, {}
        for (name, code), (count, seconds, buckets) in sums.items():
            metrics.RPC_REQUESTS.labels(name, str(code)).inc(count)
            metrics.observe_sums(metrics.RPC_SECONDS.labels(name), seconds, buckets)


METER = Meter(METHODS)
