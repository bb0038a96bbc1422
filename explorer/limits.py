"""What one address, or one API key, may ask of the web's interfaces for programs; pages are not counted."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from functools import cache

import orjson
from django.conf import settings
from django.http import HttpRequest, HttpResponse, QueryDict

from chain.core.errors import RequestCode
from chain.rpc.caller import Caller
from chain.selectors.mds import API_KEY, ApiKeyFacts
from chain.services import node_settings
from chain.services.api_keys import digest, note_use_here
from chain.services.network import now_ms
from chain.services.rates import PREFIX, Buckets, Limit, bucket_of
from chain.services.redis_client import redis_client
from chain.stores.connection import database_errors, raw_connection

# what a path costs, in points; the first that fits
COSTS = (
    (re.compile(r"^/api/v1/(search|charts/)"), 5),
    (re.compile(r"^/api(/|$)"), 1),
    (re.compile(r"^/live/window$"), 5),
    (re.compile(r"^/(live|abi)/"), 1),
    (re.compile(r"^/.*\.csv$"), 50),
)
# what is asked of a list costs what it holds: a point for each so many rows
_ROWS_A_POINT = 100
_KEY_S = 30.0
_MAX_KEYS = 5_000
_HEADERS = {
    "HTTP_X_FORWARDED_FOR": "x-forwarded-for",
    "HTTP_FORWARDED": "forwarded",
    "HTTP_X_REAL_IP": "x-real-ip",
    "HTTP_VIA": "via",
    "HTTP_AUTHORIZATION": "authorization",
    "HTTP_X_API_KEY": "x-api-key",
}


class WebLimits:
    """Middleware: charges the caller, or answers 429 with the seconds to wait."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        cost = cost_of(request)
        if cost:
            wait = _charge(request, cost)
            if wait:
                return _refusal(request, wait)
        return self._get_response(request)


def cost_of(request: HttpRequest) -> int:
    """Points of a request; 0 for pages."""
    for path, cost in COSTS:
        if path.match(request.path):
            asked = _asked(request)
            if request.path == "/api" and "module" not in asked and request.method != "POST":
                # the documentation
                return 0
            rows = asked.get("offset", "")
            return cost + (int(rows) // _ROWS_A_POINT if rows.isascii() and rows.isdigit() and len(rows) < 6 else 0)
    return 0


def _asked(request: HttpRequest) -> QueryDict:
    """The parameters, from where the view reads them: Etherscan's calls come as a form too."""
    return request.POST if request.path == "/api" and request.method == "POST" else request.GET


def _charge(request: HttpRequest, cost: int) -> int:
    """ms to wait, 0 where the caller may go on."""
    caller = caller_of(request)
    # as wallets and tools that know Etherscan's calls hand it in
    secret = caller.key or _asked(request).get("apikey", "")[:200]
    known = _key(secret) if secret else None
    is_own = caller.is_loopback and not caller.is_forwarded
    if known is not None and (known.rate is not None or not is_own):
        # a key's bucket is one for both doors, its limits are those that it was given
        rate = settings.MDS_WEB_RATE if known.rate is None else known.rate
        burst = known.burst if known.burst is not None else settings.MDS_WEB_BURST if known.rate is None else rate
        return _buckets().charge(f"{PREFIX}key:{known.name}", cost, Limit(rate, burst)) if rate else 0
    if not settings.MDS_WEB_RATE or is_own:
        return 0
    bucket = bucket_of(caller.address).replace(PREFIX, f"{PREFIX}web:", 1)
    return _buckets().charge(bucket, cost, Limit(settings.MDS_WEB_RATE, settings.MDS_WEB_BURST))


def caller_of(request: HttpRequest) -> Caller:
    """Who asks, as the JSON-RPC sees callers."""
    meta = request.META
    headers = [
        (name.encode(), str(meta[key]).encode("latin-1", "replace")) for key, name in _HEADERS.items() if key in meta
    ]
    return Caller({"headers": headers, "client": (meta.get("REMOTE_ADDR") or "unknown", 0)})


@cache
def _buckets() -> Buckets:
    return Buckets(redis_client())


_keys: dict[bytes, tuple[ApiKeyFacts | None, float, int]] = {}


def _key(secret: str) -> ApiKeyFacts | None:
    """The key of a secret, looked up twice a minute and when keys were changed; None for one that nobody made."""
    found = digest(secret)
    known, until, version = _keys.get(found, (None, 0.0, 0))
    if time.monotonic() >= until or version != node_settings.followed():
        # asked before the key is, so that a change between the two is not missed
        version = node_settings.followed()
        with database_errors():
            known = API_KEY.one(raw_connection(), found, now_ms())
        if len(_keys) >= _MAX_KEYS:
            _keys.clear()
        _keys[found] = (known, time.monotonic() + _KEY_S, version)
        if known is not None:
            note_use_here(known.name)
    return known


def _refusal(request: HttpRequest, wait_ms: int) -> HttpResponse:
    message = "too many requests"
    body: dict[str, object]
    if request.path == "/api":
        body = {"status": "0", "message": "NOTOK", "result": f"Max rate limit reached: {message}"}
    else:
        error = {"code": str(RequestCode.LIMIT_EXCEEDED), "message": message, "data": {"retry_after_ms": wait_ms}}
        body = {"error": error}
    answer = HttpResponse(orjson.dumps(body), content_type="application/json", status=429)
    answer["Retry-After"] = str(-(-wait_ms // 1000))
    answer["Cache-Control"] = "no-store"
    answer["Access-Control-Allow-Origin"] = "*"
    return answer
