"""What the dashboards of transactions, shards, calls and machine show."""

from __future__ import annotations

from panels import (
    BLUE,
    FAILURES,
    GREEN,
    PAGES_99,
    RED,
    STATEMENTS_99,
    UP,
    YELLOW,
    Row,
    bars,
    django,
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
    top,
)

LOAD: dict[str, tuple[str, list[Row]]] = {
    "transactions": (
        "Transactions",
        [
            Row(
                "Now",
                [
                    stat("Accepted", "suffix: tx/s", sum_(metric("transactions_per_second")), base=BLUE, width=6),
                    stat("Gas", "si:gas/s", sum_(metric("evm_gas_per_second")), base=BLUE, width=6),
                    stat("Base fee", "suffix: gwei", max_(metric("base_fee_wei")) + " / 1e9", base=BLUE, width=6),
                    stat("In the pool", "short", sum_(metric("transaction_pool_size")), base=BLUE, decimals=0, width=6),
                ],
            ),
            Row(
                "Pool",
                [
                    graph(
                        "Transactions",
                        "short",
                        (sum_(metric("transaction_pool_size"), "state"), "{{state}}"),
                        (max_(metric("transaction_pool_limit")), "limit"),
                    ),
                    graph(
                        "Bytes",
                        "bytes",
                        (sum_(metric("transaction_pool_bytes")), "used"),
                        (max_(metric("transaction_pool_limit_bytes")), "limit"),
                    ),
                    graph(
                        "Not taken",
                        "suffix: tx/s",
                        (sum_(rate("pool_rejections_total"), "code"), "{{code}}"),
                        stack=True,
                    ),
                ],
            ),
            Row(
                "Epochs",
                [
                    graph(
                        "Outcomes",
                        "suffix: tx/s",
                        (sum_(rate("transactions_processed_total"), "outcome"), "{{outcome}}"),
                        stack=True,
                    ),
                    graph(
                        "By phase",
                        "suffix: tx/s",
                        (sum_(rate("epoch_transactions_sum"), "phase"), "{{phase}}"),
                        stack=True,
                        help="Accepted transactions a second by the phase that ran them.",
                    ),
                    graph("Execution", "s", *percentiles("epoch_execution_seconds"), help="Time of one epoch."),
                    graph(
                        "Speed of execution",
                        "si:gas/s",
                        (
                            share(rate("epoch_gas_used_sum"), rate("epoch_execution_seconds_sum")),
                            "gas a second of execution",
                        ),
                    ),
                    graph(
                        "Gas of an epoch",
                        "short",
                        (mean("epoch_gas_used"), "mean"),
                        (quantile(0.99, "epoch_gas_used"), "99 %"),
                    ),
                    graph("Base fee", "suffix: gwei", (max_(metric("base_fee_wei")) + " / 1e9", "base fee")),
                ],
            ),
        ],
    ),
    "shards": (
        "Shards",
        [
            Row(
                "Load",
                [
                    graph(
                        "Transactions by source shard",
                        "suffix: tx/s",
                        (sum_(rate("shard_transaction_count"), "shard"), "{{shard}}"),
                        width=12,
                        stack=True,
                    ),
                    graph(
                        "Gas by source shard",
                        "si:gas/s",
                        (sum_(rate("shard_transaction_sum"), "shard"), "{{shard}}"),
                        width=12,
                        stack=True,
                    ),
                    bars(
                        "Transactions of an hour",
                        "short",
                        (grown("shard_transaction_count", "1h", "shard"), "{{shard}}"),
                        base=BLUE,
                        decimals=0,
                        width=12,
                    ),
                    bars(
                        "Accounts",
                        "short",
                        (max_(metric("shard_accounts"), "shard"), "{{shard}}"),
                        base=BLUE,
                        decimals=0,
                        width=12,
                    ),
                ],
            ),
            Row(
                "Crossing and lanes",
                [
                    graph(
                        "Crossing transactions",
                        "suffix: tx/s",
                        (sum_(rate("cross_shard_transactions_total"), "phase"), "{{phase}}"),
                        stack=True,
                    ),
                    graph(
                        "Share that crosses",
                        "percentunit",
                        (share(rate("cross_shard_transactions_total"), rate("shard_transaction_count")), "share"),
                        maximum=1,
                    ),
                    graph("Time of a lane", "s", *percentiles("shard_lane_seconds")),
                    graph("Lanes run", "suffix: /s", (sum_(rate("shard_lane_seconds_count")), "lanes")),
                    graph(
                        "Shard workers",
                        "percentunit",
                        (sum_(rate("process_cpu_seconds_total", 'process="shards"')), "cores"),
                    ),
                    graph(
                        "Waiting for shard workers",
                        "short",
                        (sum_(metric("celery_queue_messages", 'queue="shards"')), "messages"),
                    ),
                ],
            ),
        ],
    ),
    "rpc": (
        "JSON-RPC",
        [
            Row(
                "Calls",
                [
                    stat("Calls", "reqps", sum_(rate("rpc_requests_total")), base=BLUE, width=6),
                    stat("Failures of the node", "percentunit", FAILURES, ((0.001, YELLOW), (0.01, RED)), width=6),
                    stat("Sockets", "short", sum_(metric("ws_connections")), base=BLUE, decimals=0, width=6),
                    stat("Subscriptions", "short", sum_(metric("ws_subscriptions")), base=BLUE, decimals=0, width=6),
                    graph(
                        "By method",
                        "reqps",
                        (top(sum_(rate("rpc_requests_total"), "method")), "{{method}}"),
                        width=12,
                        stack=True,
                    ),
                    graph(
                        "By outcome",
                        "reqps",
                        (sum_(rate("rpc_requests_total"), "code"), "{{code}}"),
                        width=12,
                        stack=True,
                        help="ok, or the JSON-RPC error code.",
                    ),
                    graph(
                        "Errors by method",
                        "reqps",
                        (top(sum_(rate("rpc_requests_total", 'code!="ok"'), "method", "code")), "{{method}} {{code}}"),
                        width=12,
                    ),
                    graph(
                        "Time",
                        "s",
                        (quantile(0.5, "rpc_request_seconds"), "median"),
                        (quantile(0.9, "rpc_request_seconds"), "90 %"),
                        (quantile(0.99, "rpc_request_seconds"), "99 %"),
                        width=12,
                    ),
                    graph(
                        "Slowest methods",
                        "s",
                        (top(quantile(0.99, "rpc_request_seconds", "method")), "{{method}} 99 %"),
                        width=12,
                    ),
                    graph(
                        "Sockets",
                        "short",
                        (sum_(metric("ws_connections")), "connections"),
                        (sum_(metric("ws_subscriptions")), "subscriptions"),
                        (sum_(metric("live_connections")), "live pages"),
                        width=12,
                    ),
                ],
            ),
            Row(
                "Web",
                [
                    graph(
                        "Pages by status",
                        "reqps",
                        (sum_(django("http_responses_total_by_status_total"), "status"), "{{status}}"),
                        width=12,
                        stack=True,
                    ),
                    graph("Time of pages", "s", (PAGES_99, "99 %"), width=12),
                ],
            ),
        ],
    ),
    "system": (
        "System",
        [
            Row(
                "Processes",
                [
                    graph(
                        "Processor time",
                        "percentunit",
                        (sum_(rate("process_cpu_seconds_total"), "process"), "{{process}}"),
                        width=12,
                        stack=True,
                        help="Cores.",
                    ),
                    graph(
                        "Memory",
                        "bytes",
                        (sum_(metric("process_resident_memory_bytes"), "process"), "{{process}}"),
                        width=12,
                        stack=True,
                    ),
                    bars(
                        "Up",
                        "none",
                        (min_(metric("process_up"), "process"), "{{process}}"),
                        steps=((1, GREEN),),
                        base=RED,
                        maximum=1,
                        mappings=UP,
                    ),
                    bars(
                        "Running since",
                        "s",
                        (min_(metric("process_uptime_seconds"), "process"), "{{process}}"),
                        base=BLUE,
                    ),
                    bars("Version", "none", (metric("node_info"), "{{network}} {{version}}"), base=BLUE),
                ],
            ),
            Row(
                "Tasks",
                [
                    graph("Tasks", "suffix: /s", (sum_(rate("celery_tasks_total"), "task"), "{{task}}"), stack=True),
                    graph(
                        "Failures",
                        "suffix: /s",
                        (
                            sum_(rate("celery_tasks_total", 'outcome!="success"'), "task", "outcome"),
                            "{{task}} {{outcome}}",
                        ),
                    ),
                    graph("Time", "s", (quantile(0.99, "celery_task_seconds", "task"), "{{task}} 99 %")),
                    graph("Queues", "short", (sum_(metric("celery_queue_messages"), "queue"), "{{queue}}"), stack=True),
                    graph(
                        "Readers behind",
                        "short",
                        (max_(metric("index_lag_blocks")), "explorer, blocks"),
                        (max_(metric("outbox_lag_events")), "head, commits"),
                    ),
                    graph(
                        "Sources of metrics",
                        "none",
                        (min_(metric("scrape_source_up"), "source"), "{{source}}"),
                        maximum=1,
                    ),
                ],
            ),
            Row(
                "Storage",
                [
                    graph(
                        "Database",
                        "bytes",
                        (sum_(metric("database_size_bytes")), "database"),
                        (top(max_(metric("table_size_bytes"), "table")), "{{table}}"),
                    ),
                    graph(
                        "Connections",
                        "short",
                        (sum_(metric("database_connections"), "state"), "{{state}}"),
                        (max_(metric("database_connections_limit")), "limit"),
                    ),
                    graph("Statements of pages", "s", (STATEMENTS_99, "99 %")),
                    graph("Redis", "bytes", (sum_(metric("redis_memory_bytes")), "memory")),
                    graph(
                        "Free disk",
                        "bytes",
                        (min_(metric("disk_free_bytes")), "free"),
                        (max_(metric("disk_free_limit_bytes")), "least that the node needs"),
                    ),
                    graph(
                        "Statements of pages, number", "suffix: /s", (sum_(django("db_execute_total")), "statements")
                    ),
                ],
            ),
        ],
    ),
}
