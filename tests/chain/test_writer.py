"""The writer on a real database: drains, parks, refuses, reorganises, and is warm again after a restart."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace

import psycopg
import pytest

from chain.core.codec import encode_block, header_hash, tx_root
from chain.core.consensus.engine import Engine
from chain.core.errors import StoreError
from chain.core.transactions import decode_transaction
from chain.core.types import Block, BlockStatus, Stream
from chain.pipeline.writer import MAX_TRIES, Writer
from chain.services.writer import dedicated_connection
from chain.stores import candidates, genesis, load
from chain.stores.state import PostgresState
from tests.core.consensus.mini import START, Mini, dev, easy_spec, name, transfer

BOB = b"\xb0" * 20


class Recorder:
    """A publisher that keeps what it was told."""

    def __init__(self) -> None:
        self.opens = 0
        self.updates = []

    def opened(self, engine) -> None:
        self.opens += 1

    def committed(self, update, engine) -> None:
        self.updates.append(update)

    def is_current(self, engine) -> bool:
        return True


class Bench:
    """A database with easy targets, and writers over it."""

    def __init__(self, connection: psycopg.Connection, spec) -> None:
        self.connection = connection
        self.spec = spec
        self.now = START
        self.writers: list[Writer] = []

    def writer(self) -> tuple[Writer, Recorder]:
        recorder = Recorder()
        writer = Writer(self.spec, dedicated_connection, recorder, lambda: self.now, "test")
        self.writers.append(writer)
        return writer, recorder

    def offer(self, block: Block, senders: bytes | None = None, source: str = "test") -> bool:
        if senders is None:
            transactions = Mini(self.spec).deliverable(block)
            senders = b"".join([tx.sender for tx in transactions])
        return candidates.add_candidate(
            self.connection,
            header_hash(block.header),
            encode_block(block),
            senders=senders,
            source=source,
            received_ms=self.now,
        )


def truncate(connection: psycopg.Connection) -> None:
    """Empty every table of the chain, partitions too."""
    rows = connection.execute("SELECT tablename FROM pg_tables WHERE tablename LIKE 'chain\\_%'").fetchall()
    if rows:
        connection.execute(f"TRUNCATE {', '.join([row[0] for row in rows])} CASCADE")


@pytest.fixture
def bench(transactional_db, request) -> Iterator[Bench]:
    spec = getattr(request, "param", None) or easy_spec()
    connection = dedicated_connection()
    truncate(connection)
    genesis.initialise(connection, spec, Mini(spec).genesis)
    bench = Bench(connection, spec)
    try:
        yield bench
    finally:
        for writer in bench.writers:
            writer.close()
        truncate(connection)
        connection.close()


def grow(node: Mini, count: int, mark: int = 0) -> list[Block]:
    """Blocks of all three streams with transfers."""
    blocks = []
    for step in range(count):
        stream = Stream.A if step % 5 == 4 else Stream.B
        if step > 6 and step % 3 == 0:
            stream = Stream.C
        raw = transfer(node.spec, 1 + mark, step, BOB, value=step + 1)
        block = node.make(stream, [raw], coinbase=bytes([0xC0 + mark]) * 20, after_ms=400)
        node.take(block)
        blocks.append(block)
    return blocks


def assert_same(writer: Writer, node: Mini, connection: psycopg.Connection) -> None:
    """The writer's engine, the database and a node in memory agree."""
    assert writer.engine.sink.hash == node.engine.sink.hash
    assert writer.engine.state.lattices == node.engine.state.lattices
    assert load.load_lattices(connection) == node.engine.state.lattices
    assert writer.engine.virtual().parents == node.engine.virtual().parents
    account = PostgresState(connection).get_account(BOB)
    assert (account.balance if account else 0) == node.balance(BOB)
    chain = dict(load.load_selected_chain(connection))
    assert chain == node.engine.state.chain


def test_blocks_are_drained_in_one_commit(bench):
    node = Mini(bench.spec)
    blocks = grow(node, 12)
    writer, recorder = bench.writer()
    for block in blocks:
        assert bench.offer(block)
        assert not bench.offer(block)
    assert writer.drain() == 12
    assert len(recorder.updates) == 1
    assert_same(writer, node, bench.connection)
    assert candidates.count_candidates(bench.connection) == {}
    assert writer.drain() == 0


def test_any_order_and_repeats_end_in_the_same_chain(bench):
    node = Mini(bench.spec)
    blocks = grow(node, 12)
    rng = random.Random(7)
    rng.shuffle(blocks)
    writer, _ = bench.writer()
    for block in blocks:
        bench.offer(block)
        if rng.random() < 0.4:
            writer.drain()
    writer.drain()
    assert_same(writer, node, bench.connection)


def test_a_new_writer_goes_on_where_the_last_one_ended(bench):
    node = Mini(bench.spec)
    first = grow(node, 9)
    writer, _ = bench.writer()
    for block in first:
        bench.offer(block)
    writer.drain()
    writer.close()
    more = [node.make(Stream.B, [transfer(node.spec, 2, step, BOB)]) for step in range(1)]
    node.take(more[0])
    again, recorder = bench.writer()
    bench.offer(more[0])
    assert again.drain() == 1
    assert recorder.opens == 1
    assert_same(again, node, bench.connection)
    assert again.engine.sequence == writer_sequence(bench)


def writer_sequence(bench: Bench) -> int:
    return load.load_node_state(bench.connection).sequence


def test_a_restarted_writer_reorganises_from_stored_undo_data(bench):
    loser, winner = Mini(bench.spec), Mini(bench.spec)
    writer, _ = bench.writer()
    for block in grow(loser, 5):
        bench.offer(block)
    writer.drain()
    writer.close()
    heavy = []
    for _ in range(9):
        block = winner.make(Stream.B, coinbase=b"\x0b" * 20)
        winner.take(block)
        heavy.append(block)
    again, recorder = bench.writer()
    for block in heavy:
        bench.offer(block)
    again.drain()
    assert again.engine.sink.hash == winner.engine.sink.hash
    assert again.engine.state.lattices == winner.engine.state.lattices
    assert load.load_lattices(bench.connection) == winner.engine.state.lattices
    assert PostgresState(bench.connection).get_account(BOB) is None
    assert len(recorder.updates[-1].removed) == 5
    assert len(recorder.updates[-1].returned) == 5


def test_an_invalid_block_is_refused_once_and_its_child_with_it(bench):
    node = Mini(bench.spec)
    bad = node.make(Stream.B)
    bad = replace(bad, header=replace(bad.header, blue_score=9))
    child = node.make(Stream.B)
    child = replace(child, header=replace(child.header, parents=(name(bad),)))
    writer, _ = bench.writer()
    bench.offer(bad, b"")
    bench.offer(child, b"")
    assert writer.drain() == 0
    assert candidates.candidate_status(bench.connection, name(bad)).code == "wrong_blue_score"
    assert candidates.candidate_status(bench.connection, name(child)).code == "parent_invalid"
    writer.close()
    again, _ = bench.writer()
    assert again.engine.statuses[name(bad)] is BlockStatus.INVALID


def test_a_child_of_a_block_that_a_validator_refused_is_invalid(bench):
    node = Mini(bench.spec)
    bad = node.make(Stream.B)
    node.take(bad)
    child = node.make(Stream.B)
    writer, _ = bench.writer()
    bench.offer(child)
    assert writer.drain() == 0
    assert candidates.candidate_status(bench.connection, name(child)).code == "unknown_parents"
    bench.offer(bad)
    candidates.mark_refused(bench.connection, name(bad), "tx_signature")
    assert writer.drain() == 0
    assert candidates.candidate_status(bench.connection, name(child)).code == "parent_invalid"
    assert candidates.candidate_status(bench.connection, name(bad)).code == "tx_signature"
    assert writer.engine.statuses[name(child)] is BlockStatus.INVALID


def test_a_second_writer_says_why_it_does_not_work(bench):
    first, _ = bench.writer()
    first.open()
    second, _ = bench.writer()
    with pytest.raises(StoreError) as refused:
        second.drain()
    assert refused.value.code == "writer_locked"
    first.close()
    assert second.drain() == 0


def test_a_failed_commit_leaves_nothing_and_the_next_one_has_it_all(bench, monkeypatch):
    node = Mini(bench.spec)
    blocks = grow(node, 4)
    writer, _ = bench.writer()
    for block in blocks:
        bench.offer(block)

    def fail(*_: object) -> None:
        raise StoreError("database_unavailable")

    with monkeypatch.context() as broken:
        broken.setattr("chain.pipeline.writer.apply_update", fail)
        with pytest.raises(StoreError):
            writer.drain()
    assert load.load_node_state(bench.connection).sink == node.genesis.hash
    assert writer.drain() == 4
    assert_same(writer, node, bench.connection)


def test_a_killed_connection_ends_the_term_not_the_chain(bench):
    node = Mini(bench.spec)
    blocks = grow(node, 4)
    writer, _ = bench.writer()
    for block in blocks[:2]:
        bench.offer(block)
    writer.drain()
    bench.connection.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'mds-writer'"
        " AND pid <> pg_backend_pid()"
    )
    for block in blocks[2:]:
        bench.offer(block)
    with pytest.raises(StoreError):
        writer.drain()
    assert writer.drain() == 2
    assert_same(writer, node, bench.connection)


SMALL = easy_spec(merge_depth=4, finality_depth=8, vrf_window=6)


@pytest.mark.parametrize("bench", [SMALL], indirect=True)
def test_a_restart_behind_finality_takes_only_the_window(bench):
    node = Mini(bench.spec)
    node.engine.dag.slack = 4
    blocks = grow(node, 90)
    writer, _ = bench.writer()
    for block in blocks[:80]:
        bench.offer(block)
    writer.drain()
    writer.close()
    again, _ = bench.writer()
    assert len(again.engine.records) < 80
    for block in blocks[80:]:
        bench.offer(block)
    assert again.drain() == 10
    assert again.engine.sink.hash == node.engine.sink.hash
    assert again.engine.state.lattices == node.engine.state.lattices
    # known, but final: its child is in conflict, and is not taken for one that waits for a block to come
    late = replace(blocks[1].header, parents=(name(blocks[0]),), extra=b"late")
    assert name(blocks[0]) not in again.engine.records
    bench.offer(Block(late, ()), b"")
    assert again.drain() == 0
    status = candidates.candidate_status(bench.connection, header_hash(late))
    assert (status.state, status.code, status.missing) == ("parked", "finality_conflict", ())
    assert again.drain() == 0


@pytest.mark.parametrize("bench", [SMALL], indirect=True)
def test_a_finality_conflict_is_parked_and_counted(bench):
    node, stranger = Mini(bench.spec), Mini(bench.spec)
    conflict = stranger.make(Stream.B, coinbase=b"\x0f" * 20)
    writer, _ = bench.writer()
    for block in grow(node, 14):
        bench.offer(block)
    writer.drain()
    for _ in range(2):
        bench.offer(conflict)
        writer.drain()
    assert candidates.candidate_status(bench.connection, name(conflict)).code == "finality_conflict"
    row = bench.connection.execute("SELECT finality_conflicts FROM chain_node_state").fetchone()
    assert row == (1,)


def test_a_block_at_which_the_node_fails_does_not_stop_the_others(bench, monkeypatch):
    node = Mini(bench.spec)
    good, poison = grow(node, 1)[0], Mini(bench.spec).make(Stream.B, coinbase=b"\x66" * 20)
    bench.offer(poison)
    bench.offer(good)
    writer, _ = bench.writer()
    add = Engine.add

    def fail_at_poison(engine, arrival):
        if header_hash(arrival.header) == name(poison):
            raise ZeroDivisionError
        return add(engine, arrival)

    monkeypatch.setattr(Engine, "add", fail_at_poison)
    for _ in range(MAX_TRIES):
        with pytest.raises(ZeroDivisionError):
            writer.drain()
    assert writer.drain() == 1
    assert writer.engine.sink.hash == name(good)
    assert candidates.candidate_status(bench.connection, name(poison)).code == "internal_error"


def test_a_mined_block_is_held_to_its_header_where_it_is_decoded(bench: Bench) -> None:
    node = Mini(bench.spec)
    writer, _ = bench.writer()
    raws = [transfer(node.spec, 1, nonce, BOB, value=5) for nonce in range(2)]
    good = node.make(Stream.B, raws)
    senders = b"".join([tx.sender for tx in node.deliverable(good)])
    # the body is another one than the header names
    bench.offer(replace(good, transactions=good.transactions[:1]), senders[:20], source="mined")
    assert writer.drain() == 0
    # nothing is known of the block itself: it may come again, whole
    assert candidates.candidate_status(bench.connection, header_hash(good.header)) is None
    assert bench.offer(good, senders, source="mined")
    assert writer.drain() == 1
    assert writer.engine.sink.hash == header_hash(good.header)


def test_a_mined_block_of_calls_beyond_its_stream_is_refused(bench: Bench) -> None:
    node = Mini(bench.spec)
    writer, _ = bench.writer()
    limit = bench.spec.stream(Stream.B).call_gas_limit
    fields = {"type": 2, "chainId": node.spec.chain_id, "nonce": 0, "maxPriorityFeePerGas": 1, "value": 0}
    fields |= {"maxFeePerGas": 10**11, "gas": limit + 1, "to": BOB, "data": b"\x01"}
    raw = bytes(dev(1).sign_transaction(fields).raw_transaction)
    tx = decode_transaction(raw)
    block = replace(node.make(Stream.B, tx_root=tx_root([tx.hash])), transactions=(raw,))
    bench.offer(block, tx.sender, source="mined")
    assert writer.drain() == 0
    status = candidates.candidate_status(bench.connection, header_hash(block.header))
    assert status is not None
    assert (status.state, status.code) == ("refused", "tx_stream_gas_limit")
