"""Slices of mining; each kicks the next one of its stream (``chain.services.mining.run``)."""

from __future__ import annotations

import structlog
from celery import shared_task

from chain.core.types import Stream
from chain.kick import TaskName

# a slice takes one or two seconds; far beyond that something hangs, and the sweep starts a new chain
_LIMITS = {"soft_time_limit": 30, "time_limit": 60}


def _slice(stream: Stream, token: str | None) -> list[str]:
    from chain.services.mining.run import mine_slice

    with structlog.contextvars.bound_contextvars(stream=stream.name):
        report = mine_slice(stream, token)
    return [] if report is None else [block.hex() for block in report.found]


@shared_task(name=TaskName.MINE_A.value, **_LIMITS)
def mine_a(token: str | None = None) -> list[str]:
    """BLAKE3 proof of work; hashes of the blocks found."""
    return _slice(Stream.A, token)


@shared_task(name=TaskName.MINE_B.value, **_LIMITS)
def mine_b(token: str | None = None) -> list[str]:
    """kHeavyHash proof of work; hashes of the blocks found."""
    return _slice(Stream.B, token)


@shared_task(name=TaskName.MINE_C.value, **_LIMITS)
def mine_c(token: str | None = None) -> list[str]:
    """Fast blocks of up to ten slots; hashes of the blocks made."""
    return _slice(Stream.C, token)
