"""The one reader of ``MDS_*`` environment variables.

Each field of ``Environment`` is one variable: its type, default and meaning stand side by side, the
table of docs/operations/configuration.md is generated from them, and a name that is not here is
refused, so a typing error never passes for a default.
"""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from functools import cache
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from chain.core.errors import ConfigError

PREFIX = "MDS_"
PROJECT_ROOT = Path(__file__).resolve().parent.parent
_TRUE = frozenset({"1", "true", "yes", "on"})
_FALSE = frozenset({"0", "false", "no", "off"})


@dataclass(frozen=True, slots=True)
class Bind:
    """A listening address.

    Parameters
    ----------
    host : str
        Address or name, without brackets.
    port : int
        1 to 65535.
    """

    host: str
    port: int

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{host}:{self.port}"

    @property
    def url(self) -> str:
        """The address as a browser on this machine would reach it."""
        local = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}  # noqa: S104 - compared, not bound
        host = local.get(self.host, f"[{self.host}]" if ":" in self.host else self.host)
        return f"http://{host}:{self.port}"


def _text(raw: str) -> str:
    return raw


def _path(raw: str) -> Path:
    return Path(raw).expanduser().absolute()


def _names(raw: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in raw.split(",") if part.strip())


def _networks(raw: str) -> tuple[str, ...]:
    names = _names(raw)
    for name in names:
        try:
            ip_network(name)
        except ValueError:
            raise ValueError(f"networks are expected, such as 10.0.0.0/8; {name} is none") from None
    return names


def _flag(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in _TRUE:
        return True
    if lowered in _FALSE:
        return False
    raise ValueError("1 or 0 is expected")


def _bind(raw: str) -> Bind:
    host, colon, port = raw.rpartition(":")
    host = host.removeprefix("[").removesuffix("]")
    if not colon or not host or not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise ValueError("host:port is expected, such as 127.0.0.1:8000")
    return Bind(host, int(port))


def _url(*schemes: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw.partition(":")[0] not in schemes:
            raise ValueError(f"a URL is expected that starts with {' or '.join(schemes)}")
        return raw

    return parse


def _choice(*values: str) -> Callable[[str], str]:
    def parse(raw: str) -> str:
        if raw not in values:
            raise ValueError(f"one of {', '.join(filter(None, values))} is expected")
        return raw

    return parse


def _integer(low: int, high: int) -> Callable[[str], int]:
    def parse(raw: str) -> int:
        if not raw.isascii() or not raw.isdigit() or not low <= int(raw) <= high:
            raise ValueError(f"a whole number from {low} to {high} is expected")
        return int(raw)

    return parse


def _kept(raw: str) -> int:
    number = _integer(0, 10**12)(raw)
    if 0 < number < 1000:
        raise ValueError("0 or at least 1000 is expected")
    return number


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
        _choice("devnet", "testnet"),
        "devnet or testnet",
        "Network of this node. One data folder per network.",
    )
    data_dir: Path = _variable(
        str(PROJECT_ROOT / "var"),
        _path,
        "path",
        "Folder of the data folders, one per network (`<network>/postgres`, `redis`, `keys`, `log`, `run`, "
        "`metrics`, `backup`).",
        shown="`var` in the project",
    )
    run_as: str = _variable(
        "nobody",
        _text,
        "user name or uid",
        "Unprivileged user of the embedded PostgreSQL and Redis when the node is started by root; otherwise not used.",
    )
    processes: tuple[str, ...] = _variable(
        "",
        _names,
        "names, comma",
        "Processes to start. Plain names: those only. Names with a leading minus: all but those (`-mine`).",
        shown="all",
    )
    web_bind: Bind = _variable("127.0.0.1:8000", _bind, "host:port", "Where the web process listens.")
    rpc_bind: Bind = _variable("127.0.0.1:8545", _bind, "host:port", "Where the JSON-RPC process listens.")
    public_origins: tuple[str, ...] = _variable(
        "",
        _names,
        "origins, comma",
        "Origins under which browsers reach the web process (`https://node.example`). Cookies become secure when all "
        "are https.",
        shown="none",
    )
    allowed_hosts: tuple[str, ...] = _variable(
        "localhost,127.0.0.1,[::1]",
        _names,
        "names, comma",
        "Host names that the web process answers to; hosts of public origins are added.",
    )
    metrics_allow: tuple[str, ...] = _variable(
        "127.0.0.0/8,::1/128", _names, "networks, comma", "Networks whose clients may read `/metrics`."
    )
    operator_allow: tuple[str, ...] = _variable(
        "127.0.0.0/8,::1/128,10.0.0.0/8,172.16.0.0/12,192.168.0.0/16,fc00::/7,fe80::/10",
        _networks,
        "networks, comma",
        "Networks whose clients may open the operator's pages, `/admin/` and their socket; behind a proxy on this "
        "machine the client that it names counts.",
        shown="this machine and private networks",
    )
    database_url: str = _variable(
        "",
        _url("postgres", "postgresql"),
        "URL",
        "External PostgreSQL (15 or newer). When set, the embedded server is not started.",
        secret=True,
        shown="embedded",
    )
    redis_url: str = _variable(
        "",
        _url("redis", "rediss", "unix"),
        "URL",
        "External Redis (6.2 or newer). When set, the embedded server is not started.",
        secret=True,
        shown="embedded",
    )
    db_pool: int = _variable(
        "0",
        _integer(0, 64),
        "number",
        "Connections in the pool of one process; 0 is one for each thread. `up` sets it for web and rpc.",
    )
    db_statement_timeout_ms: int = _variable(
        "30000", _integer(0, 86_400_000), "milliseconds", "PostgreSQL `statement_timeout`; 0 is none."
    )
    db_lock_timeout_ms: int = _variable(
        "10000", _integer(0, 86_400_000), "milliseconds", "PostgreSQL `lock_timeout`; 0 is none."
    )
    db_idle_timeout_ms: int = _variable(
        "60000",
        _integer(0, 86_400_000),
        "milliseconds",
        "PostgreSQL `idle_in_transaction_session_timeout`; 0 is none.",
    )
    disk_free_mb: int = _variable(
        "500",
        _integer(0, 1_000_000_000),
        "megabytes",
        "With less free space on the disk of the data folder the node does not start, and `/ready` is red.",
    )
    prune_keep: int = _variable(
        "0",
        _kept,
        "blocks",
        "History that is kept below the finality point; older bodies, receipts and states are deleted while the node "
        "runs. 0 keeps everything (an archive), else at least 1000 ([pruning](backup.md#pruning)).",
    )
    pg_shared_buffers_mb: int = _variable(
        "128", _integer(16, 65_536), "megabytes", "`shared_buffers` of the embedded PostgreSQL."
    )
    operator_password: str = _variable(
        "",
        _text,
        "text",
        "First password of the web user `operator`, read at the first start only.",
        secret=True,
        shown="generated, printed until it is changed",
    )
    validate_workers: int = _variable(
        "0", _integer(0, 256), "number", "Worker processes of `validate`; 0 is the number of cores, at most 2."
    )
    validate_inline_txs: int = _variable(
        "1000",
        _integer(0, 100_000),
        "number",
        "Blocks of at most so many transactions are validated where they arrive.",
    )
    shard_workers: int = _variable(
        "0",
        _integer(0, 256),
        "number",
        "Worker processes of `shards`; 0 is one less than the cores, at least 1: the writer runs lanes too.",
    )
    lanes_min_gas: int = _variable(
        "2000000",
        _integer(0, 10**12),
        "gas",
        "Least call gas that `shards` would have to take off the writer before an epoch's lanes are offered to them; "
        "0 keeps all lanes in the writer.",
    )
    lanes_min_ms: int = _variable(
        "30",
        _integer(0, 600_000),
        "milliseconds",
        "Least time that the writer would have to save, by the pace at which it ran the last lanes.",
    )
    lanes_min_txs: int = _variable(
        "0",
        _integer(0, 1_000_000),
        "number",
        "Lanes of at least so many plain transfers are offered too; 0 is never.",
    )
    lanes_deadline_ms: int = _variable(
        "3000",
        _integer(10, 600_000),
        "milliseconds",
        "The most that the writer waits for a lane that a worker has taken; it never waits longer than it would take "
        "itself.",
    )
    mining_ordering: str = _variable(
        "",
        _choice("", "fee", "fifo", "random", "hybrid", "time_weighted"),
        "policy",
        "How this node's miners order transactions: fee, fifo, random, hybrid or time_weighted "
        "([ordering.md](ordering.md)).",
        shown="fee, or what the operator chose",
    )
    mine_workers: int = _variable("3", _integer(1, 256), "number", "Worker processes of `mine`.")
    pool_max_count: int = _variable(
        "50000",
        _integer(1, 10_000_000),
        "number",
        "Transactions that the pool holds; the cheapest leave when it is full.",
    )
    pool_max_bytes: int = _variable(
        "67108864", _integer(131_072, 2**40), "bytes", "Bytes of transactions that the pool holds."
    )
    pool_sender_pending: int = _variable(
        "4096", _integer(1, 1_000_000), "number", "Executable transactions of one sender in the pool."
    )
    pool_sender_queued: int = _variable(
        "64", _integer(0, 100_000), "number", "Transactions of one sender in the pool that wait for a missing nonce."
    )
    pool_min_tip: int = _variable(
        "0", _integer(0, 10**18), "wei per gas", "Least priority fee of a transaction that the pool takes."
    )
    pool_lifetime_ms: int = _variable(
        "10800000", _integer(1_000, 10**12), "milliseconds", "How long a transaction may wait in the pool."
    )
    rpc_workers: int = _variable(
        "1",
        _integer(1, 64),
        "number",
        "Processes that answer JSON-RPC; they share one port and the system spreads connections over them.",
    )
    rpc_max_batch: int = _variable("1000", _integer(1, 100_000), "number", "Requests in one JSON-RPC batch.")
    rpc_max_log_blocks: int = _variable(
        "10000", _integer(1, 10**9), "number", "Blocks that one `eth_getLogs` may span."
    )
    rpc_max_log_rows: int = _variable("10000", _integer(1, 10**6), "number", "Logs that one `eth_getLogs` answers.")
    rpc_call_workers: int = _variable(
        "2",
        _integer(1, 256),
        "number",
        "Processes that run `eth_call` and `eth_estimateGas`, started when first needed.",
    )
    rpc_call_seconds: int = _variable("5", _integer(1, 3_600), "seconds", "Longest run of one `eth_call`.")
    rpc_db_connections: int = _variable(
        "8", _integer(1, 256), "number", "Connections to PostgreSQL of a process that answers JSON-RPC."
    )
    rpc_cors_origins: tuple[str, ...] = _variable(
        "*", _names, "origins, comma", "Origins of pages that may read JSON-RPC answers; `*` is all."
    )
    rpc_max_connections: int = _variable(
        "8000", _integer(1, 1_000_000), "number", "HTTP connections of one process that answers JSON-RPC."
    )
    rpc_max_sockets: int = _variable(
        "4000", _integer(1, 1_000_000), "number", "WebSocket connections of one process that answers JSON-RPC."
    )
    rpc_max_subscriptions: int = _variable(
        "100", _integer(1, 100_000), "number", "Subscriptions of one WebSocket connection."
    )
    rpc_rate: int = _variable(
        "2000",
        _integer(0, 10**9),
        "points per second",
        "What one address or API key may spend on JSON-RPC: most methods cost 1 point, calls, logs and traces more; "
        "0 is no limit. Callers on this machine are counted only when a proxy names somebody else.",
    )
    rpc_burst: int = _variable(
        "10000", _integer(1, 10**9), "points", "What an address or API key that was quiet may spend at once."
    )
    rpc_local_operator: bool = _variable(
        "0",
        _flag,
        "1 or 0",
        "Whether programs on this machine may use the operator's JSON-RPC methods without an API key. Pages and "
        "proxies never may.",
    )
    live_max_sockets: int = _variable(
        "2000", _integer(0, 1_000_000), "number", "Visitors of live pages (`/ws/live`) that the web process serves."
    )
    log_level: str = _variable(
        "INFO", _choice("DEBUG", "INFO", "WARNING", "ERROR"), "level", "Least important message that is logged."
    )
    log_format: str = _variable("console", _choice("console", "json"), "console or json", "Form of a log line.")
    log_max_mb: int = _variable(
        "20", _integer(1, 10_000), "megabytes", "Size at which the log file of a process is rotated."
    )
    log_backups: int = _variable("3", _integer(0, 100), "number", "Rotated log files that are kept for each process.")
    settings_debug: bool = _variable(
        "1", _flag, "1 or 0", "Django's DEBUG under the development settings; other settings ignore it."
    )
    test_dir: str = _variable("", _text, "path", "Folder of a running test session.", internal=True, shown="")


@dataclass(frozen=True, slots=True)
class Entry:
    """One variable as documentation and error messages need it."""

    name: str
    attribute: str
    kind: str
    default: str
    doc: str
    secret: bool
    internal: bool


def registry() -> tuple[Entry, ...]:
    """All variables, in the order of ``Environment``."""
    return tuple(
        Entry(
            PREFIX + item.name.upper(),
            item.name,
            item.metadata["kind"],
            item.metadata["shown"],
            item.metadata["doc"],
            item.metadata["secret"],
            item.metadata["internal"],
        )
        for item in fields(Environment)
    )


def read(environ: Mapping[str, str] | None = None) -> Environment:
    """Parse the environment.

    Parameters
    ----------
    environ : Mapping[str, str], optional
        Defaults to ``os.environ``.  A variable that is set to the empty text counts as not set.

    Raises
    ------
    ConfigError
        ``config_unknown`` for a name that is not in the registry, ``config_value`` for a value that
        does not parse; both with a hint.
    """
    source = os.environ if environ is None else environ
    known = {PREFIX + item.name.upper(): item for item in fields(Environment)}
    for name in sorted(source):
        if name.startswith(PREFIX) and name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
            hint = f"did you mean {near[0]}?" if near else "docs/operations/configuration.md lists every variable"
            raise ConfigError("config_unknown", f"{name} is not a setting of the node", hint=hint, variable=name)
    values: dict[str, Any] = {}
    for name, item in known.items():
        raw = source.get(name, "").strip()
        if not raw:
            values[item.name] = item.metadata["parse"](item.metadata["raw"]) if item.metadata["raw"] else _empty(item)
            continue
        try:
            values[item.name] = item.metadata["parse"](raw)
        except ValueError as error:
            shown = "its value" if item.metadata["secret"] else repr(raw)
            raise ConfigError("config_value", f"{name} cannot be {shown}", hint=str(error), variable=name) from error
    return Environment(**values)


def is_set(attribute: str, environ: Mapping[str, str] | None = None) -> bool:
    """Whether the environment fixes this variable, so that nothing else may change it."""
    source = os.environ if environ is None else environ
    return bool(source.get(PREFIX + attribute.upper(), "").strip())


@cache
def current() -> Environment:
    """The environment of this process, read once."""
    return read()


def document() -> str:
    """The text of docs/operations/configuration.md."""
    lines = [
        "# Configuration",
        "",
        "Every setting of the node is an environment variable. A value that does not parse, or a name that starts with",
        "`MDS_` and is not in this table, is refused at start with a hint. Secrets are never logged.",
        "What an operator may also change while the node runs is kept in the database; a variable that is set here",
        "wins over it and shows read-only in the web.",
        "",
        "`python manage.py configuration --write` generates this file from `mondoshawan/env.py`.",
        "",
        "| variable | value | default | meaning |",
        "| --- | --- | --- | --- |",
    ]
    for entry in registry():
        if not entry.internal:
            meaning = entry.doc + (" Secret." if entry.secret else "")
            lines.append(f"| `{entry.name}` | {entry.kind} | {entry.default} | {meaning} |")
    return "\n".join(lines) + "\n"


def _empty(item: Any) -> Any:
    """The parsed form of a default that is the empty text: an empty tuple for lists, else empty text."""
    return () if item.metadata["parse"] is _names else ""
