"""Tokens, their transfers, and who holds what: by the sum of what their events tell."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from chain.stores.connection import Cursor
from explorer.indexers.batch import Batch, Projection
from explorer.indexers.token_events import TOPICS, movements
from explorer.indexers.writing import Columns, add, insert, names, relation

ZERO = bytes(20)
TRANSFER: Columns = (
    ("number", "int8"),
    ("log_index", "int4"),
    ("ordinal", "int4"),
    ("tx_index", "int4"),
    ("token", "bytea"),
    ("standard", "int2"),
    ("sender", "bytea"),
    ("recipient", "bytea"),
    ("token_id", "numeric"),
    ("amount", "numeric"),
)
_NEW_TOKEN: Columns = (("address", "bytea"), ("standard", "int2"), ("number", "int8"), ("log_index", "int4"))
_HOLDING: Columns = (("token", "bytea"), ("address", "bytea"))
_ITEM: Columns = (("token", "bytea"), ("token_id", "numeric"), ("address", "bytea"))
_AMOUNT: Columns = (("amount", "numeric"),)
_STANDARD: Columns = (("standard", "int2"),)
_TOTALS: Columns = (("tokens", "int8"), ("transfers", "int8"))
_TOKEN_SUMS: Columns = (("address", "bytea"), ("transfers", "int8"), ("holders", "int8"), ("supply", "numeric"))


class Transfer(NamedTuple):
    """A row of transfers."""

    number: int
    log_index: int
    ordinal: int
    tx_index: int
    token: bytes
    standard: int
    sender: bytes
    recipient: bytes
    token_id: int | None
    amount: int


@dataclass
class Changes:
    """What transfers change: amounts by holder and by item, counts and supply by token."""

    holdings: dict[tuple[bytes, bytes], int] = field(default_factory=dict)
    items: dict[tuple[bytes, int, bytes], int] = field(default_factory=dict)
    transfers: dict[bytes, int] = field(default_factory=dict)
    supply: dict[bytes, int] = field(default_factory=dict)

    @classmethod
    def of(cls, transfers: Iterable[Transfer], sign: int = 1) -> Changes:
        """Of transfers that are added, or with ``sign`` -1 taken out.  The zero address makes and destroys."""
        found = cls()
        for row in transfers:
            token, amount = row.token, sign * row.amount
            found.transfers[token] = found.transfers.get(token, 0) + sign
            for address, change in ((row.sender, -amount), (row.recipient, amount)):
                if address == ZERO:
                    found.supply[token] = found.supply.get(token, 0) - change
                    continue
                key = (token, address)
                found.holdings[key] = found.holdings.get(key, 0) + change
                if row.token_id is not None:
                    item = (token, row.token_id, address)
                    found.items[item] = found.items.get(item, 0) + change
        return found


def read_transfers(batch: Batch) -> list[Transfer]:
    """The transfers of a stretch, in order."""
    return [
        Transfer(log.number, log.index, ordinal, log.tx_index, log.log.address, *moved)
        for log in batch.logs(TOPICS)
        for ordinal, moved in enumerate(movements(log.log))
    ]


def apply(cur: Cursor, batch: Batch) -> None:
    """Add the transfers of a stretch."""
    transfers = read_transfers(batch)
    if not transfers:
        return
    insert(cur, "explorer_token_transfer", TRANSFER, transfers)
    first: dict[bytes, Transfer] = {}
    for row in transfers:
        first.setdefault(row.token, row)
    new = [(token, row.standard, row.number, row.log_index) for token, row in sorted(first.items())]
    source, args = relation(cur, _NEW_TOKEN, new)
    cur.execute(
        f"INSERT INTO explorer_token ({names(_NEW_TOKEN)}, transfers, holders, supply, is_described, name, symbol)"  # noqa: S608
        f" SELECT {names(_NEW_TOKEN)}, 0, 0, 0, false, '', '' FROM {source} ON CONFLICT (address) DO NOTHING"
        " RETURNING standard",
        args,
    )
    made = Counter([standard for (standard,) in cur])
    moved = _change(cur, Changes.of(transfers))
    add(cur, "explorer_token_total", _STANDARD, _TOTALS, _totals(made, moved))


def undo(cur: Cursor, number: int) -> None:
    """Take out what lies above a number."""
    cur.execute(
        f"SELECT {names(TRANSFER)} FROM explorer_token_transfer WHERE number > %s",  # noqa: S608
        (number,),
        binary=True,
    )
    undone = [Transfer(*row[:8], None if row[8] is None else int(row[8]), int(row[9])) for row in cur.fetchall()]
    if not undone:
        return
    moved = _change(cur, Changes.of(undone, -1))
    cur.execute("DELETE FROM explorer_token WHERE number > %s RETURNING standard", (number,))
    gone = Counter({standard: -count for standard, count in Counter([standard for (standard,) in cur]).items()})
    add(cur, "explorer_token_total", _STANDARD, _TOTALS, _totals(gone, moved))
    # rows of nothing do not exist
    cur.execute("DELETE FROM explorer_token_total WHERE tokens = 0")
    cur.execute("DELETE FROM explorer_token_transfer WHERE number > %s", (number,))


def _totals(tokens: Counter[int], transfers: Counter[int]) -> list[tuple[int, int, int]]:
    """Standard, and by how many tokens and transfers it grew."""
    return [(standard, tokens[standard], transfers[standard]) for standard in sorted(tokens.keys() | transfers.keys())]


def _change(cur: Cursor, changes: Changes) -> Counter[int]:
    """Write what transfers change; by how many transfers the tokens of each standard grew."""
    holders = _move(cur, "explorer_token_holding", _HOLDING, changes.holdings)
    _move(cur, "explorer_token_item", _ITEM, changes.items)
    rows = [
        (token, count, holders.get(token, 0), changes.supply.get(token, 0))
        for token, count in sorted(changes.transfers.items())
    ]
    source, args = relation(cur, _TOKEN_SUMS, rows)
    cur.execute(
        "UPDATE explorer_token t SET transfers = t.transfers + n.transfers, holders = t.holders + n.holders,"  # noqa: S608
        f" supply = t.supply + n.supply FROM {source} WHERE t.address = n.address RETURNING t.standard, n.transfers",
        args,
    )
    moved: Counter[int] = Counter()
    for standard, count in cur:
        moved[standard] += count
    return moved


def _move(cur: Cursor, table: str, keys: Columns, changes: dict[tuple, int]) -> dict[bytes, int]:
    """Add to amounts by key, the token first; amounts of 0 have no row.  By how much each token's holders grew."""
    moved = {key: amount for key, amount in changes.items() if amount}
    if not moved:
        return {}
    order = sorted(moved)
    same = " AND ".join([f"t.{name} = n.{name}" for name, _ in keys])
    source, args = relation(cur, keys, order)
    cur.execute(
        f"SELECT {names(keys)}, t.amount FROM {source} JOIN {table} t USING ({names(keys)})",  # noqa: S608
        args,
        binary=True,
    )
    before = {
        tuple([int(part) if not isinstance(part, bytes) else part for part in row[:-1]]): int(row[-1]) for row in cur
    }
    kept: list[Sequence[object]] = []
    gone: list[Sequence[object]] = []
    holders: dict[bytes, int] = {}
    for key in order:
        old = before.get(key, 0)
        new = old + moved[key]
        if new:
            kept.append((*key, new))
        else:
            gone.append(key)
        if (new > 0) != (old > 0):
            holders[key[0]] = holders.get(key[0], 0) + (1 if new > 0 else -1)
    if kept:
        columns = (*keys, *_AMOUNT)
        source, args = relation(cur, columns, kept)
        cur.execute(
            f"INSERT INTO {table} ({names(columns)}) SELECT {names(columns)} FROM {source}"  # noqa: S608
            f" ON CONFLICT ({names(keys)}) DO UPDATE SET amount = excluded.amount",
            args,
        )
    if gone:
        source, args = relation(cur, keys, gone)
        cur.execute(f"DELETE FROM {table} t USING {source} WHERE {same}", args)  # noqa: S608
    return holders


TOKENS = Projection(
    "tokens",
    (
        *("explorer_token", "explorer_token_transfer", "explorer_token_holding", "explorer_token_item"),
        "explorer_token_total",
    ),
    apply,
    undo,
)
