"""Coding of arguments and errors for the pages that call contracts: bounded, nothing is kept."""

from __future__ import annotations

import re
from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chain.core.errors import BlockchainError, RequestCode, RequestError
from chain.stores.connection import database_errors, raw_connection
from explorer.abi import decode_values, encode_call
from explorer.decoding import revert_reason
from explorer.published import abis_of
from explorer.views.common import address_of

MAX_BODY = 200_000
_DATA = re.compile(r"^0x(?:[0-9a-fA-F]{2}){0,20000}$")


# it changes nothing, and takes nothing from a session
@csrf_exempt
@require_POST
def encode(request: HttpRequest) -> HttpResponse:
    """``{"name", "types", "values"}`` → ``{"data"}``: the input of a call."""
    return _answer(
        request, lambda asked: {"data": encode_call(asked.get("name"), asked.get("types"), asked.get("values"))}
    )


@csrf_exempt
@require_POST
def decode(request: HttpRequest) -> HttpResponse:
    """``{"types", "data"}`` → ``{"values"}``: what a call returned, as texts."""
    return _answer(request, lambda asked: {"values": decode_values(asked.get("types"), asked.get("data"))})


@csrf_exempt
@require_POST
def error(request: HttpRequest) -> HttpResponse:
    """``{"address", "data"}`` → ``{"text"}``: what a call that was undone says, empty where nobody knows."""
    return _answer(request, lambda asked: {"text": _reason(asked.get("address"), asked.get("data"))})


def _reason(address: Any, data: Any) -> str:
    contract = address_of(address) if isinstance(address, str) else None
    if not isinstance(data, str) or not _DATA.match(data):
        raise RequestError(RequestCode.INVALID_PARAMS, "data is 0x hex")
    output = bytes.fromhex(data[2:])
    told = revert_reason(output)
    if told or contract is None:
        return told
    with database_errors():
        abi = abis_of(raw_connection(), [contract]).get(contract)
    return revert_reason(output, abi.errors) if abi else ""


def _answer(request: HttpRequest, work: Any) -> HttpResponse:
    try:
        if len(request.body) > MAX_BODY:
            return _json({"error": {"code": "limit_exceeded", "message": "too large"}}, 413)
        asked = orjson.loads(request.body)
        if not isinstance(asked, dict):
            return _json({"error": {"code": "invalid_params", "message": "an object is expected"}}, 400)
        return _json(work(asked), 200)
    except orjson.JSONDecodeError:
        return _json({"error": {"code": "parse_error", "message": "no JSON"}}, 400)
    except BlockchainError as error:
        return _json({"error": {"code": error.code, "message": error.message}}, 400)


def _json(value: Any, status: int) -> HttpResponse:
    answer = HttpResponse(orjson.dumps(value), content_type="application/json", status=status)
    answer["Cache-Control"] = "no-store"
    return answer
