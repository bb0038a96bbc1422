"""Redis and Celery workers beside ``chain_database``, as the node starts them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def redis_server() -> Iterator[None]:
    """The embedded Redis with the node's durability, in the data folder of the running ``chain_database``."""
    from mondoshawan import env as environment
    from mondoshawan.appliance import identity, launch, redis_server
    from mondoshawan.appliance.folder import DataFolder

    env = environment.current()
    folder = DataFolder.of(env)
    user = identity.resolve(env.run_as)
    server = launch.spawn(redis_server.launch(folder, user), folder.log / "redis.log")
    try:
        redis_server.wait_ready(redis_server.client(folder), 30)
        yield
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(20)


@contextmanager
def workers(queue: str, count: int) -> Iterator[None]:
    """``count`` worker processes of a queue, ready; none for 0."""
    from django.conf import settings
    from redis import Redis

    from mondoshawan import liveness

    if not count:
        yield
        return
    command = [sys.executable, "-m", "celery", "--quiet", "-A", "mondoshawan", "worker", "-n", f"{queue}@bench"]
    command += ["-Q", queue, "-P", "prefork", "-c", str(count), "-O", "fair", "-l", "WARNING"]
    command += ["--without-gossip", "--without-mingle", "--without-heartbeat"]
    process = subprocess.Popen(command, cwd=Path(__file__).resolve().parents[1], env=dict(os.environ))
    try:
        with Redis.from_url(settings.MDS_REDIS_URL) as client:
            deadline = time.monotonic() + 120
            while liveness.ages(client, [queue])[queue] is None:
                assert time.monotonic() < deadline, "the worker does not start"
                time.sleep(0.05)
        time.sleep(3)  # its pool imports the EVM
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)
