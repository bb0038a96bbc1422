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
MAX_LISTS = 1 << 16


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


def decode(data: bytes, max_lists: int = MAX_LISTS) -> RLP:
    """Decode exactly one item; trailing bytes and every non-canonical form are refused.

    Parameters
    ----------
    data : bytes
        One encoded item.
    max_lists : int
        The most lists that it may hold: an empty one takes a byte here, but 56 and two microseconds to build.

    Raises
    ------
    RuleViolation
        RLP_MALFORMED, RLP_NON_CANONICAL, RLP_TOO_DEEP, or FIELD_COUNT for too many lists.
    """
    item, end = _decode_at(data, 0, len(data), 0, [max_lists])
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


def list_span(data: bytes, pos: int, end: int) -> tuple[int, int]:
    """Where the payload of the list at ``pos`` starts and stops; nothing in it is decoded.

    Raises
    ------
    RuleViolation
        FIELD_KIND where a byte string stands there, or an error of ``decode``.
    """
    is_list, start, stop = _span(data, pos, end)
    if not is_list:
        raise RuleViolation(RuleCode.FIELD_KIND, "bytes", "list")
    return start, stop


def item_end(data: bytes, pos: int, end: int) -> int:
    """Where the item at ``pos`` stops; nothing in it is decoded."""
    return _span(data, pos, end)[2]


def decode_strings(data: bytes, pos: int, end: int, at_most: int) -> list[bytes]:
    """The byte strings of the list that fills ``data[pos:end]``; a list in it is refused where it stands.

    For lists that strangers send: what it builds is bounded by ``at_most``, however the bytes are cut.

    Raises
    ------
    RuleViolation
        FIELD_KIND, FIELD_COUNT for more than ``at_most``, or an error of ``decode``.
    """
    start, stop = list_span(data, pos, end)
    if stop != end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, stop, "trailing bytes")
    strings: list[bytes] = []
    while start < stop:
        first = data[start]
        if 0x81 < first < 0xB8:
            start, after = start + 1, start + first - 0x7F
        elif first == 0xB8 and start + 1 < stop and data[start + 1] > 55:
            # most transactions take between 56 and 255 bytes
            start, after = start + 2, start + 2 + data[start + 1]
        else:
            is_list, start, after = _span(data, start, stop)
            if is_list:
                raise RuleViolation(RuleCode.FIELD_KIND, "list", "bytes")
        if after > stop:
            raise RuleViolation(RuleCode.RLP_MALFORMED, stop, after, "truncated string")
        strings.append(data[start:after])
        start = after
        if len(strings) > at_most:
            raise RuleViolation(RuleCode.FIELD_COUNT, len(strings), at_most)
    return strings


def _span(data: bytes, pos: int, end: int) -> tuple[bool, int, int]:
    """Whether the item at ``pos`` is a list, and where its payload starts and stops, within ``end``."""
    if pos >= end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, pos + 1, "truncated")
    prefix = data[pos]
    if prefix < 0x80:
        return False, pos, pos + 1
    is_list = prefix >= 0xC0
    short = prefix - (0xC0 if is_list else 0x80)
    if short < 56:
        start, length = pos + 1, short
    else:
        start = pos + 1 + short - 55
        if start > end:
            raise RuleViolation(RuleCode.RLP_MALFORMED, end, start, "truncated length")
        if data[pos + 1] == 0:
            raise RuleViolation(RuleCode.RLP_NON_CANONICAL, 0, "minimal length")
        length = int.from_bytes(data[pos + 1 : start], "big")
        if length < 56:
            raise RuleViolation(RuleCode.RLP_NON_CANONICAL, length, "short form")
    stop = start + length
    if stop > end:
        raise RuleViolation(RuleCode.RLP_MALFORMED, end, stop, "truncated list" if is_list else "truncated string")
    if prefix == 0x81 and data[start] < 0x80:
        raise RuleViolation(RuleCode.RLP_NON_CANONICAL, data[start], "single byte form")
    return is_list, start, stop


def _decode_at(data: bytes, pos: int, end: int, depth: int, lists_left: list[int]) -> tuple[RLP, int]:
    is_list, start, stop = _span(data, pos, end)
    if not is_list:
        return data[start:stop], stop
    if depth >= MAX_DEPTH:
        raise RuleViolation(RuleCode.RLP_TOO_DEEP, depth + 1, MAX_DEPTH)
    lists_left[0] -= 1
    if lists_left[0] < 0:
        raise RuleViolation(RuleCode.FIELD_COUNT, "more", "as many lists as the item may hold")
    items: list[RLP] = []
    while start < stop:
        # the common cases are read in place: single bytes, empty and short strings
        first = data[start]
        if first < 0x81:
            items.append(data[start : start + 1] if first < 0x80 else b"")
            start += 1
        elif 0x81 < first < 0xB8:
            after = start + first - 0x7F
            if after > stop:
                raise RuleViolation(RuleCode.RLP_MALFORMED, stop, after, "truncated string")
            items.append(data[start + 1 : after])
            start = after
        else:
            item, start = _decode_at(data, start, stop, depth + 1, lists_left)
            items.append(item)
    return items, stop
