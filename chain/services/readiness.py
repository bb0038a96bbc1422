"""What the node adds to ``/ready``; each check costs a statement or two and may be asked every second."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson

from chain.selectors.readiness import database_clock_ms, load_standing
from chain.services.network import current_genesis, current_spec, now_ms
from chain.services.redis_client import redis_client
from chain.services.snapshot import HEAD_KEY
from chain.stores.connection import raw_connection
from chain.stores.genesis import read_identity

MAX_LAG_MS = 30_000
MAX_CLOCK_OFFSET_MS = 2_000
# so many commits behind, readers are not merely between a commit and its publication
MAX_UNPUBLISHED = 20


def checks() -> dict[str, Callable[[], Mapping[str, Any]]]:
    """The checks by their names on ``/ready``."""
    return {"writer_lag": writer_lag, "chain_identity": chain_identity, "clock": clock}


def writer_lag() -> dict[str, Any]:
    """How long the oldest block waits for the writer or a validator, or a commit for its publication (ms).

    The value is the longest of the three.
    """
    standing = load_standing(raw_connection())
    now = now_ms()
    parts = {
        "waiting_ms": _age(now, standing.waiting_since_ms),
        "validating_ms": _age(now, standing.validating_since_ms),
        "unpublished_ms": 0,
    }
    if standing.sequence and standing.committed_ms is not None:
        raw = redis_client().get(HEAD_KEY)
        head = orjson.loads(raw) if raw else {"sequence": -1, "published_ms": standing.committed_ms}
        behind = standing.sequence - head["sequence"]
        since_commit = _age(standing.now_ms, standing.committed_ms)
        since_head = _age(now, head["published_ms"])
        if behind > 0:
            parts["unpublished_ms"] = since_head if behind >= MAX_UNPUBLISHED else min(since_head, since_commit)
    longest = max(parts.values())
    return {"ok": longest <= MAX_LAG_MS, "value": longest, "threshold": MAX_LAG_MS, **parts}


def chain_identity() -> dict[str, Any]:
    """Whether the database belongs to this node's network: name and genesis hash."""
    expected = f"{current_spec().network} 0x{current_genesis().hash.hex()}"
    identity = read_identity(raw_connection())
    found = None if identity is None else f"{identity.network} 0x{identity.genesis_hash.hex()}"
    return {"ok": found == expected, "value": found, "threshold": expected}


def clock() -> dict[str, Any]:
    """How far this process's clock is from the database's, in ms, half a round trip allowed for."""
    conn = raw_connection()
    before = now_ms()
    theirs = database_clock_ms(conn)
    offset = theirs - (before + now_ms()) // 2
    return {"ok": abs(offset) <= MAX_CLOCK_OFFSET_MS, "value": offset, "threshold": MAX_CLOCK_OFFSET_MS}


def _age(now: int, since: int | None) -> int:
    return 0 if since is None else max(0, now - since)
