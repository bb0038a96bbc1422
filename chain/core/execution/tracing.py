"""What a tracer sees of a running call: frames that begin and end, and every step between, as plain data."""

from __future__ import annotations

from typing import Any, NamedTuple, Protocol


class FrameStart(NamedTuple):
    """A frame that begins.  ``kind`` is CALL, STATICCALL, DELEGATECALL, CALLCODE, CREATE or CREATE2.

    ``to`` is the account whose state the frame works on (for a creation: the new account), ``code_address`` the one
    whose code it runs; gas in EVM gas, value in wei.
    """

    kind: str
    depth: int
    sender: bytes
    to: bytes
    code_address: bytes
    value: int
    gas: int
    data: bytes


class FrameEnd(NamedTuple):
    """A frame that ended; ``error`` is None or the code of ``CallResult.error``."""

    output: bytes
    gas_used: int
    error: str | None


class Step:
    """The machine before one opcode; stack and memory are read only if asked for."""

    __slots__ = ("_frame", "depth", "gas", "op", "pc")

    def __init__(self, frame: Any, pc: int, op: int, gas: int, depth: int) -> None:
        self._frame = frame
        self.pc = pc
        self.op = op
        self.gas = gas
        self.depth = depth

    @property
    def stack(self) -> list[int]:
        """The stack, top last."""
        return list(self._frame._stack.values)

    @property
    def memory(self) -> bytes:
        """The frame's memory."""
        return bytes(self._frame._memory._bytes)

    @property
    def return_data(self) -> bytes:
        """What the last call returned."""
        return bytes(self._frame.return_data)

    @property
    def address(self) -> bytes:
        """The account whose state the frame works on."""
        address: bytes = self._frame.msg.storage_address
        return address

    @property
    def gas_left(self) -> int:
        """What the frame has left now, after the opcode where it has run by now."""
        left: int = self._frame._gas_meter.gas_remaining
        return left

    def balance(self, address: bytes) -> int:
        """Wei of an account now."""
        wei: int = self._frame.state.get_balance(address)
        return wei

    @property
    def refund(self) -> int:
        """The refund counter of the frame and what it called."""
        refund: int = self._frame._gas_meter.gas_refunded
        return refund


class Tracer(Protocol):
    """Told in order of what happens; what it raises ends the call."""

    def enter(self, frame: FrameStart) -> None:
        """A frame begins."""

    def step(self, step: Step) -> None:
        """An opcode is about to run."""

    def exit(self, frame: FrameEnd) -> None:
        """The frame entered last ends."""
