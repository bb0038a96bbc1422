"""net_ and web3_."""

from __future__ import annotations

import platform
from functools import cache
from importlib import metadata

from chain.core.transactions import keccak
from chain.rpc.node import Node
from chain.rpc.params import Data
from chain.rpc.registry import method


@cache
def client_version() -> str:
    """Name/version/platform/language, as Ethereum clients tell it."""
    try:
        version = metadata.version("mondoshawan")
    except metadata.PackageNotFoundError:
        version = "0.1.0"
    return f"Mondoshawan/v{version}/{platform.system().lower()}-{platform.machine()}/python{platform.python_version()}"


@method("net_version")
def net_version(node: Node) -> str:
    """The network's id in decimal: the chain id."""
    return str(node.spec.chain_id)


@method("net_listening")
def net_listening(node: Node) -> bool:
    """Whether peers can connect: not before there is a network."""
    return False


@method("net_peerCount")
def net_peer_count(node: Node) -> str:
    """Connected peers."""
    return "0x0"


@method("web3_clientVersion")
def web3_client_version(node: Node) -> str:
    """This node's name and version."""
    return client_version()


@method("web3_sha3")
def web3_sha3(node: Node, data: Data) -> str:
    """keccak-256 of some bytes."""
    return "0x" + keccak(data).hex()
