"""Etherscan's calls beside those that every wallet makes: countdown, gas tracker, history of a balance, tokens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from chain.core.errors import RequestCode, RequestError
from chain.core.shards import shard_of
from chain.rpc.formats import gas_limit
from chain.selectors.query import Query
from chain.selectors.stats import EPOCH_LOADS, STANDING, Standing
from chain.services.network import current_spec, now_ms
from chain.stores.connection import Connection
from chain.stores.prune import read_horizon
from explorer.amounts import decimal_of
from explorer.api.etherscan_asked import Asked, address_in, number_in, page_in
from explorer.pages import figures
from explorer.selectors.streams import NUMBER_BEFORE
from explorer.selectors.tokens import TOKEN

Json = Any

# the rate of blocks that a countdown goes by, and the blocks whose fill the gas oracle tells
_RATE_MS = 600_000
_RATIOS = 5
_GWEI_DIGITS = 9

# (shard, address, number): balance after an epoch
_BALANCE_AT: Query[int] = Query(
    "SELECT coalesce(balance, 0) FROM chain_account_version WHERE shard = %s AND address = %s AND number <= %s"
    " ORDER BY number DESC LIMIT 1",
    lambda row: int(row[0]),
)
# (token, how many to pass, how many): most first
_HOLDERS: Query[tuple[bytes, int]] = Query(
    "SELECT address, amount FROM explorer_token_holding WHERE token = %s ORDER BY amount DESC, address DESC"
    " OFFSET %s LIMIT %s",
    lambda row: (bytes(row[0]), int(row[1])),
)
# (address, standards, how many to pass, how many): most widely held tokens first
_HELD: Query[tuple[Any, ...]] = Query(
    "SELECT t.address, t.name, t.symbol, h.amount, t.decimals FROM explorer_token_holding h"
    " JOIN explorer_token t ON t.address = h.token WHERE h.address = %s AND t.standard = ANY(%s)"
    " ORDER BY t.holders DESC, h.token OFFSET %s LIMIT %s",
    tuple,
)


def _standing(conn: Connection) -> Standing:
    found = STANDING.one(conn)
    if found is None:
        raise RequestError(RequestCode.NOT_FOUND, "Error! The chain has not begun")
    return found


def _balance_history(conn: Connection, asked: Asked) -> Json:
    address, number = address_in(asked), number_in(asked, "blockno", -1)
    if not 0 <= number <= _standing(conn).number:
        raise RequestError(RequestCode.NOT_FOUND, "Error! No such block")
    horizon = read_horizon(conn)
    if horizon is not None and number < horizon.number:
        raise RequestError(RequestCode.NOT_FOUND, f"Error! States before block {horizon.number} are pruned")
    return str(_BALANCE_AT.one(conn, shard_of(address, current_spec().shard_count), address, number) or 0)


def _countdown(conn: Connection, asked: Asked) -> Json:
    wanted, standing = number_in(asked, "blockno", 0), _standing(conn)
    left = wanted - standing.number
    if left <= 0:
        raise RequestError(RequestCode.INVALID_PARAMS, "Error! Block number already pass")
    now = now_ms()
    before = NUMBER_BEFORE.one(conn, now - _RATE_MS)
    lately = standing.number - (before or 0)
    # a chain that stands still is counted by the stream that always has blocks
    each_ms = _RATE_MS / lately if lately else current_spec().stream(2).interval_ms
    return {
        "CurrentBlock": str(standing.number),
        "CountdownBlock": str(wanted),
        "RemainingBlock": str(left),
        "EstimateTimeInSec": f"{left * each_ms / 1000:.1f}",
    }


def _gas_oracle(conn: Connection, asked: Asked) -> Json:
    standing = _standing(conn)
    fees = figures.fees(conn, figures.SPANS[0], now_ms())
    tips = dict(fees.percentiles)
    room = gas_limit(current_spec())
    loads = EPOCH_LOADS.all(conn, 0, _RATIOS)

    def price(tip: int) -> str:
        return decimal_of(standing.next_base_fee + tips.get(tip, 0), _GWEI_DIGITS, _GWEI_DIGITS).replace("\u202f", "")

    return {
        "LastBlock": str(standing.number),
        "SafeGasPrice": price(10),
        "ProposeGasPrice": price(50),
        "FastGasPrice": price(90),
        "suggestBaseFee": decimal_of(standing.next_base_fee, _GWEI_DIGITS, _GWEI_DIGITS).replace("\u202f", ""),
        "gasUsedRatio": ",".join([f"{load.gas_used / room:.6f}" for load in loads]),
    }


def _supply_parts(conn: Connection, asked: Asked) -> Json:
    standing = _standing(conn)
    burned = standing.minted - standing.supply
    return {"EthSupply": str(standing.supply), "Eth2Staking": "0", "BurntFees": str(burned), "WithdrawnTotal": "0"}


def _token_info(conn: Connection, asked: Asked) -> Json:
    address = address_in(asked, "contractaddress")
    found = TOKEN.one(conn, address)
    if found is None:
        return []
    return [
        {
            "contractAddress": "0x" + address.hex(),
            "tokenName": found.name,
            "symbol": found.symbol,
            "divisor": str(found.decimals or 0),
            "tokenType": f"ERC{found.standard}",
            "totalSupply": str(found.supply),
            "holdersCount": str(found.holders),
        }
    ]


def _token_holders(conn: Connection, asked: Asked) -> Json:
    found = _HOLDERS.all(conn, address_in(asked, "contractaddress"), *page_in(asked))
    return [{"TokenHolderAddress": "0x" + holder.hex(), "TokenHolderQuantity": str(amount)} for holder, amount in found]


def _token_holder_count(conn: Connection, asked: Asked) -> Json:
    found = TOKEN.one(conn, address_in(asked, "contractaddress"))
    return str(found.holders if found else 0)


def _held(*standards: int) -> Callable[[Connection, Asked], Json]:
    def read(conn: Connection, asked: Asked) -> Json:
        return [
            {
                "TokenAddress": "0x" + bytes(token).hex(),
                "TokenName": name,
                "TokenSymbol": symbol,
                "TokenQuantity": str(int(amount)),
                "TokenDivisor": str(decimals or 0),
            }
            for token, name, symbol, amount, decimals in _HELD.all(
                conn, address_in(asked), list(standards), *page_in(asked)
            )
        ]

    return read


def _none(conn: Connection, asked: Asked) -> Json:
    """What this chain has none of: withdrawals of a beacon chain."""
    address_in(asked)
    return []


MORE: dict[tuple[str, str], Callable[[Connection, Asked], Json]] = {
    ("account", "balancehistory"): _balance_history,
    ("account", "addresstokenbalance"): _held(20),
    ("account", "addresstokennftbalance"): _held(721),
    ("account", "txsbeaconwithdrawal"): _none,
    ("block", "getblockcountdown"): _countdown,
    ("gastracker", "gasoracle"): _gas_oracle,
    ("stats", "ethsupply2"): _supply_parts,
    ("token", "tokeninfo"): _token_info,
    ("token", "tokenholderlist"): _token_holders,
    ("token", "tokenholdercount"): _token_holder_count,
}
