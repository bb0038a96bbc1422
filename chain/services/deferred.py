"""An answer that comes later, passed on by plain calls, where a task and its turns would cost more than the work."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator
from typing import Any, Generic, TypeVar, cast

import structlog

log = structlog.get_logger(__name__)

T = TypeVar("T")
U = TypeVar("U")


class Deferred(Generic[T]):
    """A value or an error that one side gives once and one other side waits for, by ``then`` or by ``await``."""

    __slots__ = ("_error", "_is_done", "_listener", "_value")

    def __init__(self) -> None:
        self._listener: Callable[[T | None, Exception | None], None] | None = None
        self._is_done = False
        self._value: T | None = None
        self._error: Exception | None = None

    @property
    def is_done(self) -> bool:
        """Whether it was given."""
        return self._is_done

    def give(self, value: T) -> None:
        """Give the value; who waits goes on before this returns."""
        self._end(value, None)

    def fail(self, error: Exception) -> None:
        """Give an error instead."""
        self._end(None, error)

    def then(self, listener: Callable[[T | None, Exception | None], None]) -> None:
        """Call ``listener(value, error)`` once it is there, at once if it is."""
        self._listener = listener
        if self._is_done:
            self._tell()

    def map(self, change: Callable[[T | None, Exception | None], U]) -> Deferred[U]:
        """What ``change(value, error)`` makes of it; what that raises is the error of the new one."""
        changed: Deferred[U] = Deferred()

        def pass_on(value: T | None, error: Exception | None) -> None:
            try:
                new = change(value, error)
            except Exception as raised:  # noqa: BLE001 - it belongs to whoever waits
                changed.fail(raised)
            else:
                changed.give(new)

        self.then(pass_on)
        return changed

    def __await__(self) -> Generator[Any, None, T]:
        """Wait in a task."""
        if not self._is_done:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self.then(lambda _value, _error: future.done() or future.set_result(None))
            yield from future
        if self._error is not None:
            raise self._error
        return cast("T", self._value)

    def _end(self, value: T | None, error: Exception | None) -> None:
        if self._is_done:
            return
        self._is_done, self._value, self._error = True, value, error
        self._tell()

    def _tell(self) -> None:
        listener, self._listener = self._listener, None
        if listener is not None:
            try:
                listener(self._value, self._error)
            except Exception:
                # of no concern to the side that gives: it may have others to answer
                log.exception("deferred.listener_failed")
