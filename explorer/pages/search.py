"""What a word that somebody typed may name."""

from __future__ import annotations

from dataclasses import dataclass

from redis import Redis
from redis.exceptions import RedisError

from chain.selectors import follow
from chain.services.network import current_spec
from chain.services.pool import Pool, pool_policy
from chain.stores.connection import Connection
from explorer.paging import MAX_NUMBER
from explorer.selectors.lists import IS_BLOCK, IS_TRANSACTION
from explorer.selectors.tokens import TOKENS_NAMED, TokenView
from explorer.words import folded, pieces_within, whole

SHOWN = 50
_HEX = frozenset("0123456789abcdef")


@dataclass(frozen=True, slots=True)
class Target:
    """A page: its route, the argument of it, and words for a list."""

    route: str
    ref: str
    title: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Found:
    """What a query may name; ``hint`` says what it looks like where nothing was found."""

    targets: tuple[Target, ...]
    hint: str = ""


def find(conn: Connection, redis: Redis, query: str) -> Found:
    """Look a query up by its shape; names of tokens otherwise."""
    text = query.replace(",", "").replace("\u202f", "").replace(" ", "") if _is_number(query) else query
    if not text:
        return Found((), "")
    digits = text[2:] if text[:2].lower() == "0x" else text
    is_hex = set(digits.lower()) <= _HEX
    if is_hex and len(digits) == 64:
        return _by_hash(conn, redis, bytes.fromhex(digits))
    if is_hex and len(digits) == 40:
        return Found((Target("explorer:address", "0x" + digits.lower(), "Address"),))
    if text.isascii() and text.isdigit():
        return _by_number(conn, int(text) if len(text) < 20 else MAX_NUMBER)
    if text[:2].lower() == "0x":
        return Found((), "A hash has 64 hex digits, an address 40.")
    named = _tokens(conn, text)
    targets = [
        Target(
            "explorer:token",
            "0x" + token.address.hex(),
            token.name or token.symbol,
            f"{token.symbol} · ERC-{token.standard} · {token.holders} holder{'s' * (token.holders != 1)}",
        )
        for token in named
    ]
    return Found(tuple(targets), "No token has such a name.")


def _tokens(conn: Connection, text: str) -> list[TokenView]:
    """Tokens that are called so, then those that have it in their names; most held first in both."""
    called = TOKENS_NAMED.all(conn, [whole(text)], "%", SHOWN)
    part = folded(text)
    others = TOKENS_NAMED.all(conn, pieces_within(part), _like(part), SHOWN)
    first = {token.address for token in called}
    return [*called, *[token for token in others if token.address not in first]][:SHOWN]


def _by_hash(conn: Connection, redis: Redis, key: bytes) -> Found:
    ref = "0x" + key.hex()
    if IS_BLOCK.one(conn, key):
        return Found((Target("explorer:block", ref, "Block"),))
    if IS_TRANSACTION.one(conn, key):
        return Found((Target("explorer:transaction", ref, "Transaction"),))
    try:
        if Pool(redis, pool_policy(current_spec())).get(key) is not None:
            return Found((Target("explorer:transaction", ref, "Pending transaction"),))
    except RedisError:
        return Found((), "Neither a block nor a transaction in a block; the pool cannot be asked just now.")
    return Found((), "This node knows neither a block nor a transaction of this hash.")


def _by_number(conn: Connection, number: int) -> Found:
    if number < MAX_NUMBER and follow.HASH_AT.one(conn, number) is not None:
        return Found((Target("explorer:block", str(number), "Block"),))
    return Found((), "The selected chain has no block of this number.")


def _is_number(text: str) -> bool:
    return bool(text) and set(text) <= set("0123456789,\u202f ")


def _like(text: str) -> str:
    """A pattern of what contains the text, its own wildcards being plain."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"
