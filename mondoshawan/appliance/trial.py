"""Servers that somebody wants the node to work with: asked before the node depends on them."""

from __future__ import annotations

import psycopg
import redis

from chain.core.errors import ConfigError, RequestCode, RequestError
from chain.services import redis_identity
from mondoshawan.appliance import postgres
from mondoshawan.parsers import url

_SCHEMES = {"database_url": ("postgres", "postgresql"), "redis_url": ("redis", "rediss", "unix")}
_CONNECT_S = 5
OLDEST_REDIS = (6, 2)


def parse(name: str, text: str) -> str:
    """A URL of the kind that a variable holds.

    Raises
    ------
    RequestError
        ``invalid_params``; it does not repeat the text, which may hold a password.
    """
    try:
        return url(*_SCHEMES[name])(text)
    except ValueError as error:
        raise RequestError(RequestCode.INVALID_PARAMS, str(error)) from None


def try_database(target: str, genesis: str | None) -> str:
    """What an external PostgreSQL is and holds, in one sentence.

    Parameters
    ----------
    target : str
        Its URL.
    genesis : str, optional
        0x hex of this network's, which a chain that it holds must have.

    Raises
    ------
    RequestError
        ``invalid_params``: it does not answer, is too old, lets nobody make tables, or holds another network.
    """
    try:
        postgres.require_usable(target, 0)
        with psycopg.connect(target, connect_timeout=_CONNECT_S) as connection:
            version, may_create, identity = connection.execute(
                "SELECT current_setting('server_version'), has_schema_privilege(current_schema(), 'CREATE'),"
                " to_regclass('chain_identity')"
            ).fetchone() or ("", None, None)
            kept = None
            if identity is not None:
                kept = connection.execute("SELECT network, genesis_hash FROM chain_identity").fetchone()
    except ConfigError as error:
        raise RequestError(RequestCode.INVALID_PARAMS, error.message) from None
    except psycopg.Error as error:
        raise RequestError(RequestCode.INVALID_PARAMS, f"PostgreSQL refuses: {type(error).__name__}") from None
    except UnicodeError:
        # a name that no host can have; the text may repeat it
        raise RequestError(RequestCode.INVALID_PARAMS, "this is no URL of a PostgreSQL") from None
    if not may_create:
        raise RequestError(RequestCode.INVALID_PARAMS, "this user may make no tables in that database")
    if kept is None:
        return f"PostgreSQL {version} answers; it holds no chain, so one begins there at genesis"
    if genesis is not None and "0x" + bytes(kept[1]).hex() != genesis:
        raise RequestError(RequestCode.INVALID_PARAMS, f"that database holds another chain, of {kept[0]}")
    return f"PostgreSQL {version} answers; it holds a chain of {kept[0]}, with its own users and settings"


def try_redis(target: str, ours: str | None) -> str:
    """What an external Redis is and holds, in one sentence.

    Parameters
    ----------
    target : str
        Its URL.
    ours : str, optional
        The tie to the database of the next start (``redis_identity.tie``), where that is known.

    Raises
    ------
    RequestError
        ``invalid_params``: it does not answer, or is too old.
    """
    try:
        with redis.Redis.from_url(target, socket_timeout=_CONNECT_S, socket_connect_timeout=_CONNECT_S) as connection:
            version = str(connection.info("server")["redis_version"])
            kept = connection.get(redis_identity.KEY)
    except redis.RedisError as error:
        raise RequestError(RequestCode.INVALID_PARAMS, f"Redis does not do: {str(error)[:120]}") from None
    except (TypeError, ValueError, KeyError):
        # parameters that the client does not know, no port, no such host, another kind of server;
        # its text may repeat the URL, and so a password
        raise RequestError(RequestCode.INVALID_PARAMS, "this is no URL of a Redis") from None
    if tuple(int(part) for part in version.split(".")[:2]) < OLDEST_REDIS:
        raise RequestError(RequestCode.INVALID_PARAMS, f"Redis {version} is too old, 6.2 or newer is needed")
    if kept is None or (ours is not None and kept == ours.encode()):
        return f"Redis {version} answers"
    unless = "" if ours is not None else " unless it is the one chosen here"
    return (
        f"Redis {version} answers; it keeps facts of another database, perhaps of another node that runs: "
        f"the next start drops them{unless}"
    )
