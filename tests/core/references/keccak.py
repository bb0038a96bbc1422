"""kHeavyHash in plain Python integers, written from FIPS 202, SP 800-185 and Kaspa's definition.

Slow and independent of the product's code: nothing here imports it.
"""

from __future__ import annotations

from fractions import Fraction

MASK = (1 << 64) - 1


def rotate(word: int, turn: int) -> int:
    turn %= 64
    return (word << turn | word >> (64 - turn)) & MASK


def keccak_f(words: list[int]) -> list[int]:
    state = {(x, y): words[x + 5 * y] for x in range(5) for y in range(5)}
    register = 1
    for _ in range(24):
        column = {x: state[x, 0] ^ state[x, 1] ^ state[x, 2] ^ state[x, 3] ^ state[x, 4] for x in range(5)}
        for x, y in state:
            state[x, y] ^= column[(x - 1) % 5] ^ rotate(column[(x + 1) % 5], 1)
        moved = {(0, 0): state[0, 0]}
        x, y = 1, 0
        for t in range(24):
            moved[y, (2 * x + 3 * y) % 5] = rotate(state[x, y], (t + 1) * (t + 2) // 2)
            x, y = y, (2 * x + 3 * y) % 5
        state = {(x, y): moved[x, y] ^ (~moved[(x + 1) % 5, y] & MASK & moved[(x + 2) % 5, y]) for x, y in moved}
        for j in range(7):
            state[0, 0] ^= (register & 1) << (2**j - 1)
            register = (register << 1) ^ (0x171 if register & 0x80 else 0)
    return [state[i % 5, i // 5] for i in range(25)]


def sponge(message: bytes, suffix: int, length: int) -> bytes:
    padded = bytearray(message + bytes([suffix]))
    padded += bytes(-len(padded) % 136)
    padded[-1] |= 0x80
    words = [0] * 25
    for start in range(0, len(padded), 136):
        for i in range(17):
            words[i] ^= int.from_bytes(padded[start + 8 * i : start + 8 * i + 8], "little")
        words = keccak_f(words)
    return b"".join(word.to_bytes(8, "little") for word in words)[:length]


def cshake256(message: bytes, custom: bytes) -> bytes:
    """32 bytes of cSHAKE256 with an empty function name and a short customization string."""
    head = b"\x01\x88" + b"\x01\x00" + b"\x01" + bytes([8 * len(custom)]) + custom
    return sponge(head + bytes(-len(head) % 136) + message, 0x04, 32)


def rank(matrix: list[list[int]]) -> int:
    rows = [[Fraction(value) for value in row] for row in matrix]
    found = 0
    for column in range(len(rows[0])):
        pivot = next((row for row in range(found, len(rows)) if rows[row][column]), None)
        if pivot is None:
            continue
        rows[found], rows[pivot] = rows[pivot], rows[found]
        for row in range(found + 1, len(rows)):
            factor = rows[row][column] / rows[found][column]
            if factor:
                rows[row] = [a - factor * b for a, b in zip(rows[row], rows[found], strict=True)]
        found += 1
    return found


def draw_matrix(seed: bytes) -> list[list[int]]:
    """The first matrix that the seed draws; whoever uses it has to know that its rank is full."""
    s = [int.from_bytes(seed[8 * i : 8 * i + 8], "little") for i in range(4)]
    nibbles: list[int] = []
    for _ in range(256):
        word = (rotate((s[0] + s[3]) & MASK, 23) + s[0]) & MASK
        nibbles += [word >> 4 * i & 15 for i in range(16)]
        shifted = s[1] << 17 & MASK
        s[2] ^= s[0]
        s[3] ^= s[1]
        s[1] ^= s[2]
        s[0] ^= s[3]
        s[2] ^= shifted
        s[3] = rotate(s[3], 45)
    return [nibbles[64 * i : 64 * i + 64] for i in range(64)]


def kheavyhash(pre_hash: bytes, timestamp_ms: int, nonce: int) -> bytes:
    matrix = draw_matrix(pre_hash)
    inner = cshake256(
        pre_hash + timestamp_ms.to_bytes(8, "little") + bytes(32) + nonce.to_bytes(8, "little"), b"ProofOfWorkHash"
    )
    vector = [nibble for octet in inner for nibble in (octet >> 4, octet & 15)]
    product = [sum(a * b for a, b in zip(row, vector, strict=True)) >> 10 for row in matrix]
    mixed = bytes((product[2 * i] << 4 | product[2 * i + 1]) ^ inner[i] for i in range(32))
    return cshake256(mixed, b"HeavyHash")
