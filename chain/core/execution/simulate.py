"""``eth_simulateV1``: blocks of calls one after another over a state (execution-apis)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from chain.core.errors import RequestError
from chain.core.execution.call import CallResult, CallSession
from chain.core.execution.overlay import StateOverlay
from chain.core.execution.overrides import AccountOverride
from chain.core.execution.params import BlockEnv, ExecutionParams
from chain.core.execution.tracing import FrameEnd, FrameStart, Step
from chain.core.ports import BlockHashes, StateReader
from chain.core.transactions import keccak
from chain.core.types import Account, EpochEnv, Log

MAX_BLOCKS = 256
# the address and topic under which transfers of ether show as logs
ETHER = bytes([0xEE]) * 20
TRANSFER = keccak(b"Transfer(address,address,uint256)")


@dataclass(frozen=True, slots=True)
class BlockOverrides:
    """What a simulated block has instead; None keeps what follows from the block before. Times in seconds, wei."""

    number: int | None = None
    time: int | None = None
    gas_limit: int | None = None
    coinbase: bytes | None = None
    prevrandao: bytes | None = None
    base_fee: int | None = None
    blob_base_fee: int | None = None

    def apply(self, block: BlockEnv) -> BlockEnv:
        """A block with these values."""
        values: dict[str, Any] = {
            "number": self.number,
            "timestamp": self.time,
            "gas_limit": self.gas_limit,
            "prevrandao": self.prevrandao,
            "base_fee": self.base_fee,
            "blob_base_fee": self.blob_base_fee,
        }
        return replace(block, **{name: value for name, value in values.items() if value is not None})


@dataclass(frozen=True, slots=True)
class SimulatedCall:
    """A call to simulate; ``gas`` None takes what its block has left, ``nonce`` is checked under validation."""

    sender: bytes
    to: bytes | None
    value: int
    data: bytes
    gas: int | None
    gas_price: int
    nonce: int | None


class BlockPlan(NamedTuple):
    """One block of the request."""

    overrides: BlockOverrides
    state: Mapping[bytes, AccountOverride]
    calls: Sequence[SimulatedCall]


class SimulatedBlock(NamedTuple):
    """A block that was simulated, its calls' results with their logs as the caller wants them.

    ``plan`` is the index of its plan, None for a block between two that were asked for.
    """

    plan: int | None
    block: BlockEnv
    coinbase: bytes
    gas_used: int
    results: tuple[tuple[CallResult, tuple[Log, ...]], ...]


class OverlayState:
    """An overlay as the state under another one."""

    def __init__(self, overlay: StateOverlay) -> None:
        self._overlay = overlay

    def get_account(self, address: bytes) -> Account | None:
        """See ``StateReader``."""
        return self._overlay.account(address)

    def get_slot(self, address: bytes, slot: int) -> int:
        """See ``StateReader``."""
        return self._overlay.slot(address, slot)

    def get_code(self, code_hash: bytes) -> bytes:
        """See ``StateReader``."""
        return self._overlay.code(code_hash)

    def has_storage(self, address: bytes) -> bool:
        """See ``StateReader``."""
        written = any(value for (owner, _), value in self._overlay.slots.items() if owner == address)
        return written or self._overlay.reader.has_storage(address)

    def prefetch(self, addresses: Iterable[bytes], slots: Iterable[tuple[bytes, int]]) -> None:
        """Nothing: what matters is in memory."""


class TransferLogs:
    """A tracer that tells logs, and transfers of ether as logs, in the order in which they happened."""

    def __init__(self) -> None:
        self._frames: list[list[Log]] = [[]]

    @property
    def logs(self) -> tuple[Log, ...]:
        """Of everything that did not fail."""
        return tuple(self._frames[0])

    def enter(self, frame: FrameStart) -> None:
        """See ``Tracer``."""
        logs: list[Log] = []
        if frame.value and frame.kind in ("CALL", "CREATE", "CREATE2"):
            topics = (TRANSFER, frame.sender.rjust(32, b"\0"), frame.to.rjust(32, b"\0"))
            logs.append(Log(ETHER, topics, frame.value.to_bytes(32, "big")))
        self._frames.append(logs)

    def step(self, step: Step) -> None:
        """See ``Tracer``."""
        if 0xA0 <= step.op <= 0xA4:
            stack, count = step.stack, step.op - 0xA0
            if len(stack) >= 2 + count and stack[-2] <= step.gas:
                start, size = stack[-1], stack[-2]
                topics = tuple([topic.to_bytes(32, "big") for topic in reversed(stack[-2 - count : -2])])
                self._frames[-1].append(Log(step.address, topics, step.memory[start : start + size].ljust(size, b"\0")))

    def exit(self, frame: FrameEnd) -> None:
        """See ``Tracer``."""
        logs = self._frames.pop()
        if frame.error is None:
            self._frames[-1].extend(logs)


def simulate_blocks(
    params: ExecutionParams,
    env: EpochEnv,
    parent: BlockEnv,
    state: StateReader,
    plans: Sequence[BlockPlan],
    block_hashes: BlockHashes,
    *,
    validation: bool,
    transfers: bool,
) -> list[SimulatedBlock]:
    """Run blocks of calls; each sees what those before it did.

    Parameters
    ----------
    env : EpochEnv
        Of the block that they follow; gives coinbase.
    parent : BlockEnv
        The block that they follow.
    validation : bool
        Whether base fees, funds for gas and nonces count.
    transfers : bool
        Whether transfers of ether show as logs.

    Raises
    ------
    RequestError
        ``simulate_*``: an order of blocks or a call that could not be.
    """
    blocks: list[SimulatedBlock] = []
    before = parent
    gas_left = params.epoch_call_gas
    for index, plan in enumerate(plans):
        number = plan.overrides.number
        if number is not None and number <= before.number:
            raise RequestError("simulate_block_order", f"block numbers must be in order: {number} <= {before.number}")
        target = before.number + 1 if number is None else number
        if target - parent.number > MAX_BLOCKS:
            raise RequestError("simulate_client_limit", "too many blocks", limit=MAX_BLOCKS)
        while before.number + 1 < target:
            before = _next(before, BlockOverrides(), parent, validation)
            blocks.append(SimulatedBlock(None, before, env.coinbase, 0, ()))
        if plan.overrides.time is not None and plan.overrides.time <= before.timestamp:
            raise RequestError(
                "simulate_timestamp_order",
                f"block timestamps must be in order: {plan.overrides.time} <= {before.timestamp}",
            )
        before = _next(before, plan.overrides, parent, validation)
        coinbase = plan.overrides.coinbase or env.coinbase
        session = CallSession(
            params, replace(env, coinbase=coinbase), state, plan.state, block_hashes=block_hashes, block=before
        )
        room, results = before.gas_limit, []
        for call in plan.calls:
            gas = min(room, gas_left) if call.gas is None else call.gas
            if gas > room:
                raise RequestError("simulate_block_gas", f"block gas limit reached: {room} < {gas}")
            if gas > gas_left:
                raise RequestError("simulate_client_limit", "RPC gas cap exhausted", left=gas_left)
            result, logs = _run(session, call, gas, validation=validation, transfers=transfers)
            room, gas_left = room - result.gas_used, gas_left - result.gas_used
            results.append((result, logs))
        blocks.append(SimulatedBlock(index, before, coinbase, before.gas_limit - room, tuple(results)))
        state = OverlayState(session.overlay)
    return blocks


def _next(before: BlockEnv, overrides: BlockOverrides, parent: BlockEnv, validation: bool) -> BlockEnv:
    following = replace(
        before,
        number=before.number + 1,
        timestamp=before.timestamp + 1,
        prevrandao=bytes(32),
        base_fee=parent.base_fee if validation else 0,
    )
    return overrides.apply(following)


def _run(
    session: CallSession, call: SimulatedCall, gas: int, *, validation: bool, transfers: bool
) -> tuple[CallResult, tuple[Log, ...]]:
    account = session.overlay.account(call.sender)
    nonce = account.nonce if account is not None else 0
    if validation and call.nonce is not None and call.nonce != nonce:
        which = "simulate_nonce_too_low" if call.nonce < nonce else "simulate_nonce_too_high"
        raise RequestError(which, f"{which[9:].replace('_', ' ')}: state: {nonce}, tx: {call.nonce}")
    if validation and call.gas_price < session.block.base_fee:
        raise RequestError("simulate_base_fee", "max fee per gas less than block base fee")
    tracer = TransferLogs() if transfers else None
    try:
        price = call.gas_price if validation else 0
        result = session.call(call.sender, call.to, call.value, call.data, gas, price, tracer=tracer)
    except RequestError as error:
        codes: dict[str, Any] = {"insufficient_funds": "simulate_funds", "intrinsic_gas": "simulate_intrinsic_gas"}
        raise RequestError(codes.get(error.code, error.code), error.message, **error.data) from None
    return result, result.logs if tracer is None else tracer.logs
