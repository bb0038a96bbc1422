"""The process's writer: one per process, for the life of the process."""

from __future__ import annotations

import os
import socket
from functools import cache

import psycopg
import structlog
from django.db import connection

from chain import stopping
from chain.core.errors import StoreError
from chain.kick import TaskName, kick
from chain.pipeline.writer import Writer
from chain.services.lanes import lane_dispatch
from chain.services.network import current_spec, now_ms
from chain.services.observe import CommitObserver, OwnCoinbase
from chain.services.pool import Pool, pool_policy
from chain.services.publish import RedisPublisher
from chain.services.redis_client import redis_client
from chain.stores.connection import database_errors, raw_connection
from chain.stores.returned import load_returned

log = structlog.get_logger(__name__)


def dedicated_connection() -> psycopg.Connection:
    """A connection of our own to Django's database; only the writer closes it.

    Raises
    ------
    StoreError
        ``database_unavailable``.
    """
    settings = connection.get_connection_params()
    settings.pop("cursor_factory", None)
    settings.pop("context", None)
    with database_errors():
        return psycopg.connect(**settings, application_name="mds-writer", autocommit=True)


@cache
def process_writer() -> Writer:
    """The writer of this process, not yet open."""
    spec = current_spec()
    redis = redis_client()
    return Writer(
        spec,
        dedicated_connection,
        RedisPublisher(
            redis,
            Pool(redis, pool_policy(spec)),
            lambda sequence: load_returned(raw_connection(), sequence),
            CommitObserver(OwnCoinbase()),
        ),
        now_ms,
        f"{socket.gethostname()}:{os.getpid()}",
        lane_dispatch(),
    )


def drain() -> int:
    """Handle every waiting block; 0 where another process is the writer, or while the database is away.

    Blocks wait in the database; the sweep's next wake-up tries again.
    """
    try:
        done = process_writer().drain(stopping.requested)
        if stopping.requested():
            # whoever comes next goes on at once
            kick(TaskName.VIRTUAL)
            process_writer().close()
        return done
    except StoreError as error:
        if error.code == "database_unavailable":
            log.error("the writer waits for PostgreSQL", reason=error.message)
        elif error.code == "writer_locked":
            log.warning("not the writer", code=error.code, reason=error.message, **error.data)
        else:
            raise
        return 0
