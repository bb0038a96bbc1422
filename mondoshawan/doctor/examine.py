"""All checks against this node, as far as it can be reached."""

from __future__ import annotations

from collections.abc import Iterator

import redis
from django.conf import settings
from django.db import connection

from chain.services import control
from chain.services.readiness import checks
from chain.stores.connection import database_errors
from mondoshawan import liveness
from mondoshawan.appliance import guard, identity, supervisor
from mondoshawan.appliance.folder import DataFolder
from mondoshawan.appliance.programs import chosen, table
from mondoshawan.doctor import machine, servers
from mondoshawan.doctor.findings import Finding, finding
from mondoshawan.doctor.settings import check_settings
from mondoshawan.env import Environment


def examine(env: Environment) -> Iterator[Finding]:
    """Every finding, in the order in which an operator should look at them."""
    folder = DataFolder.of(env)
    is_running = guard.owner(folder) is not None
    programs = chosen(table(env, folder, identity.resolve(env.run_as)), env)
    binds = {(f"MDS_{item.called.upper()}_BIND", item.bind) for item in programs if item.bind is not None}
    yield from check_settings(env, debug=settings.DEBUG)
    yield from machine.check_folder(folder, settings.MDS_DISK_FREE_BYTES, is_running=is_running)
    yield from machine.check_ports(sorted(binds, key=str), is_running=is_running)
    yield from machine.check_machine()
    has_database = is_running or bool(env.database_url)
    has_redis = is_running or bool(env.redis_url)
    found = list(_database()) if has_database else []
    found += list(_redis()) if has_redis else []
    yield from found
    if is_running and not {"database_away", "redis_away"} & {item.code for item in found}:
        yield from _node(env, folder, mines=any(item.called == "mine" for item in programs))


def _database() -> Iterator[Finding]:
    try:
        with database_errors(), connection.cursor() as cursor:

            def ask(name: str) -> str:
                cursor.execute("SELECT current_setting(%s)", (name,))
                return str(cursor.fetchone()[0])

            found = list(servers.check_database(ask))
    except Exception as error:  # noqa: BLE001 - whatever keeps it from answering is the finding
        yield finding("database_away", f"PostgreSQL does not answer: {str(error).partition(chr(10))[0]}")
        return
    yield from found


def _redis() -> Iterator[Finding]:
    try:
        with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=5, socket_connect_timeout=5) as client:
            found = list(servers.check_redis(client))
    except redis.RedisError as error:
        yield finding("redis_away", f"Redis does not answer: {error}")
        return
    yield from found


def _node(env: Environment, folder: DataFolder, *, mines: bool) -> Iterator[Finding]:
    yield from servers.check_chain(checks())
    with redis.Redis.from_url(settings.MDS_REDIS_URL, socket_timeout=5) as client:
        silent = liveness.ages(client, settings.MDS_EXPECTED_QUEUES)
    states = {name: info["statename"] for name, info in supervisor.Client(folder).processes().items()}
    yield from servers.check_running(states, silent, liveness.SILENT_S)
    yield from servers.check_mining(env.network, control.mining_settings().coinbase, mines=mines)
