"""Stream B's seal: kHeavyHash proof of work, as Kaspa defines it (protocol §5).

1. h = cSHAKE256("ProofOfWorkHash", pre_hash ‖ timestamp_ms LE8 ‖ 32 zero bytes ‖ nonce LE8).
2. The nibbles of h, high one first, times a 64×64 matrix of nibbles; each sum >> 10 is a nibble again.
3. The digest is cSHAKE256("HeavyHash", packed nibbles xor h), read as a little-endian integer.

The matrix comes from xoshiro256++ seeded by pre_hash (four little-endian words), redrawn until its rank
is full.  Source: rusty-kaspa, consensus/pow (matrix, xoshiro) and crypto/hashes (pow hashers).
"""

from __future__ import annotations

import threading
from functools import lru_cache

import numpy as np
from Crypto.Hash import cSHAKE256
from numpy.typing import NDArray

from chain.core.errors import RuleCode, RuleViolation
from chain.core.seals.keccak_batch import RATE_BYTES, KeccakBatch, Lanes
from chain.core.seals.nonces import (
    HASH_BYTES,
    NONCE_MODULUS,
    is_easy,
    iter_batches,
    iter_nonces,
    require_hash,
    require_uint64,
)
from chain.core.seals.rank import has_full_rank

Matrix = NDArray[np.int32]

SIZE = 64
_MASK = NONCE_MODULUS - 1
_POW_DOMAIN = b"ProofOfWorkHash"
_HEAVY_DOMAIN = b"HeavyHash"
_NONCE_LANE = (4, 1)  # bytes 72 to 79 of the message: word 9 = x + 5·y
_BATCH = 8192  # fewer nonces at once leave numpy's calls a larger part of the time
_TILE = 64  # products this small are left on the calling core by every BLAS


def digest(pre_hash: bytes, timestamp_ms: int, nonce: int) -> bytes:
    """Return the 32-byte kHeavyHash of a nonce (timestamp_ms and nonce from 0 to 2^64 − 1)."""
    require_hash(pre_hash)
    require_uint64(timestamp_ms, "timestamp_ms")
    require_uint64(nonce)
    message = _pow_message(pre_hash, timestamp_ms) + nonce.to_bytes(8, "little")
    return heavy_hash(matrix_of(pre_hash), cSHAKE256.new(message, _POW_DOMAIN).read(HASH_BYTES))


def verify(pre_hash: bytes, timestamp_ms: int, nonce: int, target: int) -> bool:
    """Return whether the digest as a little-endian integer is at most the (expanded) target."""
    return int.from_bytes(digest(pre_hash, timestamp_ms, nonce), "little") <= target


def search(pre_hash: bytes, timestamp_ms: int, target: int, start_nonce: int, count: int) -> int | None:
    """Return the first good nonce of start_nonce, start_nonce + 1, … (mod 2^64), or None.

    Parameters
    ----------
    pre_hash : bytes
        Hash of the header without its seal.
    timestamp_ms : int
        The header's timestamp.
    target : int
        Expanded target.
    start_nonce, count : int
        The ``count`` nonces to try.
    """
    require_hash(pre_hash)
    require_uint64(timestamp_ms, "timestamp_ms")
    require_uint64(start_nonce)
    if is_easy(target):
        nonces = iter_nonces(start_nonce, count)
        return next((nonce for nonce in nonces if verify(pre_hash, timestamp_ms, nonce, target)), None)
    highest_head = np.uint64(max(0, target >> 192))
    hasher = _BatchHasher(pre_hash, timestamp_ms)
    for first, size in iter_batches(start_nonce, count, _BATCH):
        hits: list[int] = np.flatnonzero(hasher.heads(first)[:size] <= highest_head).tolist()
        for offset in hits:
            nonce = (first + offset) % NONCE_MODULUS
            if verify(pre_hash, timestamp_ms, nonce, target):
                return nonce
    return None


def heavy_hash(matrix: Matrix, inner: bytes) -> bytes:
    """Return steps 2 and 3: the heavy hash of a 32-byte hash under a matrix of nibbles."""
    octets = np.frombuffer(inner, np.uint8)
    nibbles = np.empty(SIZE, np.int32)
    nibbles[0::2] = octets >> 4
    nibbles[1::2] = octets & 15
    sums = (matrix @ nibbles) >> 10
    packed = (sums[0::2] << 4 | sums[1::2]).astype(np.uint8) ^ octets
    return cSHAKE256.new(packed.tobytes(), _HEAVY_DOMAIN).read(HASH_BYTES)


@lru_cache(maxsize=64)
def matrix_of(pre_hash: bytes) -> Matrix:
    """Return the matrix of full rank that ``pre_hash`` seeds; int32, 64×64, each entry 0 to 15.

    An all-zero seed is the generator's one fixed point and gives no such matrix (FIELD_RANGE).
    """
    require_hash(pre_hash)
    if not any(pre_hash):
        raise RuleViolation(RuleCode.FIELD_RANGE, got=pre_hash, expected="a seed that is not zero", field="pre_hash")
    words = Xoshiro256PlusPlus(pre_hash)
    while True:
        drawn = np.array([words.next() for _ in range(SIZE * SIZE // 16)], np.uint64)
        shifts = np.arange(0, 64, 4, dtype=np.uint64)
        matrix = (drawn[:, np.newaxis] >> shifts & np.uint64(15)).astype(np.int32).reshape(SIZE, SIZE)
        if has_full_rank(matrix):
            matrix.flags.writeable = False
            return matrix


class Xoshiro256PlusPlus:
    """The generator xoshiro256++ of Blackman and Vigna (2019), seeded by four little-endian words."""

    def __init__(self, seed: bytes) -> None:
        self._state = tuple(int.from_bytes(seed[at : at + 8], "little") for at in range(0, HASH_BYTES, 8))

    def next(self) -> int:
        """Return the next 64-bit word."""
        s0, s1, s2, s3 = self._state
        total = (s0 + s3) & _MASK
        word = ((total << 23 | total >> 41) + s0) & _MASK
        s2 ^= s0
        s3 ^= s1
        self._state = (s0 ^ s3, s1 ^ s2, s2 ^ (s1 << 17 & _MASK), (s3 << 45 | s3 >> 19) & _MASK)
        return word


def _pow_message(pre_hash: bytes, timestamp_ms: int) -> bytes:
    return pre_hash + timestamp_ms.to_bytes(8, "little") + bytes(32)


class _Memory(threading.local):
    """The arrays of a batch, one set a thread: their first touch costs a third of a batch."""

    def __init__(self) -> None:
        self.keccak = KeccakBatch(_BATCH)
        self.steps = np.arange(_BATCH, dtype=np.uint64)
        self.nibbles = np.empty((_BATCH, SIZE), np.float32)
        self.sums = np.empty((_BATCH // _TILE, _TILE, SIZE), np.float32)


@lru_cache(maxsize=1)
def _memory() -> _Memory:
    return _Memory()


class _BatchHasher:
    """kHeavyHash of ``_BATCH`` consecutive nonces at once.

    The state after cSHAKE's domain block is the same for all nonces, so each of the two sponges is one
    permutation.  The matrix product runs in float32, which holds its sums (at most 64·15·15) exactly.
    """

    def __init__(self, pre_hash: bytes, timestamp_ms: int) -> None:
        self._pow_start = _absorbed(_POW_DOMAIN, _pow_message(pre_hash, timestamp_ms) + bytes(8))
        self._heavy_start = _absorbed(_HEAVY_DOMAIN, bytes(HASH_BYTES))
        # High nibbles first, then low ones, on both sides: whole blocks instead of strided columns.
        order = [*range(0, SIZE, 2), *range(1, SIZE, 2)]
        self._transposed = matrix_of(pre_hash)[np.ix_(order, order)].T.astype(np.float32)
        self._memory = _memory()

    def heads(self, first: int) -> Lanes:
        """Return the top 8 bytes of each nonce's digest, from ``first`` on, as integers.

        The array is overwritten by the thread's next batch.
        """
        keccak = self._memory.keccak
        lanes = keccak.lanes
        np.copyto(lanes, self._pow_start)
        np.bitwise_xor(lanes[_NONCE_LANE], self._memory.steps + np.uint64(first), lanes[_NONCE_LANE])
        mixed = self._mix(keccak.squeeze()[:4])
        np.copyto(lanes, self._heavy_start)
        np.bitwise_xor(lanes[:4, 0], mixed, lanes[:4, 0])
        top: Lanes = keccak.squeeze()[3]
        return top

    def _mix(self, inner: Lanes) -> Lanes:
        """Return step 2's result, (4, n) words, of the (4, n) words of the inner hashes."""
        octets = np.ascontiguousarray(inner.T).view(np.uint8)
        nibbles, sums = self._memory.nibbles, self._memory.sums
        np.right_shift(octets, 4, nibbles[:, :32], casting="unsafe")
        np.bitwise_and(octets, 15, nibbles[:, 32:], casting="unsafe")
        np.matmul(nibbles.reshape(-1, _TILE, SIZE), self._transposed, out=sums)
        scaled = sums.reshape(_BATCH, SIZE).astype(np.uint16)
        scaled >>= 10
        packed = scaled[:, :32] << 4 | scaled[:, 32:]
        mixed: Lanes = (packed.astype(np.uint8) ^ octets).view(np.uint64).T
        return mixed


def _absorbed(domain: bytes, message: bytes) -> Lanes:
    """Return cSHAKE256's state, (5, 5, 1) words, that awaits the permutation of a one-block message."""
    block = bytearray((message + b"\x04").ljust(RATE_BYTES, b"\0"))  # the suffix 00, then 10*1
    block[-1] |= 0x80
    return _domain_state(domain) ^ _lanes_of(bytes(block))


@lru_cache(maxsize=2)
def _domain_state(domain: bytes) -> Lanes:
    """Return the state after bytepad(encode_string("") ‖ encode_string(domain), 136), SP 800-185 section 3."""
    header = bytes([1, RATE_BYTES, 1, 0, 1, 8 * len(domain)]) + domain
    keccak = KeccakBatch(1)
    np.copyto(keccak.lanes, _lanes_of(header.ljust(RATE_BYTES, b"\0")))
    keccak.permute()
    return keccak.lanes


def _lanes_of(block: bytes) -> Lanes:
    """Return a block of the sponge as (5, 5, 1) words, the capacity zero."""
    words: Lanes = np.frombuffer(block.ljust(200, b"\0"), "<u8").astype(np.uint64)
    return words.reshape(5, 5).T[..., np.newaxis]
