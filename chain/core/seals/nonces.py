"""What both proofs of work share: checks of their inputs and the walk over nonces, mod 2^64."""

from __future__ import annotations

from collections.abc import Iterator

from chain.core.errors import RuleCode, RuleViolation

HASH_BYTES = 32
NONCE_MODULUS = 2**64


def require_hash(value: bytes, name: str = "pre_hash") -> None:
    """Refuse anything but 32 bytes (FIELD_LENGTH)."""
    if len(value) != HASH_BYTES:
        raise RuleViolation(RuleCode.FIELD_LENGTH, got=len(value), expected=HASH_BYTES, field=name)


def require_uint64(value: int, name: str = "nonce") -> None:
    """Refuse an integer outside 0 … 2^64 − 1 (FIELD_RANGE)."""
    if not 0 <= value < NONCE_MODULUS:
        raise RuleViolation(RuleCode.FIELD_RANGE, got=value, expected="0 to 2^64 - 1", field=name)


def is_easy(target: int) -> bool:
    """Whether at least one nonce in 128 is good, so that hashing one at a time beats a batch."""
    return target >> 249 > 0


def iter_nonces(start: int, count: int) -> Iterator[int]:
    """Yield ``count`` nonces from ``start`` on."""
    return (nonce % NONCE_MODULUS for nonce in range(start, start + count))


def iter_batches(start: int, count: int, size: int) -> Iterator[tuple[int, int]]:
    """Yield (first nonce, how many) for ``count`` nonces from ``start`` on, at most ``size`` at a time."""
    for done in range(0, count, size):
        yield (start + done) % NONCE_MODULUS, min(size, count - done)
