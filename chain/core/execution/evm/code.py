"""Code as the interpreter walks it, with jump destinations found once per code.

py-evm decides each jump by a recursive look back, whose depth an attacker chooses by writing PUSH bytes;
one forward pass has no depth and is shared by all frames that run the same code.
"""

from __future__ import annotations

from functools import lru_cache

from eth.vm.code_stream import CodeStream

_JUMPDEST = 0x5B
_PUSH1, _PUSH32 = 0x60, 0x7F
# past its end code reads as STOP, and a PUSH there reads zeros
_PADDING = bytes(33)


@lru_cache(maxsize=256)
def jump_map(code: bytes) -> bytes:
    """One byte a position: 1 where a JUMPDEST is no data of a PUSH."""
    found = bytearray(len(code))
    position, size = 0, len(code)
    while position < size:
        op = code[position]
        if op == _JUMPDEST:
            found[position] = 1
        elif _PUSH1 <= op <= _PUSH32:
            position += op - _PUSH1 + 1
        position += 1
    return bytes(found)


class Code(CodeStream):  # type: ignore[misc]
    """A code stream that knows its jump destinations, from the first jump on."""

    def __init__(self, code: bytes) -> None:
        self.program_counter = 0
        self._raw_code_bytes = code
        self._length_cache = len(code)
        self.padded = code + _PADDING
        self._jumps: bytes | None = None

    def may_jump_to(self, target: int) -> bool:
        """Whether there is a JUMPDEST."""
        if self._jumps is None:
            self._jumps = jump_map(self._raw_code_bytes)
        return target < self._length_cache and self._jumps[target] == 1
