"""Calls inside transactions as pages, files and the API list them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from chain.selectors.transactions import AcceptanceView
from chain.stores.connection import Connection
from explorer.decoding import method_name
from explorer.paging import NEWEST, Place3
from explorer.published import abis_of
from explorer.selectors.internal import (
    COVERAGE,
    INTERNAL_OF_ADDRESS,
    INTERNAL_OF_TX,
    IS_UNTRACED,
    LEFT_OF_TX,
    MOVED_OF_ADDRESS,
    MOVED_OF_TX,
    InternalView,
)


@dataclass(frozen=True, slots=True)
class Inside:
    """Calls inside one transaction.

    ``following`` is the ordinal after which to go on, None at the end, where ``left`` is told too: so many calls
    without value were too many to be kept.
    """

    rows: tuple[InternalView, ...]
    following: int | None
    left: int


def calls_of_address(
    conn: Connection, address: bytes, before: Place3 | None, size: int, *, only_moved: bool = False
) -> tuple[list[InternalView], str]:
    """A page of the calls from or to an address inside transactions, newest first, and the next page's cursor."""
    one = (address, *(before or NEWEST), size + 1)
    query = MOVED_OF_ADDRESS if only_moved else INTERNAL_OF_ADDRESS
    found = query.all(conn, *one, *one, size + 1)
    shown = found[:size]
    return named(conn, shown), shown[-1].cursor if len(found) > size else ""


def calls_of_transaction(
    conn: Connection, taken: AcceptanceView, after: int, size: int, *, only_moved: bool = False
) -> Inside:
    """A page of the calls inside an accepted transaction, in the order in which they began."""
    query = MOVED_OF_TX if only_moved else INTERNAL_OF_TX
    found = query.all(conn, taken.number, taken.index, after, size + 1)
    shown = found[:size]
    is_last = bool(found) and len(found) <= size
    return Inside(
        rows=tuple(named(conn, shown)),
        following=None if is_last or not found else shown[-1].ordinal,
        left=(LEFT_OF_TX.one(conn, taken.number, taken.index) or 0) if is_last else 0,
    )


def is_traced(conn: Connection, number: int) -> bool:
    """Whether an epoch's calls have been run again."""
    coverage = COVERAGE.one(conn)
    return coverage is not None and number <= coverage.number and IS_UNTRACED.one(conn, number) is None


def named(conn: Connection, rows: Sequence[InternalView]) -> list[InternalView]:
    """The rows with what they called: by names that everybody knows, by published ABIs, or by selector."""
    lines = [replace(row, method=method_name(row.selector)) for row in rows]
    unknown = [row.recipient for row in lines if row.method.startswith("0x")]
    abis = abis_of(conn, unknown) if unknown else {}
    if not abis:
        return lines
    return [
        replace(row, method=method_name(row.selector, abis[row.recipient].functions)) if row.recipient in abis else row
        for row in lines
    ]
