"""The live values of one web process: asked of the node once a second while somebody looks, however many look."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from typing import Any, Protocol

import structlog
from channels.db import database_sync_to_async

from admin_ui.payloads import Cell, Delta, Message, Snapshot

log = structlog.get_logger(__name__)
EVERY_S = 1.0
# with nothing changed for so long an empty delta tells that the line is alive
BEAT_S = 5.0


class Listener(Protocol):
    """A socket that wants the messages."""

    async def deliver(self, message: Message) -> None:
        """Send one, if its user still may see it."""


class Feed:
    """Numbers what changed, for all listeners alike.

    Parameters
    ----------
    read : Callable[[], dict[str, Cell]]
        Asks the node; blocking.
    """

    def __init__(self, read: Callable[[], dict[str, Cell]]) -> None:
        self._read = read
        self._listeners: set[Listener] = set()
        self._task: asyncio.Task[None] | None = None
        self._number = 0
        self._told = 0.0
        self._cells: dict[str, list[Any]] = {}

    async def join(self, listener: Listener) -> None:
        """Begin with a snapshot, then each delta."""
        if not self._listeners:
            await self._look()
        self._listeners.add(listener)
        await listener.deliver(self.snapshot())
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    def leave(self, listener: Listener) -> None:
        """No more; with the last one gone the node is left in peace."""
        self._listeners.discard(listener)

    def snapshot(self) -> Snapshot:
        """Everything as of the newest number."""
        return Snapshot(self._number, self._cells)

    async def _run(self) -> None:
        while self._listeners:
            await asyncio.sleep(EVERY_S)
            try:
                delta = await self._look()
            except Exception as error:  # noqa: BLE001 - a server is away; the pages keep what they show
                log.warning("the live values cannot be read", error=type(error).__name__)
                continue
            if delta is not None:
                await asyncio.gather(*(listener.deliver(delta) for listener in list(self._listeners)))

    async def _look(self) -> Delta | None:
        found = {name: cell.to_json() for name, cell in (await database_sync_to_async(self._read)()).items()}
        changed = {name: cell for name, cell in found.items() if self._cells.get(name) != cell}
        gone = [name for name in self._cells if name not in found]
        now = time.monotonic()
        if not changed and not gone and now - self._told < BEAT_S:
            return None
        self._told = now
        self._cells = found
        self._number += 1
        return Delta(self._number, changed, gone)
