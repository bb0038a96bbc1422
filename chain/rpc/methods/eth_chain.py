"""eth_: the chain's identity, its head, and accounts."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import NoReturn

from chain.core.errors import RequestCode, RequestError
from chain.core.shards import shard_of
from chain.core.types import EMPTY_CODE_HASH, Account
from chain.rpc.node import Node
from chain.rpc.params import LATEST, Address, BlockRef, Slot
from chain.rpc.registry import method
from chain.rpc.threads import in_thread
from chain.selectors import rpc as select
from chain.services.control import mining_settings, mining_status


@method("eth_chainId")
def eth_chain_id(node: Node) -> str:
    """EIP-695."""
    return node.chain_id


@method("eth_blockNumber")
def eth_block_number(node: Node) -> str:
    """The number of the latest block."""
    return hex(node.head.latest)


@method("eth_syncing")
async def eth_syncing(node: Node) -> dict[str, str] | bool:
    """False; while blocks that the node has taken in wait for long, how far it is."""
    return await node.syncing.status() or False


@method("eth_accounts")
def eth_accounts(node: Node) -> list[str]:
    """None: the node holds no accounts' keys."""
    return []


@method("eth_coinbase")
async def eth_coinbase(node: Node) -> str:
    """Whom this node's miners pay.

    An error where nobody is set.
    """
    settings = await in_thread(mining_settings)
    if settings.coinbase is None:
        raise RequestError("no_coinbase", "etherbase must be explicitly specified")
    return "0x" + settings.coinbase.hex()


@method("eth_mining")
async def eth_mining(node: Node) -> bool:
    """Whether any of this node's miners is at work."""
    status = await in_thread(mining_status)
    return any(stream["active"] for stream in status["streams"].values())


@method("eth_hashrate")
async def eth_hashrate(node: Node) -> str:
    """Hashes a second of this node's miners of streams A and B."""
    status = await in_thread(mining_status)
    return hex(int(sum(status["streams"][name]["hashrate"] for name in "AB")))


@method("eth_getProof")
def eth_get_proof(
    node: Node, address: Address, storage_keys: list[Slot] | None = None, block: BlockRef = LATEST
) -> NoReturn:
    """Refused: the state commitment is a homomorphic hash, which has no Merkle proofs."""
    raise RequestError(RequestCode.NOT_SUPPORTED, "not supported: LtHash state has no Merkle proofs")


@method("eth_getBalance")
def eth_get_balance(node: Node, address: Address, block: BlockRef = LATEST) -> str | Awaitable[str]:
    """Wei of an account."""
    found = _account(node, address, block)
    if found is not None and not isinstance(found, Account):
        return _balance(found)
    return "0x0" if found is None else hex(found.balance)


async def _balance(reading: Awaitable[Account | None]) -> str:
    account = await reading
    return "0x0" if account is None else hex(account.balance)


@method("eth_getTransactionCount")
def eth_get_transaction_count(node: Node, address: Address, block: BlockRef = LATEST) -> str | Awaitable[str]:
    """The next nonce of an account; at pending, after its executable transactions in the pool."""
    found = _account(node, address, block)
    if block.tag == "pending" or (found is not None and not isinstance(found, Account)):
        return _nonce(node, address, block, found)
    return "0x0" if found is None else hex(found.nonce)


async def _nonce(node: Node, address: bytes, block: BlockRef, found: Account | Awaitable[Account | None] | None) -> str:
    account = await found if found is not None and not isinstance(found, Account) else found
    nonce = 0 if account is None else account.nonce
    if block.tag == "pending":
        pooled = await node.pool.sender(address)
        if pooled is not None:
            nonce = max(nonce, pooled.next_nonce)
    return hex(nonce)


@method("eth_getCode")
async def eth_get_code(node: Node, address: Address, block: BlockRef = LATEST) -> str:
    """Code of an account."""
    found = _account(node, address, block)
    account = await found if found is not None and not isinstance(found, Account) else found
    if account is None or account.code_hash == EMPTY_CODE_HASH:
        return "0x"
    code = await node.read(select.code, account.code_hash)
    return "0x" + (code or b"").hex()


@method("eth_getStorageAt")
async def eth_get_storage_at(node: Node, address: Address, slot: Slot, block: BlockRef = LATEST) -> str:
    """A storage slot of an account, 32 bytes."""
    point = await node.resolve(block)
    number = node.head.number if point.is_current else point.number
    value = await node.read(select.slot, shard_of(address, node.spec.shard_count), address, slot, number)
    return f"0x{value:064x}"


def _account(node: Node, address: bytes, block: BlockRef) -> Account | Awaitable[Account | None] | None:
    """An account, or what to await for it; None where there is none."""
    if block.tag == "latest":
        return node.accounts.latest(address)
    return _account_at(node, address, block)


async def _account_at(node: Node, address: bytes, block: BlockRef) -> Account | None:
    point = await node.resolve(block)
    shard = shard_of(address, node.spec.shard_count)
    found: Account | None = await node.read(select.account, shard, address, None if point.is_current else point.number)
    return found
