"""JSON-RPC 2.0: from the bytes of a request to the bytes of its answer.

Batches run together, so that what their calls wait for is waited for once; answers keep their order.
"""

from __future__ import annotations

import asyncio
import inspect
from typing import Any

import orjson

from chain.core.errors import RequestCode, RequestError
from chain.rpc import errors
from chain.rpc.registry import METHODS, call

# how many calls of one batch are under way at once
BATCH_WIDTH = 100
_OPTIONS = orjson.OPT_PASSTHROUGH_SUBCLASS
_MISSING = object()


async def handle(node: Any, body: bytes, max_batch: int) -> bytes | None:
    """Answer one request or batch; None where it holds notifications only.

    Parameters
    ----------
    node : Node
        What handlers work on.
    body : bytes
        JSON text.
    max_batch : int
        Requests that one batch may hold.
    """
    try:
        request = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        return _encode(_failure(None, RequestError(RequestCode.PARSE_ERROR, f"parse error: {_shorten(error)}")))
    if isinstance(request, dict):
        answer = await _answer(node, request)
        return None if answer is None else _encode(answer)
    if not isinstance(request, list):
        return _encode(_failure(None, _invalid("a request is an object or an array of objects")))
    if not request:
        return _encode(_failure(None, _invalid("empty batch")))
    if len(request) > max_batch:
        too_many = RequestError(RequestCode.LIMIT_EXCEEDED, "batch too large", got=len(request), expected=max_batch)
        return _encode(_failure(None, too_many))
    answers: list[dict[str, Any]] = []
    for start in range(0, len(request), BATCH_WIDTH):
        part = await asyncio.gather(*[_answer(node, item) for item in request[start : start + BATCH_WIDTH]])
        answers += [answer for answer in part if answer is not None]
    return _encode(answers) if answers else None


async def _answer(node: Any, request: Any) -> dict[str, Any] | None:
    """One request object; None for a notification, whatever became of it."""
    if not isinstance(request, dict):
        return _failure(None, _invalid("a request is an object"))
    identity = request.get("id", _MISSING)
    known = identity is _MISSING or identity is None or isinstance(identity, (str, int, float))
    if not known or isinstance(identity, bool):
        return _failure(None, _invalid("an id is a string, a number or null"))
    name, params = request.get("method"), request.get("params")
    if request.get("jsonrpc") != "2.0":
        return _failure(_shown(identity), _invalid('jsonrpc must be "2.0"'))
    if not isinstance(name, str):
        return _failure(_shown(identity), _invalid("method must be a string"))
    if params is not None and not isinstance(params, (list, dict)):
        return _failure(_shown(identity), _invalid("params must be an array or an object"))
    method, limits = METHODS.get(name), getattr(node, "limits", None)
    try:
        if limits is not None and (due := limits.charge(1 if method is None else method.cost)) is not None:
            await due
        if method is None:
            raise RequestError(RequestCode.METHOD_NOT_FOUND, f"the method {name[:80]} does not exist/is not available")
        result = call(method, node, params)
        if inspect.isawaitable(result):
            result = await result
    except Exception as error:  # noqa: BLE001 - one outside the tree is logged, and answered with an id
        return None if identity is _MISSING else _failure(identity, error, name)
    return None if identity is _MISSING else {"jsonrpc": "2.0", "id": identity, "result": result}


def _invalid(message: str) -> RequestError:
    return RequestError(RequestCode.INVALID_REQUEST, f"invalid request: {message}")


def _failure(identity: Any, error: Exception, name: str | None = None) -> dict[str, Any]:
    return {"jsonrpc": "2.0", "id": identity, "error": errors.error_object(error, name)}


def failure_body(error: Exception) -> bytes:
    """A whole answer for a request that was not read."""
    return _encode(_failure(None, error))


def _shown(identity: Any) -> Any:
    return None if identity is _MISSING else identity


def _shorten(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


def _encode(answer: Any) -> bytes:
    return orjson.dumps(answer, option=_OPTIONS)
