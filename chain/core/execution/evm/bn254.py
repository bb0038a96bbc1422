"""alt_bn128 (EIP-196, EIP-197) on the mcl library.

The library's wheel keeps one curve a process and starts on another one; the first use here selects SNARK1,
which is alt_bn128.  Where the wheel does not load, ``available`` is False and py-evm's own code serves: slower,
never different.
"""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
_SNARK1 = 4
_FP_BYTES = 32
_ONE = (1).to_bytes(_FP_BYTES, "big")
_G1_WORDS, _G2_WORDS, _GT_WORDS = 12, 24, 48


class BadPoint(Exception):
    """Coordinates out of range, off the curve or outside the subgroup."""


@lru_cache(maxsize=1)
def _library() -> Any:
    """The library with alt_bn128 selected, or None."""
    try:
        from mclbn256 import mclbn256
    except (ImportError, OSError):
        return None
    lib = mclbn256.loaded_libraries["libmclbn256"]
    if lib.mclBn_init(_SNARK1, mclbn256.MCLBN_COMPILED_TIME_VAR) != 0:
        return None
    text = ctypes.create_string_buffer(100)
    lib.mclBn_getFieldOrder.restype = ctypes.c_size_t
    lib.mclBn_getFieldOrder(text, len(text))
    return lib if int(text.value) == FIELD else None


def available() -> bool:
    """Whether the native library is there."""
    return _library() is not None


def add(data: bytes) -> bytes:
    """EIP-196 addition of two 64-byte points; returns 64 bytes.

    Raises
    ------
    BadPoint
        For a point that is none.
    """
    data = data[:128].ljust(128, b"\x00")
    lib, total = _library(), _words(_G1_WORDS)
    lib.mclBnG1_add(total, _g1(data[:64]), _g1(data[64:]))
    return _g1_bytes(total)


def multiply(data: bytes) -> bytes:
    """EIP-196 multiplication of a 64-byte point by a 32-byte scalar; returns 64 bytes.

    Raises
    ------
    BadPoint
        For a point that is none.
    """
    data = data[:96].ljust(96, b"\x00")
    lib, product, scalar = _library(), _words(_G1_WORDS), _words(4)
    point = _g1(data[:64])
    lib.mclBnFr_setLittleEndianMod(scalar, data[64:][::-1], ctypes.c_size_t(32))
    lib.mclBnG1_mul(product, point, scalar)
    return _g1_bytes(product)


def pairing_is_one(data: bytes) -> bool:
    """EIP-197: whether the product of the pairings of 192-byte (G1, G2) pairs is one.

    Raises
    ------
    BadPoint
        For a point that is none, or a G2 point outside the subgroup.
    """
    lib = _library()
    ones, twos = bytearray(), bytearray()
    for at in range(0, len(data), 192):
        one, two = _g1(data[at : at + 64]), _g2(data[at + 64 : at + 192])
        if not (lib.mclBnG1_isZero(one) or lib.mclBnG2_isZero(two)):
            ones += bytes(one)
            twos += bytes(two)
    count = len(ones) // (8 * _G1_WORDS)
    if not count:
        return True
    result = _words(_GT_WORDS)
    lib.mclBn_millerLoopVec(
        result,
        (ctypes.c_uint64 * (_G1_WORDS * count)).from_buffer_copy(ones),
        (ctypes.c_uint64 * (_G2_WORDS * count)).from_buffer_copy(twos),
        ctypes.c_size_t(count),
    )
    lib.mclBn_finalExp(result, result)
    return bool(lib.mclBnGT_isOne(result))


def _words(count: int) -> Any:
    return (ctypes.c_uint64 * count)()


def _set_fields(point: Any, parts: list[bytes]) -> None:
    lib = _library()
    for index, part in enumerate(parts):
        if int.from_bytes(part, "big") >= FIELD:
            raise BadPoint("coordinate beyond the field")
        lib.mclBnFp_setLittleEndian(ctypes.byref(point, _FP_BYTES * index), part[::-1], ctypes.c_size_t(_FP_BYTES))


def _g1(data: bytes) -> Any:
    lib, point = _library(), _words(_G1_WORDS)
    if not any(data):
        lib.mclBnG1_clear(point)
        return point
    # the group is the whole curve, so its equation is enough; the library's own check multiplies by the order
    x, y = int.from_bytes(data[:32], "big"), int.from_bytes(data[32:], "big")
    if (y * y - x * x * x - 3) % FIELD:
        raise BadPoint("not on the curve")
    _set_fields(point, [data[:32], data[32:], _ONE])
    return point


def _g2(data: bytes) -> Any:
    lib, point = _library(), _words(_G2_WORDS)
    if not any(data):
        lib.mclBnG2_clear(point)
        return point
    # EIP-197 writes the imaginary part first
    imaginary_x, real_x, imaginary_y, real_y = (data[at : at + 32] for at in (0, 32, 64, 96))
    _set_fields(point, [real_x, imaginary_x, real_y, imaginary_y, _ONE, bytes(32)])
    if not (lib.mclBnG2_isValid(point) and lib.mclBnG2_isValidOrder(point)):
        raise BadPoint("not on the curve, or outside the subgroup")
    return point


def _g1_bytes(point: Any) -> bytes:
    lib = _library()
    if lib.mclBnG1_isZero(point):
        return bytes(64)
    lib.mclBnG1_normalize(point, point)
    out = b""
    for index in (0, 1):
        part = ctypes.create_string_buffer(_FP_BYTES)
        lib.mclBnFp_getLittleEndian(part, ctypes.c_size_t(_FP_BYTES), ctypes.byref(point, _FP_BYTES * index))
        out += part.raw[::-1]
    return out
