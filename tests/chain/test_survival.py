"""The chain survives what happens to it: any order of arrival, a deep reorganisation, a wiped Redis."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest

from chain.core.codec import encode_block
from chain.core.errors import BadDelivery, RuleViolation
from chain.core.transactions import decode_transaction
from chain.core.types import Block, Stream
from chain.services import import_blocks as importing
from chain.services import submit_block as door
from chain.services.block_file import write_block_file
from chain.stores import genesis, load
from tests.chain import shown, test_writer
from tests.chain.shown import Shown
from tests.chain.test_writer import BOB, truncate
from tests.core.consensus.mini import START, Mini, dev, transfer
from tests.factories.database import dump

client = shown.client
bench = test_writer.bench


# what depends on when and from where a block came, or tells of the past, but is not the chain
BY_ARRIVAL = (
    "chain_block",
    "chain_candidate",
    "chain_outbox_event",
    "chain_node_state",
    "chain_writer_term",
    "chain_identity",
    "chain_undone_log",
)
# the chain itself and its state; the blocks that lost stay in the DAG
DAG_TABLES = ("chain_block_parent", "chain_block_transaction", "chain_transaction")
# stores 1 in slot 0 and logs topic 0x42, then leaves an empty account
LOGGER = bytes.fromhex("6001600055604260006000a100")


def contract(spec, index: int, nonce: int) -> bytes:
    """A deployment that writes storage and a log."""
    fields = {
        "chainId": spec.chain_id, "nonce": nonce, "gasPrice": 100 * 10**9, "gas": 200_000, "value": 7, "data": LOGGER,
    }  # fmt: skip
    return bytes(dev(index).sign_transaction(fields).raw_transaction)


def tangled(spec, seed: int, rounds: int) -> tuple[Mini, list[Block]]:
    """Blocks of two miners that hear of each other late, with transfers and contracts, parents first."""
    rng = random.Random(seed)
    one, two = Mini(spec), Mini(spec)
    blocks: list[Block] = []
    nonces = [0, 0]
    for turn in range(rounds):
        made = []
        for who, node in enumerate((one, two)):
            for _ in range(rng.randint(1, 3)):
                nonce = nonces[who]
                if rng.random() < 0.2:
                    raw = contract(spec, 1 + who, nonce)
                else:
                    raw = transfer(spec, 1 + who, nonce, BOB, value=nonce + 1)
                nonces[who] += 1
                stream = rng.choice([Stream.A, Stream.B, Stream.C] if turn > 3 else [Stream.A, Stream.B])
                block = node.make(
                    stream, [raw], coinbase=bytes([0xC0 + who]) * 20, after_ms=rng.randint(120, 700)
                )  # fmt: skip
                node.take(block)
                made.append((node, block))
        for node, block in made:
            (two if node is one else one).take(block)
            blocks.append(block)
        one.clock = two.clock = max(one.clock, two.clock)
    assert one.engine.sink.hash == two.engine.sink.hash
    return one, blocks


class Door:
    """``submit_block`` for a test's network: all that a peer's bytes meet."""

    def __init__(self, spec, monkeypatch) -> None:
        monkeypatch.setattr(door, "current_spec", lambda: spec)
        monkeypatch.setattr(door, "now_ms", lambda: START + 3_600_000)
        monkeypatch.setattr(door, "kick", lambda *_: None)

    def knock(self, raw: bytes) -> bool:
        """Whether the bytes were taken."""
        try:
            return door.submit_block(raw, "peer").status == "queued"
        except (RuleViolation, BadDelivery):
            return False


def garbage(rng: random.Random, block: Block) -> bytes:
    """Bytes that are no block, or a block that is none of ours."""
    raw = bytearray(encode_block(block))
    kind = rng.randrange(5)
    if kind == 0:
        return rng.randbytes(rng.randrange(200))
    if kind == 1:
        return bytes(raw[: rng.randrange(len(raw))])
    if kind == 2:
        # in the body, at the end: with such easy targets another header may be somebody's good block
        raw[-1 - rng.randrange(80)] ^= 1 << rng.randrange(8)
        return bytes(raw)
    if kind == 3:
        return encode_block(replace(block, transactions=()))
    return encode_block(replace(block, header=replace(block.header, blue_score=block.header.blue_score + 1)))


def test_twenty_orders_of_delivery_end_in_one_chain(bench, monkeypatch):
    node, blocks = tangled(bench.spec, seed=5, rounds=7)
    assert {block.header.stream for block in blocks} == {Stream.A, Stream.B, Stream.C}
    entrance = Door(bench.spec, monkeypatch)
    seen = None
    for order in range(20):
        rng = random.Random(order)
        truncate(bench.connection)
        genesis.initialise(bench.connection, bench.spec, Mini(bench.spec).genesis)
        writer, _ = bench.writer()
        bench.now = START + 3_600_000
        mixed = list(blocks)
        rng.shuffle(mixed)
        taken = 0
        for block in mixed:
            if rng.random() < 0.5:
                entrance.knock(garbage(rng, rng.choice(blocks)))
            taken += entrance.knock(encode_block(block))
            if rng.random() < 0.3:
                entrance.knock(encode_block(rng.choice(blocks)))
            if rng.random() < 0.2:
                writer.drain()
        writer.drain()
        for block in blocks:
            assert not entrance.knock(encode_block(block))
        writer.close()
        state = load.load_node_state(bench.connection)
        assert state.sink == node.engine.sink.hash, f"order {order}"
        tables = dump(bench.connection, leave_out=BY_ARRIVAL)
        assert tables["chain_acceptance"]
        assert tables["chain_log"]
        if seen is None:
            seen = tables
            assert load.load_lattices(bench.connection) == node.engine.state.lattices
        assert tables == seen, f"order {order}"


def by_door(node: Shown, blocks: list[Block], *_: object) -> None:
    """One after another, as they come from miners and peers."""
    node.take(*blocks)


def by_file(node: Shown, blocks: list[Block], path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As an operator brings a heavier branch: the import's own checks, door and writer."""
    spec = node.bench.spec
    for module in (importing, door):
        monkeypatch.setattr(module, "current_spec", lambda: spec)
        monkeypatch.setattr(module, "now_ms", lambda: START + 3_600_000)
    monkeypatch.setattr(importing, "current_genesis", lambda: Mini(spec).genesis)
    write_block_file(path, Mini(spec).genesis.hash, len(blocks), map(encode_block, blocks))
    found = importing.import_blocks(path, drain=node.writer.drain, workers=1)
    assert (found.taken, found.known, found.left) == (len(blocks), 0, ())


@pytest.mark.parametrize("bring", [by_door, by_file])
def test_a_reorganisation_of_fifty_blocks_leaves_nothing_of_the_losers(bench, client, bring, tmp_path, monkeypatch):
    spec = bench.spec
    loser, winner = Mini(spec), Mini(spec)
    envelopes = [contract(spec, 1, n) if n % 7 == 3 else transfer(spec, 1, n, BOB, value=n + 1) for n in range(50)]
    heavy = []
    for step in range(52):
        block = winner.make(Stream.B, [transfer(spec, 2, step, b"\xb1" * 20)], coinbase=b"\x0b" * 20)
        winner.take(block)
        heavy.append(block)

    # a node that only ever heard of the winner, and of the loser's transactions
    node = Shown(bench, client)
    node.take(*heavy)
    node.send(*envelopes)
    expected, pooled = dump(bench.connection, leave_out=(*BY_ARRIVAL, *DAG_TABLES)), node.content()
    assert len(pooled) == 50
    node.writer.close()

    truncate(bench.connection)
    client.flushall()
    genesis.initialise(bench.connection, spec, Mini(spec).genesis)
    node = Shown(bench, client)
    node.send(*envelopes)
    for raw in envelopes:
        block = loser.make(Stream.B, [raw], coinbase=b"\x0a" * 20)
        loser.take(block)
        node.take(block)
    state = load.load_node_state(bench.connection)
    assert (state.sink, state.accepted, state.reorgs) == (loser.engine.sink.hash, 50, 0)
    assert node.content() == {}
    lost = dump(bench.connection)
    assert lost["chain_log"]

    bring(node, heavy, tmp_path / "heavier", monkeypatch)
    state = load.load_node_state(bench.connection)
    assert (state.sink, state.reorgs, state.deepest_reorg) == (winner.engine.sink.hash, 1, 50)
    after = dump(bench.connection, leave_out=(*BY_ARRIVAL, *DAG_TABLES))
    assert after.keys() == expected.keys()
    for table in after:
        assert after[table] == expected[table], table
    assert node.content() == pooled
    assert node.is_shown()


def test_a_wiped_redis_is_filled_again_without_a_new_block(bench, client):
    mini = Mini(bench.spec)
    node = Shown(bench, client)
    node.take(*test_writer.grow(mini, 5))
    assert node.is_shown()
    client.flushall()
    assert not node.is_shown()
    assert node.writer.drain() == 0
    assert node.is_shown()


def test_a_redis_that_was_set_back_is_brought_up_to_date(bench, client):
    """Its last second is lost: the pool missed commits, and holds what they accepted."""
    mini = Mini(bench.spec)
    node = Shown(bench, client)
    envelopes = [transfer(bench.spec, 1, nonce, BOB) for nonce in range(6)]
    node.send(*envelopes)
    blocks = []
    for raw in envelopes[:4]:
        blocks.append(mini.make(Stream.B, [raw]))
        mini.take(blocks[-1])
    node.take(blocks[0])
    kept = {key: client.dump(key) for key in client.keys("*")}
    for block in blocks[1:3]:
        node.take(block)
    client.flushall()
    for key, value in kept.items():
        client.restore(key, 0, value)
    assert len(node.content()) == 5
    node.take(blocks[3])
    assert node.is_shown()
    assert sorted(node.content()) == sorted(decode_transaction(raw).hash for raw in envelopes[4:])
