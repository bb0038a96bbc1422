"""The node's health as plain statements, and what of it is an alert; one set of facts and thresholds for both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from django.conf import settings
from redis import Redis
from redis.exceptions import RedisError

from admin_ui.doors import NodeDoor, Process, RefusedServers
from admin_ui.services.mining import StreamState, stream_states
from chain.services.network import now_ms
from chain.services.pool.browse import pool_sums
from chain.services.pool.wire import Sums
from chain.services.redis_client import redis_client
from chain.services.snapshot import HEAD_KEY
from explorer.amounts import ago, byte_size, grouped, scaled

OK, WARN, BAD, OFF = "ok", "warn", "bad", "off"
# with A or B at work a chain without a commit for so long stands still
STILL_MS = 60_000
POOL_FULL = 0.9
# a node that has just been started has no workers yet, and its writer has to catch up: so long that is no alert
STARTS_S = 45
_STARTS = frozenset({"workers", "writer_lag"})
# states of the supervisor in which a process is neither running nor on its way
_DOWN = frozenset({"BACKOFF", "FATAL", "EXITED", "STOPPED", "UNKNOWN", "GONE"})


@dataclass(frozen=True, slots=True)
class Facts:
    """What the statements are made of, as of one moment; None or empty where nobody answered."""

    now_ms: int
    checks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    streams: Sequence[StreamState] = ()
    head: Mapping[str, Any] | None = None
    pool: Sums | None = None
    pool_limit: int = 0
    processes: Sequence[Process] | None = None
    refused: RefusedServers | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """One sentence; ``kind`` is ok, warn, bad or off, ``page`` names the route where it can be changed."""

    key: str
    kind: str
    text: str
    page: str


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong: what an alert is made of."""

    key: str
    level: str
    title: str
    detail: str
    page: str


def gather(node: NodeDoor, redis: Redis | None = None) -> Facts:
    """Ask everybody once."""
    checks = node.checks()
    streams: Sequence[StreamState] = ()
    head = pool = None
    try:
        redis = redis or redis_client()
        streams = stream_states(redis)
        raw = redis.get(HEAD_KEY)
        head = orjson.loads(raw) if raw else None
        pool = pool_sums(redis)
    except RedisError:
        # the check of Redis says so
        streams = streams or ()
    return Facts(
        now_ms(), checks, streams, head, pool, settings.MDS_POOL_MAX_COUNT, node.processes(), node.refused_servers()
    )


def statements(facts: Facts) -> list[Statement]:
    """The row of sentences, what is wrong first."""
    found = [_chain(facts), *[_stream(state, facts.now_ms) for state in facts.streams]]
    if facts.pool is not None:
        found.append(_pool(facts.pool, facts.pool_limit))
    if facts.processes is not None:
        found.append(_processes(facts.processes))
    if facts.refused is not None:
        found.append(_refused(facts.refused))
    found += [_check(name, check) for name, check in facts.checks.items()]
    order = {BAD: 0, WARN: 1, OK: 2, OFF: 3}
    return sorted(found, key=lambda statement: order[statement.kind])


def findings(facts: Facts) -> list[Finding]:
    """What is wrong now."""
    found = [
        Finding(f"ready.{name}", "critical", f"Not ready: {name.replace('_', ' ')}", _check(name, check).text, page)
        for name, check in facts.checks.items()
        if check["status"] != "ok" and not (name in _STARTS and _has_just_started(facts))
        for page in [_PAGES.get(name, "overview")]
    ]
    chain = _chain(facts)
    if chain.kind == BAD:
        found.append(Finding("chain.still", "critical", "The chain stands still", chain.text, chain.page))
    for process in facts.processes or ():
        if process.state in _DOWN:
            title = f"Process {process.name} does not run"
            found.append(Finding(f"process.{process.name}", "critical", title, f"state {process.state}", "processes"))
    if facts.pool is not None and facts.pool.count >= POOL_FULL * facts.pool_limit:
        found.append(
            Finding("pool.full", "warning", "The pool is nearly full", _pool(facts.pool, facts.pool_limit).text, "pool")
        )
    if facts.refused is not None:
        told = _refused(facts.refused)
        found.append(Finding(told.key, "warning", "The chosen servers were not taken", facts.refused.reason, told.page))
    found += [
        Finding(f"mining.{state.name}", "warning", f"Stream {state.name} is wanted and nobody is paid",
                "set a coinbase", "mining")
        for state in facts.streams
        if state.state == "unpaid"
    ]  # fmt: skip
    return found


def _refused(refused: RefusedServers) -> Statement:
    text = f"the {refused.label} that was chosen does not do: the node works with the servers that it had before"
    return Statement("servers.refused", WARN, text, "settings")


_PAGES = {
    "database": "settings",
    "redis": "settings",
    "workers": "processes",
    "writer_lag": "processes",
    "disk": "settings",
}


def _has_just_started(facts: Facts) -> bool:
    """By the age of its oldest process but ``up``, which outlives a restart; without a supervisor nobody knows."""
    ages = [process.uptime_s for process in facts.processes or () if process.runs and process.name != "up"]
    return bool(ages) and max(ages) < STARTS_S


def _chain(facts: Facts) -> Statement:
    if facts.head is None:
        return Statement("chain", WARN, "no block has been published yet", "processes")
    age = facts.now_ms - int(facts.head["published_ms"])
    text = f"block {grouped(int(facts.head['number']))}, {ago(facts.now_ms - max(0, age), facts.now_ms)}"
    works = any(state.works and state.name in "AB" for state in facts.streams)
    return Statement("chain", BAD if works and age > STILL_MS else OK, text, "shards")


def _stream(state: StreamState, now: int) -> Statement:
    key, name = f"mining.{state.name}", state.name
    if state.state == "stopped":
        return Statement(key, OFF, f"stream {name} is not mined", "mining")
    if state.state == "unpaid":
        return Statement(key, WARN, f"stream {name} waits for a coinbase", "mining")
    if state.state in ("starting", "stopping"):
        return Statement(key, WARN, f"stream {name} is {state.state}", "mining")
    last = f", last block {ago(state.last_found_ms, now)}" if state.last_found_ms else ", no block yet"
    if state.state == "waiting":
        return Statement(key, OK, f"stream {name} waits for transactions{last}", "mining")
    unit = "slots/s" if name == "C" else "H/s"
    return Statement(key, OK, f"mining {name} at {scaled(state.hashrate, unit)}{last}", "mining")


def _pool(sums: Sums, limit: int) -> Statement:
    text = f"{grouped(sums.count)} of {grouped(limit)} transactions wait"
    return Statement("pool", WARN if sums.count >= POOL_FULL * limit else OK, text, "pool")


def _processes(processes: Sequence[Process]) -> Statement:
    down = [process.name for process in processes if not process.runs]
    if down:
        return Statement("processes", BAD, f"{', '.join(down)} does not run", "processes")
    memory = byte_size(sum(process.memory for process in processes))
    return Statement("processes", OK, f"{len(processes)} processes run in {memory}", "processes")


def _check(name: str, check: Mapping[str, Any]) -> Statement:
    good = check["status"] == "ok"
    value, threshold = check.get("value"), check.get("threshold")
    kind, page = (OK if good else BAD), _PAGES.get(name, "overview")
    if value is None:
        return Statement(name, kind, f"{name.replace('_', ' ')}: no answer", page)
    texts = {
        "database": lambda: f"PostgreSQL answers in {value:.1f} ms",
        "redis": lambda: f"Redis answers in {value:.1f} ms",
        "disk": lambda: f"{byte_size(value)} of disk free, {byte_size(threshold)} are needed",
        "workers": lambda: _workers(value, threshold),
        "writer_lag": lambda: f"the writer is {value / 1000:.1f} s behind, {threshold / 1000:.0f} s are allowed",
        "chain_identity": lambda: f"the database is {'' if good else 'not '}of {str(threshold).split(' ')[0]}",
        "clock": lambda: f"clocks of node and database differ by {abs(value)} ms",
    }  # fmt: skip
    make = texts.get(name)
    return Statement(name, kind, make() if make else f"{name.replace('_', ' ')}: {value}", page)


def _workers(value: Mapping[str, int | None], threshold: float) -> str:
    silent = [queue for queue, age in value.items() if age is None or age > threshold]
    return f"nobody serves {', '.join(silent)}" if silent else f"{len(value)} queues are served"
