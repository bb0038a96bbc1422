"""Whether this process was asked to end: the one word that long work listens to.

Work that goes on for many steps asks between two of them and hands the rest back.  The word is shared with the
children of a pool, which get no signal of their own: it lies in memory that a fork does not copy.
"""

from __future__ import annotations

import mmap

_word = mmap.mmap(-1, 1)


def request() -> None:
    """Ask for the end; safe in a signal handler."""
    _word[0] = 1


def requested() -> bool:
    """Whether somebody asked."""
    return _word[0] == 1


def forget() -> None:
    """Begin anew, for tests."""
    _word[0] = 0
