"""Tokens: lists, one of them, its holders and transfers, and what an address holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from chain.selectors.query import Query
from explorer.selectors.lag import trusted_number


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token contract; ``name``, ``symbol`` and ``decimals`` are what it says of itself, and may be empty."""

    address: bytes
    standard: int
    number: int
    transfers: int
    holders: int
    supply: int
    name: str
    symbol: str
    decimals: int | None

    @property
    def label(self) -> str:
        """Its symbol, else its name, else nothing."""
        return self.symbol or self.name


@dataclass(frozen=True, slots=True)
class TransferView:
    """A movement of a token with its transaction, and the token's own words for showing the amount."""

    number: int
    log_index: int
    ordinal: int
    tx: bytes
    timestamp_ms: int
    token: bytes
    standard: int
    sender: bytes
    recipient: bytes
    token_id: int | None
    amount: int
    symbol: str
    decimals: int | None

    @property
    def cursor(self) -> str:
        """Its place as a page's cursor."""
        return f"{self.number}-{self.log_index}-{self.ordinal}"


@dataclass(frozen=True, slots=True)
class HolderView:
    """What an address holds of a token."""

    address: bytes
    amount: int


@dataclass(frozen=True, slots=True)
class HoldingView:
    """What an address holds, with the token's own words."""

    token: bytes
    standard: int
    amount: int
    name: str
    symbol: str
    decimals: int | None
    holders: int


@dataclass(frozen=True, slots=True)
class ItemView:
    """One id of a token that an address holds."""

    token: bytes
    token_id: int
    address: bytes
    amount: int


def _token(row: Any) -> TokenView:
    return TokenView(*row[:5], int(row[5]), *row[6:])


def _transfer(row: Any) -> TransferView:
    token_id = None if row[9] is None else int(row[9])
    return TransferView(*row[:9], token_id, int(row[10]), *row[11:])


def _holding(row: Any) -> HoldingView:
    return HoldingView(row[0], row[1], int(row[2]), *row[3:])


_TOKEN = "SELECT address, standard, number, transfers, holders, supply, name, symbol, decimals FROM explorer_token "  # noqa: S105
# the rows are cut before they are joined
_TRANSFER = (
    "SELECT x.number, x.log_index, x.ordinal, a.tx, e.timestamp_ms, x.token, x.standard, x.sender, x.recipient,"
    " x.token_id, x.amount, coalesce(t.symbol, ''), t.decimals FROM ({source}) x"
    ' JOIN chain_acceptance a ON a.number = x.number AND a."index" = x.tx_index'
    " JOIN chain_selected_chain c ON c.number = x.number JOIN chain_epoch e ON e.hash = c.hash"
    " LEFT JOIN explorer_token t ON t.address = x.token"
    " ORDER BY x.number {way}, x.log_index {way}, x.ordinal {way}"
)
_PLACES = "(number, log_index, ordinal)"


STANDARDS = (20, 721, 1155)


def _below(where: str, trusted: str) -> str:
    # + 0: a second bound on the index would have it begin there, and pass everything that is newer than the cursor
    return (
        f"SELECT * FROM explorer_token_transfer WHERE {where} AND {_PLACES} < (%s, %s, %s) AND number + 0 <= {trusted}"  # noqa: S608
        " ORDER BY number DESC, log_index DESC, ordinal DESC LIMIT %s"
    )


# an address's transfers lie in its index by side and standard, each of which is read as far as a page needs
_OF_ADDRESS = " UNION ".join(
    [
        f"({_below(f'{side} = %s AND standard = {standard}', '(SELECT number FROM trusted)')})"  # noqa: S608
        for side in ("sender", "recipient")
        for standard in STANDARDS
    ]
)


# (holders and address below which to go on, limit): most held first
TOKENS_BELOW: Query[TokenView] = Query(
    f"{_TOKEN}WHERE (holders, address) < (%s, %s) ORDER BY holders DESC, address DESC LIMIT %s", _token
)
# (standard, holders and address below which to go on, limit): most held first, of one standard
TOKENS_OF_STANDARD: Query[TokenView] = Query(
    f"{_TOKEN}WHERE standard = %s AND (holders, address) < (%s, %s) ORDER BY holders DESC, address DESC LIMIT %s",
    _token,
)
# (holders and address above which to go on, limit): least held first
TOKENS_ABOVE: Query[TokenView] = Query(
    f"{_TOKEN}WHERE (holders, address) > (%s, %s) ORDER BY holders, address LIMIT %s", _token
)
# (address)
TOKEN: Query[TokenView] = Query(f"{_TOKEN}WHERE address = %s", _token)
# (addresses)
TOKENS_AT: Query[TokenView] = Query(f"{_TOKEN}WHERE address = ANY(%s)", _token)
# (pieces, pattern, limit): those whose names have all pieces and fit the pattern, most held first
TOKENS_NAMED: Query[TokenView] = Query(
    f"{_TOKEN}WHERE pieces @> %s::text[] AND searched LIKE %s ORDER BY holders DESC, address DESC LIMIT %s", _token
)
# (token, number, log index and ordinal below which to go on, limit): newest first
TRANSFERS_OF_TOKEN: Query[TransferView] = Query(
    _TRANSFER.format(source=_below("token = %s", trusted_number("tokens")), way="DESC"), _transfer
)
# (address, number, log index, ordinal, limit) six times, limit: newest first, sent or received; see ``of_address``
TRANSFERS_OF_ADDRESS: Query[TransferView] = Query(
    f"WITH trusted(number) AS MATERIALIZED {trusted_number('tokens')} "  # noqa: S608 - our own names
    + _TRANSFER.format(
        source=f"SELECT * FROM ({_OF_ADDRESS}) u ORDER BY number DESC, log_index DESC, ordinal DESC LIMIT %s",  # noqa: S608
        way="DESC",
    ),
    _transfer,
)


def of_address(address: bytes, place: tuple[int, int, int], limit: int) -> tuple[Any, ...]:
    """Parameters of ``TRANSFERS_OF_ADDRESS``: the transfers below a place (number, log index, ordinal)."""
    return (*(address, *place, limit) * (2 * len(STANDARDS)), limit)


# (standards): how many tokens of them there are, and how often they moved
TOKEN_TOTALS: Query[tuple[int, int]] = Query(
    "SELECT coalesce(sum(tokens), 0), coalesce(sum(transfers), 0) FROM explorer_token_total WHERE standard = ANY(%s)",
    lambda row: (int(row[0]), int(row[1])),
)
# (token, amount and address below which to go on, limit): most first
HOLDERS_BELOW: Query[HolderView] = Query(
    "SELECT address, amount FROM explorer_token_holding WHERE token = %s AND (amount, address) < (%s, %s)"
    " ORDER BY amount DESC, address DESC LIMIT %s",
    lambda row: HolderView(row[0], int(row[1])),
)
# (token, amount and address above which to go on, limit): least first
HOLDERS_ABOVE: Query[HolderView] = Query(
    "SELECT address, amount FROM explorer_token_holding WHERE token = %s AND (amount, address) > (%s, %s)"
    " ORDER BY amount, address LIMIT %s",
    lambda row: HolderView(row[0], int(row[1])),
)
# (address, holders and token below which to go on, limit): most widely held first
HOLDINGS: Query[HoldingView] = Query(
    "SELECT h.token, t.standard, h.amount, t.name, t.symbol, t.decimals, t.holders FROM explorer_token_holding h"
    " JOIN explorer_token t ON t.address = h.token WHERE h.address = %s AND (t.holders, t.address) < (%s, %s)"
    " ORDER BY t.holders DESC, t.address DESC LIMIT %s",
    _holding,
)
# (address, token and id above which to go on, limit)
ITEMS_OF: Query[ItemView] = Query(
    "SELECT token, token_id, address, amount FROM explorer_token_item WHERE address = %s"
    " AND (token, token_id) > (%s, %s) ORDER BY token, token_id LIMIT %s",
    lambda row: ItemView(row[0], int(row[1]), row[2], int(row[3])),
)
