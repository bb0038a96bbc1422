"""Virtual's snapshot as bytes, for the node's own tables."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import msgpack

from chain.core.consensus.model import VirtualSnapshot
from chain.core.errors import StoreError
from chain.core.seals.eligibility import Lottery

_VERSION = 1
_WIDE_INT = 1
_NAMES = tuple(field.name for field in fields(VirtualSnapshot))


def pack_virtual(virtual: VirtualSnapshot) -> bytes:
    """A snapshot in msgpack: a version, then the fields in order."""
    packed: bytes = msgpack.packb([_VERSION, *[_plain(getattr(virtual, name)) for name in _NAMES]])
    return packed


def unpack_virtual(data: bytes) -> VirtualSnapshot:
    """The reverse of ``pack_virtual``.

    Raises
    ------
    StoreError
        ``virtual_layout`` for bytes of another layout.
    """
    try:
        version, *values = msgpack.unpackb(data, use_list=False, ext_hook=_ext)
        if version != _VERSION or len(values) != len(_NAMES):
            raise StoreError("virtual_layout", got=(version, len(values)), expected=(_VERSION, len(_NAMES)))
        named = dict(zip(_NAMES, values))
        if named["lottery"] is not None:
            seed, total, weights = named["lottery"]
            named["lottery"] = Lottery(seed=seed, weights=dict(weights), total=total)
        return VirtualSnapshot(**named)
    except (ValueError, TypeError, msgpack.UnpackException) as error:
        raise StoreError("virtual_layout", "the stored snapshot cannot be read") from error


def _plain(value: Any) -> Any:
    """What msgpack can carry: integers beyond its 64 bits travel as bytes."""
    if isinstance(value, int) and value.bit_length() > 63:
        return msgpack.ExtType(_WIDE_INT, value.to_bytes((value.bit_length() + 7) // 8, "big"))
    if isinstance(value, Lottery):
        return (value.seed, value.total, tuple(sorted(value.weights.items())))
    return value


def _ext(code: int, data: bytes) -> Any:
    if code != _WIDE_INT:
        raise ValueError(code)
    return int.from_bytes(data, "big")
