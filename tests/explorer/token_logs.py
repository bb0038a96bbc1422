"""Logs as token contracts write them."""

from __future__ import annotations

from chain.core.types import Log
from explorer.indexers.token_events import BATCH, SINGLE, TRANSFER
from tests.factories import wallets

COIN, ART, GAME = (bytes([n]) * 20 for n in (0xC0, 0xA7, 0x6A))
ALICE, BOB, CAROL, ZERO = wallets.address(0), wallets.address(1), wallets.address(2), bytes(20)


def word(value: int | bytes) -> bytes:
    return value.rjust(32, b"\0") if isinstance(value, bytes) else value.to_bytes(32, "big")


def erc20(token: bytes, sender: bytes, recipient: bytes, amount: int) -> Log:
    return Log(token, (TRANSFER, word(sender), word(recipient)), word(amount))


def erc721(token: bytes, sender: bytes, recipient: bytes, token_id: int) -> Log:
    return Log(token, (TRANSFER, word(sender), word(recipient), word(token_id)), b"")


def single(token: bytes, sender: bytes, recipient: bytes, token_id: int, amount: int) -> Log:
    return Log(token, (SINGLE, word(ALICE), word(sender), word(recipient)), word(token_id) + word(amount))


def batch(token: bytes, sender: bytes, recipient: bytes, moved: list[tuple[int, int]]) -> Log:
    ids, amounts = [part[0] for part in moved], [part[1] for part in moved]
    data = [64, 64 + 32 * (1 + len(ids)), len(ids), *ids, len(amounts), *amounts]
    return Log(token, (BATCH, word(ALICE), word(sender), word(recipient)), b"".join(word(value) for value in data))
