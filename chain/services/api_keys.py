"""API keys of operators: made, changed, listed and ended; only digests are kept."""

from __future__ import annotations

import hashlib
import re
import secrets

import structlog
from django.db import IntegrityError, transaction
from redis import Redis
from redis.asyncio import Redis as AsyncRedis
from redis.exceptions import RedisError

from chain.core.errors import RequestError
from chain.models import ApiKey
from chain.services import audit, node_settings
from chain.services.network import now_ms
from chain.services.redis_client import redis_client

log = structlog.get_logger(__name__)

SCOPES = ("mining", "network", "log")
PREFIX = "mds_"
_NAME = re.compile(r"[A-Za-z0-9._@-]{1,64}")
DAY_MS = 86_400_000
MOST_DAYS = 36_500
MOST_POINTS = 1_000_000_000
# name → when it was last seen (ms); in Redis, because a row would be written for each use
USED_KEY = "mds:keys:used"


def digest(secret: str) -> bytes:
    """What is kept of a secret: it has 256 random bits, so one hash is as good as many."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


def create_key(
    name: str, scopes: tuple[str, ...], days: int | None = None, *, rate: int | None = None, burst: int | None = None
) -> str:
    """Make a key; its secret, which is shown nowhere else.

    Parameters
    ----------
    rate, burst : int, optional
        Limits of this key, in points a second and points; None: those of the node.

    Raises
    ------
    RequestError
        ``invalid_params``: a name that exists or is no name, an unknown scope, a limit or a time out of range.
    """
    with audit.operation("api_key.create", name) as trail:
        if not _NAME.fullmatch(name):
            raise RequestError("invalid_params", "a name is 1 to 64 letters, digits and . _ @ -", got=name[:80])
        _require_sensible(scopes, rate, burst)
        if days is not None and not 1 <= days <= MOST_DAYS:
            raise RequestError("invalid_params", f"a key lives from 1 to {MOST_DAYS} days", got=days)
        secret = PREFIX + secrets.token_urlsafe(32)
        now = now_ms()
        trail.after = {"scopes": sorted(set(scopes)), "days": days, "rate": rate, "burst": burst}
        try:
            with transaction.atomic():
                ApiKey.objects.create(
                    name=name,
                    digest=digest(secret),
                    scopes=sorted(set(scopes)),
                    created_ms=now,
                    expires_ms=None if days is None else now + days * DAY_MS,
                    rate=rate,
                    burst=burst,
                )
        except IntegrityError:
            raise RequestError("invalid_params", "a key of this name exists", got=name) from None
        return secret


def change_key(name: str, scopes: tuple[str, ...], *, rate: int | None = None, burst: int | None = None) -> int | None:
    """Give a key other scopes and limits; its secret stays.

    Parameters
    ----------
    name : str
        Of a key that is not revoked.
    scopes : tuple[str, ...]
        All that it has from now on.
    rate, burst : int, optional
        As in ``create_key``.

    Returns
    -------
    int or None
        The version that processes report once they work with it (``node_settings.confirmed_by``); None where Redis
        is away, so that they follow as their memory of the key ends, within half a minute.

    Raises
    ------
    RequestError
        ``not_found``; ``invalid_params`` as in ``create_key``.
    """
    with audit.operation("api_key.change", name[:64]) as trail:
        with transaction.atomic():
            key = ApiKey.objects.select_for_update().filter(name=name, revoked_ms=None).first()
            if key is None:
                raise RequestError("not_found", "no such key, or it is revoked", got=name[:80])
            trail.before = {"scopes": key.scopes, "rate": key.rate, "burst": key.burst}
            _require_sensible(scopes, rate, burst)
            key.scopes, key.rate, key.burst = sorted(set(scopes)), rate, burst
            key.save(update_fields=["scopes", "rate", "burst"])
        trail.after = {"scopes": key.scopes, "rate": rate, "burst": burst}
        return _tell_processes()


def revoke_key(name: str) -> int | None:
    """End a key at once; as far as limits go, with the version that is answered as by ``change_key``.

    Raises
    ------
    RequestError
        ``not_found``.
    """
    with audit.operation("api_key.revoke", name[:64]):
        if not ApiKey.objects.filter(name=name, revoked_ms=None).update(revoked_ms=now_ms()):
            raise RequestError("not_found", "no such key, or it is revoked", got=name[:80])
        return _tell_processes()


def find_key(name: str) -> ApiKey | None:
    """One key by its name, if there is one that is not revoked."""
    return ApiKey.objects.filter(name=name, revoked_ms=None).first()


def list_keys() -> list[ApiKey]:
    """All keys by name."""
    return list(ApiKey.objects.order_by("name"))


def _require_sensible(scopes: tuple[str, ...], rate: int | None, burst: int | None) -> None:
    unknown = sorted(set(scopes) - set(SCOPES))
    if unknown or not scopes:
        raise RequestError("invalid_params", f"scopes are {', '.join(SCOPES)}", got=", ".join(unknown)[:80])
    if any(limit is not None and not 1 <= limit <= MOST_POINTS for limit in (rate, burst)):
        raise RequestError("invalid_params", "a limit is from 1 to 1 000 000 000 points")


def _tell_processes() -> int | None:
    """Let every process look its keys up anew; what was changed is in the database whoever listens."""
    try:
        return node_settings.publish()
    except RedisError as error:
        log.warning("processes are not told of a changed key", error=type(error).__name__)
        return None


async def note_use(redis: AsyncRedis, name: str) -> None:
    """Remember when a key was last used; where Redis is away, it is forgotten."""
    try:
        await redis.hset(USED_KEY, name, now_ms())
    except (RedisError, OSError) as error:
        log.debug("the use of a key is not noted", key=name, error=type(error).__name__)


def note_use_here(name: str) -> None:
    """The same for code that waits."""
    try:
        redis_client().hset(USED_KEY, name, now_ms())
    except RedisError as error:
        log.debug("the use of a key is not noted", key=name, error=type(error).__name__)


def last_used(redis: Redis | None = None) -> dict[str, int]:
    """Name → when each key was last used (ms), as far as Redis knows; nothing where it is away."""
    try:
        found: dict[bytes, bytes] = (redis or redis_client()).hgetall(USED_KEY)
    except RedisError:
        return {}
    return {name.decode(): int(at) for name, at in found.items()}
