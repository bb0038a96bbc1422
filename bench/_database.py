"""A migrated chain database for benchmarks, on the embedded server with the node's own settings."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import psycopg


@contextmanager
def chain_database(keep: Path | None = None) -> Iterator[psycopg.Connection]:
    """Start PostgreSQL in a folder of its own, migrate, and lend an autocommit connection.

    fsync and synchronous_commit stay on, as in the node.

    Parameters
    ----------
    keep : Path, optional
        The folder, which stays for the next run; else it is a new one, removed afterwards.
    """
    os.environ["DJANGO_SETTINGS_MODULE"] = "mondoshawan.settings.test"
    if keep is not None:
        keep.mkdir(parents=True, exist_ok=True)
        os.environ["MDS_TEST_DIR"] = str(keep)
    import django
    from django.conf import settings
    from django.core.management import call_command

    django.setup()
    from mondoshawan import env as environment
    from mondoshawan.appliance import identity, keys, launch, postgres
    from mondoshawan.appliance.folder import DataFolder

    env = environment.current()
    folder = DataFolder.of(env)
    user = identity.resolve(env.run_as)
    password = keys.read_text(folder.keys, keys.DATABASE_PASSWORD) or ""
    postgres.require_reachable(folder, user)
    postgres.initialise(folder, user, password)
    with ExitStack() as ending:
        if keep is None:
            ending.callback(shutil.rmtree, settings.TEST_DIR, ignore_errors=True)
        server = launch.spawn(postgres.launch(folder, user, env.pg_shared_buffers_mb), folder.log / "postgres.log")
        ending.callback(_stop, server)
        postgres.wait_ready(postgres.connection_info(folder, password, "postgres"), 60)
        postgres.ensure_database(folder, password)
        call_command("migrate", verbosity=0, skip_checks=True)
        info = postgres.connection_info(folder, password, postgres.DATABASE)
        from django.db import connections

        ending.callback(connections.close_all)
        with psycopg.connect(**info, autocommit=True) as conn:
            yield conn


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.send_signal(signal.SIGINT)
    try:
        server.wait(20)
    except subprocess.TimeoutExpired:
        server.kill()
