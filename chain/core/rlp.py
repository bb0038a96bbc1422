"""Recursive Length Prefix, strict both ways (Ethereum yellow paper, appendix B).

Our own and not a library's, for two reasons: hostile nesting must end in a coded error instead of
an interpreter error, and a body of ten thousand envelopes must decode in milliseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias, Union

from chain.core.errors import RuleCode, RuleViolation

RLP: TypeAlias = Union[bytes, "list[RLP]"]
Encodable: TypeAlias = Union[bytes, int, "Sequence[Encodable]"]

MAX_DEPTH = 8  # a type-4 transaction needs 3, a block 3


def encode(item: Encodable) -> bytes:
    """Encode bytes, non-negative integers (minimal big-endian) and nested sequences of them."""
    if isinstance(item, bytes):
        return _encode_bytes(item)
    if isinstance(item, int):
        return _encode_bytes(int_to_bytes(item))
    return wrap_list(b"".join([encode(part) for part in item]))


def wrap_list(payload: bytes) -> bytes:
    """Put the list prefix before an already encoded payload."""
    size = len(payload)
    if size < 56:
        return bytes((0xC0 + size,)) + payload
    length = int_to_bytes(size)
    return bytes((0xF7 + len(length),)) + length + payload


def int_to_bytes(value: int) -> bytes:
    """Minimal big-endian form; 0 is the empty string."""
    if value < 0:
        raise RuleViolation(RuleCode.FIELD_RANGE, value, "non-negative")
    return value.to_bytes((value.bit_length() + 7) // 8, "big")


def bytes_to_int(data: bytes) -> int:
    """Read a minimal big-endian integer; a leading zero is refused."""
    if data[:1] == b"\x00":
        raise RuleViolation(RuleCode.RLP_NON_CANONICAL, data[:36], "no leading zero")
    return int.from_bytes(data, "big")


def encoded_int_length(value: int) -> int:
    """Length in bytes of ``encode(value)``."""
    return 1 if value < 0x80 else 1 + (value.bit_length() + 7) // 8


def decode(data: bytes) -> RLP:
    """Decode exactly one item; trailing bytes and every non-canonical form are refused.

    Raises
    ------
    RuleViolation
        RLP_MALFORMED, RLP_NON_CANONICAL or RLP_TOO_DEEP.
    """
    item, end = _decode_at(data, 0, len(data), 0)
    if end != len(data):
        raise RuleViolation(RuleCode.RLP_MALFORMED, len(data), end, "trailing bytes")
    return item


def decode_list(data: bytes) -> list[RLP]:
    """``decode`` where the item must be a list."""
    item = decode(data)
    if not isinstance(item, list):
        raise RuleViolation(RuleCode.FIELD_KIND, "bytes", "list")
    return item


def _encode_bytes(data: bytes) -> bytes:
    size = len(data)
    if size == 1 and data[0] < 0x80:
        return data
    if size < 56:
        return bytes((0x80 + size,)) + data
    length = int_to_bytes(size)
    return bytes((0xB7 + len(length),)) + length + data


def _long_length(data: bytes, pos: int, end: int, size_of_length: int) -> tuple[int, int]:
    start = pos + 1 + size_of_length
    if start > end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, start, "truncated length")
    if data[pos + 1] == 0:
        raise RuleViolation(RuleCode.RLP_NON_CANONICAL, 0, "minimal length")
    length = int.from_bytes(data[pos + 1 : start], "big")
    if length < 56:
        raise RuleViolation(RuleCode.RLP_NON_CANONICAL, length, "short form")
    return start, length


def _decode_at(data: bytes, pos: int, end: int, depth: int) -> tuple[RLP, int]:
    if pos >= end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, pos + 1, "truncated")
    prefix = data[pos]
    if prefix < 0x80:
        return data[pos : pos + 1], pos + 1
    if prefix < 0xC0:
        if prefix < 0xB8:
            start, length = pos + 1, prefix - 0x80
        else:
            start, length = _long_length(data, pos, end, prefix - 0xB7)
        stop = start + length
        if stop > end:
            raise RuleViolation(RuleCode.RLP_MALFORMED, end, stop, "truncated string")
        if length == 1 and data[start] < 0x80:
            raise RuleViolation(RuleCode.RLP_NON_CANONICAL, data[start], "single byte form")
        return data[start:stop], stop
    if prefix < 0xF8:
        start, length = pos + 1, prefix - 0xC0
    else:
        start, length = _long_length(data, pos, end, prefix - 0xF7)
    stop = start + length
    if stop > end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, stop, "truncated list")
    if depth >= MAX_DEPTH:
        raise RuleViolation(RuleCode.RLP_TOO_DEEP, depth + 1, MAX_DEPTH)
    items: list[RLP] = []
    while start < stop:
        # the commonest case, a short string, is read in place: bodies hold tens of thousands
        first = data[start]
        if 0x81 < first < 0xB8:
            after = start + 1 + first - 0x80
            if after > stop:
                raise RuleViolation(RuleCode.RLP_MALFORMED, stop, after, "truncated string")
            items.append(data[start + 1 : after])
            start = after
        else:
            item, start = _decode_at(data, start, stop, depth + 1)
            items.append(item)
    return items, stop
