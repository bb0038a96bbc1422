"""Runs single transactions over an overlay, natively where that is enough (protocol §8, EVM).

py-evm is imported when the first call needs it, so processes that never execute contract code do not load it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from chain.core.execution.overlay import StateOverlay
from chain.core.execution.params import BlockEnv
from chain.core.execution.transfer import Executed, effective_gas_price, is_native, run_transfer
from chain.core.ports import BlockHashes
from chain.core.types import Transaction

if TYPE_CHECKING:
    from chain.core.execution.evm.executor import Executor
    from chain.core.execution.tracing import Tracer


class TransactionRunner:
    """Runs transactions that can run, one after another, and counts the ether that they destroy."""

    __slots__ = ("_block_hashes", "_executor", "destroyed", "env", "overlay")

    def __init__(self, overlay: StateOverlay, env: BlockEnv, block_hashes: BlockHashes) -> None:
        self.overlay = overlay
        self.env = env
        self.destroyed = 0
        self._block_hashes = block_hashes
        self._executor: Executor | None = None

    def run(self, tx: Transaction, position: int, coinbase: bytes) -> Executed:
        """Run a transaction, natively if it is a simple transfer to an account without code."""
        if is_native(tx, self.overlay):
            return run_transfer(tx, position, self.env.base_fee, self.overlay)
        return self.run_call(tx, position, coinbase)

    def run_call(
        self,
        tx: Transaction,
        position: int,
        coinbase: bytes,
        guard: Callable[[bytes], bool] | None = None,
        tracer: Tracer | None = None,
    ) -> Executed:
        """Run a transaction on the EVM; ``tracer`` is told of its frames and steps.

        Raises
        ------
        ForeignTouch
            ``guard`` called an account foreign that the transaction touches; it is undone.
        """
        from chain.core.execution.evm.executor import Call, Executor

        if self._executor is None:
            self._executor = Executor(self.overlay, self.env, self._block_hashes)
        executor = self._executor
        if tracer is not None:
            executor = Executor(self.overlay, self.env, self._block_hashes, tracer)
        price = effective_gas_price(tx, self.env.base_fee)
        outcome = executor.run(Call.of(tx, price), coinbase, guard)
        self.destroyed += outcome.destroyed
        status = 1 if outcome.success else 0
        return Executed(position, status, outcome.gas_used, price, outcome.logs, outcome.contract_address)
