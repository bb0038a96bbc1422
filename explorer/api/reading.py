"""Pages of the API: a question for a row more than is shown, and the cursor that goes on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import orjson

from chain.core.errors import RequestCode, RequestError, StoreError
from chain.selectors.stats import STANDING, Standing
from chain.selectors.transactions import ACCEPTANCE, ACCEPTANCES_OF, NEWEST_ACCEPTANCES
from chain.stores.connection import Connection
from explorer import published
from explorer.api import wire
from explorer.pages import address as addresses
from explorer.pages import figures
from explorer.pages import internal as inside
from explorer.pages import streams as stream_pages
from explorer.pages.lines import transaction_lines
from explorer.paging import MAX_INDEX, MAX_NUMBER, NEWEST, hash_place_of, place3_of, place_of
from explorer.selectors.lists import CHAIN_FROM, DAG_BELOW
from explorer.selectors.miners import MINER, MINERS_BELOW, MINERS_FIRST
from explorer.selectors.tokens import (
    HOLDERS_BELOW,
    HOLDINGS,
    TOKEN,
    TOKENS_BELOW,
    TOKENS_OF_STANDARD,
    TRANSFERS_OF_TOKEN,
)

Row = TypeVar("Row")
Place = TypeVar("Place")
Json = dict[str, Any]

_MOST = 10**160 - 1
_LAST_HASH = b"\xff" * 32
# tokens of an address in one answer
_HELD = 200


def standing(conn: Connection) -> Standing:
    """Where the chain stands.

    Raises
    ------
    StoreError
        ``not_initialised`` before ``init_chain``.
    """
    found = STANDING.one(conn)
    if found is None:
        raise StoreError("not_initialised", "the chain has not begun", hint="run manage.py init_chain")
    return found


def blocks(conn: Connection, before: str, limit: int) -> Json:
    """Of the selected chain."""
    place = _cursor(before, place_of)
    start = MAX_NUMBER if place is None else place[0] - 1
    rows = CHAIN_FROM.all(conn, start, limit + 1)
    return _page(rows, limit, wire.chain_block, lambda row: str(row.number))


def dag_blocks(conn: Connection, before: str, limit: int) -> Json:
    """Of the DAG."""
    place = _cursor(before, hash_place_of) or (MAX_NUMBER, _LAST_HASH)
    rows = DAG_BELOW.all(conn, *place, limit + 1)
    return _page(rows, limit, wire.dag_block, lambda row: f"{row.blue_score}-{row.hash.hex()}")


def transactions(conn: Connection, before: str, limit: int) -> Json:
    """Accepted ones."""
    place = _cursor(before, place_of) or (MAX_NUMBER, MAX_INDEX)
    rows = transaction_lines(conn, NEWEST_ACCEPTANCES.all(conn, *place, limit + 1))
    return _page(rows, limit, wire.transaction_item, lambda row: row.cursor)


def block_transactions(conn: Connection, number: int, after: int, limit: int) -> Json:
    """Of one chain block, oldest first.

    Raises
    ------
    RequestError
        not_found.
    """
    if not CHAIN_FROM.all(conn, number, 1) or number > standing(conn).number:
        raise RequestError(RequestCode.NOT_FOUND, "no such block")
    rows = transaction_lines(conn, ACCEPTANCES_OF.all(conn, number, after + 1, limit + 1))
    return _page(rows, limit, wire.transaction_item, lambda row: str(row.index))


def address_transactions(conn: Connection, address: bytes, before: str, limit: int) -> Json:
    """Of one address."""
    page, rows = addresses.transactions(conn, address, _cursor(before, place_of), None, limit)
    last = page.rows[-1] if page.rows else None
    following = f"{last.number}-{last.index}" if last and page.older else None
    return {"items": [wire.transaction_item(row) for row in rows], "next": following}


def address_transfers(conn: Connection, address: bytes, before: str, limit: int) -> Json:
    """Of one address."""
    rows, older = addresses.transfers(conn, address, _cursor(before, place3_of), limit)
    return {"items": [wire.transfer(row) for row in rows], "next": rows[-1].cursor if older else None}


def address_tokens(conn: Connection, address: bytes) -> list[Json]:
    """What it holds."""
    return [wire.holding(row) for row in HOLDINGS.all(conn, address, MAX_NUMBER, b"", _HELD)]


def address_internal(conn: Connection, address: bytes, before: str, limit: int, only_moved: bool) -> Json:
    """Of one address."""
    place = _cursor(before, place3_of)
    rows, following = inside.calls_of_address(conn, address, place, limit, only_moved=only_moved)
    return {"items": [wire.internal(row) for row in rows], "next": following or None}


def transaction_internal(conn: Connection, tx_hash: bytes, after: int, limit: int, only_moved: bool) -> Json | None:
    """Of one transaction; None where it is not accepted."""
    taken = ACCEPTANCE.one(conn, tx_hash)
    if taken is None:
        return None
    found = inside.calls_of_transaction(conn, taken, after, limit, only_moved=only_moved)
    return {
        "traced": found.is_traced,
        "left_out": found.left,
        "items": [wire.internal(row) for row in found.rows],
        "next": found.following,
    }


def abi(conn: Connection, address: bytes) -> Json | None:
    """What is published of a contract."""
    known, found = published.published(conn, address), published.abis_of(conn, [address]).get(address)
    if known is None or found is None:
        return None
    return {
        "address": wire.hexed(address),
        "name": known.name,
        "published_ms": known.published_ms,
        "functions": known.functions,
        "functions_in_code": known.matched,
        "abi": orjson.loads(found.text),
    }


def tokens(conn: Connection, standard: int | None, before: str, limit: int) -> Json:
    """Most held first."""
    place = _cursor(before, figures.rank_place_of)
    start = (max(-1, min(place[0], MAX_NUMBER)), place[1]) if place else (MAX_NUMBER, b"")
    if standard:
        rows = TOKENS_OF_STANDARD.all(conn, standard, *start, limit + 1)
    else:
        rows = TOKENS_BELOW.all(conn, *start, limit + 1)
    return _page(rows, limit, wire.token, lambda row: f"{row.holders}-{row.address.hex()}")


def token(conn: Connection, address: bytes) -> Json | None:
    """One token."""
    found = TOKEN.one(conn, address)
    return wire.token(found) if found else None


def token_transfers(conn: Connection, address: bytes, before: str, limit: int) -> Json:
    """Newest first."""
    place = _cursor(before, place3_of) or NEWEST
    rows = TRANSFERS_OF_TOKEN.all(conn, address, *place, limit + 1)
    return _page(rows, limit, wire.transfer, lambda row: row.cursor)


def token_holders(conn: Connection, address: bytes, before: str, limit: int) -> Json:
    """Most first."""
    place = _cursor(before, figures.rank_place_of) or (_MOST, b"")
    rows = HOLDERS_BELOW.all(conn, address, *place, limit + 1)
    return _page(
        rows,
        limit,
        lambda row: {"address": wire.hexed(row.address), "amount": str(row.amount)},
        lambda row: f"{row.amount}-{row.address.hex()}",
    )


def shards(conn: Connection) -> list[Json]:
    """Load of every shard."""
    return [
        {
            "shard": row.shard,
            "accounts": row.accounts,
            "transactions": row.txs,
            "crossing": row.crossed,
            "state_commitment": wire.hexed(row.digest),
        }
        for row in figures.shards(conn).shards
    ]


def streams(conn: Connection, now_ms: int) -> list[Json]:
    """Every stream lately."""
    return [wire.stream(row) for row in stream_pages.streams(conn, figures.SPANS[0], now_ms).streams]


def miners(conn: Connection, before: str, limit: int) -> Json:
    """Most earned first."""
    place = _cursor(before, figures.rank_place_of)
    rows = MINERS_BELOW.all(conn, *place, limit + 1) if place else MINERS_FIRST.all(conn, limit + 1)
    return _page(rows, limit, wire.miner, lambda row: f"{row.income}-{row.coinbase.hex()}")


def miner(conn: Connection, address: bytes) -> Json | None:
    """One coinbase."""
    found = MINER.one(conn, address)
    return wire.miner(found) if found else None


def charts(conn: Connection, span: figures.Span, now_ms: int) -> list[Json]:
    """Points of a span, oldest first."""
    return [wire.point(row) for row in figures.points(conn, span, now_ms)]


def _cursor(text: str, read: Callable[[str], Place | None]) -> Place | None:
    """A cursor, None without one.

    Raises
    ------
    RequestError
        invalid_params.
    """
    if not text:
        return None
    place = read(text)
    if place is None:
        raise RequestError(RequestCode.INVALID_PARAMS, "before is no cursor of this list")
    return place


def _page(rows: Sequence[Row], limit: int, show: Callable[[Row], Json], key: Callable[[Row], str]) -> Json:
    shown = rows[:limit]
    return {"items": [show(row) for row in shown], "next": key(shown[-1]) if len(rows) > limit else None}
