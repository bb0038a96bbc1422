"""Gas a second of every opcode and precompile in its worst use: the floor under call_gas_per_s (protocol §7).

    python bench/evm_gas.py [--gas 300000] [--only SLOAD,0x08]

Each line runs one call whose code repeats a snippet until its gas is used; the time is the process's own.
A network's call_gas_per_s should stay under half of the slowest line.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from chain.core.execution.evm.executor import Call, Executor
from chain.core.execution.memory_state import MemoryState
from chain.core.execution.overlay import CachedReader, StateOverlay
from chain.core.execution.params import BlockEnv
from tests.core.execution import asm
from tests.core.execution.test_precompiles import bls_g1, bls_g2, bn_g1, bn_g2, field

SENDER, CODE, OTHER = b"\x01" * 20, b"\xc0" * 20, b"\x07" * 20
ENV = BlockEnv(1, 1_000, 1_700_000_000, bytes(32), 7, 2 * 10**9)
BIG = (1 << 255) + 12_345
NAMES = {value: name for name, value in vars(asm).items() if isinstance(value, int)}
ARITHMETIC = {
    0x01: "ADD",
    0x02: "MUL",
    0x03: "SUB",
    0x04: "DIV",
    0x05: "SDIV",
    0x06: "MOD",
    0x07: "SMOD",
    0x0B: "SIGNEXTEND",
    0x10: "LT",
    0x11: "GT",
    0x12: "SLT",
    0x13: "SGT",
    0x14: "EQ",
    0x16: "AND",
    0x17: "OR",
    0x18: "XOR",
    0x1A: "BYTE",
    0x1B: "SHL",
    0x1C: "SHR",
    0x1D: "SAR",
}


def snippets() -> dict[str, bytes]:
    """Name → code that leaves the stack as it found it (two big words lie below)."""
    pop, push0 = bytes((asm.POP,)), asm.push(0)
    found = {
        "JUMPDEST": bytes((asm.JUMPDEST,)),
        "PUSH0": push0 + pop,
        "PUSH1": asm.push(1) + pop,
        "PUSH32": asm.push(BIG) + pop,
        "DUP1": bytes((asm.DUP1,)) + pop,
        "DUP2": bytes((asm.DUP2,)) + pop,
        "SWAP1": bytes((asm.SWAP1,)),
        "ISZERO": bytes((asm.ISZERO,)),
        "NOT": b"\x19",
        "EXP 1": asm.asm(asm.push(1), asm.push(BIG), 0x0A, pop),
        "EXP 32": asm.asm(asm.push(2**256 - 1), asm.push(BIG), 0x0A, pop),
        "ADDMOD": bytes((0x81, 0x81, 0x81, 0x08)) + pop,
        "MULMOD": bytes((0x81, 0x81, 0x81, 0x09)) + pop,
        "MLOAD": asm.asm(push0, asm.MLOAD, pop),
        "MSTORE": asm.asm(asm.DUP1, push0, asm.MSTORE),
        "MSTORE8": asm.asm(asm.DUP1, push0, asm.MSTORE8),
        "MCOPY": asm.asm(asm.push(32), push0, push0, 0x5E),
        "KECCAK256 0": asm.asm(push0, push0, asm.KECCAK256, pop),
        "KECCAK256 1k": asm.asm(asm.push(1024), push0, asm.KECCAK256, pop),
        "SLOAD warm": asm.asm(push0, asm.SLOAD, pop),
        "SLOAD cold": asm.asm(asm.GAS, asm.SLOAD, pop),
        "SSTORE same": asm.asm(push0, push0, asm.SSTORE),
        "SSTORE flip": asm.asm(asm.GAS, push0, asm.SSTORE),
        "SSTORE new": asm.asm(asm.push(1), asm.GAS, asm.SSTORE),
        "TLOAD": asm.asm(push0, asm.TLOAD, pop),
        "TSTORE": asm.asm(asm.DUP1, push0, asm.TSTORE),
        "CALLDATALOAD": asm.asm(push0, asm.CALLDATALOAD, pop),
        "CALLDATACOPY": asm.asm(asm.push(32), push0, push0, asm.CALLDATACOPY),
        "CODECOPY": asm.asm(asm.push(32), push0, push0, asm.CODECOPY),
        "EXTCODECOPY": asm.asm(asm.push(32), push0, push0, asm.push(OTHER), asm.EXTCODECOPY),
        "BLOCKHASH": asm.asm(asm.push(999), asm.BLOCKHASH, pop),
        "BALANCE warm": asm.asm(asm.push(OTHER), asm.BALANCE, pop),
        "BALANCE cold": asm.asm(asm.GAS, asm.BALANCE, pop),
        "EXTCODEHASH": asm.asm(asm.push(OTHER), asm.EXTCODEHASH, pop),
        "LOG0": asm.asm(push0, push0, asm.LOG0),
        "LOG0 1k": asm.asm(asm.push(1024), push0, asm.LOG0),
        "CALL": asm.call(OTHER) + pop,
        "CALL value": asm.call(OTHER, value=1) + pop,
        "STATICCALL": asm.call(OTHER, op=asm.STATICCALL) + pop,
        "DELEGATECALL": asm.call(OTHER, op=asm.DELEGATECALL) + pop,
        "CALL identity": asm.call((4).to_bytes(20, "big")) + pop,
        "CREATE": asm.asm(push0, push0, push0, asm.CREATE, pop),
        "CREATE2": asm.asm(asm.GAS, push0, push0, push0, asm.CREATE2, pop),
    }
    for value, name in ARITHMETIC.items():
        found[name] = bytes((asm.DUP2, asm.DUP2, value)) + pop
    for value in (asm.ADDRESS, asm.ORIGIN, asm.CALLER, asm.CALLVALUE, asm.CALLDATASIZE, asm.CODESIZE, asm.GASPRICE):
        found[NAMES[value]] = bytes((value,)) + pop
    for value in (asm.RETURNDATASIZE, asm.COINBASE, asm.TIMESTAMP, asm.NUMBER, asm.PREVRANDAO, asm.GASLIMIT):
        found[NAMES[value]] = bytes((value,)) + pop
    for value in (asm.CHAINID, asm.SELFBALANCE, asm.BASEFEE, asm.BLOBBASEFEE, asm.PC, asm.GAS, 0x59):
        found[NAMES.get(value, "MSIZE")] = bytes((value,)) + pop
    return found


def precompile_inputs() -> dict[str, tuple[int, bytes]]:
    """Name → (number, input) of the dearest work for the gas that we know of."""
    pairs = [(bls_g1(n + 1), bls_g2(n + 1)) for n in range(8)]
    odd = (2**255 - 19) | 1

    def modexp(base: int, exponent: int, modulus: int) -> bytes:
        sizes = [(number.bit_length() + 7) // 8 for number in (base, exponent, modulus)]
        parts = [n.to_bytes(size, "big") for n, size in zip((base, exponent, modulus), sizes)]
        return b"".join(field(size) for size in sizes) + b"".join(parts)

    from eth_keys import keys

    digest = bytes(range(32))
    signature = keys.PrivateKey(field(7)).sign_msg_hash(digest)
    return {
        "0x01 ecrecover": (1, digest + field(signature.v + 27) + field(signature.r) + field(signature.s)),
        "0x02 sha256 1k": (2, bytes(1024)),
        "0x03 ripemd160 1k": (3, bytes(1024)),
        "0x05 modexp 32": (5, modexp(BIG, odd, odd)),
        "0x05 modexp 256": (5, modexp(2**2047 + 1, odd, 2**2047 + 3)),
        "0x05 modexp even": (5, modexp(2**511 + 1, 2**256 - 1, 2**512 - 2)),
        "0x06 bn add": (6, bn_g1(5) + bn_g1(7)),
        "0x07 bn mul": (7, bn_g1(5) + field(2**256 - 1)),
        "0x08 bn pairing 1": (8, bn_g1(5) + bn_g2(3)),
        "0x08 bn pairing 8": (8, (bn_g1(5) + bn_g2(3)) * 8),
        "0x09 blake2f 12": (9, (12).to_bytes(4, "big") + bytes(208) + b"\x01"),
        "0x09 blake2f 20k": (9, (20_000).to_bytes(4, "big") + bytes(208) + b"\x01"),
        "0x0a point evaluation": (10, _kzg_input()),
        "0x0b g1 add": (0x0B, bls_g1(3) + bls_g1(4)),
        "0x0c g1 msm 1": (0x0C, bls_g1(3) + field(2**255 - 1)),
        "0x0c g1 msm 8": (0x0C, b"".join(one + field(2**255 - 1) for one, _ in pairs)),
        "0x0d g2 add": (0x0D, bls_g2(3) + bls_g2(4)),
        "0x0e g2 msm 1": (0x0E, bls_g2(3) + field(2**255 - 1)),
        "0x0e g2 msm 8": (0x0E, b"".join(two + field(2**255 - 1) for _, two in pairs)),
        "0x0f pairing 1": (0x0F, bls_g1(3) + bls_g2(3)),
        "0x0f pairing 8": (0x0F, b"".join(one + two for one, two in pairs)),
        "0x10 map to g1": (0x10, field(12_345, 64)),
        "0x11 map to g2": (0x11, field(12_345, 64) + field(6, 64)),
    }


def _kzg_input() -> bytes:
    import hashlib

    infinity = b"\xc0" + bytes(47)
    versioned = b"\x01" + hashlib.sha256(infinity).digest()[1:]
    return versioned + field(7) + field(0) + infinity + infinity


def looped(body: bytes, setup: bytes = b"") -> bytes:
    """Setup, then the body over and over until the gas is gone."""
    head = asm.asm(asm.push(BIG), asm.push(BIG - 99), setup)
    times = max(1, 4_000 // len(body))
    return asm.asm(head, asm.JUMPDEST, body * times, asm.push(len(head)), asm.JUMP)


def gas_per_second(code: bytes, gas: int) -> float:
    """Gas that one call uses, over the process's time."""
    state = MemoryState()
    state.put(SENDER, 10**24)
    state.put(CODE, 10**18, 1, code, {0: 1})
    state.put(OTHER, 0, 1, b"\x00")
    best = 0.0
    for _ in range(3):
        executor = Executor(StateOverlay(CachedReader(state)), ENV, lambda _: bytes(32))
        start = time.process_time()
        outcome = executor.run(Call(SENDER, CODE, 0, b"", gas, 10, 10, (), ()), bytes(20))
        best = max(best, (outcome.gas_used - 21_000) / (time.process_time() - start))
    return best


def main() -> None:
    """Print the table, slowest first."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--gas", type=int, default=300_000)
    parser.add_argument("--only", default="")
    parser.add_argument("--top", type=int, default=200)
    args = parser.parse_args()
    wanted = [part for part in args.only.split(",") if part]
    rows: list[tuple[float, str]] = []
    for name, body in snippets().items():
        if not wanted or any(part in name for part in wanted):
            rows.append((gas_per_second(looped(body), args.gas), name))
    for name, (number, data) in precompile_inputs().items():
        if not wanted or any(part in name for part in wanted):
            store = b"".join(
                asm.asm(asm.push(data[at : at + 32].ljust(32, b"\x00")), asm.push(at), asm.MSTORE)
                for at in range(0, len(data), 32)
            )
            call = asm.asm(asm.push(0), asm.push(0), asm.push(len(data)), asm.push(0), asm.push(number), asm.GAS)
            code = looped(asm.asm(call, asm.STATICCALL, asm.POP), store)
            gas_per_second(code, 600_000)
            rows.append((gas_per_second(code, max(args.gas, 3_000_000)), name))
    for speed, name in sorted(rows)[: args.top]:
        print(f"{speed / 1e6:12.2f} Mgas/s  {name}")


if __name__ == "__main__":
    main()
