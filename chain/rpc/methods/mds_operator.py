"""mds_: what changes the node.  Each needs an API key with its scope, or the localhost grant."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, NewType, NoReturn

from chain.core.errors import ConfigError, RequestCode, RequestError
from chain.core.types import Stream
from chain.rpc.access import current_operator
from chain.rpc.methods import mds_mining  # noqa: F401 - its parsers
from chain.rpc.node import Node
from chain.rpc.params import PARSERS, Address, bad
from chain.rpc.registry import method
from chain.rpc.threads import in_thread
from chain.services import audit, control

Share = NewType("Share", float)
LogLevel = NewType("LogLevel", str)
LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
LOGGERS = ("chain", "explorer", "admin_ui", "mondoshawan")


def _share(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        raise bad("a share is a number from 0.01 to 1")
    return float(value)


def _level(value: Any) -> str:
    if value not in LEVELS:
        raise bad(f"a level is one of {', '.join(LEVELS)}")
    return str(value)


PARSERS[Share] = _share
PARSERS[LogLevel] = _level


@method("mds_startMining", scope="mining")
async def mds_start_mining(node: Node, stream: Stream) -> dict[str, Any]:
    """Want a stream mined and start it; the mining status."""
    return await _change(control.start_mining, stream)


@method("mds_stopMining", scope="mining")
async def mds_stop_mining(node: Node, stream: Stream) -> dict[str, Any]:
    """No longer want a stream mined; the mining status."""
    return await _change(control.stop_mining, stream)


@method("mds_setMiningShare", scope="mining")
async def mds_set_mining_share(node: Node, stream: Stream, share: Share) -> dict[str, Any]:
    """Give a stream another share of one core, 0.01 to 1; the mining status."""
    return await _change(control.set_share, stream, share)


@method("mds_setCoinbase", scope="mining")
async def mds_set_coinbase(node: Node, address: Address) -> dict[str, Any]:
    """Pay another account from the next template on; the mining status."""
    return await _change(control.set_coinbase, address)


@method("mds_getOrderingPolicy")
async def mds_get_ordering_policy(node: Node) -> dict[str, Any]:
    """How this node's miners order transactions, and what else they could do."""
    return await in_thread(control.ordering_policy)


@method("mds_setOrderingPolicy", scope="mining")
async def mds_set_ordering_policy(node: Node, policy: str) -> dict[str, Any]:
    """Choose among the policies that ``mds_getOrderingPolicy`` lists."""
    await _change(control.set_ordering_policy, policy)
    return await in_thread(control.ordering_policy)


@method("mds_setLogLevel", scope="log")
async def mds_set_log_level(node: Node, level: LogLevel) -> dict[str, str]:
    """Change what this process logs, until it restarts; the level before and now."""
    return await in_thread(_set_log_level, level)


@method("mds_addPeer", scope="network")
def mds_add_peer(node: Node, address: str) -> NoReturn:
    """Refused: this node has no network yet."""
    raise _no_network()


@method("mds_removePeer", scope="network")
def mds_remove_peer(node: Node, peer: str) -> NoReturn:
    """Refused: this node has no network yet."""
    raise _no_network()


@method("mds_banPeer", scope="network")
def mds_ban_peer(node: Node, peer: str) -> NoReturn:
    """Refused: this node has no network yet."""
    raise _no_network()


@method("mds_unbanPeer", scope="network")
def mds_unban_peer(node: Node, peer: str) -> NoReturn:
    """Refused: this node has no network yet."""
    raise _no_network()


async def _change(service: Callable[..., Any], *args: Any) -> dict[str, Any]:
    """Change a setting in the operator's name; what cannot be changed is the operator's to know."""
    try:
        await in_thread(service, *args, current_operator())
    except ConfigError as error:
        raise RequestError(error.code, error.message, **error.data) from None
    return await in_thread(control.mining_status)


def _set_log_level(level: str) -> dict[str, str]:
    with audit.operation("log.set_level") as trail:
        trail.before = str(logging.getLevelName(logging.getLogger("chain").level))
        for name in LOGGERS:
            logging.getLogger(name).setLevel(level)
        trail.after = level
        return {"before": trail.before, "now": level}


def _no_network() -> RequestError:
    return RequestError(RequestCode.NETWORK_DISABLED, "this node has no network yet")
