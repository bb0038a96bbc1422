"""What a miner does to make a seal; each function answers None when its slice found nothing."""

from __future__ import annotations

from chain.core.seals import blake3, kheavyhash, vrf
from chain.core.seals.checks import NONCE_BYTES, signed_message
from chain.core.seals.eligibility import is_eligible, vrf_alpha


def search_a(pre_hash: bytes, target: int, start_nonce: int, count: int) -> tuple[bytes] | None:
    """Return stream A's seal from the first good nonce of ``count`` ones (mod 2^64), or None."""
    return _nonce_seal(blake3.search(pre_hash, target, start_nonce, count))


def search_b(pre_hash: bytes, timestamp_ms: int, target: int, start_nonce: int, count: int) -> tuple[bytes] | None:
    """Return stream B's seal from the first good nonce of ``count`` ones (mod 2^64), or None."""
    return _nonce_seal(kheavyhash.search(pre_hash, timestamp_ms, target, start_nonce, count))


def try_slot(
    secret_key: bytes, seed: bytes, slot: int, *, weight: int, total: int, c_num: int, c_den: int
) -> tuple[bytes, bytes] | None:
    """Return (proof, beta) if the key wins the slot, else None.

    ``weight`` of ``total`` blocks of the anchor's window carry the key; ``seed`` is the lottery's.
    """
    if weight == 0:
        return None
    proof = vrf.prove(secret_key, vrf_alpha(seed, slot))
    beta = vrf.proof_to_hash(proof)
    return (proof, beta) if is_eligible(beta, weight, total, c_num, c_den) else None


def sign_c(secret_key: bytes, pre_hash: bytes, proof: bytes) -> tuple[bytes, bytes]:
    """Return stream C's seal: the proof and the signature that ties it to one header."""
    return proof, vrf.sign(secret_key, signed_message(pre_hash, proof))


def _nonce_seal(nonce: int | None) -> tuple[bytes] | None:
    return None if nonce is None else (nonce.to_bytes(NONCE_BYTES, "little"),)
