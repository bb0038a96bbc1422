"""Merkle roots over ordered lists of byte strings (protocol §4)."""

from __future__ import annotations

from collections.abc import Iterable

from blake3 import blake3

_LEAF = b"\x00"
_NODE = b"\x01"
EMPTY_ROOT = blake3(b"\x02").digest()


def merkle_root(items: Iterable[bytes]) -> bytes:
    """Root of a binary hash tree whose odd last node is promoted unchanged.

    Leaves, inner nodes and the empty tree are hashed under different first bytes, so no inner node can
    stand for a leaf (RFC 6962 §2.1 argues the same).  Promotion, unlike repeating the last node, gives
    every list its own root.

    Parameters
    ----------
    items : iterable of bytes
        In order; any length each.

    Returns
    -------
    bytes
        32 bytes; ``EMPTY_ROOT`` for no items.
    """
    level = [blake3(_LEAF + item).digest() for item in items]
    if not level:
        return EMPTY_ROOT
    while len(level) > 1:
        odd = level[-1:] if len(level) % 2 else []
        level = [blake3(_NODE + left + right).digest() for left, right in zip(level[::2], level[1::2])] + odd
    return level[0]
