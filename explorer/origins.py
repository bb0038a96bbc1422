"""Pages of other origins may read the read API, as they may read JSON-RPC: answers hold nothing of a session."""

from __future__ import annotations

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse

from chain.rpc.hosts import origin_allowed

PATH = "/api/"
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, OPTIONS",
    "Access-Control-Allow-Headers": "authorization, x-api-key",
    "Access-Control-Max-Age": "86400",
}


class ApiOrigins:
    """Middleware: names the origins that may read (``MDS_RPC_CORS_ORIGINS``), and answers preflights."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        origin = request.headers.get("Origin")
        if origin is None or not request.path.startswith(PATH):
            return self._get_response(request)
        is_allowed = origin_allowed(origin.encode("latin-1", "replace"))
        if is_allowed and request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers:
            answer = HttpResponse(status=204, headers=_PREFLIGHT)
        else:
            answer = self._get_response(request)
        if is_allowed:
            answer["Access-Control-Allow-Origin"] = "*"
            answer["Access-Control-Expose-Headers"] = "retry-after"
        return answer
