"""Small builders for execution tests: accounts by name, transactions without signatures, blocks, epochs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import coincurve
from blake3 import blake3

from chain.core.execution.epoch import LaneRunner, execute_epoch
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.params import ExecutionParams
from chain.core.execution.sequential import Turn, execute_sequential
from chain.core.lthash import EMPTY_LATTICE, update_lattices
from chain.core.shards import shard_of
from chain.core.transactions import authorization_hash, is_simple_transfer, keccak
from chain.core.types import (
    AccessEntry,
    Authorization,
    EpochBlock,
    EpochEnv,
    EpochResult,
    StateDiff,
    Transaction,
)

SHARDS = 4
GWEI = 10**9
ETHER = 10**18
PARAMS = ExecutionParams(
    chain_id=0x4D534858,
    shard_count=SHARDS,
    epoch_call_gas=30_000_000,
    epoch_max_txs=1_000,
    cap=10**28,
)
COINBASE_X = b"\xcc" * 20


def address_in(shard: int, name: str, shard_count: int = SHARDS) -> bytes:
    """An address of a shard, the same for the same name."""
    for n in range(10_000):
        address = blake3(f"{name}/{n}".encode()).digest()[:20]
        if shard_of(address, shard_count) == shard:
            return address
    raise AssertionError("no address found")


def make_tx(
    sender: bytes,
    nonce: int,
    to: bytes | None,
    value: int = 0,
    data: bytes = b"",
    gas_limit: int = 21_000,
    max_fee: int = 3 * GWEI,
    max_priority_fee: int = GWEI,
    access_list: Sequence[AccessEntry] = (),
    authorizations: Sequence[Authorization] = (),
) -> Transaction:
    """A transaction as ``decode_transaction`` would give it; its hash covers every field."""
    kind = 4 if authorizations else 2
    fields = (kind, sender, nonce, to, value, data, gas_limit, max_fee, max_priority_fee, access_list, authorizations)
    return Transaction(
        type=kind,
        chain_id=PARAMS.chain_id,
        nonce=nonce,
        max_priority_fee=max_priority_fee,
        max_fee=max_fee,
        gas_limit=gas_limit,
        to=to,
        value=value,
        data=data,
        access_list=tuple(access_list),
        authorizations=tuple(authorizations),
        v=0,
        r=1,
        s=1,
        hash=keccak(repr(fields).encode()),
        sender=sender,
        size=120 + len(data),
        is_simple=is_simple_transfer(to, data, tuple(access_list), tuple(authorizations), gas_limit),
    )


def make_block(
    name: str,
    txs: Iterable[Transaction],
    coinbase: bytes = COINBASE_X,
    is_blue: bool = True,
    earns: bool | None = None,
    reward: int = 25 * ETHER,
) -> EpochBlock:
    """A block of an epoch."""
    return EpochBlock(
        hash=blake3(name.encode()).digest(),
        stream=2,
        coinbase=coinbase,
        is_blue=is_blue,
        earns=is_blue if earns is None else earns,
        reward=reward,
        transactions=tuple(txs),
    )


def make_env(**changes: Any) -> EpochEnv:
    """The environment of an epoch, with room for all."""
    fields: dict[str, Any] = {
        "number": 1_000,
        "timestamp_ms": 1_700_000_000_123,
        "prevrandao": blake3(b"lot").digest(),
        "base_fee": GWEI,
        "coinbase": COINBASE_X,
        "gas_room": PARAMS.epoch_call_gas,
        "tx_room": PARAMS.epoch_max_txs,
        "minted": 10**24,
    }
    fields.update(changes)
    return EpochEnv(**fields)


def block_hashes(number: int) -> bytes | None:
    """BLOCKHASH of the test chain."""
    return blake3(b"block %d" % number).digest() if 0 <= number < 1_000 else None


def lattices_of(state: MemoryState) -> tuple[bytes, ...]:
    """The lattices of a whole state, from nothing."""
    empty = (EMPTY_LATTICE,) * SHARDS
    return update_lattices(empty, StateDiff({}, {}, {}), state.as_diff(), SHARDS)


def run_epoch(
    state: MemoryState,
    blocks: Sequence[EpochBlock],
    env: EpochEnv | None = None,
    lane_runner: LaneRunner | None = None,
    params: ExecutionParams = PARAMS,
) -> EpochResult:
    """Execute an epoch over a state (left as it is)."""
    return execute_epoch(
        env or make_env(), blocks, state, lattices_of(state), params, block_hashes, lane_runner=lane_runner
    )


def run_plain(
    state: MemoryState, blocks: Sequence[EpochBlock], result: EpochResult, env: EpochEnv | None = None
) -> EpochResult:
    """The canonical order of ``result`` on the sequential oracle."""
    order = [Turn(receipt.tx_hash, receipt.phase) for receipt in result.receipts]
    return execute_sequential(env or make_env(), blocks, order, state, lattices_of(state), PARAMS, block_hashes)


def check_epoch(state: MemoryState, blocks: Sequence[EpochBlock], env: EpochEnv | None = None) -> EpochResult:
    """Execute an epoch and check what must hold of every one; returns its result."""
    env = env or make_env()
    result = run_epoch(state, blocks, env)
    plain = run_plain(state, blocks, result, env)
    assert result.diff == plain.diff
    assert result.undo == plain.undo
    assert result.receipts == plain.receipts
    assert (result.state_root, result.receipts_root, result.gas_used) == (
        plain.state_root,
        plain.receipts_root,
        plain.gas_used,
    )
    assert result.supply == plain.supply
    assert result.rewards == plain.rewards
    assert sorted(result.skipped, key=lambda s: s.tx_hash) == sorted(plain.skipped, key=lambda s: s.tx_hash)
    after = state.copy()
    after.apply(result.diff)
    assert lattices_of(after) == result.lattices
    supply = result.supply
    assert after.total_supply() == (
        state.total_supply() + supply.rewards - supply.base_fees_burned - supply.tips_burned - supply.destroyed
    )
    assert result.minted == env.minted + supply.rewards
    after.apply(result.undo)
    assert (after.accounts, after.storage) == (state.accounts, state.storage)
    assert update_lattices(result.lattices, result.diff, result.undo, SHARDS) == lattices_of(state)
    return result


def signer_in(shard: int, name: str) -> tuple[bytes, bytes]:
    """An (address, private key) whose address lies in a shard."""
    for n in range(10_000):
        key = blake3(f"{name}/{n}".encode()).digest()
        public = coincurve.PrivateKey(key).public_key.format(compressed=False)
        address = keccak(public[1:])[12:]
        if shard_of(address, SHARDS) == shard:
            return address, key
    raise AssertionError("no key found")


def sign_authorization(key: bytes, delegate: bytes, nonce: int, chain_id: int = PARAMS.chain_id) -> Authorization:
    """An EIP-7702 tuple signed by an authority."""
    unsigned = Authorization(chain_id, delegate, nonce, 0, 0, 0)
    signature = coincurve.PrivateKey(key).sign_recoverable(authorization_hash(unsigned), hasher=None)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    return Authorization(chain_id, delegate, nonce, signature[64], r, s)
