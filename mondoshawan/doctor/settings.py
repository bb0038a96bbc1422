"""Mistakes that the settings alone show."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

from mondoshawan.doctor.findings import Finding, finding
from mondoshawan.env import Bind, Environment

_DEFAULT_HOSTS = {"localhost", "127.0.0.1", "[::1]"}
_SAFE_TLS = {"require", "verify-ca", "verify-full"}


def check_settings(env: Environment, *, debug: bool) -> Iterator[Finding]:
    """Everything that ``env`` says about itself; ``debug`` is Django's."""
    yield from _web(env, debug=debug)
    yield from _rpc(env)
    yield from _servers(env)
    yield from _processes(env)


def is_public(bind: Bind) -> bool:
    """Whether other machines may reach an address; a name counts unless it is localhost."""
    try:
        return not ipaddress.ip_address(bind.host).is_loopback
    except ValueError:
        return bind.host != "localhost"


def _web(env: Environment, *, debug: bool) -> Iterator[Finding]:
    if not is_public(env.web_bind):
        return
    where = f"MDS_WEB_BIND is {env.web_bind}"
    if debug:
        yield finding("debug_public", f"{where} and DEBUG is on")
    if not env.public_origins and not set(env.allowed_hosts) - _DEFAULT_HOSTS:
        yield finding("hosts_missing", f"{where} and only local names are allowed")
    if not env.public_origins or any(not origin.startswith("https://") for origin in env.public_origins):
        yield finding("tls_missing", f"{where} and no public origin is https alone")


def _rpc(env: Environment) -> Iterator[Finding]:
    public = is_public(env.rpc_bind) or is_public(env.web_bind) or bool(env.public_origins)
    if env.rpc_local_operator and public:
        yield finding("local_operator_public", "MDS_RPC_LOCAL_OPERATOR is on at a node that others reach")
    if public and env.rpc_rate == 0:
        yield finding("rate_unlimited", "MDS_RPC_RATE is 0 at a node that others reach")
    if any(ipaddress.ip_network(network).prefixlen == 0 for network in env.metrics_allow):
        yield finding("metrics_public", f"MDS_METRICS_ALLOW is {','.join(env.metrics_allow)}")


def _servers(env: Environment) -> Iterator[Finding]:
    database = urlsplit(env.database_url)
    if _is_far(database.hostname):
        mode = parse_qs(database.query).get("sslmode", [""])[0]
        if mode not in _SAFE_TLS:
            yield finding("database_plain", f"MDS_DATABASE_URL reaches {database.hostname} without TLS")
    redis = urlsplit(env.redis_url)
    if redis.scheme != "unix" and _is_far(redis.hostname):
        if redis.scheme != "rediss":
            yield finding("redis_plain", f"MDS_REDIS_URL reaches {redis.hostname} without TLS")
        if not redis.password:
            yield finding("redis_open", f"MDS_REDIS_URL has no password for {redis.hostname}")


def _processes(env: Environment) -> Iterator[Finding]:
    plain = {name for name in env.processes if not name.startswith("-")}
    without = {name[1:] for name in env.processes if name.startswith("-")}

    def runs(name: str) -> bool:
        return name in plain if plain else name not in without

    if not runs("virtual"):
        yield finding("writer_left_out", "MDS_PROCESSES leaves the single writer out")
    if not (runs("index") and runs("beat")):
        yield finding("sweep_left_out", "MDS_PROCESSES leaves index or beat out")


def _is_far(host: str | None) -> bool:
    """Whether a host of a URL is another machine; percent-encoded paths are sockets here."""
    if not host or host.lower().startswith(("%2f", "/")) or host == "localhost":
        return False
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return True
