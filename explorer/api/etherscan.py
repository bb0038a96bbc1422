"""``/api?module=…&action=…``: the calls of Etherscan's API that wallets and tools make, with its envelope.

Shapes follow docs.etherscan.io: every value is a string, a failed call has status 0 and says why in ``result``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse

from chain.core.errors import BlockchainError, RequestCode, RequestError
from chain.selectors.stats import STANDING
from chain.selectors.transactions import ACCEPTANCE, AcceptanceView
from chain.stores.connection import Connection, database_errors, raw_connection
from explorer.api import etherscan_internal, etherscan_proxy
from explorer.api import etherscan_rows as rows
from explorer.api.etherscan_asked import Asked, address_in, hash_in, number_in, page_in, window_in
from explorer.api.etherscan_more import MORE
from explorer.published import abis_of, published
from explorer.views.common import hash_of

MAX_ADDRESSES = 20

_NOT_VERIFIED = "Contract source code not verified"

Json = Any


def answer(request: HttpRequest, asked: Asked) -> HttpResponse:
    """The answer to one call; always 200, as its clients expect."""
    module = asked.get("module", "").lower()
    action = _ACTIONS.get((module, asked.get("action", "").lower()))
    try:
        if module == "proxy":
            return etherscan_proxy.answer(request, asked)
        if action is None:
            raise RequestError(RequestCode.METHOD_NOT_FOUND, "Error! Missing Or invalid Action name")
        with database_errors():
            result = action(raw_connection(), asked)
    except RequestError as error:
        return _json("0", "NOTOK", error.message)
    except BlockchainError as error:
        return _json("0", "NOTOK", f"Error! {error.code}")
    if isinstance(result, list) and not result:
        return _json("0", _NOTHING.get(asked.get("action", "").lower(), "No records found"), [])
    return _json("1", "OK", result)


def _json(status: str, message: str, result: Json) -> HttpResponse:
    body = orjson.dumps({"status": status, "message": message, "result": result})
    response = HttpResponse(body, content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


def _balance(conn: Connection, asked: Asked) -> Json:
    address = address_in(asked)
    return str(rows.balances(conn, [address]).get(address, 0))


def _balances(conn: Connection, asked: Asked) -> Json:
    texts = asked.get("address", "").split(",")
    if len(texts) > MAX_ADDRESSES:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, f"Error! Maximum {MAX_ADDRESSES} addresses")
    asked_for = [(text.strip(), address_in({"address": text.strip()})) for text in texts]
    found = rows.balances(conn, [raw for _, raw in asked_for])
    return [{"account": text, "balance": str(found.get(raw, 0))} for text, raw in asked_for]


def _transactions(conn: Connection, asked: Asked) -> Json:
    return rows.transactions(conn, address_in(asked), window_in(asked))


def _transfers(standard: int) -> Callable[[Connection, Asked], Json]:
    def read(conn: Connection, asked: Asked) -> Json:
        holder = address_in(asked) if asked.get("address") else None
        token = address_in(asked, "contractaddress") if asked.get("contractaddress") else None
        if holder is None and token is None:
            raise RequestError(RequestCode.INVALID_PARAMS, "Error! Missing address or contractaddress")
        return rows.transfers(conn, holder, token, standard, window_in(asked))

    return read


def _mined(conn: Connection, asked: Asked) -> Json:
    return rows.mined(conn, address_in(asked), window_in(asked))


def _internal(conn: Connection, asked: Asked) -> Json:
    if asked.get("txhash"):
        return etherscan_internal.of_transaction(conn, hash_in(asked))
    if not asked.get("address") and not asked.get("startblock"):
        raise RequestError(RequestCode.INVALID_PARAMS, "Error! Missing address, txhash or startblock")
    return etherscan_internal.of_window(conn, address_in(asked) if asked.get("address") else None, window_in(asked))


def _logs(conn: Connection, asked: Asked) -> Json:
    first, last = number_in(asked, "fromblock", 0), number_in(asked, "toblock", 2**62)
    address = address_in(asked) if asked.get("address") else None
    topics = {place: hash_of(asked.get(f"topic{place}", "")) for place in range(4)}
    known = {place: topic for place, topic in topics.items() if topic is not None}
    if address is None and not known:
        raise RequestError(RequestCode.INVALID_PARAMS, "Error! Missing address or topics")
    joined = rows.joined_topics(known, asked)
    skip, size = page_in(asked)
    return rows.logs(conn, first, last, address, joined, skip, size)


def _creation(conn: Connection, asked: Asked) -> Json:
    texts = asked.get("contractaddresses", "").split(",")
    if len(texts) > 5:
        raise RequestError(RequestCode.LIMIT_EXCEEDED, "Error! Maximum 5 contract addresses")
    return rows.creations(conn, [address_in({"address": text.strip()}) for text in texts])


def _abi(conn: Connection, asked: Asked) -> Json:
    abi = abis_of(conn, [address_in(asked)])
    if not abi:
        raise RequestError(RequestCode.NOT_FOUND, _NOT_VERIFIED)
    return next(iter(abi.values())).text


def _source(conn: Connection, asked: Asked) -> Json:
    address = address_in(asked)
    known, abi = published(conn, address), abis_of(conn, [address]).get(address)
    if known is None or abi is None:
        return [{**rows.NO_SOURCE, "ABI": _NOT_VERIFIED}]
    return [{**rows.NO_SOURCE, "ContractName": known.name, "ABI": abi.text}]


def _taken(conn: Connection, asked: Asked) -> AcceptanceView | None:
    return ACCEPTANCE.one(conn, hash_in(asked))


def _status(conn: Connection, asked: Asked) -> Json:
    taken = _taken(conn, asked)
    failed = taken is not None and not taken.status
    return {"isError": "1" if failed else "0", "errDescription": "execution reverted" if failed else ""}


def _receipt_status(conn: Connection, asked: Asked) -> Json:
    taken = _taken(conn, asked)
    return {"status": "" if taken is None else str(taken.status)}


def _block_reward(conn: Connection, asked: Asked) -> Json:
    found = rows.block_reward(conn, number_in(asked, "blockno", 0))
    if found is None:
        raise RequestError(RequestCode.NOT_FOUND, "Error! No such block")
    return found


def _block_by_time(conn: Connection, asked: Asked) -> Json:
    found = rows.block_by_time(conn, number_in(asked, "timestamp", 0), asked.get("closest", "before") == "after")
    if found is None:
        raise RequestError(RequestCode.NOT_FOUND, "Error! No closest block found")
    return str(found)


def _supply(conn: Connection, asked: Asked) -> Json:
    standing = STANDING.one(conn)
    return str(standing.supply if standing else 0)


def _price(conn: Connection, asked: Asked) -> Json:
    raise RequestError(RequestCode.NOT_SUPPORTED, "Error! This network's token has no price here")


def _token_supply(conn: Connection, asked: Asked) -> Json:
    return rows.token_supply(conn, address_in(asked, "contractaddress"))


def _token_balance(conn: Connection, asked: Asked) -> Json:
    return rows.token_balance(conn, address_in(asked, "contractaddress"), address_in(asked))


_NOTHING = {
    "txlist": "No transactions found",
    "txlistinternal": "No transactions found",
    "tokentx": "No transactions found",
    "tokennfttx": "No transactions found",
    "token1155tx": "No transactions found",
    "getminedblocks": "No transactions found",
}
_ACTIONS: dict[tuple[str, str], Callable[[Connection, Asked], Json]] = {
    ("account", "balance"): _balance,
    ("account", "balancemulti"): _balances,
    ("account", "txlist"): _transactions,
    ("account", "txlistinternal"): _internal,
    ("account", "tokentx"): _transfers(20),
    ("account", "tokennfttx"): _transfers(721),
    ("account", "token1155tx"): _transfers(1155),
    ("account", "tokenbalance"): _token_balance,
    ("account", "getminedblocks"): _mined,
    ("logs", "getlogs"): _logs,
    ("contract", "getabi"): _abi,
    ("contract", "getsourcecode"): _source,
    ("contract", "getcontractcreation"): _creation,
    ("transaction", "getstatus"): _status,
    ("transaction", "gettxreceiptstatus"): _receipt_status,
    ("block", "getblockreward"): _block_reward,
    ("block", "getblocknobytime"): _block_by_time,
    ("stats", "ethsupply"): _supply,
    ("stats", "ethprice"): _price,
    ("stats", "tokensupply"): _token_supply,
    **MORE,
}
