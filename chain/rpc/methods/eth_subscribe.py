"""eth_: subscriptions over WebSocket."""

from __future__ import annotations

from typing import Any, NewType

from chain.core.errors import RequestCode, RequestError
from chain.rpc.caller import current_caller
from chain.rpc.feed import KINDS
from chain.rpc.node import Node
from chain.rpc.params import PARSERS, bad, log_filter
from chain.rpc.registry import method
from chain.rpc.sockets import Socket

Kind = NewType("Kind", str)
Detail = NewType("Detail", object)


def _kind(value: Any) -> str:
    if not isinstance(value, str) or value not in KINDS:
        raise bad(f"a subscription is one of {', '.join(KINDS)}")
    return value


PARSERS[Kind] = _kind
PARSERS[Detail] = lambda value: value


@method("eth_subscribe")
async def eth_subscribe(node: Node, kind: Kind, detail: Detail | None = None) -> str:
    """Hear of newHeads, logs (with a filter), newPendingTransactions (true: whole ones), syncing, mds_dag or mds_stats.

    Over WebSocket only.  Logs of undone blocks come again with ``removed``; after a reorganisation newHeads
    tells the new branch from the fork on.
    """
    socket = _socket()
    chosen: Any = None
    if kind == "logs":
        chosen = log_filter({} if detail is None else detail)
        if chosen.block_hash is not None:
            raise bad("a subscription follows new blocks: leave blockHash out")
    elif kind == "newPendingTransactions":
        if detail is not None and not isinstance(detail, bool):
            raise bad("newPendingTransactions takes true or false")
        chosen = bool(detail)
    elif detail is not None:
        raise bad(f"{kind} takes no options")
    subscription = socket.subscribe(kind, chosen)
    try:
        await node.feed.add(subscription)
    except BaseException:
        socket.subscriptions.pop(subscription.identity, None)
        raise
    return subscription.identity


@method("eth_unsubscribe")
async def eth_unsubscribe(node: Node, subscription: str) -> bool:
    """End a subscription of this connection."""
    found = _socket().subscriptions.pop(subscription, None)
    if found is None:
        raise RequestError("subscription_not_found", "subscription not found")
    node.feed.remove(found)
    return True


def _socket() -> Socket:
    socket = current_caller().socket
    if not isinstance(socket, Socket):
        raise RequestError(RequestCode.METHOD_NOT_FOUND, "notifications not supported")
    return socket
