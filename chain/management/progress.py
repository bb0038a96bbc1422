"""How far a long command is: a bar on a terminal, a line now and then elsewhere; on standard error."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import TextIO

_BAR = 30
_DRAW_S = 0.1
_LINE_S = 10.0


class Progress:
    """Shows ``update(done, total)``.

    Parameters
    ----------
    out : TextIO
        Where to; a bar is drawn in place only if it is a terminal.
    label : str
        What is done.
    unit : str
        What is counted.
    clock : callable
        Seconds.
    """

    def __init__(self, out: TextIO, label: str, unit: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._out = out
        self._label = label
        self._unit = unit
        self._clock = clock
        self._live = bool(getattr(out, "isatty", lambda: False)())
        self._started = clock()
        self._shown_at = self._started if not self._live else float("-inf")
        self._last = ""

    def __enter__(self) -> Progress:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def update(self, done: int, total: int) -> None:
        """So much of so much; drawing is limited by itself, so call it often."""
        now = self._clock()
        self._last = self._text(done, total, now - self._started)
        if now - self._shown_at >= (_DRAW_S if self._live else _LINE_S):
            self._shown_at = now
            self._show()

    def close(self) -> None:
        """Show the last state for good."""
        if self._last:
            self._show()
            if self._live:
                self._out.write("\n")
                self._out.flush()
            self._last = ""

    def _show(self) -> None:
        self._out.write(f"\r{self._last}\x1b[K" if self._live else f"{self._last}\n")
        self._out.flush()

    def _text(self, done: int, total: int, seconds: float) -> str:
        share = min(1.0, done / total) if total else 1.0
        rate = done / seconds if seconds > 0 else 0.0
        left = f", {_time((total - done) / rate)} left" if rate and done < total else ""
        text = f"{self._label} {100 * share:5.1f} % {done}/{total} {self._unit}, {rate:.0f}/s{left}"
        if not self._live:
            return text
        filled = int(share * _BAR)
        return f"[{'#' * filled}{'.' * (_BAR - filled)}] {text}"


def _time(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"
