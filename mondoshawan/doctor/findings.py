"""What the doctor can find: one line for each, from which the documentation is checked."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """``error``: something does not work or is open to strangers; ``warning``: it works, but not as it should."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake: ``what`` is the matter here, ``why`` it matters, and the ``remedy``."""

    code: str
    level: Level
    what: str
    why: str
    remedy: str


_E, _W = Level.ERROR, Level.WARNING
# code: level, why, remedy
KNOWN: dict[str, tuple[Level, str, str]] = {
    # settings
    "debug_public": (_E, "pages with tracebacks and settings are shown to strangers", "use mondoshawan.settings.prod"),
    "hosts_missing": (_W, "the web answers 400 to everybody elsewhere", "set MDS_PUBLIC_ORIGINS or MDS_ALLOWED_HOSTS"),
    "tls_missing": (
        _W,
        "sessions and passwords travel in the clear",
        "put a reverse proxy with TLS before it and name its https address in MDS_PUBLIC_ORIGINS",
    ),
    "local_operator_public": (
        _E,
        "a proxy or tunnel that hides where callers come from would hand the node to them",
        "set MDS_RPC_LOCAL_OPERATOR=0 and use API keys",
    ),
    "rate_unlimited": (_W, "one caller can take all of the node's time", "set MDS_RPC_RATE"),
    "metrics_public": (_W, "anybody may read what the node does", "name your Prometheus alone in MDS_METRICS_ALLOW"),
    "database_plain": (_W, "the password and all data travel in the clear", "add ?sslmode=verify-full"),
    "redis_plain": (_W, "pending transactions and tasks travel in the clear", "use rediss:// or a private network"),
    "redis_open": (_E, "whoever reaches it can feed the node's workers", "give Redis a password, and the URL too"),
    "writer_left_out": (_W, "blocks wait for ever unless another machine runs it", "add virtual to MDS_PROCESSES"),
    "sweep_left_out": (_W, "lost messages stay lost unless another machine runs them", "add index and beat"),
    # the data folder
    "folder_unusable": (_E, "the node cannot start", "give this user the right to write there, or set MDS_DATA_DIR"),
    "folder_format": (_E, "the node refuses to start", "what is named says what to do; restore a backup if in doubt"),
    "keys_open": (_E, "other users of this machine can read the node's secrets", "chmod 700 keys; chmod 600 keys/*"),
    "key_missing": (_E, "sessions end, or stream C mines with new tickets", "restore it from a backup"),
    "key_malformed": (_E, "stream C cannot mine", "restore it from a backup"),
    "disk_full": (_E, "the node does not start, and PostgreSQL stops when it cannot write", "free space, or prune"),
    "disk_soon_full": (_W, "the chain grows", "free space, move the folder, or set MDS_PRUNE_KEEP"),
    "stale_lock": (_W, "an earlier life ended badly; the next start clears it up", "start the node; see log/ for why"),
    # the machine
    "port_taken": (_E, "the node cannot start", "stop the other program, or set the variable to another host:port"),
    "files_few": (_W, "connections are refused when they run out", "raise the limit: LimitNOFILE=65536, ulimit -n"),
    "memory_low": (_W, "the kernel may end a process for want of memory", "2 GB are enough for a devnet node"),
    "clock_free": (_W, "blocks carry times: a wrong clock parks others' blocks or has ours parked", "run NTP"),
    "runs_as_root": (_W, "a hole in any part of the node is a hole in the machine", "run it as a user of its own"),
    # servers
    "database_away": (_E, "nothing works", "start the node, or check MDS_DATABASE_URL and log/postgres.log"),
    "database_unfit": (_E, "the node refuses it", "use PostgreSQL 15 or newer and a database in UTF-8"),
    "database_unsafe": (_E, "a crash can lose or damage what was committed", "set it to on"),
    "database_connections": (_W, "a node opens some twenty-five connections", "raise max_connections"),
    "database_foreign": (_E, "it holds the chain of another network", "set MDS_NETWORK, or name another database"),
    "clock_skew": (_W, "ages and time-outs are judged by both clocks", "run NTP on both machines"),
    "redis_away": (_E, "no transactions, no mining", "start the node, or check MDS_REDIS_URL and log/redis.log"),
    "redis_old": (_E, "the pool's scripts need 6.2", "update it"),
    "redis_evicts": (_E, "keys that it drops are missing parts of the pool", "set maxmemory-policy noeviction"),
    "redis_forgets": (_W, "a restart loses pending transactions", "set appendonly yes"),
    # the running node
    "process_down": (_E, "what it does is not done", "its log says why"),
    "worker_silent": (
        _E,
        "its queue is not worked off",
        "see the process's log; the supervisor restarts it by SIGTERM",
    ),
    "writer_lags": (_E, "blocks wait", "see log/virtual.log and the disk's load"),
    "coinbase_missing": (_W, "nothing is mined while nobody would be paid", "set one with mds_setCoinbase"),
}


def finding(code: str, what: str) -> Finding:
    """A finding of a known code."""
    level, why, remedy = KNOWN[code]
    return Finding(code, level, what, why, remedy)
