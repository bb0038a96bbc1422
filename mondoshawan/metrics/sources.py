"""The sources of node-wide facts, each read once a scrape; ``facts`` says what they mean.

A source is registered with what it depends on, so that a server that is away costs its own facts and no others.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import orjson
from django.conf import settings

from chain.core.difficulty import expand
from chain.core.spec import WEI
from chain.selectors import gauges
from chain.selectors.stats import STANDING
from chain.services.control import mining_status
from chain.services.network import current_spec, now_ms
from chain.services.pool import Pool, pool_policy
from chain.services.readiness import writer_lag
from chain.services.redis_client import redis_client
from chain.services.snapshot import HEAD_KEY, read_virtual
from chain.stores.connection import database_errors, raw_connection
from explorer.selectors.lag import index_lag_blocks
from mondoshawan import __version__, health
from mondoshawan.deadline import Lane
from mondoshawan.metrics import processes
from mondoshawan.settings.parts.celery import QUEUES

RECENT_MS = 60_000
DATABASE, REDIS, MACHINE = Lane("metrics-database"), Lane("metrics-redis"), Lane("metrics-machine")
Sample = tuple[str, tuple[str, ...], float]


@dataclass(frozen=True, slots=True)
class Source:
    """Where some facts come from.

    Parameters
    ----------
    name : str
        Label of its own metrics.
    read : callable
        Yields (fact, label values, value).
    lane : Lane or None
        What it depends on; None where it cannot hang.
    """

    name: str
    read: Callable[[], Iterator[Sample]]
    lane: Lane | None


SOURCES: dict[str, Source] = {}


def source(lane: Lane | None) -> Callable[[Callable[[], Iterator[Sample]]], Callable[[], Iterator[Sample]]]:
    """Register a source under its function's name."""

    def register(read: Callable[[], Iterator[Sample]]) -> Callable[[], Iterator[Sample]]:
        SOURCES[read.__name__] = Source(read.__name__, read, lane)
        return read

    return register


@source(DATABASE)
def chain() -> Iterator[Sample]:
    """The selected chain, the DAG and the last minute."""
    conn = raw_connection()
    with database_errors():
        standing = STANDING.one(conn)
        recent = gauges.RECENT.one(conn, now_ms() - RECENT_MS)
    if standing is None:
        return
    yield "blue_score", (), standing.blue_score
    yield "work_score", (), standing.work_score
    yield "chain_number", (), standing.number
    yield "chain_finalized_number", (), standing.finality_number
    yield "dag_tips", (), standing.tips
    for stream, count in zip("ABC", (standing.blocks_a, standing.blocks_b, standing.blocks_c), strict=True):
        yield "dag_blocks_total", (stream,), count
    yield "base_fee_wei", (), standing.next_base_fee
    yield "supply_mshw", (), standing.supply / WEI
    assert recent is not None
    yield "transactions_per_second", (), 1000 * recent.transactions / RECENT_MS
    yield "evm_gas_per_second", (), 1000 * recent.gas / RECENT_MS


@source(DATABASE)
def waiting() -> Iterator[Sample]:
    """Blocks on their way, and commits on theirs."""
    conn = raw_connection()
    with database_errors():
        found = gauges.WAITING.one(conn)
        standing = STANDING.one(conn)
    assert found is not None
    yield "writer_queue_blocks", (), found.queued
    yield "parked_blocks", (), found.parked
    if found.newest_ms:
        yield "last_block_timestamp_seconds", (), found.newest_ms / 1000
    yield "writer_lag_seconds", (), writer_lag()["value"] / 1000
    raw = redis_client().get(HEAD_KEY)
    if raw is not None and standing is not None:
        yield "outbox_lag_events", (), max(0, standing.sequence - orjson.loads(raw)["sequence"])


@source(DATABASE)
def index() -> Iterator[Sample]:
    """How far the explorer has followed."""
    yield "index_lag_blocks", (), index_lag_blocks()


@source(DATABASE)
def database() -> Iterator[Sample]:
    """PostgreSQL's own figures."""
    conn = raw_connection()
    with database_errors():
        yield "database_size_bytes", (), gauges.DATABASE_SIZE.one(conn) or 0
        for table in gauges.TABLE_SIZES.all(conn):
            yield "table_size_bytes", (table.name,), table.value
        for state in gauges.CONNECTIONS.all(conn):
            yield "database_connections", (state.name,), state.value
        yield "database_connections_limit", (), gauges.CONNECTIONS_LIMIT.one(conn) or 0
        for shard in gauges.ACCOUNTS_BY_SHARD.all(conn):
            yield "shard_accounts", (str(int(shard.name)),), shard.value


@source(REDIS)
def pool() -> Iterator[Sample]:
    """The pool and its limits."""
    policy = pool_policy(current_spec())
    sums = Pool(redis_client(), policy).sums()
    yield "transaction_pool_size", ("pending",), sums.pending
    yield "transaction_pool_size", ("queued",), sums.queued
    yield "transaction_pool_bytes", (), sums.bytes
    yield "transaction_pool_limit", (), policy.max_count
    yield "transaction_pool_limit_bytes", (), policy.max_bytes


@source(REDIS)
def queues() -> Iterator[Sample]:
    """Redis itself, and Celery's queues in it."""
    with redis_client().pipeline(transaction=False) as pipe:
        for queue in QUEUES:
            pipe.llen(queue)
        pipe.info("memory")
        *lengths, memory = pipe.execute()
    for queue, length in zip(QUEUES, lengths, strict=True):
        yield "celery_queue_messages", (queue,), length
    yield "redis_memory_bytes", (), memory["used_memory"]


@source(REDIS)
def mining() -> Iterator[Sample]:
    """The miners, and what they build on."""
    redis = redis_client()
    for stream, status in mining_status(redis)["streams"].items():
        yield "hashrate", (stream,), status["hashrate"]
        yield "mining_enabled", (stream,), status["enabled"]
        yield "mining_active", (stream,), status["active"]
    snapshot, raw = read_virtual(redis), redis.get(HEAD_KEY)
    if snapshot is not None:
        for stream, target in (("A", snapshot.target_a), ("B", snapshot.target_b)):
            yield "difficulty", (stream,), 2**256 / (expand(target) + 1)
    if raw is not None:
        yield "template_age_seconds", (), max(0, now_ms() - orjson.loads(raw)["published_ms"]) / 1000


@source(MACHINE)
def machine() -> Iterator[Sample]:
    """The disk and the node's processes."""
    yield "disk_free_bytes", (), shutil.disk_usage(settings.MDS_DATA_FOLDER).free
    yield "disk_free_limit_bytes", (), settings.MDS_DISK_FREE_BYTES
    yield "node_info", (__version__, settings.MDS_NETWORK), 1
    for found in processes.running():
        yield "process_up", (found.name,), found.is_up
        if found.is_up:
            yield "process_resident_memory_bytes", (found.name,), found.memory
            yield "process_cpu_seconds_total", (found.name,), found.cpu_s
            yield "process_uptime_seconds", (found.name,), found.uptime_s


@source(None)
def readiness() -> Iterator[Sample]:
    """Every check of ``/ready``."""
    _, results = health.run_checks()
    for name, result in results.items():
        yield "ready_check", (name,), result["status"] == "ok"
