"""Contracts by hand: a few opcodes, pushes, and whole small contracts."""

from __future__ import annotations

STOP, ADD, ISZERO, BYTE = 0x00, 0x01, 0x15, 0x1A
KECCAK256, ADDRESS, BALANCE, ORIGIN, CALLER, CALLVALUE = 0x20, 0x30, 0x31, 0x32, 0x33, 0x34
CALLDATALOAD, CALLDATASIZE, CALLDATACOPY, CODESIZE, CODECOPY = 0x35, 0x36, 0x37, 0x38, 0x39
GASPRICE, EXTCODESIZE, EXTCODECOPY, RETURNDATASIZE, EXTCODEHASH = 0x3A, 0x3B, 0x3C, 0x3D, 0x3F
BLOCKHASH, COINBASE, TIMESTAMP, NUMBER, PREVRANDAO = 0x40, 0x41, 0x42, 0x43, 0x44
GASLIMIT, CHAINID, SELFBALANCE, BASEFEE, BLOBHASH, BLOBBASEFEE = 0x45, 0x46, 0x47, 0x48, 0x49, 0x4A
POP, MLOAD, MSTORE, MSTORE8, SLOAD, SSTORE = 0x50, 0x51, 0x52, 0x53, 0x54, 0x55
JUMP, JUMPI, PC, GAS, JUMPDEST, TLOAD, TSTORE = 0x56, 0x57, 0x58, 0x5A, 0x5B, 0x5C, 0x5D
DUP1, DUP2, SWAP1, LOG0, LOG1 = 0x80, 0x81, 0x90, 0xA0, 0xA1
CREATE, CALL, CALLCODE, RETURN, DELEGATECALL, CREATE2 = 0xF0, 0xF1, 0xF2, 0xF3, 0xF4, 0xF5
STATICCALL, REVERT, INVALID, SELFDESTRUCT = 0xFA, 0xFD, 0xFE, 0xFF


def push(value: int | bytes) -> bytes:
    """PUSH of an integer (shortest form) or of bytes."""
    if isinstance(value, int):
        value = value.to_bytes((value.bit_length() + 7) // 8, "big")
    return bytes((0x5F + len(value),)) + value


def asm(*parts: int | bytes) -> bytes:
    """Opcodes (integers) and code (bytes) in a row."""
    return b"".join(bytes((part,)) if isinstance(part, int) else part for part in parts)


def sstore(slot: int, *value: int | bytes) -> bytes:
    """SSTORE(slot, what ``value`` leaves on the stack)."""
    return asm(*value, push(slot), SSTORE)


def call(address: bytes, value: int = 0, gas: int | None = None, op: int = CALL, argument: bytes = b"") -> bytes:
    """A call with no input (or one word) and no output; leaves its success on the stack."""
    store = asm(push(argument), push(0), MSTORE) if argument else b""
    size = 32 if argument else 0
    amount = push(value) if op in (CALL, CALLCODE) else b""
    give = asm(GAS) if gas is None else push(gas)
    return asm(store, push(0), push(0), push(size), push(0), amount, push(address), give, op)


def deployer(runtime: bytes) -> bytes:
    """Initcode that deploys ``runtime`` (up to 64 KiB)."""
    head = asm(push(len(runtime).to_bytes(2, "big")), DUP1, push(bytes((12,))), push(0), CODECOPY, push(0), RETURN)
    assert len(head) <= 12
    return head.ljust(12, bytes((STOP,))) + runtime


def create(initcode: bytes, value: int = 0, salt: int | None = None) -> bytes:
    """CREATE (or CREATE2) of ``initcode``; leaves the address, or 0, on the stack."""
    stores = b""
    for at in range(0, len(initcode), 32):
        stores += asm(push(initcode[at : at + 32].ljust(32, b"\x00")), push(at), MSTORE)
    tail = asm(push(len(initcode)), push(0), push(value))
    if salt is None:
        return asm(stores, tail, CREATE)
    return asm(stores, push(salt), tail, CREATE2)
