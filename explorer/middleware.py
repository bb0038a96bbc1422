"""What a page says when the node cannot answer it."""

from __future__ import annotations

from collections.abc import Callable

import structlog
from django.db import InterfaceError, OperationalError
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from redis.exceptions import ConnectionError as RedisConnectionError

from chain.core.errors import NotYet, StoreError

log = structlog.get_logger(__name__)

UNAVAILABLE = (StoreError, NotYet, OperationalError, InterfaceError, RedisConnectionError)


class NotReadyPage:
    """Answer 503 with a page that needs no server where a view meets one that is away."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self._get_response(request)

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django for what a view raised."""
        if not isinstance(error, UNAVAILABLE):
            return None
        log.warning("page without its servers", path=request.path, error=repr(error))
        answer = render(request, "503.html", status=503)
        answer["Retry-After"] = "5"
        answer["Cache-Control"] = "no-store"
        return answer
