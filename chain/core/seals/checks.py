"""Whether a header's seal is good, for each stream (protocol §5).

Targets are expanded integers here; whether a header names the right one is a rule of context.
"""

from __future__ import annotations

from chain.core.errors import RuleCode, RuleViolation
from chain.core.seals import blake3, kheavyhash, vrf
from chain.core.seals.eligibility import Lottery, is_eligible, lot_of, vrf_alpha
from chain.core.types import Stream

NONCE_BYTES = 8
_SHAPES: dict[int, tuple[int, ...]] = {
    Stream.A: (NONCE_BYTES,),
    Stream.B: (NONCE_BYTES,),
    Stream.C: (vrf.PROOF_BYTES, vrf.SIGNATURE_BYTES),
}


def check_seal_shape(stream: int, seal: tuple[bytes, ...]) -> None:
    """Refuse a seal whose items have not the number and lengths of its stream.

    Raises RuleViolation: HEADER_STREAM for no mining stream, HEADER_SEAL_SHAPE otherwise.
    """
    expected = _SHAPES.get(stream)
    if expected is None:
        raise RuleViolation(RuleCode.HEADER_STREAM, got=stream, expected="1, 2 or 3")
    shape = tuple(len(item) for item in seal)
    if shape != expected:
        raise RuleViolation(RuleCode.HEADER_SEAL_SHAPE, got=shape, expected=expected)


def check_work_seal(stream: int, pre_hash: bytes, timestamp_ms: int, target: int, seal: tuple[bytes, ...]) -> None:
    """Refuse a seal of stream A or B that does not reach its (expanded) target; needs no context.

    Raises RuleViolation: HEADER_STREAM, HEADER_SEAL_SHAPE, SEAL_ABOVE_TARGET.
    """
    if stream not in (Stream.A, Stream.B):
        raise RuleViolation(RuleCode.HEADER_STREAM, got=stream, expected="1 or 2")
    check_seal_shape(stream, seal)
    nonce = int.from_bytes(seal[0], "little")
    if stream == Stream.A:
        value = int.from_bytes(blake3.digest(pre_hash, nonce), "big")
    else:
        value = int.from_bytes(kheavyhash.digest(pre_hash, timestamp_ms, nonce), "little")
    if value > target:
        raise RuleViolation(RuleCode.SEAL_ABOVE_TARGET, got=value, expected=target, stream=int(stream))


def check_vrf_seal(
    pre_hash: bytes,
    vrf_key: bytes,
    seal: tuple[bytes, ...],
    *,
    slot: int,
    lottery: Lottery | None,
    c_num: int,
    c_den: int,
) -> bytes:
    """Return the lot (32 bytes) of a C block whose seal is good under its anchor's lottery.

    Parameters
    ----------
    slot : int
        timestamp_ms // slot_ms.
    lottery : Lottery or None
        None where the anchor does not exist or its window is empty.
    c_num, c_den : int
        Expected winners a slot.

    Raises
    ------
    RuleViolation
        HEADER_SEAL_SHAPE, SEAL_NO_ANCHOR, SEAL_NOT_ELIGIBLE, SEAL_VRF_KEY, SEAL_SIGNATURE, SEAL_VRF_PROOF;
        the cheap checks come first.
    """
    check_seal_shape(Stream.C, seal)
    if lottery is None:
        raise RuleViolation(RuleCode.SEAL_NO_ANCHOR, message="no lottery can be drawn at this height")
    weight = lottery.weight(vrf_key)
    if weight == 0:
        raise RuleViolation(RuleCode.SEAL_NOT_ELIGIBLE, got=vrf_key, message="the key has no work in the window")
    proof, signature = seal
    vrf.require_key(vrf_key)
    vrf.verify_signature(vrf_key, signature, signed_message(pre_hash, proof))
    beta = vrf.verify(vrf_key, proof, vrf_alpha(lottery.seed, slot))
    if not is_eligible(beta, weight, lottery.total, c_num, c_den):
        raise RuleViolation(
            RuleCode.SEAL_NOT_ELIGIBLE,
            got=int.from_bytes(beta[:32], "big"),
            message="the key did not win this slot",
            weight=weight,
            total=lottery.total,
        )
    return lot_of(beta)


def check_seal(
    stream: int,
    pre_hash: bytes,
    seal: tuple[bytes, ...],
    *,
    block_hash: bytes,
    timestamp_ms: int,
    target: int,
    vrf_key: bytes,
    slot: int,
    lottery: Lottery | None,
    c_num: int,
    c_den: int,
) -> bytes:
    """Return the block's lot (its hash for A and B) if its seal is good, whatever its stream."""
    if stream == Stream.C:
        return check_vrf_seal(pre_hash, vrf_key, seal, slot=slot, lottery=lottery, c_num=c_num, c_den=c_den)
    check_work_seal(stream, pre_hash, timestamp_ms, target, seal)
    return block_hash


def signed_message(pre_hash: bytes, proof: bytes) -> bytes:
    """Return what a C block's Ed25519 signature covers."""
    return b"mds/c" + pre_hash + proof
