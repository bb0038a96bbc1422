"""An address: what it has, what it did, and what it is."""

from __future__ import annotations

from dataclasses import dataclass

from chain.core.shards import shard_of
from chain.selectors.stats import STANDING
from chain.selectors.transactions import ACCEPTANCES_AT
from chain.services.network import current_spec
from chain.stores.connection import Connection
from explorer.pages.lines import TransactionLine, transaction_lines
from explorer.paging import MAX_INDEX, MAX_NUMBER, NEWEST, Page, Place3, page_of
from explorer.selectors.accounts import ACCOUNT, AccountView
from explorer.selectors.activity import ACTIVITY_AFTER, ACTIVITY_BEFORE, ADDRESS_TOTALS, ActivityPlace, AddressTotals
from explorer.selectors.contracts import CONTRACT, ContractView
from explorer.selectors.miners import MINER, MinerView
from explorer.selectors.tokens import (
    HOLDINGS,
    ITEMS_OF,
    TOKEN,
    TRANSFERS_OF_ADDRESS,
    HoldingView,
    ItemView,
    TokenView,
    TransferView,
    of_address,
)


@dataclass(frozen=True, slots=True)
class AddressHead:
    """What every tab of an address shows; None where it has nothing of the kind."""

    address: bytes
    shard: int
    account: AccountView | None
    totals: AddressTotals | None
    contract: ContractView | None
    maker: bytes | None
    token: TokenView | None
    miner: MinerView | None

    @property
    def balance(self) -> int:
        """In wei."""
        return self.account.balance if self.account else 0

    @property
    def is_known(self) -> bool:
        """Whether the chain has ever seen it."""
        return any((self.account, self.totals, self.contract, self.token, self.miner))

    @property
    def is_contract(self) -> bool:
        """Whether it has code of its own."""
        return self.account is not None and self.account.is_contract


def address_head(conn: Connection, address: bytes) -> AddressHead:
    """Read the head: a handful of look-ups by key."""
    shard = shard_of(address, current_spec().shard_count)
    contract = CONTRACT.one(conn, address)
    maker = None
    if contract is not None and contract.index is not None:
        made = ACCEPTANCES_AT.one(conn, [contract.number], [contract.index], 1)
        maker = made.tx if made else None
    return AddressHead(
        address=address,
        shard=shard,
        account=ACCOUNT.one(conn, shard, address),
        totals=ADDRESS_TOTALS.one(conn, address),
        contract=contract,
        maker=maker,
        token=TOKEN.one(conn, address) if contract is not None else None,
        miner=MINER.one(conn, address),
    )


def transactions(
    conn: Connection, address: bytes, before: tuple[int, int] | None, after: tuple[int, int] | None, size: int
) -> tuple[Page[ActivityPlace], tuple[TransactionLine, ...]]:
    """A page of its history, newest first."""
    if after is not None:
        standing = STANDING.one(conn)
        newest = standing.number if standing else 0
        page = page_of(None, lambda limit: ACTIVITY_AFTER.all(conn, address, *after, newest, limit), _cursor, size)
    else:
        start = before or (MAX_NUMBER, MAX_INDEX)
        page = page_of(
            lambda limit: ACTIVITY_BEFORE.all(conn, address, *start, limit),
            None,
            _cursor,
            size,
            is_first=before is None,
        )
    numbers, indexes = [place.number for place in page.rows], [place.index for place in page.rows]
    views = ACCEPTANCES_AT.all(conn, numbers, indexes, size) if numbers else []
    return page, tuple(transaction_lines(conn, views))


def transfers(conn: Connection, address: bytes, before: Place3 | None, size: int) -> tuple[list[TransferView], str]:
    """A page of its token transfers, newest first, and the cursor of the next page."""
    start = before or NEWEST
    found = TRANSFERS_OF_ADDRESS.all(conn, *of_address(address, start, size + 1))
    shown = found[:size]
    return shown, f"?before={shown[-1].cursor}" if len(found) > size else ""


def holdings(
    conn: Connection, address: bytes, before: tuple[int, bytes] | None, size: int
) -> tuple[list[HoldingView], str]:
    """A page of the tokens that it holds, most widely held first, and the cursor of the next page."""
    holders, token = before or (MAX_NUMBER, b"")
    found = HOLDINGS.all(conn, address, max(-1, min(holders, MAX_NUMBER)), token, size + 1)
    shown = found[:size]
    return shown, f"?before={shown[-1].holders}-{shown[-1].token.hex()}" if len(found) > size else ""


def items(conn: Connection, address: bytes, after: tuple[int, bytes] | None, size: int) -> tuple[list[ItemView], str]:
    """A page of the ids that it holds of tokens that have ids, by contract, and the cursor of the next page."""
    last_id, last = after or (-1, b"")
    found = ITEMS_OF.all(conn, address, last, last_id, size + 1)
    shown = found[:size]
    return shown, f"?items={shown[-1].token_id}-{shown[-1].token.hex()}" if len(found) > size else ""


def _cursor(place: ActivityPlace) -> str:
    return f"{place.number}-{place.index}"
