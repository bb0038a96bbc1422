"""Coding of arguments for the page that reads and writes contracts: stateless, bounded, nothing is kept."""

from __future__ import annotations

from typing import Any

import orjson
from django.http import HttpRequest, HttpResponse
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from chain.core.errors import BlockchainError
from explorer.abi import decode_values, encode_call

MAX_BODY = 200_000


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
