"""Etherscan's module ``proxy``: JSON-RPC by GET, answered by this node's own JSON-RPC, in its envelope."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import orjson
from asgiref.sync import async_to_sync
from django.conf import settings
from django.http import HttpRequest, HttpResponse

from chain.core.errors import RequestCode, RequestError
from chain.rpc import dispatch
from chain.rpc.app import process_node
from chain.rpc.caller import set_caller
from explorer.api.etherscan_asked import Asked
from explorer.limits import caller_of

_CALL = {"to": "to", "from": "from", "data": "data", "value": "value", "gas": "gas", "gasprice": "gasPrice"}


def _text(name: str, default: str = "") -> Callable[[Asked], Any]:
    return lambda asked: asked.get(name) or default


def _flag(asked: Asked) -> bool:
    return asked.get("boolean", "").lower() == "true"


def _call(asked: Asked) -> dict[str, str]:
    return {name: asked[key] for key, name in _CALL.items() if asked.get(key)}


_TAG = _text("tag", "latest")
# action → method, and what makes its parameters
FORMS: dict[str, tuple[str, tuple[Callable[[Asked], Any], ...]]] = {
    "eth_blocknumber": ("eth_blockNumber", ()),
    "eth_chainid": ("eth_chainId", ()),
    "eth_getblockbynumber": ("eth_getBlockByNumber", (_TAG, _flag)),
    "eth_getblocktransactioncountbynumber": ("eth_getBlockTransactionCountByNumber", (_TAG,)),
    "eth_getunclebyblocknumberandindex": ("eth_getUncleByBlockNumberAndIndex", (_TAG, _text("index"))),
    "eth_gettransactionbyhash": ("eth_getTransactionByHash", (_text("txhash"),)),
    "eth_gettransactionbyblocknumberandindex": ("eth_getTransactionByBlockNumberAndIndex", (_TAG, _text("index"))),
    "eth_gettransactioncount": ("eth_getTransactionCount", (_text("address"), _TAG)),
    "eth_sendrawtransaction": ("eth_sendRawTransaction", (_text("hex"),)),
    "eth_gettransactionreceipt": ("eth_getTransactionReceipt", (_text("txhash"),)),
    "eth_call": ("eth_call", (_call, _TAG)),
    "eth_getcode": ("eth_getCode", (_text("address"), _TAG)),
    "eth_getstorageat": ("eth_getStorageAt", (_text("address"), _text("position"), _TAG)),
    "eth_gasprice": ("eth_gasPrice", ()),
    "eth_estimategas": ("eth_estimateGas", (_call,)),
}


def answer(request: HttpRequest, asked: Asked) -> HttpResponse:
    """The method's own answer or error; limits count it as they count the method."""
    form = FORMS.get(asked.get("action", "").lower())
    if form is None:
        raise RequestError(RequestCode.METHOD_NOT_FOUND, "Error! Missing Or invalid Action name")
    method, makers = form
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": [make(asked) for make in makers]}
    body = async_to_sync(_handle)(request, orjson.dumps(call))
    response = HttpResponse(body or b"", content_type="application/json")
    response["Access-Control-Allow-Origin"] = "*"
    return response


async def _handle(request: HttpRequest, body: bytes) -> bytes | None:
    set_caller(caller_of(request))
    return await dispatch.handle(await process_node(), body, settings.MDS_RPC_MAX_BATCH)
