"""Code as the interpreter walks it, with jump destinations found once per code.

py-evm decides each jump by a recursive look back, whose depth an attacker chooses by writing PUSH bytes;
one forward pass has no depth and is shared by all frames that run the same code.
"""

from __future__ import annotations

from functools import lru_cache

from eth.vm.code_stream import CodeStream

_JUMPDEST = 0x5B
_PUSH1, _PUSH32 = 0x60, 0x7F


@lru_cache(maxsize=512)
def jump_destinations(code: bytes) -> frozenset[int]:
    """Positions of the JUMPDEST bytes that are no data of a PUSH."""
    found: list[int] = []
    position, size = 0, len(code)
    while position < size:
        op = code[position]
        if op == _JUMPDEST:
            found.append(position)
        elif _PUSH1 <= op <= _PUSH32:
            position += op - _PUSH1 + 1
        position += 1
    return frozenset(found)


class Code(CodeStream):  # type: ignore[misc]
    """A code stream whose jumps are looked up."""

    def __init__(self, code: bytes) -> None:
        self.program_counter = 0
        self._raw_code_bytes = code
        self._length_cache = len(code)

    def is_valid_opcode(self, position: int) -> bool:
        """Whether a JUMPDEST byte here may be jumped to; asked for nothing else."""
        return position in jump_destinations(self._raw_code_bytes)
