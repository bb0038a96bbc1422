"""ECVRF-EDWARDS25519-SHA512-TAI (RFC 9381, suite 0x03) and Ed25519 signatures over libsodium.

A key is its 32-byte RFC 8032 seed; one key serves both the lottery's proofs and block signatures.
Stricter than the RFC (protocol §5): the public key and Gamma must be canonical encodings of points of
prime order other than the identity, and s < L.  Those checks are libsodium's and need a build later than
2025-12-30 (PyNaCl 1.6.2): earlier ones let points of order 2L pass (CVE-2025-69277; the tests would tell).
"""

from __future__ import annotations

from functools import lru_cache
from hashlib import sha512

from nacl import bindings as sodium
from nacl.exceptions import BadSignatureError, CryptoError

from chain.core.errors import RuleCode, RuleViolation

SEED_BYTES = 32
KEY_BYTES = 32
PROOF_BYTES = 80
SIGNATURE_BYTES = 64
ORDER = 2**252 + 27742317777372353535851937790883648493  # L of RFC 8032

_SUITE = b"\x03"
_FIELD = 2**255 - 19
_IDENTITY = (1).to_bytes(32, "little")
_CHALLENGE_BYTES = 16


def public_key(secret_key: bytes) -> bytes:
    """Return the 32-byte public key of a 32-byte seed (FIELD_LENGTH for another length)."""
    return _key_pair(secret_key)[0]


def prove(secret_key: bytes, alpha: bytes) -> bytes:
    """Return the 80-byte proof pi = Gamma ‖ c ‖ s for the input ``alpha`` (RFC 9381 section 5.1)."""
    key, _ = _key_pair(secret_key)
    expanded = sha512(secret_key).digest()
    scalar = int.from_bytes(expanded[:32], "little") & ~7 & (2**254 - 1) | 2**254
    point = _encode_to_curve(key, alpha)
    gamma = _multiply(scalar % ORDER, point)
    # the nonce is deterministic: RFC 9381 section 5.4.2.2
    nonce = int.from_bytes(sha512(expanded[32:] + point).digest(), "little") % ORDER
    challenge = _challenge(key, point, gamma, _multiply_base(nonce), _multiply(nonce, point))
    response = (nonce + challenge * scalar) % ORDER
    return gamma + challenge.to_bytes(_CHALLENGE_BYTES, "little") + response.to_bytes(32, "little")


def verify(key: bytes, pi: bytes, alpha: bytes) -> bytes:
    """Return beta (64 bytes) if ``pi`` proves it for ``alpha`` under ``key`` (RFC 9381 section 5.3).

    Raises
    ------
    RuleViolation
        SEAL_VRF_KEY for a bad public key, SEAL_VRF_PROOF for a proof that does not decode or verify.
    """
    require_key(key)
    gamma, challenge, response = _decode_proof(pi)
    point = _encode_to_curve(key, alpha)
    u = sodium.crypto_core_ed25519_sub(_multiply_base(response), _multiply(challenge, key))
    v = sodium.crypto_core_ed25519_sub(_multiply(response, point), _multiply(challenge, gamma))
    if _challenge(key, point, gamma, u, v) != challenge:
        raise RuleViolation(RuleCode.SEAL_VRF_PROOF, got=pi, message="the proof does not verify")
    return _output(gamma)


def proof_to_hash(pi: bytes) -> bytes:
    """Return beta (64 bytes) of a proof that decodes; it is not verified (RFC 9381 section 5.2)."""
    return _output(_decode_proof(pi)[0])


def require_key(key: bytes) -> None:
    """Refuse a public key that is not a canonical point of prime order (SEAL_VRF_KEY)."""
    if not is_valid_key(key):
        raise RuleViolation(RuleCode.SEAL_VRF_KEY, got=key, expected="a canonical point of prime order")


@lru_cache(maxsize=4096)
def is_valid_key(key: bytes) -> bool:
    """Return whether the bytes are a canonical point of prime order (the identity is not)."""
    return len(key) == KEY_BYTES and bool(sodium.crypto_core_ed25519_is_valid_point(key))


def sign(secret_key: bytes, message: bytes) -> bytes:
    """Return the 64-byte Ed25519 signature of ``message`` (RFC 8032 section 5.1.6)."""
    signed: bytes = sodium.crypto_sign(message, _key_pair(secret_key)[1])
    return signed[:SIGNATURE_BYTES]


def verify_signature(key: bytes, signature: bytes, message: bytes) -> None:
    """Refuse what libsodium's verify_detached refuses (SEAL_SIGNATURE)."""
    if len(key) == KEY_BYTES and len(signature) == SIGNATURE_BYTES:
        try:
            sodium.crypto_sign_open(signature + message, key)
        except BadSignatureError:
            pass  # refused below, like a signature of another length
        else:
            return
    raise RuleViolation(RuleCode.SEAL_SIGNATURE, got=signature, message="the signature does not verify")


def _key_pair(secret_key: bytes) -> tuple[bytes, bytes]:
    """Return (public key, libsodium's secret key: seed ‖ public key)."""
    if len(secret_key) != SEED_BYTES:
        raise RuleViolation(RuleCode.FIELD_LENGTH, got=len(secret_key), expected=SEED_BYTES, field="secret_key")
    pair: tuple[bytes, bytes] = sodium.crypto_sign_seed_keypair(secret_key)
    return pair


def _decode_proof(pi: bytes) -> tuple[bytes, int, int]:
    if len(pi) != PROOF_BYTES:
        raise RuleViolation(RuleCode.SEAL_VRF_PROOF, got=len(pi), expected=PROOF_BYTES, message="length of the proof")
    gamma = pi[:32]
    response = int.from_bytes(pi[48:], "little")
    if response >= ORDER:
        raise RuleViolation(RuleCode.SEAL_VRF_PROOF, got=response, expected="s < L", message="s is not reduced")
    if not sodium.crypto_core_ed25519_is_valid_point(gamma):
        raise RuleViolation(
            RuleCode.SEAL_VRF_PROOF, got=gamma, expected="a canonical point of prime order", message="Gamma is bad"
        )
    return gamma, int.from_bytes(pi[32:48], "little"), response


def _encode_to_curve(key: bytes, alpha: bytes) -> bytes:
    """Try and increment (RFC 9381 section 5.4.1.1), the salt being the public key.

    The cofactor is cleared by three doublings: libsodium multiplies only points of prime order.
    """
    for counter in range(256):
        candidate = sha512(_SUITE + b"\x01" + key + alpha + bytes([counter, 0])).digest()[:32]
        point = _times_eight(candidate)
        if point is not None and point != _IDENTITY:
            return point
    # each try fails with probability one half
    raise RuleViolation(RuleCode.SEAL_VRF_PROOF, message="no point of the curve for this input")


def _times_eight(candidate: bytes) -> bytes | None:
    """Return 8·P, or None where the bytes are no canonical encoding of a point of the curve."""
    if int.from_bytes(candidate, "little") & (2**255 - 1) >= _FIELD:
        return None
    try:
        for _ in range(3):
            candidate = sodium.crypto_core_ed25519_add(candidate, candidate)
    except CryptoError:
        return None
    return candidate


def _multiply(scalar: int, point: bytes) -> bytes:
    """Return scalar·P for a point of prime order; libsodium itself refuses a zero scalar."""
    if scalar == 0:
        return _IDENTITY
    product: bytes = sodium.crypto_scalarmult_ed25519_noclamp(scalar.to_bytes(32, "little"), point)
    return product


def _multiply_base(scalar: int) -> bytes:
    if scalar == 0:
        return _IDENTITY
    product: bytes = sodium.crypto_scalarmult_ed25519_base_noclamp(scalar.to_bytes(32, "little"))
    return product


def _challenge(*points: bytes) -> int:
    hashed = sha512(_SUITE + b"\x02" + b"".join(points) + b"\x00").digest()
    return int.from_bytes(hashed[:_CHALLENGE_BYTES], "little")


def _output(gamma: bytes) -> bytes:
    cleared = _times_eight(gamma)
    assert cleared is not None  # Gamma was found valid
    return sha512(_SUITE + b"\x03" + cleared + b"\x00").digest()
