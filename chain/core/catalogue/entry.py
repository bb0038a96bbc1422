"""One line of the catalogue."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from chain.core.errors import BlockchainError


@dataclass(frozen=True, slots=True)
class Entry:
    """A code of the error tree.

    Parameters
    ----------
    kind : type
        The class that carries it.
    code : str
        Its stable name.
    cause : str
        What is the matter, for somebody who meets it for the first time.
    remedy : str
        What that person does about it.
    """

    kind: type[BlockchainError]
    code: str
    cause: str
    remedy: str


def entries(kind: type[BlockchainError], *lines: tuple[str, str, str]) -> tuple[Entry, ...]:
    """Entries of one class from (code, cause, remedy)."""
    return tuple(Entry(kind, str(code), cause, remedy) for code, cause, remedy in lines)


def with_remedy(kind: type[BlockchainError], remedy: str, lines: Iterable[tuple[str, str]]) -> tuple[Entry, ...]:
    """Entries that have one remedy in common, from (code, cause)."""
    return tuple(Entry(kind, str(code), cause, remedy) for code, cause in lines)
