"""Mistakes of PostgreSQL and Redis, and of a node that runs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

import redis

from chain.core.errors import BlockchainError, ConfigError
from mondoshawan.appliance import postgres
from mondoshawan.doctor.findings import Finding, finding

LEAST_CONNECTIONS = 30
_DURABLE = ("fsync", "full_page_writes", "synchronous_commit")
_SETTINGS = ("server_version_num", "server_encoding", "max_connections", *_DURABLE)
_OLDEST_REDIS = (6, 2)

Ask = Callable[[str], str]


def check_database(ask: Ask) -> Iterator[Finding]:
    """PostgreSQL's settings; ``ask`` gives one by its name."""
    found = {name: ask(name) for name in _SETTINGS}
    try:
        postgres.judge(int(found["server_version_num"]), found["server_encoding"])
    except ConfigError as error:
        yield finding("database_unfit", error.message)
    for name in _DURABLE:
        if found[name] in ("off", "local") if name == "synchronous_commit" else found[name] == "off":
            yield finding("database_unsafe", f"PostgreSQL's {name} is {found[name]}")
    if int(found["max_connections"]) < LEAST_CONNECTIONS:
        yield finding("database_connections", f"PostgreSQL's max_connections is {found['max_connections']}")


def check_redis(client: redis.Redis) -> Iterator[Finding]:
    """Redis's version and settings; a server that tells none of them is believed."""
    info = client.info("server")
    version = str(info["redis_version"])
    if tuple(int(part) for part in version.split(".")[:2]) < _OLDEST_REDIS:
        yield finding("redis_old", f"Redis is {version}")
    try:
        policy = client.config_get("maxmemory-policy").get("maxmemory-policy", "noeviction")
        append = client.config_get("appendonly").get("appendonly", "yes")
    except redis.ResponseError:
        # managed servers keep CONFIG to themselves
        return
    if policy != "noeviction":
        yield finding("redis_evicts", f"Redis's maxmemory-policy is {policy}")
    if append != "yes":
        yield finding("redis_forgets", "Redis's appendonly is off")


def check_chain(checks: Mapping[str, Callable[[], Mapping[str, Any]]]) -> Iterator[Finding]:
    """What the chain's own readiness says of database, clock and writer."""
    for name, code in (
        ("chain_identity", "database_foreign"),
        ("clock", "clock_skew"),
        ("writer_lag", "writer_lags"),
    ):
        try:
            reading = checks[name]()
        except BlockchainError as error:
            yield finding(code, f"{name} cannot be judged: {error.code}")
            continue
        if not reading["ok"]:
            yield finding(code, f"{name} is {reading['value']}, not within {reading['threshold']}")


def check_running(states: Mapping[str, str], silent: Mapping[str, int | None], limit: float) -> Iterator[Finding]:
    """Processes by the supervisor's word, and queues by the seconds since their workers' last sign of life."""
    for name, state in sorted(states.items()):
        if state != "RUNNING":
            yield finding("process_down", f"{name} is {state}")
    for queue, age in sorted(silent.items()):
        if age is None or age > limit:
            said = "nobody consumes it" if age is None else f"its worker was silent for {age} s"
            yield finding("worker_silent", f"queue {queue}: {said}")


def check_mining(network: str, coinbase: bytes | None, *, mines: bool) -> Iterator[Finding]:
    """Miners that would be paid."""
    if mines and coinbase is None:
        yield finding("coinbase_missing", f"{network}: no coinbase is set")
