"""ECVRF-EDWARDS25519-SHA512-TAI in plain Python integers, written from RFC 8032 and RFC 9381.

Slow and independent of the product's code: nothing here imports it.
"""

from __future__ import annotations

from hashlib import sha512

P = 2**255 - 19
L = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]
IDENTITY: Point = (0, 1)


def add(one: Point, other: Point) -> Point:
    (x1, y1), (x2, y2) = one, other
    product = D * x1 * x2 * y1 * y2
    x = (x1 * y2 + x2 * y1) * pow(1 + product, -1, P) % P
    y = (y1 * y2 + x1 * x2) * pow(1 - product, -1, P) % P
    return x, y


def negative(point: Point) -> Point:
    return -point[0] % P, point[1]


def multiply(scalar: int, point: Point) -> Point:
    result = IDENTITY
    while scalar:
        if scalar & 1:
            result = add(result, point)
        point = add(point, point)
        scalar >>= 1
    return result


def encode(point: Point) -> bytes:
    return (point[1] | (point[0] & 1) << 255).to_bytes(32, "little")


def decode(encoded: bytes) -> Point | None:
    value = int.from_bytes(encoded, "little")
    sign, y = value >> 255, value & (2**255 - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * pow(2, (P - 1) // 4, P) % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    return (x if x & 1 == sign else P - x), y


_BASE = decode((4 * pow(5, -1, P) % P).to_bytes(32, "little"))
assert _BASE is not None
BASE: Point = _BASE


def torsion() -> list[Point]:
    """The eight points whose order divides the cofactor, as multiples of one of order 8."""
    y = 2
    while True:
        point = decode(y.to_bytes(32, "little"))
        if point is not None:
            small = multiply(L, point)
            if multiply(4, small) != IDENTITY:
                return [multiply(i, small) for i in range(8)]
        y += 1


def hash_to_curve(key: bytes, alpha: bytes) -> Point:
    counter = 0
    while True:
        point = decode(sha512(b"\x03\x01" + key + alpha + bytes([counter, 0])).digest()[:32])
        if point is not None and multiply(8, point) != IDENTITY:
            return multiply(8, point)
        counter += 1


def challenge(*points: bytes) -> int:
    return int.from_bytes(sha512(b"\x03\x02" + b"".join(points) + b"\x00").digest()[:16], "little")


def vrf_verify(key: bytes, pi: bytes, alpha: bytes) -> bytes | None:
    """beta, or None: with the full key validation of RFC 9381 section 5.4.5."""
    y, gamma = decode(key), decode(pi[:32])
    c, s = int.from_bytes(pi[32:48], "little"), int.from_bytes(pi[48:], "little")
    if y is None or gamma is None or s >= L or multiply(8, y) == IDENTITY:
        return None
    h = hash_to_curve(key, alpha)
    u = add(multiply(s, BASE), negative(multiply(c, y)))
    v = add(multiply(s, h), negative(multiply(c, gamma)))
    if challenge(key, encode(h), pi[:32], encode(u), encode(v)) != c:
        return None
    return sha512(b"\x03\x03" + encode(multiply(8, gamma)) + b"\x00").digest()
