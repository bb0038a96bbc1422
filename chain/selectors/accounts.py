"""Many accounts at one block of the selected chain, and what changed between two; one statement each."""

from __future__ import annotations

from collections.abc import Sequence
from operator import itemgetter
from typing import Any, NamedTuple

import psycopg

from chain.core.types import Account
from chain.stores.rows import account_of

AsyncConnection = psycopg.AsyncConnection[Any]

_AT = """
SELECT c.hash, k.address, a.nonce, a.balance, a.code_hash
FROM unnest(%s::smallint[], %s::bytea[]) k(shard, address)
LEFT JOIN chain_selected_chain c ON c.number = %s
LEFT JOIN LATERAL (
    SELECT v.nonce, v.balance, v.code_hash FROM chain_account_version v
    WHERE v.shard = k.shard AND v.address = k.address AND v.number <= %s ORDER BY v.number DESC LIMIT 1
) a ON true
"""
# both ends, so that a plan made for any numbers expects few rows
_CHANGES = """
SELECT p.before, p.after, v.number, v.address, v.nonce, v.balance, v.code_hash
FROM (SELECT (SELECT hash FROM chain_selected_chain WHERE number = %(before)s) AS before,
             (SELECT hash FROM chain_selected_chain WHERE number = %(after)s) AS after) p
LEFT JOIN (SELECT number, address, nonce, balance, code_hash FROM chain_account_version
           WHERE number BETWEEN %(before)s + 1 AND %(after)s LIMIT %(limit)s) v ON true
"""


class Place(NamedTuple):
    """A block of the selected chain."""

    number: int
    hash: bytes


class Found(NamedTuple):
    """Accounts as of a place, which is None where the chain has no such number."""

    place: Place | None
    accounts: dict[bytes, Account | None]


async def accounts_at(conn: AsyncConnection, number: int, shards: Sequence[int], addresses: Sequence[bytes]) -> Found:
    """Accounts after the epoch of ``number``; None for those that do not exist."""
    rows = await (await conn.execute(_AT, (list(shards), list(addresses), number, number), binary=True)).fetchall()
    place = Place(number, rows[0][0]) if rows and rows[0][0] is not None else None
    return Found(place, {row[1]: _account(row[2:]) for row in rows})


async def changes(
    conn: AsyncConnection, since: Place, number: int, limit: int
) -> tuple[Place, list[tuple[bytes, Account | None]]] | None:
    """The place under ``number``, and the accounts that changed on the way there, the newest value of one last.

    None where ``since`` is not below that place any more, and where more than ``limit`` changed.
    """
    arguments = {"before": since.number, "after": number, "limit": limit + 1}
    rows = await (await conn.execute(_CHANGES, arguments, binary=True)).fetchall()
    before, after = rows[0][:2]
    if since.number > number or before != since.hash or after is None or len(rows) > limit:
        return None
    changed = sorted((row for row in rows if row[2] is not None), key=itemgetter(2))
    return Place(number, after), [(row[3], _account(row[4:])) for row in changed]


def _account(row: Sequence[Any]) -> Account | None:
    """A version; one without nonce says that the account is gone."""
    return None if row[0] is None else account_of(row[0], row[1], row[2])
