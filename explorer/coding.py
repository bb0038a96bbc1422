"""Solidity's ABI coding for what strangers hand in: eth-abi with bounds on work and on what it remembers.

eth-abi follows pointers wherever they lead: many may share one target, level by level, so that a few kilobytes stand
for billions of values.  What it reads is bounded here by the size of the data.  It also remembers every type it ever
saw; here it forgets them from time to time.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from eth_abi.codec import ABICodec
from eth_abi.decoding import ContextFramesBytesIO
from eth_abi.exceptions import DecodingError, ParseError
from eth_abi.grammar import ABIType
from eth_abi.grammar import parse as grammar_parse
from eth_abi.registry import registry

from chain.core.errors import RequestCode, RequestError

# a word of a structure is read twice for each structure around it, so honest data of four levels is within
READS_PER_BYTE = 16
READS_AT_LEAST = 1_024
# characters of types between two times of forgetting; a character costs up to some hundred bytes
FORGET_AFTER = 50_000
# elements without a size take no byte each, whatever number of them an array claims to have; Solidity has none
_NO_SIZE = re.compile(r"\[0+\]|\(\)")


class _BoundedStream(ContextFramesBytesIO):
    """Data to decode, of which each byte may be read a few times only."""

    def __init__(self, data: bytes) -> None:
        super().__init__(data)
        self._left = READS_PER_BYTE * len(data) + READS_AT_LEAST

    def read(self, size: int | None = -1, /) -> bytes:
        found: bytes = super().read(size)
        self._left -= len(found)
        if self._left < 0:
            raise RequestError(RequestCode.LIMIT_EXCEEDED, "the data repeats itself too often to be decoded")
        return found


class _Codec(ABICodec):
    stream_class = _BoundedStream

    def __init__(self) -> None:
        super().__init__(registry.copy())
        self._seen = 0

    def remember(self, types: Sequence[str]) -> None:
        """Count the types that are looked at, and forget all of them when they are many."""
        self._seen += sum(map(len, types))
        if self._seen > FORGET_AFTER:
            self._seen = 0
            own = self._registry
            for known in (own.get_encoder, own.get_decoder, own.get_tuple_encoder, own.get_tuple_decoder):
                known.cache_clear()
            grammar_parse.cache_clear()


_codec = _Codec()


def parse(text: str) -> ABIType:
    """A canonical type as eth-abi understands it.

    Raises
    ------
    RequestError
        invalid_params, also where its values would have no size.
    """
    _codec.remember([text])
    if _NO_SIZE.search(text):
        raise _no_type(text)
    try:
        kind = grammar_parse(text)
        kind.validate()
    except (ParseError, ValueError, RecursionError) as error:
        raise _no_type(text) from error
    return kind


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """The values in Solidity's ABI; raises what eth-abi raises."""
    _codec.remember(types)
    return bytes(_codec.encode(types, values))


def decode(types: Sequence[str], data: bytes) -> tuple[Any, ...]:
    """The values that data holds.

    Raises
    ------
    RequestError
        invalid_params where it holds none of these types, limit_exceeded where it stands for far more than its size.
    """
    _codec.remember(types)
    for text in types:
        if _NO_SIZE.search(text):
            raise _no_type(text)
    try:
        return tuple(_codec.decode(types, data))
    except (DecodingError, ParseError, ValueError, OverflowError, RecursionError) as error:
        raise RequestError(RequestCode.INVALID_PARAMS, "the data is not of these types") from error


def _no_type(text: str) -> RequestError:
    return RequestError(RequestCode.INVALID_PARAMS, f"{text[:60]!r} is no ABI type")
