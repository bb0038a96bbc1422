"""What a token calls itself, from the answers of its name(), symbol() and decimals().  Pure, and trusts nothing."""

from __future__ import annotations

import unicodedata

from chain.core.transactions import keccak

NAME, SYMBOL, DECIMALS = (keccak(text)[:4] for text in (b"name()", b"symbol()", b"decimals()"))
NAME_LENGTH, SYMBOL_LENGTH = 64, 32
# 78 digits hold every amount; more would only shift it out of sight
MAX_DECIMALS = 77


def decode_text(answer: bytes, length: int) -> str:
    """The string of an answer, ABI-encoded or as 32 bytes as old tokens have it; empty where there is none.

    Control characters, marks that turn the direction of writing and the like are dropped, white space becomes
    single spaces, and what is longer than ``length`` characters is cut.
    """
    raw = b""
    if len(answer) == 32:
        raw = answer.rstrip(b"\0")
    elif len(answer) >= 64:
        start = int.from_bytes(answer[:32], "big")
        if start + 32 <= len(answer):
            size = int.from_bytes(answer[start : start + 32], "big")
            raw = answer[start + 32 : start + 32 + min(size, 8 * length)]
    text = "".join([" " if c.isspace() else c for c in raw.decode("utf-8", "ignore") if _is_shown(c)])
    return " ".join(text.split())[:length].rstrip()


def decode_decimals(answer: bytes) -> int | None:
    """Decimals, where the answer is a number that makes sense."""
    if len(answer) < 32:
        return None
    value = int.from_bytes(answer[:32], "big")
    return value if value <= MAX_DECIMALS else None


def _is_shown(character: str) -> bool:
    return character.isspace() or unicodedata.category(character)[0] != "C"
