"""What the node's processes count and time: counters, histograms and two gauges, in one place.

Node-wide facts (scores, sizes, lags) are not here: they are read when somebody scrapes (``mondoshawan.metrics``).
In a running node each process writes its own files, which the web process adds up; values of processes that
ended stay until the node starts again, so counters never run backwards while it runs.

Labels are bounded: values come from the project's own enumerations, and anything else counts as ``other``.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Container, Iterator, Sequence
from contextlib import contextmanager

from prometheus_client import Counter, Gauge, Histogram, Summary, values

from chain.core.errors import BadDelivery, DeliveryCode, PoolCode, RuleCode, RuleViolation, WaitCode

NAMESPACE = "mondoshawan"
OTHER = "other"
STREAMS = ("A", "B", "C")
PHASES = ("local", "transfer", "cross")
SOURCES = frozenset({"mined", "rpc", "peer", "import"})
OUTCOMES = ("succeeded", "reverted", "skipped", "undone")
STAGES = ("isolation", "body", "context", "resolve", "commit", "publish")
BLOCK_CODES = frozenset(map(str, (*RuleCode, *DeliveryCode, *WaitCode)))
POOL_CODES = frozenset(map(str, (*PoolCode, *RuleCode)))

_FAST = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
_SLOW = (0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
_COUNTS = (0, 1, 3, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000)
_GAS = (0, 21_000, 100_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000)
_BYTES = (512, 1_024, 4_096, 16_384, 65_536, 262_144, 1_048_576, 2_097_152, 4_194_304, 8_388_608)
_DEPTHS = (1, 2, 3, 5, 10, 20, 50, 100)


def process_identity() -> str:
    """Host and process id: what the value files of a process are named after.

    Processes of several hosts or containers may share a folder, so the id alone would not do.
    """
    return f"{_HOST}-{os.getpid()}"


_HOST = socket.gethostname().replace("_", "-").replace("/", "-")


def name_value_files() -> None:
    """Let instruments that are made from now on keep their values under ``process_identity``.

    Does nothing where values are not shared between processes (no ``PROMETHEUS_MULTIPROC_DIR``).
    """
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ and not getattr(values.ValueClass, "_mds", False):
        named = values.MultiProcessValue(process_identity)
        named._mds = True
        values.ValueClass = named


name_value_files()

# ---- blocks ----
BLOCKS_MINED = Counter(
    "blocks_mined", "Blocks that this node made and its own door took.", ["stream"], namespace=NAMESPACE
)
BLOCKS_RECEIVED = Counter(
    "blocks_received", "Blocks that came and were not known yet, by where they came from.", ["source"],
    namespace=NAMESPACE,
)  # fmt: skip
BLOCKS_REJECTED = Counter(
    "blocks_rejected", "Blocks that broke a rule or did not hold what they claimed, by error code.", ["code"],
    namespace=NAMESPACE,
)  # fmt: skip
BLOCK_SIZE = Histogram(
    "block_size_bytes", "Size of the blocks that came and were not known yet.", namespace=NAMESPACE, buckets=_BYTES
)
BLOCK_VALIDATION = Histogram(
    "block_validation_seconds",
    "Time of one step of validation: isolation, body and context of one block; resolve (which executes epochs),"
    " commit and publish of one batch.",
    ["stage"], namespace=NAMESPACE, buckets=_FAST,
)  # fmt: skip
RED_BLOCKS = Counter(
    "red_blocks", "Blocks that the selected chain coloured red when it merged them; one may be merged again after"
    " a reorganisation.", namespace=NAMESPACE,
)  # fmt: skip
REORGS = Counter("reorgs", "Commits that took blocks off the selected chain.", namespace=NAMESPACE)
REORG_DEPTH = Histogram(
    "reorg_depth_blocks", "Blocks that one reorganisation took off the selected chain.", namespace=NAMESPACE,
    buckets=_DEPTHS,
)  # fmt: skip
FINALITY_CONFLICTS = Counter(
    "finality_conflicts", "Blocks that were set aside because they contradict what is final.", namespace=NAMESPACE
)

# ---- transactions and epochs ----
TRANSACTIONS = Counter(
    "transactions_processed",
    "Transactions of epochs that joined the selected chain: succeeded, reverted or skipped; undone by a"
    " reorganisation.",
    ["outcome"], namespace=NAMESPACE,
)  # fmt: skip
CROSS_SHARD = Counter(
    "cross_shard_transactions", "Accepted transactions that left their shard: transfers (phase 2) and calls"
    " (phase 3).", ["phase"], namespace=NAMESPACE,
)  # fmt: skip
POOL_REJECTIONS = Counter(
    "pool_rejections", "Transactions that were offered and not taken, by error code.", ["code"], namespace=NAMESPACE
)
EPOCH_SECONDS = Histogram(
    "epoch_execution_seconds", "Time to execute one epoch, lanes included.", namespace=NAMESPACE, buckets=_FAST
)
EPOCH_GAS = Histogram(
    "epoch_gas_used", "Gas used by one epoch of the selected chain.", namespace=NAMESPACE, buckets=_GAS
)
EPOCH_TRANSACTIONS = Histogram(
    "epoch_transactions", "Accepted transactions of one epoch of the selected chain, by the phase that ran them.",
    ["phase"], namespace=NAMESPACE, buckets=_COUNTS,
)  # fmt: skip
SHARD_TRANSACTIONS = Summary(
    "shard_transaction", "Accepted transactions by source shard (_count), and the gas that they used (_sum).",
    ["shard"], namespace=NAMESPACE,
)  # fmt: skip
LANE_SECONDS = Histogram(
    "shard_lane_seconds", "Time to run the phase-1 work of one shard in one epoch.", namespace=NAMESPACE, buckets=_FAST
)
MINING_REWARDS = Counter(
    "mining_rewards_mshw", "Rewards that the selected chain paid to this node's coinbase, in MSHW; one may be paid"
    " again after a reorganisation.", ["stream"], namespace=NAMESPACE,
)  # fmt: skip

# ---- JSON-RPC ----
RPC_REQUESTS = Counter(
    "rpc_requests", "Calls by method and outcome: ok, or the JSON-RPC error code.", ["method", "code"],
    namespace=NAMESPACE,
)  # fmt: skip
RPC_SECONDS = Histogram(
    "rpc_request_seconds", "Time from a call's parsing to its answer.", ["method"], namespace=NAMESPACE, buckets=_FAST
)
WS_CONNECTIONS = Gauge(
    "ws_connections", "Open WebSockets of JSON-RPC.", namespace=NAMESPACE, multiprocess_mode="livesum"
)
WS_SUBSCRIPTIONS = Gauge(
    "ws_subscriptions", "Subscriptions of all WebSockets.", namespace=NAMESPACE, multiprocess_mode="livesum"
)
LIVE_CONNECTIONS = Gauge(
    "live_connections", "Open WebSockets of the live dashboard.", namespace=NAMESPACE, multiprocess_mode="livesum"
)

# ---- Celery ----
CELERY_TASKS = Counter(
    "celery_tasks", "Tasks that ended, by outcome: success, failure, retry.", ["task", "outcome"], namespace=NAMESPACE
)
CELERY_SECONDS = Histogram(
    "celery_task_seconds", "Time of one task from its start to its end.", ["task"], namespace=NAMESPACE, buckets=_SLOW
)

INSTRUMENTS = (
    *(BLOCKS_MINED, BLOCKS_RECEIVED, BLOCKS_REJECTED, BLOCK_SIZE, BLOCK_VALIDATION, RED_BLOCKS, REORGS, REORG_DEPTH),
    *(FINALITY_CONFLICTS, TRANSACTIONS, CROSS_SHARD, POOL_REJECTIONS, EPOCH_SECONDS, EPOCH_GAS, EPOCH_TRANSACTIONS),
    *(SHARD_TRANSACTIONS, LANE_SECONDS, MINING_REWARDS, RPC_REQUESTS, RPC_SECONDS, WS_CONNECTIONS, WS_SUBSCRIPTIONS),
    *(LIVE_CONNECTIONS, CELERY_TASKS, CELERY_SECONDS),
)


def bounded(value: str, known: Container[str]) -> str:
    """``value`` as a label, or ``other`` where it is none of those known."""
    return value if value in known else OTHER


def block_rejected(code: str) -> None:
    """Count a block that was refused."""
    BLOCKS_REJECTED.labels(bounded(code, BLOCK_CODES)).inc()


@contextmanager
def block_checked(stage: str) -> Iterator[None]:
    """Time a step of a block's validation that passes, and count a block that it refuses."""
    started = time.perf_counter()
    try:
        yield
    except (RuleViolation, BadDelivery) as refusal:
        block_rejected(refusal.code)
        raise
    BLOCK_VALIDATION.labels(stage).observe(time.perf_counter() - started)


def block_received(source: str, size: int) -> None:
    """Count a block that came and was not known; a source may name who (``rpc:…``), which is no label."""
    BLOCKS_RECEIVED.labels(bounded(source.partition(":")[0], SOURCES)).inc()
    BLOCK_SIZE.observe(size)


def transaction_refused(code: str) -> None:
    """Count a transaction that the pool's door did not take."""
    POOL_REJECTIONS.labels(bounded(code, POOL_CODES)).inc()


def bounds(histogram: Histogram) -> tuple[float, ...]:
    """Upper bounds of its buckets, the last one infinite."""
    return tuple(histogram._upper_bounds)


def observe_total(summary: Summary, total: float, count: int) -> None:
    """Add many observations to a summary at once."""
    summary._sum.inc(total)
    summary._count.inc(count)


def observe_sums(histogram: Histogram, total: float, counts: Sequence[int]) -> None:
    """Add many observations at once: their sum, and how many fell into each bucket of ``bounds``.

    The library has no such call, and one ``observe`` each would cost more than what is measured.
    """
    histogram._sum.inc(total)
    for bucket, count in zip(histogram._buckets, counts, strict=True):
        if count:
            bucket.inc(count)
