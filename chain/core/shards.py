"""Which shard an account belongs to (protocol §8, shards and phases)."""

from __future__ import annotations

from functools import lru_cache

from blake3 import blake3

from chain.core.errors import RuleCode, RuleViolation

_CACHED_ADDRESSES = 1 << 17


@lru_cache(maxsize=_CACHED_ADDRESSES)
def shard_of(address: bytes, shard_count: int) -> int:
    """Shard number of an address: the first 8 bytes of its hash, little-endian, mod ``shard_count``.

    Parameters
    ----------
    address : bytes
        20 bytes.
    shard_count : int
        Shards of the network, at least 1.

    Returns
    -------
    int
        0 ≤ shard < ``shard_count``.

    Raises
    ------
    RuleViolation
        ``field_length`` for an address that is not 20 bytes, ``spec_value`` for no shards.
    """
    if len(address) != 20:
        raise RuleViolation(RuleCode.FIELD_LENGTH, len(address), 20, "an address is 20 bytes")
    if shard_count < 1:
        raise RuleViolation(RuleCode.SPEC_VALUE, shard_count, 1, "a network has at least one shard")
    return int.from_bytes(blake3(address).digest(8), "little") % shard_count
