"""The opcodes that code mostly consists of, written for speed.

Each does what py-evm's own does (tests compare them over random stacks): same gas, same result, a failure where that
fails.  Which of two failures comes first may differ; both cost the frame all its gas.
Gas prices: yellow paper, appendix G; EIP-145, 1344, 1884, 3198, 3855, 5656, 7516.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from eth.exceptions import FullStack, InsufficientStack, InvalidJumpDestination, OutOfGas
from sha3 import keccak_256

Op = Callable[[Any], None]

_WORD = (1 << 256) - 1
_SIGN = 1 << 255
_MODULUS = 1 << 256
_BASE, _VERY_LOW, _LOW, _MID, _HIGH = 2, 3, 5, 8, 10


def _take(frame: Any, gas: int) -> None:
    meter = frame._gas_meter
    left = meter.gas_remaining - gas
    if left < 0:
        raise OutOfGas
    meter.gas_remaining = left


def _signed(value: int) -> int:
    return value - _MODULUS if value & _SIGN else value


def _binary(gas: int, compute: Callable[[int, int], int]) -> Op:
    """Top and second item in, one out."""

    def run(frame: Any) -> None:
        meter = frame._gas_meter
        left = meter.gas_remaining - gas
        if left < 0:
            raise OutOfGas
        meter.gas_remaining = left
        values = frame._stack.values
        try:
            top = values.pop()
            values[-1] = compute(top, values[-1])
        except IndexError:
            raise InsufficientStack from None

    return run


def _ternary(gas: int, compute: Callable[[int, int, int], int]) -> Op:
    def run(frame: Any) -> None:
        _take(frame, gas)
        values = frame._stack.values
        if len(values) < 3:
            raise InsufficientStack
        top, second = values.pop(), values.pop()
        values[-1] = compute(top, second, values[-1])

    return run


def _add(frame: Any) -> None:
    meter = frame._gas_meter
    left = meter.gas_remaining - _VERY_LOW
    if left < 0:
        raise OutOfGas
    meter.gas_remaining = left
    values = frame._stack.values
    try:
        top = values.pop()
        values[-1] = (top + values[-1]) & _WORD
    except IndexError:
        raise InsufficientStack from None


def _is_zero(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    if not values:
        raise InsufficientStack
    values[-1] = 0 if values[-1] else 1


def _not(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    if not values:
        raise InsufficientStack
    values[-1] ^= _WORD


def _sdiv(a: int, b: int) -> int:
    a, b = _signed(a), _signed(b)
    if b == 0:
        return 0
    quotient = abs(a) // abs(b)
    return (quotient if (a < 0) == (b < 0) else -quotient) & _WORD


def _smod(a: int, b: int) -> int:
    a, b = _signed(a), _signed(b)
    if b == 0:
        return 0
    rest = abs(a) % abs(b)
    return (-rest if a < 0 else rest) & _WORD


def _sign_extend(size: int, value: int) -> int:
    if size > 30:
        return value
    bit = 1 << (8 * size + 7)
    return value | (_MODULUS - bit) if value & bit else value & (bit - 1)


def _sar(shift: int, value: int) -> int:
    value = _signed(value)
    if shift >= 256:
        return _WORD if value < 0 else 0
    return (value >> shift) & _WORD


def _pop(frame: Any) -> None:
    meter = frame._gas_meter
    left = meter.gas_remaining - _BASE
    if left < 0:
        raise OutOfGas
    meter.gas_remaining = left
    try:
        frame._stack.values.pop()
    except IndexError:
        raise InsufficientStack from None


def _push(size: int) -> Op:
    def run(frame: Any) -> None:
        meter = frame._gas_meter
        left = meter.gas_remaining - _VERY_LOW
        if left < 0:
            raise OutOfGas
        meter.gas_remaining = left
        values = frame._stack.values
        if len(values) > 1_023:
            raise FullStack
        code = frame.code
        start = code.program_counter
        code.program_counter = end = start + size
        values.append(int.from_bytes(code.padded[start:end], "big"))

    return run


def _dup(position: int) -> Op:
    def run(frame: Any) -> None:
        meter = frame._gas_meter
        left = meter.gas_remaining - _VERY_LOW
        if left < 0:
            raise OutOfGas
        meter.gas_remaining = left
        values = frame._stack.values
        if len(values) > 1_023:
            raise FullStack
        try:
            values.append(values[-position])
        except IndexError:
            raise InsufficientStack from None

    return run


def _swap(position: int) -> Op:
    deep = -position - 1

    def run(frame: Any) -> None:
        meter = frame._gas_meter
        left = meter.gas_remaining - _VERY_LOW
        if left < 0:
            raise OutOfGas
        meter.gas_remaining = left
        values = frame._stack.values
        try:
            values[-1], values[deep] = values[deep], values[-1]
        except IndexError:
            raise InsufficientStack from None

    return run


def _jump(frame: Any) -> None:
    _take(frame, _MID)
    try:
        target = frame._stack.values.pop()
    except IndexError:
        raise InsufficientStack from None
    code = frame.code
    if not code.may_jump_to(target):
        raise InvalidJumpDestination
    code.program_counter = target


def _jumpi(frame: Any) -> None:
    _take(frame, _HIGH)
    values = frame._stack.values
    try:
        target, condition = values.pop(), values.pop()
    except IndexError:
        raise InsufficientStack from None
    if condition:
        code = frame.code
        if not code.may_jump_to(target):
            raise InvalidJumpDestination
        code.program_counter = target


def _jumpdest(frame: Any) -> None:
    meter = frame._gas_meter
    left = meter.gas_remaining - 1
    if left < 0:
        raise OutOfGas
    meter.gas_remaining = left


def _word_from(read: Callable[[Any], int]) -> Op:
    """An opcode of two gas that pushes what ``read`` finds."""

    def run(frame: Any) -> None:
        meter = frame._gas_meter
        left = meter.gas_remaining - _BASE
        if left < 0:
            raise OutOfGas
        meter.gas_remaining = left
        values = frame._stack.values
        if len(values) > 1_023:
            raise FullStack
        values.append(read(frame))

    return run


def _number(data: bytes) -> int:
    return int.from_bytes(data, "big")


def _mload(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    if not values:
        raise InsufficientStack
    start = values[-1]
    memory = frame._memory._bytes
    if start + 32 > len(memory):
        frame.extend_memory(start, 32)
    values[-1] = int.from_bytes(memory[start : start + 32], "big")


def _mstore(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    try:
        start, value = values.pop(), values.pop()
    except IndexError:
        raise InsufficientStack from None
    memory = frame._memory._bytes
    if start + 32 > len(memory):
        frame.extend_memory(start, 32)
    memory[start : start + 32] = value.to_bytes(32, "big")


def _mstore8(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    try:
        start, value = values.pop(), values.pop()
    except IndexError:
        raise InsufficientStack from None
    memory = frame._memory._bytes
    if start >= len(memory):
        frame.extend_memory(start, 1)
    memory[start] = value & 0xFF


def _copy(source: Callable[[Any], bytes]) -> Op:
    """CALLDATACOPY and CODECOPY: zeros beyond the end of the source."""

    def run(frame: Any) -> None:
        values = frame._stack.values
        if len(values) < 3:
            raise InsufficientStack
        target, start, size = values.pop(), values.pop(), values.pop()
        _take(frame, _VERY_LOW + 3 * ((size + 31) // 32))
        if size:
            frame.extend_memory(target, size)
            frame._memory._bytes[target : target + size] = source(frame)[start : start + size].ljust(size, b"\x00")

    return run


def _mcopy(frame: Any) -> None:
    values = frame._stack.values
    if len(values) < 3:
        raise InsufficientStack
    target, source, size = values.pop(), values.pop(), values.pop()
    _take(frame, _VERY_LOW + 3 * ((size + 31) // 32))
    frame.extend_memory(max(target, source), size)
    frame._memory.copy(target, source, size)


def _calldataload(frame: Any) -> None:
    _take(frame, _VERY_LOW)
    values = frame._stack.values
    if not values:
        raise InsufficientStack
    start = values[-1]
    values[-1] = int.from_bytes(frame.msg.data[start : start + 32].ljust(32, b"\x00"), "big")


def _keccak256(frame: Any) -> None:
    values = frame._stack.values
    if len(values) < 2:
        raise InsufficientStack
    start, size = values.pop(), values[-1]
    _take(frame, 30 + 6 * ((size + 31) // 32))
    frame.extend_memory(start, size)
    values[-1] = int.from_bytes(keccak_256(bytes(frame._memory._bytes[start : start + size])).digest(), "big")


FAST_OPS: dict[int, Op] = {
    0x01: _add,
    0x02: _binary(_LOW, lambda a, b: a * b & _WORD),
    0x03: _binary(_VERY_LOW, lambda a, b: (a - b) & _WORD),
    0x04: _binary(_LOW, lambda a, b: a // b if b else 0),
    0x05: _binary(_LOW, _sdiv),
    0x06: _binary(_LOW, lambda a, b: a % b if b else 0),
    0x07: _binary(_LOW, _smod),
    0x08: _ternary(_MID, lambda a, b, n: (a + b) % n if n else 0),
    0x09: _ternary(_MID, lambda a, b, n: a * b % n if n else 0),
    0x0B: _binary(_LOW, _sign_extend),
    0x10: _binary(_VERY_LOW, lambda a, b: 1 if a < b else 0),
    0x11: _binary(_VERY_LOW, lambda a, b: 1 if a > b else 0),
    0x12: _binary(_VERY_LOW, lambda a, b: 1 if a ^ _SIGN < b ^ _SIGN else 0),
    0x13: _binary(_VERY_LOW, lambda a, b: 1 if a ^ _SIGN > b ^ _SIGN else 0),
    0x14: _binary(_VERY_LOW, lambda a, b: 1 if a == b else 0),
    0x15: _is_zero,
    0x16: _binary(_VERY_LOW, lambda a, b: a & b),
    0x17: _binary(_VERY_LOW, lambda a, b: a | b),
    0x18: _binary(_VERY_LOW, lambda a, b: a ^ b),
    0x19: _not,
    0x1A: _binary(_VERY_LOW, lambda at, value: value >> 8 * (31 - at) & 0xFF if at < 32 else 0),
    0x1B: _binary(_VERY_LOW, lambda shift, value: value << shift & _WORD if shift < 256 else 0),
    0x1C: _binary(_VERY_LOW, lambda shift, value: value >> shift if shift < 256 else 0),
    0x1D: _binary(_VERY_LOW, _sar),
    0x20: _keccak256,
    0x30: _word_from(lambda frame: _number(frame.msg.storage_address)),
    0x32: _word_from(lambda frame: _number(frame.transaction_context.origin)),
    0x33: _word_from(lambda frame: _number(frame.msg.sender)),
    0x34: _word_from(lambda frame: frame.msg.value),
    0x35: _calldataload,
    0x36: _word_from(lambda frame: len(frame.msg.data)),
    0x37: _copy(lambda frame: frame.msg.data),
    0x38: _word_from(lambda frame: len(frame.code)),
    0x39: _copy(lambda frame: frame.msg.code),
    0x3A: _word_from(lambda frame: frame.transaction_context.gas_price),
    0x3D: _word_from(lambda frame: len(frame.return_data)),
    0x41: _word_from(lambda frame: _number(frame.state.execution_context.coinbase)),
    0x42: _word_from(lambda frame: frame.state.env.timestamp),
    0x43: _word_from(lambda frame: frame.state.env.number),
    0x44: _word_from(lambda frame: _number(frame.state.env.prevrandao)),
    0x45: _word_from(lambda frame: frame.state.env.gas_limit),
    0x46: _word_from(lambda frame: frame.state.env.chain_id),
    0x48: _word_from(lambda frame: frame.state.env.base_fee),
    0x4A: _word_from(lambda frame: frame.state.env.blob_base_fee),
    0x50: _pop,
    0x51: _mload,
    0x52: _mstore,
    0x53: _mstore8,
    0x56: _jump,
    0x57: _jumpi,
    0x58: _word_from(lambda frame: frame.code.program_counter - 1),
    0x59: _word_from(lambda frame: len(frame._memory._bytes)),
    0x5A: _word_from(lambda frame: frame._gas_meter.gas_remaining),
    0x5B: _jumpdest,
    0x5E: _mcopy,
    0x5F: _word_from(lambda _: 0),
    **{0x5F + size: _push(size) for size in range(1, 33)},
    **{0x7F + position: _dup(position) for position in range(1, 17)},
    **{0x8F + position: _swap(position) for position in range(1, 17)},
}
