"""How a miner keeps to its share of a core: rest after work, small searches, bodies it can afford.

Nothing here reads a clock; callers pass seconds (``now`` of one monotonic clock, ``busy`` of CPU).
"""

from __future__ import annotations


class Pace:
    """A duty cycle: of each second, ``share`` is work.

    Work done moves a mark of time forward by busy / share; the miner rests until the clock has
    reached the mark.  A clock that is ahead (there was nothing to do, or a sleep overslept) is credit,
    at most ``burst`` seconds of it, so that a lone piece of work after a calm is done at once.
    """

    def __init__(self, share: float, now: float, burst: float = 0.1) -> None:
        self._share = share
        self._burst = burst
        self._mark = now

    def rest(self, busy: float, now: float) -> float:
        """Seconds to sleep after ``busy`` seconds of CPU."""
        self._mark = max(self._mark, now - busy - self._burst) + busy / self._share
        return max(0.0, self._mark - now)


class SearchSize:
    """How many nonces to try at once, so that one search takes about ``aim`` seconds of CPU.

    Searches run in batches of ``batch`` nonces and cost the same for a part of one, so sizes are
    multiples of it.
    """

    def __init__(self, batch: int, aim: float = 0.02) -> None:
        self._batch = batch
        self._aim = aim
        self._batches = 1

    @property
    def count(self) -> int:
        """Nonces of the next search."""
        return self._batch * self._batches

    def took(self, tried: int, busy: float) -> None:
        """Learn from a search; the size at most doubles from one to the next."""
        if tried < self._batch or busy <= 0:
            return
        fitting = int(self._aim * tried / busy) // self._batch
        self._batches = max(1, min(fitting, 2 * self._batches))


class BodyBudget:
    """How many transactions a work template may carry, so that building leaves time for hashing.

    Virtual moves up to ten times a second under load, and each move asks for a new template; choosing
    and hashing ten thousand transactions each time would eat the whole share.  So building may take at
    most a ``part`` of the share since the template before.
    """

    LEAST = 64

    def __init__(self, share: float, now: float, part: float = 0.25, elapsed: float = 0.5) -> None:
        self._allowance = share * part
        self._last = now - elapsed
        self._cost = 10e-6  # of one transaction, in seconds; learnt

    def limit(self, now: float) -> int:
        """Transactions that a template built now may hold."""
        return max(self.LEAST, int((now - self._last) * self._allowance / self._cost))

    def spent(self, now: float, count: int, busy: float) -> None:
        """Learn what a template of ``count`` transactions took."""
        self._last = now
        if count >= self.LEAST:
            self._cost = max(1e-6, busy / count)
