"""rebuild_state: what was damaged is as before, and what cannot be repaired is not half repaired."""

from __future__ import annotations

import pytest

from chain.core.errors import StoreError
from chain.services.rebuild import rebuild_by_execution, rebuild_from_versions
from chain.services.writer import dedicated_connection
from chain.stores import load
from tests.chain import test_writer
from tests.chain.test_verify import AT_BOB, NOBODY, entangled, verify
from tests.chain.test_writer import BOB, Bench
from tests.core.consensus.mini import Mini, transfer
from tests.factories.database import dump

bench = test_writer.bench


def rebuild(bench: Bench, how, *args, **options):
    connection = dedicated_connection()
    try:
        return how(connection, bench.spec, *args, **options)
    finally:
        connection.close()


def by_execution(bench: Bench, **options):
    return rebuild(bench, rebuild_by_execution, Mini(bench.spec).genesis, **options)


def test_current_rows_and_lattices_come_back(bench):
    entangled(bench)
    before = dump(bench.connection)
    good = rebuild(bench, rebuild_from_versions)
    assert (good.rows, good.lattices) == (0, 0)
    assert dump(bench.connection) == before
    bench.connection.execute(f"UPDATE chain_account_current SET balance = 7 {AT_BOB}")
    bench.connection.execute(
        f"INSERT INTO chain_account_current SELECT shard, {NOBODY}, 1, 1, NULL FROM chain_account_current LIMIT 1"
    )
    bench.connection.execute("UPDATE chain_shard_lattice SET lattice = decode(repeat('00', 2048), 'hex')")
    made = rebuild(bench, rebuild_from_versions)
    assert made.rows == 2
    assert made.lattices > 0
    assert dump(bench.connection) == before


def test_damaged_versions_are_no_ground_to_build_on(bench):
    entangled(bench)
    bench.connection.execute(
        f"UPDATE chain_account_version SET balance = balance + 1 {AT_BOB}"
        f" AND number = (SELECT max(number) FROM chain_account_version {AT_BOB})"
    )
    before = dump(bench.connection)
    with pytest.raises(StoreError) as caught:
        rebuild(bench, rebuild_from_versions)
    assert caught.value.code == "versions_damaged"
    assert dump(bench.connection) == before


def test_not_beside_a_writer(bench):
    writer, _ = bench.writer()
    writer.open()
    with pytest.raises(StoreError) as caught:
        rebuild(bench, rebuild_from_versions)
    assert caught.value.code == "writer_locked"
    writer.close()
    assert rebuild(bench, rebuild_from_versions).rows == 0


def test_everything_comes_back_from_the_blocks(bench):
    node = entangled(bench)
    # judged side branches depend on what came when
    told = ("chain_node_state", "chain_writer_term", "chain_block", "chain_undone_log")
    before, state = dump(bench.connection, told), load.load_node_state(bench.connection)
    term = bench.connection.execute("SELECT term FROM chain_writer_term").fetchone()[0]
    for table in ("chain_acceptance", "chain_epoch", "chain_account_version", "chain_account_current"):
        bench.connection.execute(f"DELETE FROM {table}")
    bench.connection.execute(f"UPDATE chain_transaction SET sender = {NOBODY}")
    bench.connection.execute("UPDATE chain_block SET drift_a = 0, status = 'body_valid'")
    bench.connection.execute("UPDATE chain_node_state SET finality_conflicts = 3")
    seen: list[tuple[int, int]] = []
    made = by_execution(bench, progress=lambda done, total: seen.append((done, total)))
    assert made.dropped == ()
    assert made.number == node.engine.sink.header.number
    assert seen[-1][0] == seen[-1][1] == made.blocks + 1
    assert dump(bench.connection, told) == before
    after = load.load_node_state(bench.connection)
    assert (after.sequence, after.sink, after.reorgs) == (state.sequence, state.sink, state.reorgs)
    assert bench.connection.execute("SELECT term FROM chain_writer_term").fetchone()[0] > term
    assert bench.connection.execute("SELECT finality_conflicts FROM chain_node_state").fetchone()[0] == 3
    assert verify(bench).differences == ()
    # and a writer goes on with it
    block = node.make(1, [transfer(node.spec, 5, 0, BOB)])
    node.take(block)
    bench.offer(block)
    writer, _ = bench.writer()
    assert writer.drain() == 1
    assert writer.engine.sink.hash == node.engine.sink.hash


def test_a_damaged_block_is_left_out_only_when_asked(bench):
    entangled(bench)
    last = "WHERE seq = (SELECT max(seq) FROM chain_block)"
    bench.connection.execute(f"UPDATE chain_block SET base_fee = base_fee + 1 {last}")
    damaged = bench.connection.execute(f"SELECT hash FROM chain_block {last}").fetchone()[0]
    before = dump(bench.connection)
    with pytest.raises(StoreError) as caught:
        by_execution(bench)
    assert (caught.value.code, caught.value.data["hash"]) == ("block_unusable", damaged)
    assert dump(bench.connection) == before
    made = by_execution(bench, drop_damaged=True)
    assert [code for _, code in made.dropped] == ["seal_above_target"]
    assert verify(bench).differences == ()
