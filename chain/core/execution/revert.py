"""The text in a revert's bytes (Solidity ABI: ``Error(string)``, ``Panic(uint256)``)."""

from __future__ import annotations

_ERROR = bytes.fromhex("08c379a0")
_PANIC = bytes.fromhex("4e487b71")
_PANICS = {
    0x00: "generic panic",
    0x01: "assert(false)",
    0x11: "arithmetic underflow or overflow",
    0x12: "division or modulo by zero",
    0x21: "enum overflow",
    0x22: "invalid encoded storage byte array accessed",
    0x31: "out-of-bounds array access; popping on an empty array",
    0x32: "out-of-bounds access of an array or bytesN",
    0x41: "out of memory",
    0x51: "uninitialized function",
}
_MAX_TEXT = 1024


def revert_reason(output: bytes) -> str | None:
    """The reason, or None where the bytes are not one of the two forms."""
    selector, rest = output[:4], output[4:]
    if selector == _PANIC and len(rest) >= 32:
        code = int.from_bytes(rest[:32], "big")
        return _PANICS.get(code, f"unknown panic code: {code:#x}")
    if selector != _ERROR or len(rest) < 64:
        return None
    offset = int.from_bytes(rest[:32], "big")
    size = int.from_bytes(rest[offset : offset + 32], "big") if offset + 32 <= len(rest) else len(rest) + 1
    if offset + 32 + size > len(rest):
        return None
    return rest[offset + 32 : offset + 32 + min(size, _MAX_TEXT)].decode("utf-8", "replace")
