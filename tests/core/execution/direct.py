"""Calls straight into the EVM's executor, without an epoch around them."""

from __future__ import annotations

from chain.core.execution.evm.executor import Call, Executor
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import BlockEnv
from chain.core.transactions import keccak
from tests.core.execution.build import (
    COINBASE_X,
    ETHER,
    GWEI,
    PARAMS,
    block_hashes,
)

ALICE, CODE, OTHER = b"\xa1" * 20, b"\xc0" * 20, b"\x07" * 20
ENV = BlockEnv(PARAMS.chain_id, 1_000, 1_700_000_000, keccak(b"lot"), GWEI, PARAMS.block_gas_limit)


def make_state(code: bytes = b"", balance: int = 0, storage: dict[int, int] | None = None) -> MemoryState:
    state = MemoryState()
    state.put(ALICE, 10 * ETHER)
    state.put(CODE, balance, 1, code, storage)
    return state


def execute(
    state: MemoryState, to: bytes | None = CODE, value: int = 0, data: bytes = b"", gas: int = 1_000_000, **more
):
    """Run one call; returns its outcome and the overlay after it."""
    overlay = StateOverlay(CachedReader(state))
    executor = Executor(overlay, ENV, block_hashes)
    call = Call(ALICE, to, value, data, gas, 2 * GWEI, 2 * GWEI, more.get("access_list", ()), more.get("auth", ()))
    return executor.run(call, COINBASE_X), overlay


def slots_after(code: bytes, **fields) -> dict[int, int]:
    outcome, overlay = execute(make_state(code), **fields)
    assert outcome.success
    return {slot: value for (address, slot), value in overlay.slots.items() if address == CODE}
