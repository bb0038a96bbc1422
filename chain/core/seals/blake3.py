"""Stream A's seal: BLAKE3 proof of work (protocol §5).

The digest is BLAKE3(pre_hash ‖ nonce LE8) read as a big-endian integer and must not exceed the target.
A 40-byte input is one compression, so the search runs that compression over thousands of nonces at
once on numpy words instead of calling the hash for each; every hit is confirmed by the hash itself.
"""

from __future__ import annotations

from collections.abc import Iterator

import blake3 as _native
import numpy as np
from numpy.typing import NDArray

from chain.core.seals.nonces import NONCE_MODULUS, is_easy, iter_batches, iter_nonces, require_hash, require_uint64

_Words = NDArray[np.uint32]

_IV = (0x6A09E667, 0xBB67AE85, 0x3C6EF372, 0xA54FF53A, 0x510E527F, 0x9B05688C, 0x1F83D9AB, 0x5BE0CD19)
_PERMUTATION = (2, 6, 3, 10, 7, 0, 4, 13, 1, 11, 12, 5, 9, 14, 15, 8)
_ROUNDS = 7
_INPUT_LENGTH = 40
_FLAGS = 1 | 2 | 8  # CHUNK_START, CHUNK_END, ROOT: the whole tree is one block
_BATCH = 4096  # state and scratch rows (320 KiB) stay in a core's second-level cache


def _schedule() -> tuple[tuple[int, ...], ...]:
    """Return for each round the message word that stands at each of its 16 places."""
    order = tuple(range(16))
    rounds = []
    for _ in range(_ROUNDS):
        rounds.append(order)
        order = tuple(order[place] for place in _PERMUTATION)
    return tuple(rounds)


_SCHEDULE = _schedule()
_LOW, _HIGH = 8, 9  # the message words that hold the nonce


def digest(pre_hash: bytes, nonce: int) -> bytes:
    """Return the 32-byte proof-of-work digest of a nonce (0 ≤ nonce < 2^64)."""
    require_hash(pre_hash)
    require_uint64(nonce)
    return _native.blake3(pre_hash + nonce.to_bytes(8, "little")).digest()


def verify(pre_hash: bytes, nonce: int, target: int) -> bool:
    """Return whether the digest as a big-endian integer is at most the (expanded) target."""
    return int.from_bytes(digest(pre_hash, nonce), "big") <= target


def search(pre_hash: bytes, target: int, start_nonce: int, count: int) -> int | None:
    """Return the first good nonce of start_nonce, start_nonce + 1, … (mod 2^64), or None.

    Parameters
    ----------
    pre_hash : bytes
        Hash of the header without its seal.
    target : int
        Expanded target.
    start_nonce, count : int
        The ``count`` nonces to try.
    """
    require_hash(pre_hash)
    require_uint64(start_nonce)
    if is_easy(target):
        return next((nonce for nonce in iter_nonces(start_nonce, count) if verify(pre_hash, nonce, target)), None)
    highest_head = np.uint64(max(0, target >> 192))
    compressor = _Compressor(pre_hash)
    for first, size in iter_batches(start_nonce, count, _BATCH):
        hits: list[int] = np.flatnonzero(compressor.heads(first)[:size] <= highest_head).tolist()
        for offset in hits:
            nonce = (first + offset) % NONCE_MODULUS
            if verify(pre_hash, nonce, target):
                return nonce
    return None


class _Compressor:
    """BLAKE3's compression of pre_hash ‖ nonce for ``_BATCH`` consecutive nonces at once."""

    def __init__(self, pre_hash: bytes) -> None:
        words = np.zeros(16, np.uint32)
        words[:8] = np.frombuffer(pre_hash, "<u4")
        quarters = np.array(_SCHEDULE, np.intp).reshape(_ROUNDS, 4, 2, 2)
        # axis 1: columns or diagonals; axis 2: first or second half of G; axis 3: the four lanes
        halves = quarters.reshape(_ROUNDS, 2, 4, 2).transpose(0, 1, 3, 2)
        self._constants = words[halves][..., np.newaxis].copy()
        self._places = halves.tolist()
        initial = np.zeros((16, 1), np.uint32)
        initial[:8, 0] = _IV
        initial[8:12, 0] = _IV[:4]
        initial[14, 0], initial[15, 0] = _INPUT_LENGTH, _FLAGS
        self._initial = initial
        self._state: _Words = np.empty((16, _BATCH), np.uint32)
        self._scratch: _Words = np.empty((4, _BATCH), np.uint32)
        self._steps = np.arange(_BATCH, dtype=np.uint64)

    def heads(self, first: int) -> NDArray[np.uint64]:
        """Return the first 8 digest bytes of each nonce from ``first`` on, as big-endian integers."""
        nonces = self._steps + np.uint64(first)
        low = nonces.astype(np.uint32)
        high = (nonces >> np.uint64(32)).astype(np.uint32)
        np.copyto(self._state, self._initial)
        for places, constants in zip(self._places, self._constants, strict=True):
            for diagonal in (0, 1):
                self._half_round(diagonal, places[diagonal], constants[diagonal], low, high)
        state = self._state
        first_word, second_word = state[0] ^ state[8], state[1] ^ state[9]
        swapped: NDArray[np.uint64] = first_word.byteswap().astype(np.uint64)
        swapped <<= np.uint64(32)
        swapped |= second_word.byteswap()
        return swapped

    def _half_round(self, diagonal: int, places: list[list[int]], constants: _Words, low: _Words, high: _Words) -> None:
        """Apply G to the four columns, or with ``diagonal`` = 1 to the four diagonals."""
        a, b, c, d = (self._state[row : row + 4] for row in (0, 4, 8, 12))
        scratch = self._scratch
        for half, (turn_d, turn_b) in enumerate(((16, 12), (8, 7))):
            for left, right in _aligned(a, b, diagonal):
                np.add(left, right, left)
            np.add(a, constants[half], a)
            for lane, word in enumerate(places[half]):
                if word in (_LOW, _HIGH):
                    np.add(a[lane], low if word == _LOW else high, a[lane])
            for left, right in _aligned(d, a, diagonal):
                np.bitwise_xor(left, right, left)
            _rotate_right(d, turn_d, scratch)
            for left, right in _aligned(c, d, diagonal):
                np.add(left, right, left)
            for left, right in _aligned(b, c, diagonal):
                np.bitwise_xor(left, right, left)
            _rotate_right(b, turn_b, scratch)


def _aligned(left: _Words, right: _Words, diagonal: int) -> Iterator[tuple[_Words, _Words]]:
    """Yield the row pairs of two neighbouring quarter states that meet in one G.

    In a diagonal lane i meets rows i, i+1, i+2, i+3 of a, b, c, d, so each next quarter is one row ahead
    of the one before it (and a is one ahead of d, since four rows are a full turn).
    """
    if diagonal:
        yield left[:3], right[1:]
        yield left[3], right[0]
    else:
        yield left, right


def _rotate_right(rows: _Words, turn: int, scratch: _Words) -> None:
    np.left_shift(rows, np.uint32(32 - turn), scratch)
    np.right_shift(rows, np.uint32(turn), rows)
    np.bitwise_or(rows, scratch, rows)
