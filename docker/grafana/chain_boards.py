"""What the dashboards of chain and mining show."""

from __future__ import annotations

from panels import (
    BLUE,
    GREEN,
    LAG,
    PASS,
    RED,
    UP,
    YELLOW,
    Row,
    bars,
    graph,
    grown,
    max_,
    mean,
    metric,
    min_,
    percentiles,
    quantile,
    rate,
    share,
    stat,
    sum_,
)

CHAIN: dict[str, tuple[str, list[Row]]] = {
    "overview": (
        "Overview",
        [
            Row(
                "Is it well?",
                [
                    stat(
                        "Ready",
                        "none",
                        min_(metric("ready_check")),
                        ((1, GREEN),),
                        base=RED,
                        mappings=(("0", "no", RED), ("1", "yes", GREEN)),
                    ),
                    stat(
                        "Last block",
                        "s",
                        "time() - " + max_(metric("last_block_timestamp_seconds")),
                        ((30, YELLOW), (60, RED)),
                        decimals=0,
                    ),
                    stat("Writer lag", "s", max_(metric("writer_lag_seconds")), LAG),
                    stat("Transactions", "suffix: tx/s", sum_(metric("transactions_per_second")), base=BLUE),
                    stat(
                        "Pool",
                        "percentunit",
                        share(metric("transaction_pool_size"), metric("transaction_pool_limit")),
                        ((0.7, YELLOW), (0.9, RED)),
                    ),
                    stat(
                        "Free disk", "bytes", min_(metric("disk_free_bytes")), ((2e9, YELLOW), (1e10, GREEN)), base=RED
                    ),
                ],
            ),
            Row(
                "Chain",
                [
                    graph(
                        "Blocks by stream",
                        "suffix: /s",
                        (sum_(rate("dag_blocks_total"), "stream"), "{{stream}}"),
                        help="Blocks a second that entered the DAG.",
                    ),
                    graph(
                        "Transactions",
                        "suffix: tx/s",
                        (sum_(rate("transactions_processed_total"), "outcome"), "{{outcome}}"),
                        help="What became of transactions a second.",
                        stack=True,
                    ),
                    graph("Pool", "short", (sum_(metric("transaction_pool_size"), "state"), "{{state}}"), stack=True),
                    graph(
                        "JSON-RPC calls",
                        "reqps",
                        (sum_(rate("rpc_requests_total"), "code"), "{{code}}"),
                        help="By outcome: ok, or the error code.",
                        stack=True,
                    ),
                    graph(
                        "Hash rate",
                        "Hs",
                        (sum_(metric("hashrate"), "stream"), "{{stream}}"),
                        help="Of stream C: slots tried a second.",
                    ),
                    graph(
                        "Processor time",
                        "percentunit",
                        (sum_(rate("process_cpu_seconds_total"), "process"), "{{process}}"),
                        help="Cores that each process uses.",
                        stack=True,
                    ),
                ],
            ),
            Row(
                "Checks",
                [
                    bars(
                        "Readiness",
                        "none",
                        (min_(metric("ready_check"), "check"), "{{check}}"),
                        steps=((1, GREEN),),
                        base=RED,
                        width=12,
                        maximum=1,
                        mappings=PASS,
                    ),
                    bars(
                        "Processes",
                        "none",
                        (min_(metric("process_up"), "process"), "{{process}}"),
                        steps=((1, GREEN),),
                        base=RED,
                        width=12,
                        maximum=1,
                        mappings=UP,
                    ),
                ],
            ),
        ],
    ),
    "mining": (
        "Mining",
        [
            Row(
                "This node's miners",
                [
                    stat(
                        "Mined in an hour", "short", grown("blocks_mined_total", "1h"), base=BLUE, decimals=0, width=6
                    ),
                    stat(
                        "Earned in an hour",
                        "suffix: MSHW",
                        grown("mining_rewards_mshw_total", "1h"),
                        base=BLUE,
                        width=6,
                    ),
                    stat("Template age", "s", max_(metric("template_age_seconds")), ((15, YELLOW), (60, RED)), width=6),
                    stat(
                        "Wanted, but not mined",
                        "none",
                        sum_(metric("mining_enabled")) + " - " + sum_(metric("mining_active")),
                        ((1, RED),),
                        width=6,
                    ),
                    graph("Hash rate", "Hs", (sum_(metric("hashrate", 'stream!="C"'), "stream"), "{{stream}}")),
                    graph("Slots of stream C", "suffix: /s", (sum_(metric("hashrate", 'stream="C"')), "slots tried")),
                    graph("Blocks mined", "suffix: /s", (sum_(rate("blocks_mined_total"), "stream"), "{{stream}}")),
                    graph(
                        "Rewards",
                        "suffix: MSHW",
                        (grown("mining_rewards_mshw_total", "10m", "stream"), "{{stream}}"),
                        help="Paid to this node's coinbase in ten minutes.",
                        stack=True,
                    ),
                    graph(
                        "Miners",
                        "none",
                        (sum_(metric("mining_active"), "stream"), "{{stream}}"),
                        help="1 while a stream is mined.",
                        maximum=1,
                    ),
                    graph(
                        "Slices",
                        "s",
                        *percentiles("celery_task_seconds", "task", filters=['task=~"chain.tasks.mine.*"']),
                        help="Time of one slice of mining.",
                    ),
                ],
            ),
            Row(
                "Network",
                [
                    graph(
                        "Difficulty of A",
                        "short",
                        (max_(metric("difficulty", 'stream="A"')), "hashes a block"),
                    ),
                    graph(
                        "Difficulty of B",
                        "short",
                        (max_(metric("difficulty", 'stream="B"')), "hashes a block"),
                    ),
                    graph("Supply", "suffix: MSHW", (max_(metric("supply_mshw")), "MSHW")),
                ],
            ),
        ],
    ),
    "dag": (
        "DAG",
        [
            Row(
                "State",
                [
                    stat("Blue score", "short", max_(metric("blue_score")), base=BLUE, decimals=0),
                    stat("Chain number", "short", max_(metric("chain_number")), base=BLUE, decimals=0),
                    stat(
                        "Not final yet",
                        "short",
                        max_(metric("chain_number")) + " - " + max_(metric("chain_finalized_number")),
                        base=BLUE,
                        decimals=0,
                    ),
                    stat("Tips", "short", max_(metric("dag_tips")), ((10, YELLOW), (50, RED)), decimals=0),
                    stat("Parked", "short", sum_(metric("parked_blocks")), ((100, YELLOW), (900, RED)), decimals=0),
                    stat(
                        "Finality conflicts", "short", sum_(metric("finality_conflicts_total")), ((1, RED),), decimals=0
                    ),
                ],
            ),
            Row(
                "Growth",
                [
                    graph(
                        "Blocks received",
                        "suffix: /s",
                        (sum_(rate("blocks_received_total"), "source"), "{{source}}"),
                        stack=True,
                    ),
                    graph(
                        "Scores",
                        "short",
                        (max_(metric("blue_score")), "blue score"),
                        (max_(metric("work_score")), "work score"),
                        (max_(metric("chain_number")), "number"),
                    ),
                    graph("Tips", "short", (max_(metric("dag_tips")), "tips")),
                    graph(
                        "Red blocks",
                        "percentunit",
                        (
                            share(rate("red_blocks_total"), rate("block_validation_seconds_count", 'stage="context"')),
                            "share of blocks",
                        ),
                        steps=((0.1, RED),),
                    ),
                    graph(
                        "Reorganisations",
                        "short",
                        (grown("reorgs_total", "10m"), "in ten minutes"),
                        (quantile(0.99, "reorg_depth_blocks").replace("$__rate_interval", "1h"), "depth, 99 %"),
                    ),
                    graph("Rejected blocks", "suffix: /s", (sum_(rate("blocks_rejected_total"), "code"), "{{code}}")),
                ],
            ),
            Row(
                "Validation",
                [
                    graph(
                        "Time by step",
                        "s",
                        (mean("block_validation_seconds", "stage"), "{{stage}}"),
                        help="Mean: isolation, body and context of a block; resolve, commit and publish of a batch.",
                    ),
                    graph(
                        "Slowest by step", "s", (quantile(0.99, "block_validation_seconds", "stage"), "{{stage}} 99 %")
                    ),
                    graph(
                        "Block size",
                        "bytes",
                        (mean("block_size_bytes"), "mean"),
                        (quantile(0.99, "block_size_bytes"), "99 %"),
                    ),
                    graph("Waiting for the writer", "short", (sum_(metric("writer_queue_blocks")), "blocks"), width=12),
                    graph(
                        "Lags",
                        "s",
                        (max_(metric("writer_lag_seconds")), "writer"),
                        (max_(metric("template_age_seconds")), "template"),
                        steps=LAG,
                        width=12,
                    ),
                ],
            ),
        ],
    ),
}
