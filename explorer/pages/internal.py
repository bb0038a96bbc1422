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
    LEFT_OF,
    MOVED_OF_ADDRESS,
    MOVED_OF_TX,
    TRACED_TX,
    Coverage,
    InternalView,
)


@dataclass(frozen=True, slots=True)
class Inside:
    """Calls inside one transaction.

    ``following`` is the ordinal after which to go on, None at the end.  ``left`` calls without value were too many to
    be kept.  Where it is not ``is_traced`` nothing is known: that there are no rows says nothing.
    """

    rows: tuple[InternalView, ...]
    following: int | None
    left: int
    is_traced: bool


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
    found = rows_of_transaction(conn, taken, after, size + 1, only_moved=only_moved)
    known = TRACED_TX.one(conn, taken.number, taken.index)
    return Inside(
        rows=tuple(found[:size]),
        following=found[size - 1].ordinal if len(found) > size else None,
        left=known.left if known else 0,
        is_traced=known is not None and known.is_traced,
    )


def rows_of_transaction(
    conn: Connection, taken: AcceptanceView, after: int, limit: int, *, only_moved: bool = False
) -> list[InternalView]:
    """The calls alone, in the order in which they began; none is no answer where a block is not traced."""
    query = MOVED_OF_TX if only_moved else INTERNAL_OF_TX
    return named(conn, query.all(conn, taken.number, taken.index, after, limit))


def with_left(conn: Connection, rows: Sequence[InternalView]) -> list[InternalView]:
    """The rows with how many calls of their transactions were not kept."""
    places = sorted({(row.number, row.index) for row in rows})
    if not places:
        return []
    found = LEFT_OF.all(conn, [number for number, _ in places], [index for _, index in places])
    left = {(number, index): count for number, index, count in found}
    return [replace(row, left=left.get((row.number, row.index), 0)) for row in rows]


def why_untraced(conn: Connection, number: int, *, is_tracing: bool) -> str:
    """Why the calls of a block are not known, empty where they are; ``is_tracing``: this node runs calls again."""
    reason = why_beyond(COVERAGE.one(conn), number, is_tracing=is_tracing)
    if not reason and IS_UNTRACED.one(conn, number) is not None:
        return f"Block {number} is too much to trace: use debug_traceTransaction"
    return reason


def why_beyond(coverage: Coverage | None, number: int, *, is_tracing: bool) -> str:
    """Why blocks from a number on are not known, empty where calls are traced up to it at least."""
    newest = coverage.number if coverage else -1
    if number <= newest:
        return ""
    if not is_tracing:
        return "This node lists no internal transactions: use ots_getInternalOperations"
    return f"Block {number} is not traced yet, the newest that is: {newest}"


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
