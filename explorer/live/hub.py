"""Who listens to a feed: numbered messages, the last of them kept for those who missed some.

Pure but for asyncio's queues; it knows nothing of the chain.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

# deltas that somebody who was away can catch up with: two minutes of a busy node
KEPT = 400
# messages that wait for one listener; who has more is dropped
WAITING = 256
# deltas that a listener may leave unacknowledged: its connection takes them, but it does not read
UNREAD = 600


class Listener:
    """One socket's side of the hub: a bounded queue of messages, None in it at the end."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[str | None] = asyncio.Queue(WAITING)
        self.is_dropped = False
        self.acknowledged = 0

    def offer(self, text: str) -> bool:
        """Queue a message; False when there is no room."""
        try:
            self.queue.put_nowait(text)
        except asyncio.QueueFull:
            return False
        return True

    def drop(self) -> None:
        """End it: what waits is forgotten."""
        self.is_dropped = True
        while not self.queue.empty():
            self.queue.get_nowait()
        self.queue.put_nowait(None)


class Hub:
    """Numbers messages and hands the same text to every listener.

    Parameters
    ----------
    name : str
        Of the feed: numbers of another one mean nothing here.
    kept, unread : int
        How many deltas are kept, and how many a listener may leave unacknowledged.
    """

    def __init__(self, name: str, kept: int = KEPT, unread: int = UNREAD) -> None:
        self.name = name
        self.seq = 0
        self._kept: deque[tuple[int, str]] = deque(maxlen=kept)
        self._unread = unread
        self._listeners: set[Listener] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def publish(self, make: Callable[[int], str]) -> None:
        """Number a delta, write it once and hand it to everybody; who cannot follow is dropped."""
        self.seq += 1
        text = make(self.seq)
        self._kept.append((self.seq, text))
        for listener in list(self._listeners):
            if self.seq - listener.acknowledged > self._unread or not listener.offer(text):
                self._listeners.discard(listener)
                listener.drop()

    def tell(self, text: str) -> None:
        """Hand everybody a message without a number of its own, such as a snapshot."""
        for listener in list(self._listeners):
            if not listener.offer(text):
                self._listeners.discard(listener)
                listener.drop()

    def rename(self, name: str) -> None:
        """Begin another feed: what was kept belongs to the old one."""
        self.name = name
        self._kept.clear()

    def since(self, name: str, seq: int) -> list[str] | None:
        """Deltas after a number of this feed, None where they cannot all be told any more."""
        if name != self.name or not 0 <= seq <= self.seq:
            return None
        if seq == self.seq:
            return []
        if not self._kept or self._kept[0][0] > seq + 1:
            return None
        return [text for number, text in self._kept if number > seq]

    def add(self, listener: Listener, first: list[str]) -> bool:
        """Let a listener hear these messages and then all that follow; False when they are too many for it."""
        listener.acknowledged = self.seq
        if not all(listener.offer(text) for text in first):
            listener.drop()
            return False
        self._listeners.add(listener)
        return True

    def remove(self, listener: Listener) -> None:
        """Forget a listener."""
        self._listeners.discard(listener)

    def end(self) -> None:
        """Drop everybody."""
        for listener in list(self._listeners):
            listener.drop()
        self._listeners.clear()
