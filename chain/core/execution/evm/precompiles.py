"""Precompiles on native libraries (protocol §8, EVM); each agrees with py-evm's own, which tests compare.

Gas follows EIP-152, 196, 197, 198, 1108, 2537, 2565 and 4844.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any

import blake2b  # type: ignore[import-untyped]
import ckzg
import coincurve
import eth
import gmpy2
from Crypto.Hash import RIPEMD160
from eth.exceptions import VMError
from eth.precompiles.bls12_381.constants import G1_MSM_DISCOUNTS, G2_MSM_DISCOUNTS

from chain.core.execution.evm import bls12_381, bn254
from chain.core.transactions import SECP256K1_N, keccak

Precompile = Callable[[Any], Any]

_TRUE, _FALSE = (1).to_bytes(32, "big"), bytes(32)
_BLS_ORDER = 0x73EDA753299D7D483339D80809A1D80553BDA402FFFE5BFEFFFFFFFF00000001
_KZG_RESULT = (4096).to_bytes(32, "big") + _BLS_ORDER.to_bytes(32, "big")


def ecrecover(computation: Any) -> None:
    """0x01: the address that signed; nothing for a bad signature."""
    computation.consume_gas(3_000, "ECRECOVER")
    data = computation.msg.data_as_bytes[:128].ljust(128, b"\x00")
    v, r, s = (int.from_bytes(data[at : at + 32], "big") for at in (32, 64, 96))
    if v not in (27, 28) or not 0 < r < SECP256K1_N or not 0 < s < SECP256K1_N:
        return
    signature = data[64:128] + bytes((v - 27,))
    try:
        key = coincurve.PublicKey.from_signature_and_message(signature, data[:32], hasher=None)
    except Exception:  # noqa: BLE001 - the binding raises bare Exception for a bad signature
        return
    computation.output = keccak(key.format(compressed=False)[1:])[12:].rjust(32, b"\x00")


def ripemd160(computation: Any) -> None:
    """0x03: by a library of its own, since OpenSSL may leave the hash out."""
    data = computation.msg.data_as_bytes
    computation.consume_gas(600 + 120 * ((len(data) + 31) // 32), "RIPEMD160")
    computation.output = RIPEMD160.new(data).digest().rjust(32, b"\x00")


def modexp(computation: Any) -> None:
    """0x05: EIP-198 with EIP-2565's gas; an empty base is zero, an empty exponent too (0^0 = 1)."""
    data = computation.msg.data_as_bytes
    head = data[:96].ljust(96, b"\x00")
    base_size, exponent_size, modulus_size = (int.from_bytes(head[at : at + 32], "big") for at in (0, 32, 64))
    body = data[96:]
    exponent_head = int.from_bytes(_part(body, base_size, min(exponent_size, 32)), "big")
    words = (max(base_size, modulus_size) + 7) // 8
    iterations = max(exponent_head.bit_length() - 1, 0) + 8 * max(exponent_size - 32, 0)
    computation.consume_gas(max(200, words * words * max(iterations, 1) // 3), "MODEXP")
    if modulus_size == 0:
        return
    modulus = int.from_bytes(_part(body, base_size + exponent_size, modulus_size), "big")
    result = 0
    if modulus > 0:
        base = int.from_bytes(_part(body, 0, base_size), "big")
        exponent = int.from_bytes(_part(body, base_size, exponent_size), "big")
        result = int(gmpy2.powmod(base, exponent, modulus))
    computation.output = result.to_bytes(modulus_size, "big")


def _part(data: bytes, start: int, size: int) -> bytes:
    """``size`` bytes from ``start``, zeros beyond the end."""
    return data[start : start + size].ljust(size, b"\x00")


def blake2f(computation: Any) -> None:
    """0x09: the compression function of BLAKE2b (EIP-152)."""
    data = computation.msg.data_as_bytes
    if len(data) != 213 or data[212] > 1:
        raise VMError("bad BLAKE2F input")
    rounds = int.from_bytes(data[:4], "big")
    computation.consume_gas(rounds, "BLAKE2F")
    words = [int.from_bytes(data[at : at + 8], "little") for at in range(4, 212, 8)]
    computation.output = blake2b.compress(rounds, words[:8], words[8:24], words[24:], data[212] == 1)


def point_evaluation(computation: Any) -> None:
    """0x0a: a KZG proof (EIP-4844)."""
    computation.consume_gas(50_000, "POINT_EVALUATION")
    data = computation.msg.data_as_bytes
    if len(data) != 192:
        raise VMError("bad POINT_EVALUATION input")
    commitment = data[96:144]
    if b"\x01" + hashlib.sha256(commitment).digest()[1:] != data[:32]:
        raise VMError("commitment does not match its hash")
    try:
        proved = ckzg.verify_kzg_proof(commitment, data[32:64], data[64:96], data[144:], _trusted_setup())
    except RuntimeError as error:
        raise VMError("KZG proof cannot be read") from error
    if not proved:
        raise VMError("KZG proof is wrong")
    computation.output = _KZG_RESULT


@lru_cache(maxsize=1)
def _trusted_setup() -> Any:
    return ckzg.load_trusted_setup(str(Path(eth.__file__).parent / "_utils" / "kzg_trusted_setup.txt"), 0)


def _bn_add(computation: Any) -> None:
    """0x06 (EIP-1108 gas)."""
    computation.consume_gas(150, "ECADD")
    computation.output = _curve(bn254.add, computation)


def _bn_mul(computation: Any) -> None:
    """0x07 (EIP-1108 gas)."""
    computation.consume_gas(6_000, "ECMUL")
    computation.output = _curve(bn254.multiply, computation)


def _bn_pairing(computation: Any) -> None:
    """0x08 (EIP-1108 gas)."""
    pairs, rest = divmod(len(computation.msg.data), 192)
    if rest:
        raise VMError("bad ECPAIRING input")
    computation.consume_gas(45_000 + 34_000 * pairs, "ECPAIRING")
    computation.output = _TRUE if _curve(bn254.pairing_is_one, computation) else _FALSE


def _curve(operation: Callable[[bytes], Any], computation: Any) -> Any:
    try:
        return operation(computation.msg.data_as_bytes)
    except (bn254.BadPoint, bls12_381.BadPoint) as error:
        raise VMError(str(error)) from error


def _fixed(operation: Callable[[bytes], bytes], size: int, gas: int, name: str) -> Precompile:
    """A BLS12-381 precompile of fixed input and gas."""

    def run(computation: Any) -> None:
        if len(computation.msg.data) != size:
            raise VMError(f"bad {name} input")
        computation.consume_gas(gas, name)
        computation.output = _curve(operation, computation)

    return run


def _msm(operation: Callable[[bytes], bytes], size: int, gas: int, discounts: list[int], name: str) -> Precompile:
    """A multi-scalar multiplication with EIP-2537's discounts, in thousandths."""

    def run(computation: Any) -> None:
        count, rest = divmod(len(computation.msg.data), size)
        if rest or not count:
            raise VMError(f"bad {name} input")
        computation.consume_gas(count * gas * discounts[min(count, len(discounts)) - 1] // 1_000, name)
        computation.output = _curve(operation, computation)

    return run


def _bls_pairing(computation: Any) -> None:
    """0x0f (EIP-2537)."""
    pairs, rest = divmod(len(computation.msg.data), 384)
    if rest or not pairs:
        raise VMError("bad BLS12_PAIRING input")
    computation.consume_gas(37_700 + 32_600 * pairs, "BLS12_PAIRING")
    computation.output = _TRUE if _curve(bls12_381.pairing_is_one, computation) else _FALSE


def native_precompiles(of_fork: dict[bytes, Precompile]) -> dict[bytes, Precompile]:
    """The precompiles of a fork with ours in their places."""
    native: dict[int, Precompile] = {
        0x01: ecrecover,
        0x03: ripemd160,
        0x05: modexp,
        0x09: blake2f,
        0x0A: point_evaluation,
        0x0B: _fixed(bls12_381.g1_add, 256, 375, "BLS12_G1ADD"),
        0x0C: _msm(bls12_381.g1_msm, 160, 12_000, G1_MSM_DISCOUNTS, "BLS12_G1MSM"),
        0x0D: _fixed(bls12_381.g2_add, 512, 600, "BLS12_G2ADD"),
        0x0E: _msm(bls12_381.g2_msm, 288, 22_500, G2_MSM_DISCOUNTS, "BLS12_G2MSM"),
        0x0F: _bls_pairing,
        0x10: _fixed(bls12_381.map_to_g1, 64, 5_500, "BLS12_MAP_FP_TO_G1"),
        0x11: _fixed(bls12_381.map_to_g2, 128, 23_800, "BLS12_MAP_FP2_TO_G2"),
    }
    if bn254.available():
        native.update({0x06: _bn_add, 0x07: _bn_mul, 0x08: _bn_pairing})
    ours = {number.to_bytes(20, "big"): function for number, function in native.items()}
    return {address: ours.get(address, function) for address, function in of_fork.items()}
