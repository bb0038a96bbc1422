"""JSON-RPC 2.0: from the bytes of a request to the bytes of its answer.

Batches run together, so that what their calls wait for is waited for once; answers keep their order.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable
from time import perf_counter
from typing import Any, cast

import orjson

from chain.core.errors import RequestCode, RequestError
from chain.rpc import errors
from chain.rpc.caller import current_caller, set_caller
from chain.rpc.meter import INVALID, METER, OK
from chain.rpc.registry import METHODS, Method, call
from chain.services.deferred import Deferred

# how many calls of one batch are under way at once
BATCH_WIDTH = 100
_OPTIONS = orjson.OPT_PASSTHROUGH_SUBCLASS
_MISSING = object()


def begin(node: Any, body: bytes, max_batch: int) -> bytes | Deferred[bytes | None] | Awaitable[bytes | None] | None:
    """Answer one request or batch; None where it holds notifications only.

    What needs no waiting is answered at once: most reads are, and a task for each would cost more than they do.

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
        answer = _answer(node, request)
        if isinstance(answer, dict):
            return _encode(answer)
        if isinstance(answer, Deferred):
            return answer.map(_encode_found)
        return None if answer is None else _encoded(answer)
    if not isinstance(request, list):
        return _encode(_failure(None, _invalid("a request is an object or an array of objects")))
    if not request:
        return _encode(_failure(None, _invalid("empty batch")))
    if len(request) > max_batch:
        too_many = RequestError(RequestCode.LIMIT_EXCEEDED, "batch too large", got=len(request), expected=max_batch)
        return _encode(_failure(None, too_many))
    return _batch(node, request)


async def handle(node: Any, body: bytes, max_batch: int) -> bytes | None:
    """``begin`` for those who wait anyway."""
    answer = begin(node, body, max_batch)
    return answer if answer is None or isinstance(answer, bytes) else await answer


def _encode_found(answer: dict[str, Any] | None, error: Exception | None) -> bytes | None:
    if error is not None:
        raise error
    return None if answer is None else _encode(answer)


async def _encoded(answer: Awaitable[dict[str, Any] | None]) -> bytes | None:
    found = await answer
    return None if found is None else _encode(found)


async def _batch(node: Any, requests: list[Any]) -> bytes | None:
    answers: list[dict[str, Any] | None] = []
    for start in range(0, len(requests), BATCH_WIDTH):
        part = [_answer(node, item) for item in requests[start : start + BATCH_WIDTH]]
        waiting = [place for place, answer in enumerate(part) if answer is not None and not isinstance(answer, dict)]
        found = await asyncio.gather(*[cast("Awaitable[Any]", part[place]) for place in waiting])
        for place, answer in zip(waiting, found, strict=True):
            part[place] = answer
        answers += cast("list[dict[str, Any] | None]", part)
        # between parts others have their turn
        await asyncio.sleep(0)
    told = [answer for answer in answers if answer is not None]
    return _encode(told) if told else None


def _answer(
    node: Any, request: Any
) -> dict[str, Any] | Deferred[dict[str, Any] | None] | Awaitable[dict[str, Any] | None] | None:
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
    method, limits, started = METHODS.get(name), getattr(node, "limits", None), perf_counter()
    try:
        due = None if limits is None else limits.charge(1 if method is None else method.cost)
        if due is not None:
            return _later(due, node, method, params, identity, name, started)
        result = _call(method, name, node, params)
    except Exception as error:  # noqa: BLE001 - one outside the tree is logged, and answered with an id
        return _complete(identity, name, started, None, error)
    if isinstance(result, Deferred):
        return _conclude(result, identity, name, started)
    if hasattr(result, "__await__"):
        return _wait(result, identity, name, started)
    return _complete(identity, name, started, result)


async def _later(
    due: Awaitable[None], node: Any, method: Method | None, params: Any, identity: Any, name: str, started: float
) -> dict[str, Any] | None:
    """A request whose caller has to be charged first."""
    try:
        await due
        result = _call(method, name, node, params)
        if hasattr(result, "__await__"):
            result = await result
    except Exception as error:  # noqa: BLE001 - as above
        return _complete(identity, name, started, None, error)
    return _complete(identity, name, started, result)


def _conclude(result: Deferred[Any], identity: Any, name: str, started: float) -> Deferred[dict[str, Any] | None]:
    caller = current_caller()

    def complete(found: Any, error: Exception | None) -> dict[str, Any] | None:
        if error is not None:
            # it comes in somebody else's turn
            set_caller(caller)
        return _complete(identity, name, started, found, error)

    return result.map(complete)


async def _wait(result: Awaitable[Any], identity: Any, name: str, started: float) -> dict[str, Any] | None:
    try:
        found = await result
    except Exception as error:  # noqa: BLE001 - as above
        return _complete(identity, name, started, None, error)
    return _complete(identity, name, started, found)


def _call(method: Method | None, name: str, node: Any, params: Any) -> Any:
    if method is None:
        raise RequestError(RequestCode.METHOD_NOT_FOUND, f"the method {name[:80]} does not exist/is not available")
    return call(method, node, params)


def _complete(
    identity: Any, name: str, started: float, result: Any, error: Exception | None = None
) -> dict[str, Any] | None:
    """The one place through which every call of a method ends; ``started`` by ``perf_counter``."""
    if error is None:
        answer, code = {"jsonrpc": "2.0", "id": identity, "result": result}, OK
    else:
        answer = _failure(identity, error, name)
        code = answer["error"]["code"]
    METER.note(name, code, perf_counter() - started)
    return None if identity is _MISSING else answer


def _invalid(message: str) -> RequestError:
    return RequestError(RequestCode.INVALID_REQUEST, f"invalid request: {message}")


def _failure(identity: Any, error: Exception, name: str | None = None) -> dict[str, Any]:
    answer = errors.error_object(error, name)
    if name is None:
        METER.note(INVALID, answer["code"], 0.0)
    return {"jsonrpc": "2.0", "id": identity, "error": answer}


def failure_body(error: Exception) -> bytes:
    """A whole answer for a request that was not read."""
    return _encode(_failure(None, error))


def _shown(identity: Any) -> Any:
    return None if identity is _MISSING else identity


def _shorten(error: Exception) -> str:
    return str(error).partition("\n")[0][:120]


def _encode(answer: Any) -> bytes:
    return orjson.dumps(answer, option=_OPTIONS)
