"""Calls inside transactions: of one, of an address, of a stretch of blocks; all, or those that moved something."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query, columns_as, first
from explorer.selectors.lag import trusted_number

KINDS = {
    0: "call",
    1: "selfdestruct",
    2: "create",
    3: "create2",
    4: "delegatecall",
    5: "staticcall",
    6: "callcode",
}


@dataclass(frozen=True, slots=True)
class InternalView:
    """A call, creation or destruction inside a transaction; ``kind`` as ``KINDS`` names it, wei.

    ``moved``: it sent value, made or ended a contract.  ``method`` is what it called, where a page has named it, and
    ``left`` how many calls of its transaction were too many to be kept, where a file has asked.
    """

    number: int
    index: int
    ordinal: int
    tx: bytes
    timestamp_ms: int
    depth: int
    kind: int
    sender: bytes
    recipient: bytes
    selector: bytes
    moved: bool
    value: int
    method: str = ""
    left: int = 0

    @property
    def name(self) -> str:
        """Of its kind."""
        return KINDS[self.kind]

    @property
    def cursor(self) -> str:
        """Its place as a page's cursor."""
        return f"{self.number}-{self.index}-{self.ordinal}"


@dataclass(frozen=True, slots=True)
class Coverage:
    """Up to which number internal calls are known, -1 before the first; and how many epochs below were passed over."""

    number: int
    untraced: int


@dataclass(frozen=True, slots=True)
class TracedTx:
    """Whether a transaction's calls are known, and how many of them without value are not kept."""

    is_traced: bool
    left: int


def _view(row: Any) -> InternalView:
    return InternalView(*row[:11], int(row[11]))


_TRACED = trusted_number("internal")
_PLACE = "(number, index, ordinal)"
_ROW = (
    'SELECT x.number, x."index", x.ordinal, a.tx, e.timestamp_ms, x.depth, x.kind, x.sender, x.recipient, x.selector,'
    " x.moved, x.value"
    ' FROM ({source}) x JOIN chain_acceptance a ON a.number = x.number AND a."index" = x."index"'
    " JOIN chain_selected_chain c ON c.number = x.number JOIN chain_epoch e ON e.hash = c.hash"
    ' ORDER BY x.number {way}, x."index" {way}, x.ordinal {way}'
)


def _below(column: str, which: str) -> str:
    # + 0: a second bound on the index would have it begin there, and pass everything that is newer than the cursor
    return (
        f"SELECT * FROM explorer_internal_call WHERE {column} = %s{which} AND {_PLACE} < (%s, %s, %s)"  # noqa: S608
        f" AND number + 0 <= {_TRACED} ORDER BY number DESC, index DESC, ordinal DESC LIMIT %s"
    )


def _of_address(which: str) -> Query[InternalView]:
    sides = f"({_below('sender', which)}) UNION ({_below('recipient', which)})"
    ordered = "ORDER BY number DESC, index DESC, ordinal DESC LIMIT %s"
    return Query(_ROW.format(source=f"SELECT * FROM ({sides}) u {ordered}", way="DESC"), _view)  # noqa: S608


def _of_tx(which: str) -> Query[InternalView]:
    source = (
        f"SELECT * FROM explorer_internal_call WHERE number = %s AND index = %s AND ordinal > %s{which}"  # noqa: S608
        f" AND number <= {_TRACED} ORDER BY ordinal LIMIT %s"
    )
    return Query(_ROW.format(source=source, way="ASC"), _view)


COVERAGE: Query[Coverage] = Query(
    f"SELECT t.number, (SELECT count(*) FROM explorer_untraced_epoch u WHERE u.number <= t.number)"  # noqa: S608
    f" FROM (SELECT {_TRACED} AS number) t",
    columns_as(Coverage),
)
_ALL, _MOVED = "", " AND moved"
# (address, number, index and ordinal below which to go on, limit, the same again, limit): newest first
INTERNAL_OF_ADDRESS, MOVED_OF_ADDRESS = _of_address(_ALL), _of_address(_MOVED)
# (number, index, ordinal after which to go on, limit): of one transaction, in order
INTERNAL_OF_TX, MOVED_OF_TX = _of_tx(_ALL), _of_tx(_MOVED)
# (number, index): what is known of a transaction's calls
TRACED_TX: Query[TracedTx] = Query(
    "SELECT t.is_traced, CASE WHEN t.is_traced THEN coalesce((SELECT l.count FROM explorer_left_calls l"  # noqa: S608
    ' WHERE l.number = t.number AND l."index" = t."index"), 0) ELSE 0 END'
    f' FROM (SELECT p.number, p."index", coalesce(p.number <= {_TRACED}, false) AND NOT EXISTS'
    " (SELECT 1 FROM explorer_untraced_epoch u WHERE u.number = p.number) AS is_traced"
    ' FROM (SELECT %s::int8 AS number, %s::int4 AS "index") p) t',
    columns_as(TracedTx),
)
# (numbers, indexes): of these transactions those of which calls were not kept, as (number, index, how many)
LEFT_OF: Query[tuple[int, int, int]] = Query(
    'SELECT l.number, l."index", l.count FROM unnest(%s::int8[], %s::int4[]) k(number, place)'
    ' JOIN explorer_left_calls l ON l.number = k.number AND l."index" = k.place',
    tuple,
)
# (number): whether an epoch was passed over
IS_UNTRACED: Query[int] = Query("SELECT 1 FROM explorer_untraced_epoch WHERE number = %s", first)


def internal_window(is_descending: bool) -> tuple[Query[InternalView], Query[InternalView]]:
    """What moved something in a stretch of blocks, in one direction.

    The first is of all addresses: (first number, last, how many to pass, how many).  The second of one: (address,
    first number, last, how many to pass and show, the same four again, how many to pass, how many).
    """
    way = "DESC" if is_descending else "ASC"
    ordered = f"ORDER BY number {way}, index {way}, ordinal {way}"
    between = f"moved AND number BETWEEN %s AND %s AND number <= {_TRACED}"
    every = f"SELECT * FROM explorer_internal_call WHERE {between} {ordered} OFFSET %s LIMIT %s"  # noqa: S608
    sides = [
        f"(SELECT * FROM explorer_internal_call WHERE {side} = %s AND {between} {ordered} LIMIT %s)"  # noqa: S608
        for side in ("sender", "recipient")
    ]
    own = f"SELECT * FROM ({' UNION '.join(sides)}) u {ordered} OFFSET %s LIMIT %s"  # noqa: S608
    return tuple([Query(_ROW.format(source=source, way=way), _view) for source in (every, own)])  # type: ignore[return-value]
