"""The clock of a simulation: a queue of calls in simulated time, and the one source of chance."""

from __future__ import annotations

import math
from collections.abc import Callable
from heapq import heappop, heappush
from random import Random
from typing import Any


class Simulation:
    """Runs scheduled calls in the order of their time; ties in the order of scheduling.

    Parameters
    ----------
    seed : int
        Of ``random``; equal seeds give equal runs.
    start_ms : int
        The clock at the beginning, in ms since the epoch.
    """

    def __init__(self, seed: int, start_ms: int) -> None:
        self.random = Random(seed)
        self.start_ms = start_ms
        self.now_ms = start_ms
        self._queue: list[tuple[int, int, Callable[..., None], tuple[Any, ...]]] = []
        self._scheduled = 0

    @property
    def elapsed_ms(self) -> int:
        """Simulated time since the start."""
        return self.now_ms - self.start_ms

    def after(self, delay_ms: float, call: Callable[..., None], *arguments: Any) -> None:
        """Schedule a call; a fraction of a millisecond is rounded up."""
        self.at(self.now_ms + max(0, math.ceil(delay_ms)), call, *arguments)

    def at(self, time_ms: int, call: Callable[..., None], *arguments: Any) -> None:
        """Schedule a call at a time that has not passed."""
        self._scheduled += 1
        heappush(self._queue, (max(time_ms, self.now_ms), self._scheduled, call, arguments))

    def run_for(self, duration_ms: int) -> None:
        """Run every call due within ``duration_ms`` from now, then stop the clock there."""
        end = self.now_ms + duration_ms
        while self._queue and self._queue[0][0] <= end:
            self.now_ms, _, call, arguments = heappop(self._queue)
            call(*arguments)
        self.now_ms = end
