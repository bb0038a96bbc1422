"""ECVRF-EDWARDS25519-SHA512-TAI and Ed25519: the RFC's vectors, an independent verifier, hostile inputs."""

from __future__ import annotations

import json
from hashlib import sha256, sha512
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chain.core.errors import RuleCode, RuleViolation
from chain.core.seals import vrf
from tests.core.references import edwards as reference

ROOT = Path(__file__).resolve().parents[2]
VECTORS = [
    {name: bytes.fromhex(value) for name, value in case.items()}
    for case in json.loads((ROOT / "tests/vectors/ecvrf.json").read_text())["vectors"]
]

SECRET = sha256(b"a miner").digest()
KEY = vrf.public_key(SECRET)
ALPHA = b"mds/vrf" + bytes(40)
PROOF = vrf.prove(SECRET, ALPHA)

seeds = st.binary(min_size=32, max_size=32)


def refused(code, call, *arguments):
    with pytest.raises(RuleViolation) as caught:
        call(*arguments)
    assert caught.value.code == code


@pytest.mark.parametrize("case", VECTORS, ids=["example 16", "example 17", "example 18"])
def test_vectors_of_rfc_9381(case):
    assert vrf.public_key(case["sk"]) == case["pk"]
    assert vrf.prove(case["sk"], case["alpha"]) == case["pi"]
    assert vrf.verify(case["pk"], case["pi"], case["alpha"]) == case["beta"]
    assert vrf.proof_to_hash(case["pi"]) == case["beta"]
    assert reference.vrf_verify(case["pk"], case["pi"], case["alpha"]) == case["beta"]


@given(seeds, st.binary(max_size=60))
@settings(max_examples=10, deadline=None)
def test_an_independent_verifier_agrees(secret, alpha):
    key, proof = vrf.public_key(secret), vrf.prove(secret, alpha)
    assert vrf._encode_to_curve(key, alpha) == reference.encode(reference.hash_to_curve(key, alpha))
    beta = reference.vrf_verify(key, proof, alpha)
    assert beta is not None
    assert vrf.verify(key, proof, alpha) == beta == vrf.proof_to_hash(proof)


@given(seeds, st.binary(max_size=60), st.binary(max_size=60))
@settings(max_examples=20, deadline=None)
def test_a_proof_is_for_one_input_and_is_unique(secret, alpha, other):
    proof = vrf.prove(secret, alpha)
    assert vrf.prove(secret, alpha) == proof
    if other != alpha:
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, vrf.public_key(secret), proof, other)


def test_every_flipped_bit_is_refused():
    for bit in range(8 * len(PROOF)):
        changed = bytearray(PROOF)
        changed[bit // 8] ^= 1 << bit % 8
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, bytes(changed), ALPHA)


def test_lengths():
    for size in (0, 79, 81):
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, (PROOF * 2)[:size], ALPHA)
        refused(RuleCode.SEAL_VRF_PROOF, vrf.proof_to_hash, (PROOF * 2)[:size])
    for size in (0, 31, 33):
        refused(RuleCode.SEAL_VRF_KEY, vrf.verify, (KEY * 2)[:size], PROOF, ALPHA)
        refused(RuleCode.FIELD_LENGTH, vrf.prove, bytes(size), ALPHA)


def test_another_key_is_refused():
    other = vrf.public_key(sha256(b"another miner").digest())
    refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, other, PROOF, ALPHA)


def test_an_unreduced_s_is_refused():
    s = int.from_bytes(PROOF[48:], "little")
    for value in (s + vrf.ORDER, vrf.ORDER):
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, PROOF[:48] + value.to_bytes(32, "little"), ALPHA)


def test_points_of_small_order_are_refused():
    small = reference.torsion()
    assert len({reference.encode(point) for point in small}) == 8
    for point in small:
        encoded = reference.encode(point)
        refused(RuleCode.SEAL_VRF_KEY, vrf.verify, encoded, PROOF, ALPHA)
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, encoded + PROOF[32:], ALPHA)


def test_points_of_mixed_order_are_refused():
    """A point of order 2L passed the subgroup check of libsodium before its fix of CVE-2025-69277."""
    key, gamma = reference.decode(KEY), reference.decode(PROOF[:32])
    assert key is not None
    assert gamma is not None
    for point in reference.torsion()[1:]:
        mixed_key = reference.encode(reference.add(key, point))
        mixed_gamma = reference.encode(reference.add(gamma, point))
        assert not vrf.is_valid_key(mixed_key)
        refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, mixed_gamma + PROOF[32:], ALPHA)
        refused(RuleCode.SEAL_VRF_PROOF, vrf.proof_to_hash, mixed_gamma + PROOF[32:])


def test_a_second_output_for_the_same_input_is_refused():
    """Without the subgroup check, a key holder could prove Gamma + T as well and draw more than once.

    The challenge is ground until it is a multiple of the order of T, so that the equations hold.
    """
    scalar = int.from_bytes(sha512(SECRET).digest()[:32], "little") & ~7 & (2**254 - 1) | 2**254
    point = reference.hash_to_curve(KEY, ALPHA)
    two_torsion = next(p for p in reference.torsion()[1:] if reference.add(p, p) == reference.IDENTITY)
    gamma = reference.encode(reference.add(reference.multiply(scalar, point), two_torsion))
    nonce = 1
    while True:
        u, v = reference.multiply(nonce, reference.BASE), reference.multiply(nonce, point)
        challenge = reference.challenge(KEY, reference.encode(point), gamma, reference.encode(u), reference.encode(v))
        if challenge % 2 == 0:
            break
        nonce += 1
    response = (nonce + challenge * scalar) % reference.L
    forged = gamma + challenge.to_bytes(16, "little") + response.to_bytes(32, "little")
    assert reference.vrf_verify(KEY, forged, ALPHA) is not None
    refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, forged, ALPHA)


@pytest.mark.parametrize("small_y", [0, 1, 3, 4, 5, 6, 9, 10, 14, 15, 16, 18])
def test_encodings_that_are_not_canonical_are_refused(small_y):
    for sign in (0, 1 << 255):
        encoded = (small_y + reference.P | sign).to_bytes(32, "little")
        assert not vrf.is_valid_key(encoded)
        assert vrf._times_eight(encoded) is None


def test_off_curve_is_refused():
    y = next(y for y in range(2, 100) if reference.decode(y.to_bytes(32, "little")) is None)
    assert not vrf.is_valid_key(y.to_bytes(32, "little"))
    refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, y.to_bytes(32, "little") + PROOF[32:], ALPHA)


def test_a_zero_challenge_and_response_are_numbers_like_any():
    refused(RuleCode.SEAL_VRF_PROOF, vrf.verify, KEY, PROOF[:32] + bytes(48), ALPHA)


@given(seeds, st.binary(max_size=100))
@settings(max_examples=20, deadline=None)
def test_signatures(secret, message):
    key, signature = vrf.public_key(secret), vrf.sign(secret, message)
    vrf.verify_signature(key, signature, message)
    refused(RuleCode.SEAL_SIGNATURE, vrf.verify_signature, key, signature, message + b"!")
    refused(RuleCode.SEAL_SIGNATURE, vrf.verify_signature, key, signature[:63], message)
    refused(RuleCode.SEAL_SIGNATURE, vrf.verify_signature, key[:31], signature, message)
    s = int.from_bytes(signature[32:], "little") + vrf.ORDER
    refused(RuleCode.SEAL_SIGNATURE, vrf.verify_signature, key, signature[:32] + s.to_bytes(32, "little"), message)


def test_signature_of_rfc_8032():
    # RFC 8032 section 7.1, test 2 (its seed is example 17's)
    signature = bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert vrf.sign(VECTORS[1]["sk"], b"\x72") == signature
    vrf.verify_signature(VECTORS[1]["pk"], signature, b"\x72")
