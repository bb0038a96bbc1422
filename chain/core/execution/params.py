"""What an execution needs of the chain's parameters (protocol §2, §8)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from chain.core.spec import ChainSpec
    from chain.core.types import EpochEnv


@dataclass(frozen=True, slots=True)
class ExecutionParams:
    """Consensus parameters of execution; gas in EVM gas, ``cap`` in wei."""

    chain_id: int
    shard_count: int
    epoch_call_gas: int
    epoch_max_txs: int
    cap: int
    evm_fork: str = "prague"

    @property
    def block_gas_limit(self) -> int:
        """GASLIMIT of an epoch: room for every call and every transfer (protocol §8)."""
        return self.epoch_call_gas + 21_000 * self.epoch_max_txs

    @classmethod
    def of(cls, spec: ChainSpec) -> ExecutionParams:
        """The parameters of a network."""
        return cls(
            chain_id=spec.chain_id,
            shard_count=spec.shard_count,
            epoch_call_gas=spec.epoch_call_gas,
            epoch_max_txs=spec.epoch_max_txs,
            cap=spec.cap,
            evm_fork=spec.evm_fork,
        )


@dataclass(frozen=True, slots=True)
class BlockEnv:
    """What the EVM sees of its block; COINBASE is given with each transaction.

    ``timestamp`` is in seconds.  ``base_fee`` and ``blob_base_fee`` are in wei.
    """

    chain_id: int
    number: int
    timestamp: int
    prevrandao: bytes
    base_fee: int
    gas_limit: int
    blob_base_fee: int = 1
    evm_fork: str = "prague"


def block_env(env: EpochEnv, params: ExecutionParams) -> BlockEnv:
    """The EVM's view of an epoch (protocol §8)."""
    return BlockEnv(
        chain_id=params.chain_id,
        number=env.number,
        timestamp=env.timestamp_ms // 1000,
        prevrandao=env.prevrandao,
        base_fee=env.base_fee,
        gas_limit=params.block_gas_limit,
        evm_fork=params.evm_fork,
    )
