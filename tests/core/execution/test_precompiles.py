"""Native precompiles against py-evm's own code: same output, same gas, same failure (protocol §8, EVM)."""

from __future__ import annotations

import random
from types import SimpleNamespace

import pytest
from eth.exceptions import VMError
from eth.vm.forks.prague.computation import PRAGUE_PRECOMPILES
from py_ecc import optimized_bls12_381 as bls
from py_ecc import optimized_bn128 as bn

from chain.core.execution.evm import bn254, precompiles
from chain.core.execution.evm.precompiles import native_precompiles
from chain.core.transactions import keccak

NATIVE = native_precompiles(PRAGUE_PRECOMPILES)
PLENTY = 10**9


class Frame:
    """The part of a computation that a precompile sees."""

    def __init__(self, data: bytes, gas: int) -> None:
        self.msg = SimpleNamespace(data=data, data_as_bytes=data)
        self.gas = gas
        self.output = b""

    def consume_gas(self, amount: int, reason: str = "") -> None:
        if amount > self.gas:
            raise VMError("out of gas")
        self.gas -= amount


def outcome(table, number: int, data: bytes, gas: int = PLENTY):
    frame = Frame(data, gas)
    try:
        table[number.to_bytes(20, "big")](frame)
    except VMError:
        return "failed"
    return frame.gas, frame.output


def agree(number: int, data: bytes, gas: int = PLENTY):
    ours = outcome(NATIVE, number, data, gas)
    assert ours == outcome(PRAGUE_PRECOMPILES, number, data, gas)
    return ours


def field(value: int, size: int = 32) -> bytes:
    return value.to_bytes(size, "big")


def bn_g1(k: int) -> bytes:
    x, y = bn.normalize(bn.multiply(bn.G1, k))
    return field(x.n) + field(y.n)


def bn_g2(k: int) -> bytes:
    x, y = bn.normalize(bn.multiply(bn.G2, k))
    return b"".join(field(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))


def bls_g1(k: int) -> bytes:
    if k == 0:
        return bytes(128)
    x, y = bls.normalize(bls.multiply(bls.G1, k))
    return field(int(x), 64) + field(int(y), 64)


def bls_g2(k: int) -> bytes:
    if k == 0:
        return bytes(256)
    x, y = bls.normalize(bls.multiply(bls.G2, k))
    return b"".join(field(int(c), 64) for c in (*x.coeffs, *y.coeffs))


def test_every_precompile_of_prague_is_there():
    assert sorted(NATIVE) == [number.to_bytes(20, "big") for number in range(1, 0x12)]


def test_native_alt_bn128_is_in_use():
    assert bn254.available()


def test_ecrecover_agrees():
    rng = random.Random(1)
    from eth_keys import keys

    for n in range(1, 6):
        digest = keccak(b"%d" % n)
        signature = keys.PrivateKey(field(n)).sign_msg_hash(digest)
        v, r, s = signature.v + 27, signature.r, signature.s
        _, output = agree(1, digest + field(v) + field(r) + field(s))
        assert output[12:] == keys.PrivateKey(field(n)).public_key.to_canonical_address()
        high_s = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141 - s
        agree(1, digest + field(55 - v) + field(r) + field(high_s))
        agree(1, digest + field(29) + field(r) + field(s))
        agree(1, (digest + field(v) + field(r) + field(s))[: rng.randrange(128)])
        agree(1, digest + field(v) + field(0) + field(s))
        agree(1, digest + field(v) + field(r) + field(0))
        agree(1, digest + field(v) + field(2**256 - 1) + field(s))
        agree(1, digest + field(v) + field(rng.getrandbits(250)) + field(s) + b"more")
    agree(1, b"")
    agree(1, b"", gas=2_999)


@pytest.mark.parametrize("size", [0, 1, 31, 32, 33, 200])
def test_ripemd160_agrees(size):
    agree(3, bytes(range(size)))


def test_modexp_agrees_where_py_evm_is_right():
    rng = random.Random(2)
    for _ in range(60):
        sizes = [rng.choice([1, 2, 8, 31, 32, 33, 40]) for _ in range(3)]
        body = b"".join(rng.randbytes(size) for size in sizes)
        agree(5, b"".join(field(size) for size in sizes) + body[: rng.randrange(len(body) + 1)])
    agree(5, b"")
    agree(5, field(1) + field(2**255) + field(1) + b"\x03")
    agree(5, field(2**200) + field(1) + field(1))
    agree(5, field(2) + field(0) + field(0))


@pytest.mark.parametrize(
    ("base", "exponent", "modulus", "expected"),
    [
        (b"", b"", b"\x00\x02", b"\x00\x01"),  # 0^0 = 1
        (b"", b"\x03", b"\x05", b"\x00"),
        (b"", b"", b"\x01", b"\x00"),  # mod 1
        (b"", b"", b"\x00", b"\x00"),  # mod 0
        (b"\x02", b"", b"\x05", b"\x01"),
    ],
)
def test_modexp_with_empty_operands(base, exponent, modulus, expected):
    """EIP-198: an empty operand is the number zero; py-evm answers 0 for every empty base."""
    data = field(len(base)) + field(len(exponent)) + field(len(modulus)) + base + exponent + modulus
    assert outcome(NATIVE, 5, data) == (PLENTY - 200, expected)


def test_alt_bn128_agrees():
    rng = random.Random(3)
    infinity = bytes(64)
    points = [bn_g1(rng.randrange(1, bn.curve_order)) for _ in range(4)] + [infinity]
    for one in points:
        for two in points[2:]:
            agree(6, one + two)
        agree(7, one + field(rng.getrandbits(256)))
        agree(7, one + field(0))
        agree(7, one + field(bn.curve_order))
    agree(6, points[0][:40])
    agree(6, points[0] + points[0] + b"ignored")
    agree(6, b"")
    agree(7, b"")
    agree(6, field(1) + field(3))
    agree(6, field(bn.field_modulus) + field(2))
    agree(6, field(1 + bn.field_modulus) + field(2))
    agree(7, field(1) + field(2), gas=5_999)


def test_alt_bn128_pairing_agrees():
    k = 5
    minus = bn.curve_order - k
    balanced = bn_g1(k) + bn_g2(3) + bn_g1(minus) + bn_g2(3)
    assert agree(8, balanced)[1] == field(1)
    assert agree(8, bn_g1(1) + bn_g2(1))[1] == field(0)
    assert agree(8, b"")[1] == field(1)
    agree(8, bytes(64) + bn_g2(2))
    agree(8, bn_g1(2) + bytes(128))
    agree(8, balanced[:-1])
    agree(8, bn_g1(1) + field(1) * 4)
    agree(8, bn_g1(1) + field(bn.field_modulus) + bn_g2(1)[32:])


def test_alt_bn128_pairing_refuses_points_outside_the_subgroup():
    # a point of the twist with cofactor: y² = x³ + b2 solved by trial
    for n in range(1, 50):
        x = bn.FQ2([n, 0])
        rhs = x * x * x + bn.b2
        y = _square_root(rhs)
        if y is not None:
            data = b"".join(field(int(c)) for c in (x.coeffs[1], x.coeffs[0], y.coeffs[1], y.coeffs[0]))
            assert agree(8, bn_g1(1) + data) == "failed"
            return
    raise AssertionError("no point found")


def _square_root(value):
    """Square root in F_p² for p = 3 mod 4 (complex method), or None."""
    p = bn.field_modulus
    a, b = (int(c) for c in value.coeffs)
    norm = pow(a * a + b * b, (p + 1) // 4, p)
    if norm * norm % p != (a * a + b * b) % p:
        return None
    for sign in (norm, -norm):
        half = (a + sign) * pow(2, -1, p) % p
        x = pow(half, (p + 1) // 4, p)
        if x * x % p == half and x:
            root = bn.FQ2([x, b * pow(2 * x, -1, p) % p])
            return root if root * root == value else None
    return None


def test_blake2f_agrees():
    rng = random.Random(4)
    for rounds in (0, 1, 12, 100):
        body = rng.randbytes(208)
        agree(9, rounds.to_bytes(4, "big") + body + b"\x01")
        agree(9, rounds.to_bytes(4, "big") + body + b"\x00")
    agree(9, bytes(213)[:-1])
    agree(9, bytes(212) + b"\x02")
    agree(9, (2**32 - 1).to_bytes(4, "big") + bytes(208) + b"\x01", gas=30_000_000)


def test_point_evaluation_agrees(monkeypatch):
    # py-evm reads the trusted setup for each proof, which takes seconds
    setup = precompiles._trusted_setup()
    monkeypatch.setattr("eth.precompiles.point_evaluation.load_trusted_setup", lambda *_: setup)
    # the polynomial 0: commitment and proof are infinity, y is 0 everywhere
    import hashlib

    infinity = b"\xc0" + bytes(47)
    versioned = b"\x01" + hashlib.sha256(infinity).digest()[1:]
    good = versioned + field(7) + field(0) + infinity + infinity
    assert agree(10, good)[1][:32] == field(4096)
    agree(10, versioned + field(7) + field(1) + infinity + infinity)
    agree(10, good[:-1])
    agree(10, bytes(192))
    bad = b"\xff" * 48
    agree(10, b"\x01" + hashlib.sha256(bad).digest()[1:] + field(7) + field(0) + bad + infinity)
    agree(10, versioned + field(2**256 - 1) + field(0) + infinity + infinity)


def test_bls12_381_addition_and_msm_agree():
    rng = random.Random(5)
    for a, b in ((1, 2), (3, 3), (0, 4), (0, 0)):
        agree(0x0B, bls_g1(a) + bls_g1(b))
        agree(0x0D, bls_g2(a) + bls_g2(b))
    agree(0x0B, bls_g1(1))
    agree(0x0D, bytes(511))
    scalars = [0, 1, rng.getrandbits(256), bls.curve_order]
    agree(0x0C, b"".join(bls_g1(n + 1) + field(k) for n, k in enumerate(scalars)))
    agree(0x0E, b"".join(bls_g2(n) + field(k) for n, k in enumerate(scalars[1:3])))
    agree(0x0C, b"")
    agree(0x0C, bytes(159))
    agree(0x0E, bytes(289))
    agree(0x0C, bls_g1(1) + field(1), gas=11_999)


def test_bls12_381_refuses_bad_points():
    g1, g2 = bls_g1(1), bls_g2(1)
    off_curve = g1[:-1] + bytes((g1[-1] ^ 1,))
    padded = b"\x01" + g1[1:]
    beyond = field(bls.field_modulus, 64) + g1[64:]
    for bad in (off_curve, padded, beyond):
        assert agree(0x0B, bad + g1) == "failed"
        assert agree(0x0C, bad + field(1)) == "failed"
        assert agree(0x0F, bad + g2) == "failed"
    assert agree(0x0D, (g2[:-1] + bytes((g2[-1] ^ 1,))) + g2) == "failed"
    # x = 4 gives a point of the curve outside the subgroup: fine to add, refused elsewhere
    p = bls.field_modulus
    y = pow(4**3 + 4, (p + 1) // 4, p)
    outside = field(4, 64) + field(y, 64)
    assert y * y % p == 68
    assert agree(0x0B, outside + g1) != "failed"
    assert agree(0x0C, outside + field(1)) == "failed"
    assert agree(0x0F, outside + g2) == "failed"


def test_bls12_381_pairing_and_maps_agree():
    minus = bls.curve_order - 2
    assert agree(0x0F, bls_g1(2) + bls_g2(3) + bls_g1(minus) + bls_g2(3))[1] == field(1)
    assert agree(0x0F, bls_g1(1) + bls_g2(1))[1] == field(0)
    agree(0x0F, bls_g1(0) + bls_g2(1))
    agree(0x0F, b"")
    rng = random.Random(6)
    for value in (0, 1, rng.randrange(bls.field_modulus)):
        agree(0x10, field(value, 64))
        agree(0x11, field(value, 64) + field(rng.randrange(bls.field_modulus), 64))
    assert agree(0x10, field(bls.field_modulus, 64)) == "failed"
    assert agree(0x11, field(0, 64) + field(bls.field_modulus, 64)) == "failed"
    agree(0x10, bytes(63))
