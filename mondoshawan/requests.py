"""A web request's name in the logs, and what its caller is told when it fails.

Each request gets an id.  It is bound to every log line that the request causes, goes out as ``X-Request-Id``, and
is all that an unexpected error shows: the log has the rest under the same id (``incident``).
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from typing import Any

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.core.errors import BlockchainError, StoreError
from chain.rpc.errors import BY_CLASS, mapping_of, plain

log = structlog.get_logger(__name__)

HEADER = "X-Request-Id"
# pages of these statuses exist; another one is shown as the nearest of them
_PAGES = {400: "400.html", 403: "403.html", 404: "404.html", 503: "503.html"}
# errors of the store that pass by themselves: PostgreSQL is away, or the node is still starting
_NOT_READY = {"database_unavailable", "not_migrated", "not_initialised"}
_AWAY = (OperationalError, InterfaceError, RedisConnectionError)
_JSON_PATHS = re.compile(r"^/(api|health|ready|live)(/|$|\?)")


class RequestContext:
    """The outermost of our middleware: names the request, and answers errors of the tree by the one table."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        identity = request.incident = secrets.token_hex(6)  # type: ignore[attr-defined]
        peer = request.META.get("REMOTE_ADDR") or "local"
        with structlog.contextvars.bound_contextvars(request_id=identity, path=request.path, peer=peer):
            answer = self._get_response(request)
        answer[HEADER] = identity
        return answer

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """The answer to an error of the tree; others are Django's, which end in ``server_error``."""
        if isinstance(error, _AWAY):
            log.warning("web.server_away", error=str(error).partition("\n")[0])
            return _answer(request, 503, "server_away", "the node waits for one of its servers, try again")
        if not isinstance(error, BlockchainError):
            return None
        mapped = mapping_of(error)
        if isinstance(error, StoreError) and error.code in _NOT_READY:
            log.warning("web.server_away", error=error.message)
            return _answer(request, 503, error.code, "the node is not ready, try again")
        if not mapped.shown:
            return None
        data = {name: plain(value) for name, value in error.data.items() if value is not None}
        return _answer(request, mapped.http, error.code, error.message, data)


def server_error(request: HttpRequest) -> HttpResponse:
    """Django's ``handler500``: an id and nothing more."""
    identity = getattr(request, "incident", "") or secrets.token_hex(6)
    log.error("web.internal_error", incident=identity)
    status = BY_CLASS[StoreError].http
    if wants_json(request):
        return JsonResponse({"error": {"code": "internal_error", "id": identity}}, status=status)
    return render(request, "500.html", {"incident": identity}, status=status)


def wants_json(request: HttpRequest) -> bool:
    """Whether a program asks: by path, or by what it accepts."""
    if _JSON_PATHS.match(request.path):
        return True
    return not request.accepts("text/html") and request.accepts("application/json")


def _answer(
    request: HttpRequest, status: int, code: str, message: str, data: dict[str, Any] | None = None
) -> HttpResponse:
    if wants_json(request):
        answer: HttpResponse = JsonResponse(
            {"error": {"code": code, "message": message, "data": data or {}}}, status=status
        )
    else:
        context = {"incident": getattr(request, "incident", ""), "reason": message}
        answer = render(request, _PAGES.get(status, "400.html"), context, status=status)
    answer["Cache-Control"] = "no-store"
    if status == 503:
        answer["Retry-After"] = "5"
    return answer
