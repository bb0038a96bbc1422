"""rpc.: the methods themselves."""

from __future__ import annotations

from typing import Any

from chain.rpc.node import Node
from chain.rpc.registry import method


@method("rpc.discover", cost=10)
def rpc_discover(node: Node) -> dict[str, Any]:
    """Every method, as an OpenRPC document."""
    from chain.rpc.openrpc import discover

    return discover()


@method("rpc_modules")
def rpc_modules(node: Node) -> dict[str, str]:
    """The namespaces and their versions, as go-ethereum's console asks for them."""
    from chain.rpc.openrpc import namespace
    from chain.rpc.registry import METHODS

    return dict.fromkeys(sorted({namespace(name) for name in METHODS}), "1.0")
