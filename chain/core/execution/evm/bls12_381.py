"""EIP-2537 on the arkworks library: points on BLS12-381 in the precompiles' 64-byte field elements."""

from __future__ import annotations

from py_arkworks_bls12381 import GT, G1Point, G2Point, Scalar

FIELD = 0x1A0111EA397FE69A4B1BA7B6434BACD764774B84F38512BF6730D2A0F6B0F6241EABFFFEB153FFFFB9FEFFFFFFFFAAAB
G1_BYTES, G2_BYTES = 128, 256
_PAD = bytes(16)


class BadPoint(Exception):
    """Padding not zero, coordinates out of range, off the curve or outside the subgroup."""


def g1_add(data: bytes) -> bytes:
    """Sum of two G1 points (256 bytes in, 128 out)."""
    return _g1_out(_g1(data[:G1_BYTES], False) + _g1(data[G1_BYTES:], False))


def g2_add(data: bytes) -> bytes:
    """Sum of two G2 points (512 bytes in, 256 out)."""
    return _g2_out(_g2(data[:G2_BYTES], False) + _g2(data[G2_BYTES:], False))


def g1_msm(data: bytes) -> bytes:
    """Σ scalar·point over 160-byte (G1, scalar) pairs."""
    size = G1_BYTES + 32
    points = [_g1(data[at : at + G1_BYTES], True) for at in range(0, len(data), size)]
    return _g1_out(G1Point.multiexp_unchecked(points, _scalars(data, G1_BYTES)))


def g2_msm(data: bytes) -> bytes:
    """Σ scalar·point over 288-byte (G2, scalar) pairs."""
    size = G2_BYTES + 32
    points = [_g2(data[at : at + G2_BYTES], True) for at in range(0, len(data), size)]
    return _g2_out(G2Point.multiexp_unchecked(points, _scalars(data, G2_BYTES)))


def pairing_is_one(data: bytes) -> bool:
    """Whether the product of the pairings of 384-byte (G1, G2) pairs is one."""
    size = G1_BYTES + G2_BYTES
    ones = [_g1(data[at : at + G1_BYTES], True) for at in range(0, len(data), size)]
    twos = [_g2(data[at + G1_BYTES : at + size], True) for at in range(0, len(data), size)]
    return bool(GT.pairing_check(ones, twos))


def map_to_g1(data: bytes) -> bytes:
    """A field element (64 bytes) mapped to G1."""
    return _g1_out(G1Point.map_from_fp_be(_fields(data)))


def map_to_g2(data: bytes) -> bytes:
    """An element of the quadratic field (128 bytes) mapped to G2."""
    return _g2_out(G2Point.map_from_fp2_be(_fields(data)))


def _fields(data: bytes) -> bytes:
    """Strip the padding of field elements: 64 → 48 bytes each."""
    parts = []
    for at in range(0, len(data), 64):
        part = data[at + 16 : at + 64]
        if data[at : at + 16] != _PAD or int.from_bytes(part, "big") >= FIELD:
            raise BadPoint("coordinate beyond the field")
        parts.append(part)
    return b"".join(parts)


def _g1(data: bytes, in_subgroup: bool) -> G1Point:
    try:
        point = G1Point.from_xy_bytes_unchecked_be(_fields(data))
    except ValueError as error:
        raise BadPoint("not on the curve") from error
    if in_subgroup and not point.is_in_subgroup():
        raise BadPoint("outside the subgroup")
    return point


def _g2(data: bytes, in_subgroup: bool) -> G2Point:
    try:
        point = G2Point.from_xy_bytes_unchecked_be(_fields(data))
    except ValueError as error:
        raise BadPoint("not on the curve") from error
    if in_subgroup and not point.is_in_subgroup():
        raise BadPoint("outside the subgroup")
    return point


def _scalars(data: bytes, point_bytes: int) -> list[Scalar]:
    size = point_bytes + 32
    return [Scalar.from_be_bytes_mod_order(data[at + point_bytes : at + size]) for at in range(0, len(data), size)]


def _padded(data: bytes) -> bytes:
    return b"".join([_PAD + data[at : at + 48] for at in range(0, len(data), 48)])


def _g1_out(point: G1Point) -> bytes:
    return _padded(point.to_xy_bytes_be())


def _g2_out(point: G2Point) -> bytes:
    return _padded(point.to_xy_bytes_be())
