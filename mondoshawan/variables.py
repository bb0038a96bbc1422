"""Every ``MDS_*`` variable: its type, default and meaning side by side.

The table of docs/operations/configuration.md is generated from here; ``mondoshawan.env`` reads.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mondoshawan.parsers import Bind, bind, choice, flag, integer, kept, names, networks, path, text, url

PROJECT_ROOT = Path(__file__).resolve().parent.parent


def _variable(
    default: str,
    parse: Callable[[str], Any],
    kind: str,
    doc: str,
    *,
    secret: bool = False,
    shown: str | None = None,
    internal: bool = False,
) -> Any:
    metadata = {"parse": parse, "kind": kind, "doc": doc, "secret": secret, "raw": default, "internal": internal}
    return field(metadata={**metadata, "shown": default if shown is None else shown})


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """Every variable, parsed.  ``MDS_NETWORK`` is the field ``network``, and so on."""

    network: str = _variable(
        "devnet",
        choice("devnet", "testnet"),
        "devnet or testnet",
        "Network of this node. One data folder per network.",
    )
    data_dir: Path = _variable(
        str(PROJECT_ROOT / "var"),
        path,
        "path",
        "Folder of the data folders, one per network (`<network>/postgres`, `redis`, `keys`, `log`, `run`, "
        "`metrics`, `backup`).",
        shown="`var` in the project",
    )
    run_as: str = _variable(
        "nobody",
        text,
        "user name or uid",
        "Unprivileged user of the embedded PostgreSQL and Redis when the node is started by root; otherwise not used.",
    )
    processes: tuple[str, ...] = _variable(
        "",
        names,
        "names, comma",
        "Processes to start. Plain names: those only. Names with a leading minus: all but those (`-mine`).",
        shown="all",
    )
    web_bind: Bind = _variable("127.0.0.1:8000", bind, "host:port", "Where the web process listens.")
    rpc_bind: Bind = _variable("127.0.0.1:8545", bind, "host:port", "Where the JSON-RPC process listens.")
    public_origins: tuple[str, ...] = _variable(
        "",
        names,
        "origins, comma",
        "Origins under which browsers reach the web process (`https://node.example`). Cookies become secure when all "
        "are https.",
        shown="none",
    )
    allowed_hosts: tuple[str, ...] = _variable(
        "localhost,127.0.0.1,[::1]",
        names,
        "names, comma",
        "Host names that the web process answers to; hosts of public origins are added.",
    )
    metrics_allow: tuple[str, ...] = _variable(
        "127.0.0.0/8,::1/128", networks, "networks, comma", "Networks whose clients may read `/metrics`."
    )
    operator_allow: tuple[str, ...] = _variable(
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10",
        networks,
        "networks, comma",
        "Networks whose clients may open the operator's pages, `/admin/` and their socket; behind a proxy on this "
        "machine the client that it names counts.",
        shown="this machine and private networks",
    )
    database_url: str = _variable(
        "",
        url("postgres", "postgresql"),
        "URL",
        "External PostgreSQL (15 or newer). When set, the embedded server is not started.",
        secret=True,
        shown="embedded",
    )
    redis_url: str = _variable(
        "",
        url("redis", "rediss", "unix"),
        "URL",
        "External Redis (6.2 or newer). When set, the embedded server is not started.",
        secret=True,
        shown="embedded",
    )
    servers_wait_s: int = _variable(
        "30",
        integer(1, 3600),
        "seconds",
        "How long a start waits for an external PostgreSQL or Redis to answer.",
    )
    db_pool: int = _variable(
        "0",
        integer(0, 64),
        "number",
        "Connections in the pool of one process; 0 is one for each thread. `up` sets it for web and rpc.",
    )
    db_statement_timeout_ms: int = _variable(
        "30000", integer(0, 86_400_000), "milliseconds", "PostgreSQL `statement_timeout`; 0 is none."
    )
    db_lock_timeout_ms: int = _variable(
        "10000", integer(0, 86_400_000), "milliseconds", "PostgreSQL `lock_timeout`; 0 is none."
    )
    db_idle_timeout_ms: int = _variable(
        "60000",
        integer(0, 86_400_000),
        "milliseconds",
        "PostgreSQL `idle_in_transaction_session_timeout`; 0 is none.",
    )
    disk_free_mb: int = _variable(
        "500",
        integer(0, 1_000_000_000),
        "megabytes",
        "With less free space on the disk of the data folder the node does not start, and `/ready` is red.",
    )
    prune_keep: int = _variable(
        "0",
        kept,
        "blocks",
        "History that is kept below the finality point; older bodies, receipts and states are deleted while the node "
        "runs. 0 keeps everything (an archive), else at least 1000 ([pruning](backup.md#pruning)).",
    )
    pg_shared_buffers_mb: int = _variable(
        "128", integer(16, 65_536), "megabytes", "`shared_buffers` of the embedded PostgreSQL."
    )
    operator_password: str = _variable(
        "",
        text,
        "text",
        "First password of the web user `operator`, read at the first start only.",
        secret=True,
        shown="generated, printed until it is changed",
    )
    validate_workers: int = _variable(
        "0", integer(0, 256), "number", "Worker processes of `validate`; 0 is the number of cores, at most 2."
    )
    validate_inline_txs: int = _variable(
        "1000",
        integer(0, 100_000),
        "number",
        "Blocks of at most so many transactions are validated where they arrive.",
    )
    shard_workers: int = _variable(
        "0",
        integer(0, 256),
        "number",
        "Worker processes of `shards`; 0 is one less than the cores, at least 1: the writer runs lanes too.",
    )
    lanes_min_gas: int = _variable(
        "2000000",
        integer(0, 10**12),
        "gas",
        "Least call gas that `shards` would have to take off the writer before an epoch's lanes are offered to them; "
        "0 keeps all lanes in the writer.",
    )
    lanes_min_ms: int = _variable(
        "30",
        integer(0, 600_000),
        "milliseconds",
        "Least time that the writer would have to save, by the pace at which it ran the last lanes.",
    )
    lanes_min_txs: int = _variable(
        "0",
        integer(0, 1_000_000),
        "number",
        "Lanes of at least so many plain transfers are offered too; 0 is never.",
    )
    lanes_deadline_ms: int = _variable(
        "3000",
        integer(10, 600_000),
        "milliseconds",
        "The most that the writer waits for a lane that a worker has taken; it never waits longer than it would take "
        "itself.",
    )
    mining_ordering: str = _variable(
        "",
        choice("", "fee", "fifo", "random", "hybrid", "time_weighted"),
        "policy",
        "How this node's miners order transactions: fee, fifo, random, hybrid or time_weighted "
        "([ordering.md](ordering.md)).",
        shown="fee, or what the operator chose",
    )
    mine_workers: int = _variable("3", integer(1, 256), "number", "Worker processes of `mine`.")
    pool_max_count: int = _variable(
        "50000",
        integer(1, 10_000_000),
        "number",
        "Transactions that the pool holds; the cheapest leave when it is full.",
    )
    pool_max_bytes: int = _variable(
        "67108864", integer(131_072, 2**40), "bytes", "Bytes of transactions that the pool holds."
    )
    pool_sender_pending: int = _variable(
        "4096", integer(1, 1_000_000), "number", "Executable transactions of one sender in the pool."
    )
    pool_sender_queued: int = _variable(
        "64", integer(0, 100_000), "number", "Transactions of one sender in the pool that wait for a missing nonce."
    )
    pool_min_tip: int = _variable(
        "0", integer(0, 10**18), "wei per gas", "Least priority fee of a transaction that the pool takes."
    )
    pool_lifetime_ms: int = _variable(
        "10800000", integer(1_000, 10**12), "milliseconds", "How long a transaction may wait in the pool."
    )
    rpc_workers: int = _variable(
        "1",
        integer(1, 64),
        "number",
        "Processes that answer JSON-RPC; they share one port and the system spreads connections over them.",
    )
    rpc_max_batch: int = _variable("1000", integer(1, 100_000), "number", "Requests in one JSON-RPC batch.")
    rpc_max_log_blocks: int = _variable("10000", integer(1, 10**9), "number", "Blocks that one `eth_getLogs` may span.")
    rpc_max_log_rows: int = _variable("10000", integer(1, 10**6), "number", "Logs that one `eth_getLogs` answers.")
    rpc_call_workers: int = _variable(
        "2",
        integer(1, 256),
        "number",
        "Processes that run `eth_call` and `eth_estimateGas`, started when first needed.",
    )
    rpc_call_seconds: int = _variable("5", integer(1, 3_600), "seconds", "Longest run of one `eth_call`.")
    rpc_db_connections: int = _variable(
        "8", integer(1, 256), "number", "Connections to PostgreSQL of a process that answers JSON-RPC."
    )
    rpc_cors_origins: tuple[str, ...] = _variable(
        "*", names, "origins, comma", "Origins of pages that may read answers of JSON-RPC and the read API; `*` is all."
    )
    rpc_max_connections: int = _variable(
        "8000", integer(1, 1_000_000), "number", "HTTP connections of one process that answers JSON-RPC."
    )
    rpc_max_sockets: int = _variable(
        "4000", integer(1, 1_000_000), "number", "WebSocket connections of one process that answers JSON-RPC."
    )
    rpc_max_subscriptions: int = _variable(
        "100", integer(1, 100_000), "number", "Subscriptions of one WebSocket connection."
    )
    rpc_rate: int = _variable(
        "2000",
        integer(0, 10**9),
        "points per second",
        "What one address or API key may spend on JSON-RPC: most methods cost 1 point, calls, logs and traces more; "
        "0 is no limit. Callers on this machine are counted only when a proxy names somebody else.",
    )
    rpc_burst: int = _variable(
        "10000", integer(1, 10**9), "points", "What an address or API key that was quiet may spend at once."
    )
    rpc_local_operator: bool = _variable(
        "0",
        flag,
        "1 or 0",
        "Whether programs on this machine may use the operator's JSON-RPC methods without an API key. Pages and "
        "proxies never may.",
    )
    web_rate: int = _variable(
        "100",
        integer(0, 10**9),
        "points per second",
        "What one address may spend on the read API, Etherscan's calls, CSV files and what live pages fetch: most "
        "requests cost 1 point; 0 is no limit. Counted as for JSON-RPC; an API key has its own limits.",
    )
    web_burst: int = _variable(
        "1000", integer(1, 10**9), "points", "What an address that was quiet may spend there at once."
    )
    live_address_sockets: int = _variable(
        "100", integer(1, 1_000_000), "number", "Visitors of live pages from one address, but for this machine's own."
    )
    live_max_sockets: int = _variable(
        "2000", integer(0, 1_000_000), "number", "Visitors of live pages (`/ws/live`) that the web process serves."
    )
    index_trace_share: int = _variable(
        "25",
        integer(0, 100),
        "% of a core",
        "Share of one core that the index may spend on running contract calls again, to list internal transactions;"
        " 0: none are listed.",
    )
    log_level: str = _variable(
        "INFO", choice("DEBUG", "INFO", "WARNING", "ERROR"), "level", "Least important message that is logged."
    )
    log_format: str = _variable("console", choice("console", "json"), "console or json", "Form of a log line.")
    log_max_mb: int = _variable(
        "20", integer(1, 10_000), "megabytes", "Size at which the log file of a process is rotated."
    )
    log_backups: int = _variable("3", integer(0, 100), "number", "Rotated log files that are kept for each process.")
    settings_debug: bool = _variable(
        "1", flag, "1 or 0", "Django's DEBUG under the development settings; other settings ignore it."
    )
    test_dir: str = _variable("", text, "path", "Folder of a running test session.", internal=True, shown="")
