"""A writer that publishes to a real Redis."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis

from chain.core.pool import CodeKind, SenderState
from chain.core.transactions import decode_transaction
from chain.core.types import Block
from chain.pipeline.writer import Writer
from chain.services.pool import Pool, pool_policy
from chain.services.pool.wire import unpack_sender
from chain.services.publish import RedisPublisher
from chain.services.snapshot import HEAD_KEY, read_sequence, read_virtual
from chain.services.writer import dedicated_connection
from chain.stores.returned import load_returned
from tests.chain.test_writer import Bench


@pytest.fixture
def client(redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as connection:
        yield connection


class Shown:
    """A writer that publishes to a real Redis."""

    def __init__(self, bench: Bench, client: redis.Redis) -> None:
        self.bench = bench
        self.client = client
        self.pool = Pool(client, pool_policy(bench.spec))
        self.writer = self.another()

    def another(self) -> Writer:
        """The next life of the writer's process."""
        reader = self.bench.connection
        publisher = RedisPublisher(self.client, self.pool, lambda sequence: load_returned(reader, sequence))
        made = Writer(self.bench.spec, dedicated_connection, publisher, lambda: self.bench.now, "test")
        self.bench.writers.append(made)
        return made

    def take(self, *blocks: Block) -> None:
        for block in blocks:
            assert self.bench.offer(block)
        self.writer.drain()

    def send(self, *envelopes: bytes) -> None:
        """Into the pool, with the sender's state as RPC would read it."""
        hot = self.writer.engine.state.hot
        for raw in envelopes:
            tx = decode_transaction(raw)
            account = hot.get_account(tx.sender)
            state = SenderState(account.nonce, account.balance, CodeKind.NONE, self.writer.engine.sequence)
            result = self.pool.add(tx, raw, 10**9, self.bench.now, state)
            assert result.rejection(tx) is None

    def content(self) -> dict[bytes, tuple[int, int, int]]:
        """What the pool holds by hash, with its sender's nonces; not when it came."""
        found = {}
        for tx_hash, place in self.client.hgetall("mds:pool:tx").items():
            entry = self.pool.get(tx_hash)
            sender = unpack_sender(self.client.hget("mds:pool:states", place[:20]))
            found[tx_hash] = (entry.nonce, sender.nonce, sender.next_nonce)
        return found

    def is_shown(self) -> bool:
        """What everybody reads is the writer's last commit."""
        sequence = self.writer.engine.sequence
        virtual = read_virtual(self.client)
        return (
            virtual is not None
            and virtual == self.writer.engine.virtual()
            and read_sequence(self.client) == self.pool.sequence() == sequence
            and self.client.get(HEAD_KEY) is not None
        )
