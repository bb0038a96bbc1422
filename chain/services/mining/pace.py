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


class Courtesy:
    """When hashing gives way to transactions that come fast: their senders wait, the search does not mind.

    While the pool takes at least ``RATE`` transactions a second the miner rests, for ``MOST_S`` seconds at once
    and ``REGAIN`` of the time in the long run, so that a flood cannot end mining.

    Parameters
    ----------
    spent : float
        Seconds given already, less what was regained since.
    now : float
    """

    RATE = 200.0
    MOST_S = 5.0
    REGAIN = 0.2
    # rates are taken over at least so many seconds
    WINDOW_S = 0.05

    def __init__(self, spent: float, now: float) -> None:
        self.spent = spent
        self._known: int | None = None
        self._looked = now
        self._is_busy = False

    def gives_way(self, taken: int, now: float) -> bool:
        """Whether to rest from ``now`` until the next look; ``taken``: transactions that the pool ever took."""
        elapsed = now - self._looked
        if self._known is None:
            self._known, self._looked = taken, now
        elif elapsed >= self.WINDOW_S:
            change = elapsed if self._is_busy else -self.REGAIN * elapsed
            self.spent = max(0.0, self.spent + change)
            # a counter that fell belongs to a pool that was emptied
            fast = taken - self._known >= self.RATE * elapsed
            self._is_busy = fast and self.spent < self.MOST_S
            self._known, self._looked = taken, now
        return self._is_busy


class Gather:
    """When the next fast block waits for more transactions: while they come fast, and not for long.

    A block costs the node as much as some fifty transfers, however few it holds; where thousands come in a second,
    a block in every slot would take from their senders what it gives them.
    """

    RATE = 500.0
    # since the last block of this node
    MOST_S = 0.4
    WINDOW_S = 0.02

    def __init__(self) -> None:
        self._known: int | None = None
        self._looked = 0.0
        self._is_fast = False

    def waits(self, taken: int, now: float) -> bool:
        """Whether to look again in ``WINDOW_S``; ``taken``: transactions that the pool ever took."""
        if self._known is None:
            self._known, self._looked = taken, now
        elif (elapsed := now - self._looked) >= self.WINDOW_S:
            self._is_fast = taken - self._known >= self.RATE * elapsed
            self._known, self._looked = taken, now
        return self._is_fast


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
