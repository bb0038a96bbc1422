"""Which variables of the environment an operator may also set while the node runs (docs/operations: decisions win in
the order environment, database, default).

What a value is and which values are allowed stays with the variable in ``mondoshawan/variables.py``; here stands only
what the web needs beyond it: the group on the page, and which processes must restart before they follow.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields
from typing import Any

from mondoshawan import env as environment
from mondoshawan.env import Environment


@dataclass(frozen=True, slots=True)
class Runtime:
    """One variable's manners: its group, the processes to restart (none: it is followed within seconds)."""

    group: str
    restart: tuple[str, ...] = ()
    scale: int = 1


_POOL = ("web", "rpc", "virtual", "mine", "index")
RUNTIME: dict[str, Runtime] = {
    "pool_max_count": Runtime("Pool", _POOL),
    "pool_max_bytes": Runtime("Pool", _POOL),
    "pool_sender_pending": Runtime("Pool", _POOL),
    "pool_sender_queued": Runtime("Pool", _POOL),
    "pool_min_tip": Runtime("Pool", _POOL),
    "pool_lifetime_ms": Runtime("Pool"),
    "rpc_rate": Runtime("JSON-RPC"),
    "rpc_burst": Runtime("JSON-RPC"),
    "rpc_max_batch": Runtime("JSON-RPC"),
    "rpc_max_log_blocks": Runtime("JSON-RPC"),
    "rpc_max_log_rows": Runtime("JSON-RPC"),
    "rpc_max_sockets": Runtime("JSON-RPC"),
    "rpc_max_subscriptions": Runtime("JSON-RPC"),
    "rpc_call_seconds": Runtime("JSON-RPC", ("rpc", "web")),
    "rpc_call_workers": Runtime("JSON-RPC", ("rpc", "web")),
    "rpc_cors_origins": Runtime("JSON-RPC", ("rpc", "web")),
    "web_rate": Runtime("Web"),
    "web_burst": Runtime("Web"),
    "live_max_sockets": Runtime("Web"),
    "live_address_sockets": Runtime("Web"),
    "index_trace_share": Runtime("Web"),
    "validate_inline_txs": Runtime("Blocks and shards"),
    "lanes_min_gas": Runtime("Blocks and shards", ("virtual",)),
    "lanes_min_ms": Runtime("Blocks and shards", ("virtual",)),
    "lanes_min_txs": Runtime("Blocks and shards", ("virtual",)),
    "lanes_deadline_ms": Runtime("Blocks and shards", ("virtual",)),
    "disk_free_mb": Runtime("Health", scale=1_000_000),
    "log_level": Runtime("Log"),
}
# where the Django setting is not called as its variable
_NAMES = {"disk_free_mb": "MDS_DISK_FREE_BYTES"}


@dataclass(frozen=True, slots=True)
class RuntimeSetting:
    """One setting as ``chain.services.node_settings`` takes it.

    Parameters
    ----------
    key : str
        Of the stored value.
    variable : str
        The environment's name for it.
    setting : str
        The attribute of Django's settings that code reads.
    parse : Callable[[str], Any]
        Text to value; ValueError with a hint.
    kind, doc, group : str
        For people.
    value : Any
        Environment's or default, before the database is asked.
    fixed : bool
        The environment sets it, so nothing else may.
    restart : tuple[str, ...]
        Processes that follow only from their next start on.
    scale : int
        The Django setting is the value times this.
    """

    key: str
    variable: str
    setting: str
    parse: Callable[[str], Any]
    kind: str
    doc: str
    group: str
    value: Any
    fixed: bool
    restart: tuple[str, ...]
    scale: int


def runtime_settings(env: Environment) -> tuple[RuntimeSetting, ...]:
    """All of them, in the order of the page."""
    known = {item.name: item.metadata for item in fields(Environment)}
    return tuple(
        RuntimeSetting(
            key=f"node.{name}",
            variable=environment.PREFIX + name.upper(),
            setting=_NAMES.get(name, environment.PREFIX + name.upper()),
            parse=known[name]["parse"],
            kind=known[name]["kind"],
            doc=known[name]["doc"],
            group=manners.group,
            value=getattr(env, name),
            fixed=environment.is_set(name),
            restart=manners.restart,
            scale=manners.scale,
        )
        for name, manners in RUNTIME.items()
    )
