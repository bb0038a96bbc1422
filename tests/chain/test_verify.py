"""verify_chain: a chain with reorganisations is good, and each kind of damage is found."""

from __future__ import annotations

import random
from contextlib import nullcontext

import pytest

from chain.core.types import Stream
from chain.services.verify import verify_chain
from chain.services.writer import dedicated_connection
from chain.stores import load
from tests.chain import test_writer
from tests.chain.test_writer import BOB, Bench, grow, name
from tests.core.consensus.mini import Mini, easy_spec, transfer

bench = test_writer.bench


def verify(bench: Bench, **options):
    connection = dedicated_connection()
    try:
        return verify_chain(connection, bench.spec, Mini(bench.spec).genesis, **options)
    finally:
        connection.close()


def entangled(bench: Bench, seed: int = 1, rounds: int = 4) -> Mini:
    """Two miners that hear of each other late: reorganisations, merged blocks, transactions taken back."""
    rng = random.Random(seed)
    one, two = Mini(bench.spec), Mini(bench.spec)
    writer, _ = bench.writer()
    nonces = [0, 0]
    for _ in range(rounds):
        made = []
        for who, node in enumerate((one, two)):
            for _ in range(rng.randint(1, 4)):
                raw = transfer(node.spec, 1 + who, nonces[who], BOB, value=1 + nonces[who])
                nonces[who] += 1
                block = node.make(
                    rng.choice([Stream.A, Stream.B, Stream.B]), [raw], coinbase=bytes([0xC0 + who]) * 20,
                    after_ms=rng.randint(50, 900), seed=bytes([1 + who]) * 32,
                )  # fmt: skip
                node.take(block)
                made.append((node, block))
        for node, block in made:
            bench.offer(block)
            writer.drain()
            other = two if node is one else one
            other.take(block)
        one.clock = two.clock = max(one.clock, two.clock)
    assert load.load_node_state(bench.connection).reorgs > 0
    writer.close()
    return one


def test_a_chain_with_reorganisations_is_good(bench):
    node = entangled(bench)
    told = []
    found = verify(bench, progress=lambda done, total: told.append((done, total)))
    assert found.differences == ()
    assert found.complete
    assert found.sink == node.engine.sink.hash
    assert found.epochs == found.number
    assert found.transactions > 0
    assert told[-1] == (found.blocks, found.blocks)


def test_an_empty_chain_is_good(bench):
    assert verify(bench).differences == ()


@pytest.mark.parametrize("bench", [easy_spec(merge_depth=4, finality_depth=8, vrf_window=6)], indirect=True)
def test_a_chain_far_beyond_finality_is_good(bench, monkeypatch):
    monkeypatch.setattr("chain.services.verify.chain.BATCH_BLOCKS", 20)
    monkeypatch.setattr("chain.pipeline.replay.FINALITY_LAG_BLOCKS", 20)
    node = Mini(bench.spec)
    blocks = grow(node, 90)
    writer, _ = bench.writer()
    for start in range(0, 90, 7):
        for block in blocks[start : start + 7]:
            bench.offer(block)
        writer.drain()
    found = verify(bench)
    assert found.differences == ()
    assert found.number == node.engine.sink.header.number


def test_while_the_writer_goes_on(bench):
    node = Mini(bench.spec)
    blocks = grow(node, 14)
    writer, _ = bench.writer()
    for block in blocks[:8]:
        bench.offer(block)
    writer.drain()

    def go_on(done: int, total: int) -> None:
        for block in blocks[8:]:
            bench.offer(block)
        writer.drain()

    found = verify(bench, progress=go_on)
    assert found.differences == ()
    assert found.sink == name(blocks[7])
    assert verify(bench).sink == name(blocks[-1])


AT_BOB = "WHERE address = decode(repeat('b0', 20), 'hex')"
NOBODY = "decode(repeat('0f', 20), 'hex')"
DAMAGE = {
    "a balance": (
        f"UPDATE chain_account_current SET balance = balance + 1 {AT_BOB}",
        {"verify_state"},
    ),
    "an account that was never there": (
        f"INSERT INTO chain_account_current SELECT shard, {NOBODY}, 1, 1, NULL"
        " FROM chain_account_current LIMIT 1",
        {"verify_state"},
    ),
    "a missing account": (f"DELETE FROM chain_account_current {AT_BOB}", {"verify_state"}),
    "a receipt's status": ("UPDATE chain_acceptance SET status = 0 WHERE number = 3", {"verify_row"}),
    "a missing receipt": ("DELETE FROM chain_acceptance WHERE number = 4", {"verify_row_count"}),
    "an epoch's root": ("UPDATE chain_epoch SET state_root = receipts_root WHERE number = 5", {"verify_epoch"}),
    "an epoch's supply": ("UPDATE chain_epoch SET supply = supply - 1 WHERE number = 5", {"verify_epoch"}),
    "genesis' own epoch": ("UPDATE chain_epoch SET supply = supply - 1 WHERE number = 0", {"verify_epoch"}),
    "a missing epoch": (
        "DELETE FROM chain_epoch WHERE number = 5",
        {"verify_epoch_missing", "verify_row_count"},
    ),
    "a version": ("UPDATE chain_account_version SET balance = balance + 1 WHERE number = 2", {"verify_row"}),
    "a version of genesis": ("UPDATE chain_account_version SET balance = balance + 1 WHERE number = 0", {"verify_row"}),
    "a version above the sink": (
        "INSERT INTO chain_account_version SELECT shard, address, 999, nonce, balance, code_hash"
        " FROM chain_account_version WHERE number = 0 LIMIT 1",
        {"verify_row_count"},
    ),
    "a lattice": (
        "UPDATE chain_shard_lattice SET lattice = (SELECT lattice FROM chain_shard_lattice WHERE shard = 1)"
        " WHERE shard = 0",
        {"verify_lattice"},
    ),
    "a colour": ("UPDATE chain_consensus_order SET is_blue = false WHERE number = 2", {"verify_row"}),
    "a difficulty account": ("UPDATE chain_block SET drift_b = drift_b + 1 WHERE seq = 3", {"verify_block"}),
    "a status": (
        "UPDATE chain_block SET status = 'disqualified' WHERE hash ="
        " (SELECT hash FROM chain_selected_chain WHERE number = 3)",
        {"verify_status"},
    ),
    "a sender": (f"UPDATE chain_transaction SET sender = {NOBODY}", {"verify_transaction"}),
    "an edge": (
        "DELETE FROM chain_block_parent WHERE block = (SELECT hash FROM chain_block WHERE seq = 4)",
        {"verify_edge"},
    ),
    "the sink": ("UPDATE chain_node_state SET sink = finality_point", {"verify_node_state"}),
    "the finality point": ("UPDATE chain_node_state SET finality_point = sink", set()),
    "the finality point to nowhere": (
        "UPDATE chain_node_state SET finality_point = decode(repeat('ab', 32), 'hex')",
        {"verify_node_state"},
    ),
}  # fmt: skip


FIRST_OF_MANY = {
    "UPDATE chain_block SET base_fee = base_fee + 1 WHERE seq = 5": "verify_block_hash",
    "UPDATE chain_transaction SET raw = raw || '\\x00'": "verify_block_unusable",
    "DELETE FROM chain_transaction": "verify_block_unusable",
    "DELETE FROM chain_block_transaction WHERE position = 0": "verify_block_unusable",
    "DELETE FROM chain_block WHERE seq = 4": "verify_block_gap",
}


def test_damage_is_found(bench, monkeypatch):
    entangled(bench)
    conn, genesis = bench.connection, Mini(bench.spec).genesis
    # seen by the transaction that did it, and taken back
    monkeypatch.setattr("chain.stores.audit.snapshot", lambda conn: nullcontext())
    for what, (statement, expected) in DAMAGE.items():
        with conn.transaction(force_rollback=True):
            assert conn.execute(statement).rowcount > 0, what
            found = verify_chain(conn, bench.spec, genesis, seals=False, limit=100)
            assert {error.code for error in found.differences} == expected, what
            assert found.complete
    for statement, code in FIRST_OF_MANY.items():
        with conn.transaction(force_rollback=True):
            conn.execute("SET LOCAL session_replication_role = replica")  # as if no foreign key had guarded it
            assert conn.execute(statement).rowcount > 0, statement
            found = verify_chain(conn, bench.spec, genesis, seals=False, limit=1)
            assert [error.code for error in found.differences] == [code], statement
            assert not found.complete
    with conn.transaction(force_rollback=True):
        assert verify_chain(conn, bench.spec, genesis).differences == ()


def test_a_seal_that_no_work_stands_behind(bench, monkeypatch):
    entangled(bench)
    monkeypatch.setattr("chain.services.verify.stored.expand", lambda compact: 1)
    assert verify(bench, seals=False).differences == ()
    first = verify(bench, limit=1).differences[0]
    assert (first.code, first.data["reason"]) == ("verify_block_unusable", "seal_above_target")
