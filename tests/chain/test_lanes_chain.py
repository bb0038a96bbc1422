"""A writer that sends the lanes of every epoch away: along commits, batches of epochs and reorganisations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from chain.core.codec import encode_block, header_hash
from chain.core.types import Block, Stream
from chain.pipeline.writer import Writer
from chain.services.lanes import LaneDispatch
from chain.services.redis_client import redis_client
from chain.services.writer import dedicated_connection
from chain.stores import candidates, genesis, load
from tests.chain.lane_world import ALL, at_once
from tests.chain.test_writer import Recorder, assert_same
from tests.core.consensus.mini import START, Mini, dev, easy_spec, transfer
from tests.factories.lanes import truncate


class Node:
    """A writer over the database whose lanes all run in a worker."""

    def __init__(self) -> None:
        self.spec = easy_spec()
        self.conn = dedicated_connection()
        truncate(self.conn)
        genesis.initialise(self.conn, self.spec, Mini(self.spec).genesis)
        # transfers too, so that plain blocks are enough
        self.dispatch = LaneDispatch(redis_client(), replace(ALL, min_txs=1), at_once)
        self.writer = Writer(
            self.spec, dedicated_connection, Recorder(), lambda: START + 10**9, "test", lane_dispatcher=self.dispatch
        )

    def offer(self, blocks: list[Block]) -> None:
        for block in blocks:
            senders = b"".join([tx.sender for tx in Mini(self.spec).deliverable(block)])
            candidates.add_candidate(
                self.conn,
                header_hash(block.header),
                encode_block(block),
                senders=senders,
                source="test",
                received_ms=START,
            )


@pytest.fixture
def node(transactional_db: None, redis_url: str) -> Iterator[Node]:
    made = Node()
    try:
        yield made
    finally:
        made.writer.close()
        truncate(made.conn)
        made.conn.close()


def busy(mini: Mini, rounds: int, mark: int = 0) -> list[Block]:
    """Blocks in which wallets of several shards pay themselves: lanes that run to their end on their own."""
    blocks = []
    for step in range(rounds):
        raws = [transfer(mini.spec, index, step, account(index), value=1 + mark) for index in range(1, 7)]
        block = mini.make(Stream.B, raws, coinbase=bytes([0xC0 + mark]) * 20, after_ms=400)
        mini.take(block)
        blocks.append(block)
    return blocks


def account(index: int) -> bytes:
    return bytes.fromhex(dev(index).address[2:])


def assert_all_elsewhere(node: Node, least: int) -> None:
    counts = node.dispatch.counts
    assert counts.remote == counts.offered
    assert counts.epochs >= least
    assert (counts.taken_back, counts.declined, counts.late) == (0, 0, 0)


def test_commit_by_commit(node: Node) -> None:
    """Every epoch runs over a base of its own."""
    mini = Mini(node.spec)
    for block in busy(mini, 6):
        node.offer([block])
        node.writer.drain()
    assert_same(node.writer, mini, node.conn)
    assert_all_elsewhere(node, 6)


def test_many_epochs_before_one_commit(node: Node) -> None:
    """Later ones see what the earlier ones have not committed."""
    mini = Mini(node.spec)
    node.offer(busy(mini, 6))
    assert node.writer.drain() == 6
    assert_same(node.writer, mini, node.conn)
    assert_all_elsewhere(node, 6)


def test_along_a_reorganisation(node: Node) -> None:
    """Undone values are uncommitted ones until the commit; then the base is on the other branch."""
    loser, winner = Mini(node.spec), Mini(node.spec)
    node.offer(busy(loser, 3, mark=1))
    node.writer.drain()
    assert_same(node.writer, loser, node.conn)
    blocks = busy(winner, 7, mark=2)
    node.offer(blocks[:6])
    node.writer.drain()
    node.offer(blocks[6:])
    node.writer.drain()
    assert node.writer.engine.sink.hash == winner.engine.sink.hash
    assert node.writer.engine.state.lattices == winner.engine.state.lattices == load.load_lattices(node.conn)
    assert_all_elsewhere(node, 10)
