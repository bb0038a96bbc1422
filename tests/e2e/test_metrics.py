"""Every metric moves as it should on a running node that does real work; Prometheus' own linter has no complaint."""

from __future__ import annotations

import secrets
import subprocess
import time
from collections.abc import Callable

import pytest
import requests

from chain import metrics
from mondoshawan.metrics.facts import FACTS
from tests.core.consensus.mini import dev
from tests.e2e import scrape as tools
from tests.e2e.scrape import scrape
from tests.e2e.story import Story
from tests.tools import require

pytestmark = pytest.mark.e2e


def same(name: str, field: str, slack: float = 5) -> Callable[[Story], bool]:
    """A gauge shows what the RPC told before and behind it, give or take what a reorganisation takes back."""

    def lies_between(story: Story) -> bool:
        first, last = sorted(float(stats[field]) for stats in story.around)
        return first - slack <= story.now(name) <= last + slack

    return lies_between


def for_each(name: str, label: str, expected: set[str]) -> Callable[[Story], bool]:
    return lambda s: s.after.labels(name, label) >= expected


STREAMS, SHARDS = set("ABC"), set(map(str, range(10)))
PROCESSES = {"postgres", "redis", "web", "rpc", "virtual", "validate", "shards", "mine", "index", "beat"}
QUEUES = {"default", "validate", "virtual", "shards", "mine.a", "mine.b", "mine.c", "index"}
TASKS = {"chain.tasks.virtual.drain", "chain.tasks.mine.a", "chain.tasks.mine.b", "chain.tasks.mine.c"}

# how each metric must have moved
CHECKS: dict[str, Callable[[Story], bool]] = {
    "blocks_mined_total": lambda s: all(s.grew("blocks_mined_total", stream=stream) for stream in "BC"),
    "blocks_received_total": lambda s: s.grew("blocks_received_total", source="mined")
    and s.gain("blocks_received_total", source="rpc") == 6,
    "blocks_rejected_total": lambda s: s.gain("blocks_rejected_total") == 2
    and s.gain("blocks_rejected_total", code="wrong_number") == 1,
    "block_size_bytes": lambda s: s.observed("block_size_bytes"),
    "block_validation_seconds": lambda s: all(
        s.observed("block_validation_seconds", stage=stage)
        for stage in ("isolation", "context", "resolve", "commit", "publish")
    ),
    "red_blocks_total": lambda s: s.gain("red_blocks_total") >= 1,
    "reorgs_total": lambda s: s.gain("reorgs_total") >= 1,
    "reorg_depth_blocks": lambda s: s.observed("reorg_depth_blocks"),
    # needs a branch from before finality, which is an hour of work here: tests/chain/test_metrics.py
    "finality_conflicts_total": lambda s: s.now("finality_conflicts_total") == 0,
    "transactions_processed_total": lambda s: s.gain("transactions_processed_total", outcome="succeeded") >= 6
    and all(s.grew("transactions_processed_total", outcome=outcome) for outcome in ("reverted", "skipped", "undone")),
    "cross_shard_transactions_total": lambda s: s.grew("cross_shard_transactions_total", phase="transfer")
    and s.gain("cross_shard_transactions_total", phase="cross") >= 2,
    "pool_rejections_total": lambda s: s.gain("pool_rejections_total", code="insufficient_funds") == 1,
    "epoch_execution_seconds": lambda s: s.observed("epoch_execution_seconds"),
    "epoch_gas_used": lambda s: s.observed("epoch_gas_used") and s.gain("epoch_gas_used_sum") > 6 * 21_000,
    "epoch_transactions": lambda s: all(s.grew("epoch_transactions_sum", phase=phase) for phase in metrics.PHASES),
    "shard_transaction": lambda s: s.gain("shard_transaction_count") >= 8
    and s.gain("shard_transaction_sum") > 6 * 21_000
    and s.grew("shard_transaction_count", shard=str(tools.shard(dev(2).address))),
    "shard_lane_seconds": lambda s: s.observed("shard_lane_seconds"),
    "mining_rewards_mshw_total": lambda s: s.grew("mining_rewards_mshw_total", stream="B"),
    "rpc_requests_total": lambda s: s.gain("rpc_requests_total", method="other", code="-32601") == 3
    and s.gain("rpc_requests_total", method="eth_getBalance", code="-32602") == 1
    and s.gain("rpc_requests_total", method="invalid", code="-32700") == 1
    and s.grew("rpc_requests_total", method="eth_sendRawTransaction", code="ok"),
    "rpc_request_seconds": lambda s: s.observed("rpc_request_seconds", method="eth_sendRawTransaction"),
    "ws_connections": lambda s: (s.before.sum("ws_connections"), s.during.sum("ws_connections")) == (0, 1)
    and s.now("ws_connections") == 0,
    "live_connections": lambda s: s.during.sum("live_connections") == 1 and s.now("live_connections") == 0,
    "ws_subscriptions": lambda s: s.during.sum("ws_subscriptions") == 1 and s.now("ws_subscriptions") == 0,
    "celery_tasks_total": lambda s: all(s.grew("celery_tasks_total", task=task, outcome="success") for task in TASKS)
    and s.now("celery_tasks_total", outcome="failure") == 0,
    "celery_task_seconds": lambda s: all(s.observed("celery_task_seconds", task=task) for task in TASKS),
    "blue_score": same("blue_score", "blueScore"),
    "work_score": same("work_score", "workScore"),
    "chain_number": same("chain_number", "number"),
    "chain_finalized_number": lambda s: 0 <= s.now("chain_finalized_number") <= s.now("chain_number"),
    "dag_tips": lambda s: s.now("dag_tips") >= 1,
    "dag_blocks_total": lambda s: for_each("dag_blocks_total", "stream", STREAMS)(s) and all(
        s.grew("dag_blocks_total", stream=stream) for stream in STREAMS
    ),
    "last_block_timestamp_seconds": lambda s: s.grew("last_block_timestamp_seconds")
    and abs(s.at - s.now("last_block_timestamp_seconds")) < 120,
    "base_fee_wei": lambda s: s.now("base_fee_wei") >= 10**9,
    "supply_mshw": lambda s: s.gain("supply_mshw") > 0,
    "transactions_per_second": lambda s: s.now("transactions_per_second") > 0,
    "evm_gas_per_second": lambda s: s.now("evm_gas_per_second") > 0,
    "shard_accounts": lambda s: s.after.labels("shard_accounts", "shard") == SHARDS and s.now("shard_accounts") >= 10,
    "writer_queue_blocks": lambda s: 0 <= s.now("writer_queue_blocks") < 50,
    "parked_blocks": lambda s: 0 <= s.now("parked_blocks") < 50,
    "writer_lag_seconds": lambda s: 0 <= s.now("writer_lag_seconds") < 30,
    "outbox_lag_events": lambda s: 0 <= s.now("outbox_lag_events") < 10,
    "index_lag_blocks": lambda s: 0 <= s.now("index_lag_blocks") < 10,
    "celery_queue_messages": lambda s: s.after.labels("celery_queue_messages", "queue") == QUEUES,
    "transaction_pool_size": lambda s: s.after.labels("transaction_pool_size", "state") == {"pending", "queued"},
    "transaction_pool_bytes": lambda s: s.now("transaction_pool_bytes") >= 0,
    "transaction_pool_limit": lambda s: s.now("transaction_pool_limit") == 50_000,
    "transaction_pool_limit_bytes": lambda s: s.now("transaction_pool_limit_bytes") == 64 * 2**20,
    "hashrate": lambda s: s.after.labels("hashrate", "stream") == STREAMS and s.before.sum("hashrate", stream="B") > 0,
    "difficulty": lambda s: s.after.labels("difficulty", "stream") == set("AB") and s.now("difficulty", stream="B") > 1,
    "mining_enabled": lambda s: s.before.sum("mining_enabled") == 3,
    "mining_active": lambda s: s.before.sum("mining_active") == 3,
    "template_age_seconds": lambda s: 0 <= s.now("template_age_seconds") < 60,
    "process_up": lambda s: s.after.labels("process_up", "process") == PROCESSES
    and s.now("process_up") == len(PROCESSES),
    "process_resident_memory_bytes": lambda s: s.now("process_resident_memory_bytes", process="virtual") > 2**20,
    "process_cpu_seconds_total": lambda s: s.grew("process_cpu_seconds_total", process="virtual"),
    "process_uptime_seconds": lambda s: s.grew("process_uptime_seconds", process="virtual"),
    "database_size_bytes": lambda s: s.now("database_size_bytes") > 2**20,
    "table_size_bytes": lambda s: s.now("table_size_bytes", table="chain_block") > 0
    and s.now("table_size_bytes", table="chain_account_current") > 0,
    "database_connections": lambda s: s.now("database_connections") > 2,
    "database_connections_limit": lambda s: s.now("database_connections_limit") > s.now("database_connections"),
    "redis_memory_bytes": lambda s: s.now("redis_memory_bytes") > 2**20,
    "disk_free_bytes": lambda s: s.now("disk_free_bytes") > s.now("disk_free_limit_bytes"),
    "disk_free_limit_bytes": lambda s: s.now("disk_free_limit_bytes") == 500_000_000,
    "ready_check": lambda s: s.after.labels("ready_check", "check")
    == set(requests.get(f"{s.node.web_url}/ready", timeout=30).json()["checks"]),
    "node_info": lambda s: s.now("node_info", network="devnet") == 1,
    "scrape_source_up": lambda s: all(value == 1 for _, value in s.after.samples["mondoshawan_scrape_source_up"]),
}  # fmt: skip


def declared() -> dict[str, str]:
    """Every metric of the node and its type."""
    instruments = {
        one._name.removeprefix("mondoshawan_") + ("_total" if one._type == "counter" else ""): one._type
        for one in metrics.INSTRUMENTS
    }
    return instruments | {fact.name: fact.kind for fact in FACTS}


def test_every_metric_has_a_check() -> None:
    assert set(CHECKS) == set(declared())


@pytest.mark.parametrize("name", sorted(CHECKS))
def test_it_moved_as_it_should(story: Story, name: str) -> None:
    family = f"mondoshawan_{name}".removesuffix("_total")
    assert story.after.types[family] == declared()[name]
    shown = {
        sample: values for sample, values in story.after.samples.items() if sample.startswith(family)
        and not sample.endswith("_bucket")
    }  # fmt: skip
    assert CHECKS[name](story), shown


def test_nothing_else_is_shown(story: Story) -> None:
    """Whatever begins with our name is declared; the rest is django-prometheus'."""
    ours = {f"mondoshawan_{name}".removesuffix("_total") for name in declared()}
    others = {name for name in story.after.types if name not in ours}
    assert not {name for name in others if name.startswith("mondoshawan")}
    assert all(name.startswith("django_") for name in others), others
    assert {"django_http_responses_total_by_status", "django_db_execute"} <= others


def test_labels_stay_bounded(story: Story) -> None:
    """Whatever callers send, the number of samples does not follow it."""
    before = len(story.after.samples["mondoshawan_rpc_requests_total"])
    for _ in range(20):
        story.node.rpc(f"eth_{secrets.token_hex(30)}")
    time.sleep(1)
    assert len(scrape(story.node).samples["mondoshawan_rpc_requests_total"]) <= before + 1


def test_prometheus_accepts_every_metric(story: Story) -> None:
    done = subprocess.run(
        [require("promtool"), "check", "metrics"],
        input=story.after.text, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_no_secret_is_shown(story: Story) -> None:
    """Not of the keys folder, and no phrase of the development accounts."""
    node = story.node
    shown = story.after.text + requests.get(f"{node.web_url}/ready", timeout=30).text
    shown += requests.get(f"{node.web_url}/health", timeout=30).text
    secret = [path.read_text().strip() for path in (node.folder / "devnet" / "keys").iterdir()]
    assert len(secret) >= 3
    assert not [one for one in [*secret, "test test test"] if one and one in shown]
