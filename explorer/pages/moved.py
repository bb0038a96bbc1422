"""What the tokens' events of one transaction moved, with the tokens' own words for it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chain.core.types import Log
from chain.stores.connection import Connection
from explorer.indexers.token_events import Moved, movements
from explorer.selectors.tokens import TOKENS_AT, TokenView

SHOWN_MOVED = 25
_NOBODY = bytes(20)


@dataclass(frozen=True, slots=True)
class MovedToken:
    """One movement of a token; ``known`` is what the index knows of its contract, None before it has seen it."""

    token: bytes
    known: TokenView | None
    move: Moved

    @property
    def decimals(self) -> int | None:
        """Of the amounts; None where the contract names none."""
        return self.known.decimals if self.known else None

    @property
    def label(self) -> str:
        """Symbol or name of the token."""
        return (self.known.label if self.known else "") or "token"

    @property
    def is_made(self) -> bool:
        """Whether it came from nobody."""
        return self.move.sender == _NOBODY

    @property
    def is_gone(self) -> bool:
        """Whether nobody got it."""
        return self.move.recipient == _NOBODY


def moved_tokens(conn: Connection, logs: Iterable[Log]) -> tuple[MovedToken, ...]:
    """The first movements that the logs tell of, in order; asks nothing where there is none."""
    found: list[tuple[bytes, Moved]] = []
    for log in logs:
        found += [(log.address, move) for move in movements(log)]
        if len(found) >= SHOWN_MOVED:
            break
    del found[SHOWN_MOVED:]
    if not found:
        return ()
    known = {token.address: token for token in TOKENS_AT.all(conn, list({address for address, _ in found}))}
    return tuple([MovedToken(address, known.get(address), move) for address, move in found])
